"""Default as-of date of an analysis of comments."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._feedback.comments import INTERACTIONS
from ckm.customers.definitions import local_day
from ckm.customers.usual_days import usual_days
from ckm.errors import NotEnoughDataError
from ckm.remark import doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.dataset import Dataset

EPOCH = date(1970, 1, 1)


def newest_day(dataset: Dataset, of_transactions: date | None) -> tuple[date, tuple[str, ...]]:
    """Return the default as-of date, and a remark if interactions are dated later.

    Parameters
    ----------
    dataset
        Dataset with the table ``interactions``.
    of_transactions
        As-of date of the transactions, which is returned; None without transactions: the newest day of the interactions
        that is not stray (:mod:`ckm.customers.usual_days`).

    Raises
    ------
    NotEnoughDataError
        There are no interactions.
    """
    if INTERACTIONS not in dataset.tables:
        raise NotEnoughDataError(
            f"'{dataset.label}' has no interactions", hint="load comments: ckm ingest FILE --as interactions"
        )
    day = local_day("at", dataset.config.time_zone)
    days = dataset.tables[INTERACTIONS].group_by(day=day).len().drop_nulls().sort("day").collect()
    if not days.height:
        raise NotEnoughDataError(f"'{dataset.label}' has no comments", hint="load some: ckm ingest FILE")
    newest, reason = of_transactions, "the newest transaction"
    if newest is None:
        usual = usual_days(days["day"].to_physical().to_numpy().astype("int64"), days["len"].to_numpy().astype("int64"))
        newest, reason = EPOCH + timedelta(usual.last), "the newest usual day"
    later = int(days.filter(pl.col("day") > newest)["len"].sum())
    if not later:
        return newest, ()
    return newest, (doubt(f"{counted(later, 'interaction')} after {newest}, {reason}: not read without --as-of DATE"),)
