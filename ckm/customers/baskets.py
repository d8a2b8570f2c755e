"""Baskets: categories and channels of customers' purchases, by day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import DAY_BITS, DAY_MASK, EPOCH, NEVER, unpack_day
from ckm.customers.grouped_sums import MergedSums, added_up

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Whole = NDArray[np.int64]

ITEM_BITS = 20
MOST_ITEMS = 1 << ITEM_BITS
"""Maximum number of items with a separate number; later ones share the last number."""

LOST_AFTER_DAYS = 28
"""Days without a sale of an item, while the shop was open, after which the item is discontinued."""
WEEKS_BEFORE = 26
"""Weeks before the last sale of an item that are examined: half a year, so that seasonal items do not count as sold all
year."""
WEEKS_SOLD = 21
"""Weeks with sales among these, from which an item was sold regularly: four of five."""


@dataclass(frozen=True)
class SaleDays:
    """Days on which the shop sold any item, including sales to guests.

    Attributes
    ----------
    items, days
        One entry per item and day (int64, int32), sorted.
    lines
        Purchase lines of each entry (int64).
    """

    items: Whole
    days: NDArray[np.int32]
    lines: Whole

    def given_up(self, day: int) -> NDArray[np.bool_]:
        """Return whether each item was discontinued by ``day``, as far as was known then.

        An item is discontinued if it was not sold on the last 28 days with any sale, and had been sold in at least 21
        of the 26 weeks up to its last sale. Days on which the shop was closed do not count.
        """
        seen = self.days <= day
        items, days = self.items[seen], self.days[seen]
        lost = np.zeros(int(self.items.max(initial=-1)) + 1, np.bool_)
        if not len(days):
            return lost
        last = np.full(len(lost), -NEVER, np.int64)
        np.maximum.at(last, items, days)
        weeks = (last[items] - days) // 7
        sold = np.unique(items[weeks < WEEKS_BEFORE] * WEEKS_BEFORE + weeks[weeks < WEEKS_BEFORE]) // WEEKS_BEFORE
        lost[:] = (np.bincount(sold, minlength=len(lost)) >= WEEKS_SOLD) & (days.max() - last >= LOST_AFTER_DAYS)
        return lost


@dataclass(frozen=True)
class Baskets:
    """Items that customers bought, by day; one entry per customer, item and day.

    Attributes
    ----------
    keys
        Customer code, item and day packed in one integer (int64), ascending and distinct.
    lines
        Purchase lines of each entry (int64).
    names
        Names of the sold items by number (String), in order of their first sale, so that later items do not change
        numbers.
    sale_days
        Days on which the shop sold each item.
    """

    keys: Whole
    lines: Whole
    names: pl.Series
    sale_days: SaleDays

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Customer code of each entry."""
        return (self.keys >> (DAY_BITS + ITEM_BITS)).astype(np.uint32)

    @cached_property
    def items(self) -> NDArray[np.int32]:
        """Item number of each entry."""
        return (self.keys >> DAY_BITS & (MOST_ITEMS - 1)).astype(np.int32)

    @cached_property
    def days(self) -> NDArray[np.int32]:
        """Day of each entry."""
        return unpack_day(self.keys)

    @cached_property
    def _following(self) -> NDArray[np.int32]:
        """Day of the customer's next purchase of the item; :data:`NEVER` without one."""
        owners = self.keys >> DAY_BITS
        following = np.full(len(self.keys), NEVER, np.int32)
        again = owners[1:] == owners[:-1]
        following[:-1][again] = self.days[1:][again]
        return following

    @cached_property
    def first_day(self) -> int:
        """First day with a known item of any customer; :data:`NEVER` without one."""
        return int(self.days.min(initial=NEVER))

    def distinct(self, customers: int, after: int, until: int) -> Whole:
        """Return how many distinct items each of ``customers`` bought in the days ``(after, until]``."""
        last_within = (self.days > after) & (self.days <= until) & (self._following > until)
        return np.bincount(self.codes[last_within], minlength=customers)

    def share(self, chosen: NDArray[np.bool_], customers: int, after: int, until: int) -> NDArray[np.float64]:
        """Return the share of the chosen items in each customer's purchases in ``(after, until]``; 0 without."""
        within = (self.days > after) & (self.days <= until)
        total = np.bincount(self.codes[within], minlength=customers)
        within &= chosen[self.items]
        part = np.bincount(self.codes[within], minlength=customers)
        return part / np.maximum(total, 1)

    def counts(self, *, of_days: bool) -> pl.DataFrame:
        """Return ``code`` (UInt32), ``value`` (String) and ``count`` (Int64) of purchase days, or of lines."""
        frame = pl.DataFrame({"owner": self.keys >> DAY_BITS, "lines": self.lines})
        counted = pl.len().cast(pl.Int64) if of_days else pl.col("lines").sum()
        # the keys are sorted, so entries of one customer and item are adjacent
        sums = frame.group_by(pl.col("owner").set_sorted(), maintain_order=True).agg(count=counted)
        return sums.select(
            code=(pl.col("owner") // MOST_ITEMS).cast(pl.UInt32),
            value=self.names.gather(sums["owner"] % MOST_ITEMS),
            count="count",
        )

    def until(self, day: int) -> Baskets:
        """Return the entries up to a day."""
        return self._where(self.days <= day, self.sale_days.days <= day)

    def since(self, day: int) -> Baskets:
        """Return the entries from a day on; item numbers do not change."""
        return self._where(self.days >= day, self.sale_days.days >= day)

    def _where(self, kept: NDArray[np.bool_], sold: NDArray[np.bool_]) -> Baskets:
        if kept.all() and sold.all():
            return self
        sale_days = SaleDays(self.sale_days.items[sold], self.sale_days.days[sold], self.sale_days.lines[sold])
        return replace(self, keys=self.keys[kept], lines=self.lines[kept], sale_days=sale_days)

    def changed(self, again: Baskets, codes: Whole, new_codes: Whole, came: Baskets, gone: Baskets) -> Baskets | None:
        """Return the baskets after rows were added and removed.

        Parameters
        ----------
        again
            Present baskets of the customers of these rows.
        codes, new_codes
            New code of each code of these baskets and of ``again``; -1 for customers without entries in the result.
        came, gone
            Baskets of the added and of the removed rows; only their sale days are used.

        Returns
        -------
        Baskets | None
            None if more lines were removed than existed, or if items share a number.
        """
        names = dict.fromkeys(chain.from_iterable(each.names for each in (self, came, gone)))
        if len(names) >= MOST_ITEMS - 1:
            return None
        numbers = {name: number for number, name in enumerate(names, start=1)}
        sales = [
            pl.DataFrame(
                {
                    "key": sale_keys(each, numbers),
                    "lines": sign * each.sale_days.lines,
                }
            )
            for each, sign in ((self, 1), (came, 1), (gone, -1))
        ]
        sold = added_up(pl.concat(sales), ["key"]).filter(pl.col("lines") != 0)
        if (sold["lines"] < 0).any():
            return None
        sale_days = sold["key"].to_numpy()
        items, left = taken_up(sale_days, pl.Series("value", [None, *names], dtype=pl.String))
        kept = codes[self.keys >> (DAY_BITS + ITEM_BITS)] >= 0
        mine, lines = _in_order(
            renumbered(self.keys[kept], codes, items[item_numbers(self, numbers)]), self.lines[kept]
        )
        theirs, their_lines = _in_order(
            renumbered(again.keys, new_codes, items[item_numbers(again, numbers)]), again.lines
        )
        merged = MergedSums.of(mine, theirs)
        return Baskets(
            merged.keys,
            merged.put(lines, their_lines),
            left,
            sale_days_of(sale_days, sold["lines"].to_numpy(), items),
        )

    def only(self, chosen: NDArray[np.bool_]) -> Baskets:
        """Return the baskets of some customers (``chosen`` by code) with consecutive new codes."""
        kept = chosen[self.codes]
        codes = np.cumsum(chosen, dtype=np.int64) - 1
        bits = DAY_BITS + ITEM_BITS
        keys = codes[self.codes[kept]] << bits | self.keys[kept] & ((1 << bits) - 1)
        return replace(self, keys=keys, lines=self.lines[kept])


def _in_order(keys: Whole, lines: Whole) -> tuple[Whole, Whole]:
    """Return the entries sorted by key; sorts only if item numbers have changed."""
    if not (keys[1:] < keys[:-1]).any():
        return keys, lines
    order = np.argsort(keys)
    return keys[order], lines[order]


def sale_keys(baskets: Baskets, numbers: Mapping[str, int]) -> Whole:
    """Return the sale days as keys of :func:`sale_key`."""
    sold = baskets.sale_days
    return sale_key(item_numbers(baskets, numbers)[sold.items], sold.days.astype(np.int64) + EPOCH)


def item_numbers(baskets: Baskets, numbers: Mapping[str, int]) -> Whole:
    """Return the number of each item by name."""
    return np.array([numbers[name] for name in baskets.names], dtype=np.int64)


def main_values(counts: pl.DataFrame) -> pl.DataFrame:
    """Return the number of distinct values per customer, and the most frequent value.

    Parameters
    ----------
    counts
        ``code``, ``value``, ``count``; one row per code and value, sorted by code.

    Returns
    -------
    pl.DataFrame
        ``code``; ``values`` (Int64, distinct ones); ``total`` (Int64, of the counts); ``main`` (the value with the
        largest count; the first by name if counts are equal, so that the order of rows does not matter).
    """
    most = pl.col("count").max().over("code")
    return (
        counts.lazy()
        .with_columns(leading=pl.when(pl.col("count") == most).then(pl.col("value")))
        .group_by("code")
        .agg(
            pl.len().cast(pl.Int64).alias("values"), pl.col("count").sum().alias("total"), main=pl.col("leading").min()
        )
        .sort("code")
        .collect()
    )


EMPTY = Baskets(
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    pl.Series("value", [], dtype=pl.String),
    SaleDays(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int64)),
)
"""Baskets of data without the column."""


