"""Members of an audience by present person: ids that were linked after the assignment are of one person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.remark import doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def as_persons(members: pl.DataFrame, persons: Mapping[str, str]) -> tuple[pl.DataFrame, int]:
    """Return the members by present person, and the number of persons with ids in both arms, who are left out.

    Parameters
    ----------
    members
        customer_id, arm, and further columns; of several ids of a person in one arm the first row is kept.
    persons
        Id of the person by linked customer id; empty without links.
    """
    if not persons:
        return members, 0
    linked = members.with_columns(pl.col("customer_id").replace(dict(persons)))
    arms = linked.group_by("customer_id").agg(arms=pl.col("arm").n_unique())
    both = arms.filter(pl.col("arms") > 1)
    kept = linked.join(both, on="customer_id", how="anti", maintain_order="left")
    return kept.unique("customer_id", keep="first", maintain_order=True), both.height


def crossed_remark(crossed: int) -> Iterator[str]:
    """Yield a doubt about persons with linked ids in both arms; nothing without any."""
    if crossed:
        yield doubt(f"{counted(crossed, 'person')} with linked ids in both arms left out")
