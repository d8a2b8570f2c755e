"""Usual days and discontinued categories of the whole shop, which the profile of one customer needs.

Both are read from small arrays of the cached customer ledger of the workspace. Without a cached ledger, the dates and
categories of all transactions are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.baskets import EMPTY, SaleDays
from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.ledger_cache import find_cache, stored_ledger
from ckm.customers.ledger_needs import Needs
from ckm.customers.row_days import row_days
from ckm.customers.usual_days import usual_days
from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from datetime import date

    from ckm.dataset import Dataset

CATEGORY = "category"


@dataclass(frozen=True)
class ShopDays:
    """As-of date, first usual day and discontinued categories of a shop.

    Attributes
    ----------
    as_of
        As-of date: the given day, or the newest usual day.
    first
        First usual day; None if rows of stray dates count.
    discontinued
        Categories that were sold regularly before, but not any more on the as-of date.
    """

    as_of: date
    first: date | None
    discontinued: frozenset[str]


def shop_days(dataset: Dataset, as_of: date | None) -> ShopDays:
    """Return usual days and discontinued categories of a shop as of a day; None means the newest usual day.

    Raises
    ------
    NotEnoughDataError
        There are no transactions by ``as_of``.
    """
    zone = dataset.config.time_zone
    with stored_ledger(find_cache(dataset, keep=False), zone, Needs(baskets=True)) as stored:
        if stored is None:
            days, lines = row_days(dataset.transactions, zone)
            names, sale_days = _sold_categories(dataset.transactions, zone)
        else:
            coverage = stored.coverage()
            days, lines = coverage.days, coverage.lines.sum(axis=1)
            names, sale_days = stored.sold_items("categories")
    if as_of is not None:
        seen = int(days.searchsorted(day_number(as_of), side="right"))
        days, lines = days[:seen], lines[:seen]
    if not len(days):
        raise NotEnoughDataError(f"no transactions by {as_of}", hint="use a later --as-of")
    keeps = dataset.config.keeps_stray_dates
    usual = usual_days(days, lines)
    end = as_of or calendar_day(int(days[-1]) if keeps else usual.last)
    by_then = sale_days.days <= day_number(end)
    if not keeps:
        by_then &= sale_days.days >= usual.first
    known = SaleDays(sale_days.items[by_then], sale_days.days[by_then], sale_days.lines[by_then])
    lost = np.flatnonzero(known.discontinued(day_number(end)))
    return ShopDays(end, None if keeps else calendar_day(usual.first), frozenset(names.gather(lost).drop_nulls()))


def _sold_categories(transactions: pl.LazyFrame, zone: str) -> tuple[pl.Series, SaleDays]:
    schema = transactions.collect_schema()
    if schema.get(CATEGORY, pl.Null()) == pl.Null():
        return EMPTY.names, EMPTY.sale_days
    sold = transactions.filter(is_purchase() & pl.col(CATEGORY).is_not_null())
    by_day = sold.select(pl.col(CATEGORY).cast(pl.String), day=local_day("ordered_at", zone))
    found = by_day.group_by(CATEGORY, "day").len().sort(CATEGORY, "day").collect(engine="streaming")
    number = found[CATEGORY].rle_id().to_numpy().astype(np.int64)
    days = found["day"].to_physical().to_numpy().astype(np.int32)
    return found[CATEGORY].unique(maintain_order=True), SaleDays(number, days, found["len"].to_numpy().astype(np.int64))