def sale_key(item: Whole, day: Whole) -> Whole:
    """Return an item number and a day (with the offset of the epoch) packed in one integer."""
    return item << DAY_BITS | day


def taken_up(sale_days: Whole, names: pl.Series) -> tuple[Whole, pl.Series]:
    """Number the items in the order of their first sale.

    Parameters
    ----------
    sale_days
        Distinct keys of :func:`sale_key`, with any numbers from 1.
    names
        Items by that number; number 0 is null. Items that were never sold get no number.

    Returns
    -------
    tuple[Whole, pl.Series]
        New number of each number, and the names by new number.
    """
    first = np.full(len(names), NEVER, np.int64)
    np.minimum.at(first, sale_days >> DAY_BITS, unpack_day(sale_days))
    ordered = (
        pl.DataFrame({"number": np.arange(len(names)), "day": first, "name": names})
        .filter(pl.col("number") > 0, pl.col("day") < NEVER)
        .sort("day", "name")
    )
    new = np.zeros(len(names), np.int64)
    new[ordered["number"].to_numpy()] = np.arange(ordered.height)
    return new.clip(max=MOST_ITEMS - 1), ordered["name"].head(MOST_ITEMS).alias("value")


def renumbered(keys: Whole, codes: Whole, items: Whole) -> Whole:
    """Return keys with new codes and items; ``codes`` and ``items`` are the new numbers by old number."""
    new: Whole = codes[keys >> (DAY_BITS + ITEM_BITS)]
    new <<= ITEM_BITS
    new |= items[keys >> DAY_BITS & (MOST_ITEMS - 1)]
    new <<= DAY_BITS
    new |= keys & ((1 << DAY_BITS) - 1)
    return new


def sale_days_of(sale_days: Whole, lines: Whole, items: Whole) -> SaleDays:
    """Return the sale days of keys of :func:`sale_key` and their lines; ``items`` are names by number."""
    keys = sale_key(items[sale_days >> DAY_BITS], sale_days & DAY_MASK)
    sums = added_up(pl.DataFrame({"key": keys, "lines": lines}), ["key"])  # items above the maximum share a number
    keys = sums["key"].to_numpy()
    return SaleDays(keys >> DAY_BITS, unpack_day(keys), sums["lines"].to_numpy())
