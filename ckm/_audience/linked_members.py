"""Members of an audience after customer ids were linked: ids of the same person become one member."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.remark import doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def as_persons(members: pl.DataFrame, persons: Mapping[str, str]) -> tuple[pl.DataFrame, int]:
    """Return one row per person, according to the present links between customer ids.

    Parameters
    ----------
    members
        One row per customer id: customer_id, arm, and further columns.
    persons
        Id of the person by linked customer id; empty without links.

    Returns
    -------
    tuple
        The members, with the person's id as ``customer_id``; if several ids of a person are in one arm, the first row.
        And the number of persons with ids in both arms, whose rows are left out.
    """
    if not persons:
        return members, 0
    linked = members.with_columns(pl.col("customer_id").replace(dict(persons)))
    arms = linked.group_by("customer_id").agg(arms=pl.col("arm").n_unique())
    both = arms.filter(pl.col("arms") > 1)
    kept = linked.join(both, on="customer_id", how="anti", maintain_order="left")
    return kept.unique("customer_id", keep="first", maintain_order=True), both.height


def crossed_remark(crossed: int) -> Iterator[str]:
    """Yield a remark if ``crossed``, the number of persons left out with linked ids in both arms, is not 0."""
    if crossed:
        yield doubt(f"{counted(crossed, 'person')} with linked ids in both arms left out")
