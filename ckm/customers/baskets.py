"""Baskets: the categories, or the channels, in which each customer bought, by day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import DAY_BITS, DAY_MASK, EPOCH, NEVER, unpack_day
from ckm.customers.grouped_sums import MergedSums, sum_by_key

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

ITEM_BITS = 20
MOST_ITEMS = 1 << ITEM_BITS
"""Maximum number of items (categories or channels) that get a number each; all later items share the last
number."""

DISCONTINUED_AFTER_DAYS = 28
"""Days from the last sale of an item to the newest sale of any item, from which the item counts as discontinued."""
WEEKS_BEFORE = 26
"""Weeks up to the last sale of an item in which the item must have been sold regularly: half a year, so that seasonal
items do not count as discontinued out of season."""
WEEKS_SOLD = 21
"""Fewest weeks with a sale, among these :data:`WEEKS_BEFORE`, of an item that was sold regularly: four in five."""


@dataclass(frozen=True)
class SaleDays:
    """Days with a sale, by item, including sales to guests.

    Attributes
    ----------
    items, days
        Item number (int64), and day since 1970-01-01 (int32); one entry per item and day with a sale, sorted.
    lines
        Purchase lines of each entry (int64).
    """

    items: Integers
    days: NDArray[np.int32]
    lines: Integers

    def discontinued(self, day: int) -> NDArray[np.bool_]:
        """Return whether each item was discontinued by ``day``, by the sales up to ``day``; by item number.

        An item is discontinued if its last sale is at least 28 days before the newest sale of any item, and if it was
        sold in at least 21 of the 26 weeks up to its last sale.
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
        lost[:] = (np.bincount(sold, minlength=len(lost)) >= WEEKS_SOLD) & (
            days.max() - last >= DISCONTINUED_AFTER_DAYS
        )
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
        Item names by item number (String), in order of first sale, so that a new item does not change the numbers of
        the others.
    sale_days
        Days on which the shop sold each item.
    """

    keys: Integers
    lines: Integers
    names: pl.Series
    sale_days: SaleDays

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Customer code of each entry of ``keys`` (uint32)."""
        return (self.keys >> (DAY_BITS + ITEM_BITS)).astype(np.uint32)

    @cached_property
    def items(self) -> NDArray[np.int32]:
        """Item number of each entry of ``keys`` (int32)."""
        return (self.keys >> DAY_BITS & (MOST_ITEMS - 1)).astype(np.int32)

    @cached_property
    def days(self) -> NDArray[np.int32]:
        """Day of each entry of ``keys``, in days since 1970-01-01 (int32)."""
        return unpack_day(self.keys)

    @cached_property
    def _following(self) -> NDArray[np.int32]:
        """Day of the customer's next purchase of the item; :data:`NEVER` without one."""
        owners = self.keys >> DAY_BITS
        following = np.full(len(self.keys), NEVER, np.int32)
        again = owners[1:] == owners[:-1]
        following[:-1][again] = self.days[1:][again]
        return following

    def are_in(self, names: Collection[str]) -> NDArray[np.bool_]:
        """Return whether each item is one of ``names``, by item number."""
        found: NDArray[np.bool_] = self.names.is_in(list(names)).fill_null(value=False).to_numpy()
        return found

    @cached_property
    def first_day(self) -> int:
        """First day with a known item of any customer; :data:`NEVER` without one."""
        return int(self.days.min(initial=NEVER))

    def distinct(self, customers: int, after: int, until: int) -> Integers:
        """Return the number of distinct items that each code bought in the days ``(after, until]``."""
        last_within = (self.days > after) & (self.days <= until) & (self._following > until)
        return np.bincount(self.codes[last_within], minlength=customers)

    def share(self, chosen: NDArray[np.bool_], customers: int, after: int, until: int) -> NDArray[np.float64]:
        """Return the share of ``chosen`` items in each code's entries in ``(after, until]``; 0 without entries."""
        within = (self.days > after) & (self.days <= until)
        total = np.bincount(self.codes[within], minlength=customers)
        within &= chosen[self.items]
        part = np.bincount(self.codes[within], minlength=customers)
        return part / np.maximum(total, 1)

    def counts(self, *, of_days: bool) -> pl.DataFrame:
        """Return how often each customer bought each item: ``code`` (UInt32), ``value`` (String), ``count`` (Int64).

        ``of_days``: count purchase days; otherwise purchase lines.
        """
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
        """Return the entries and sale days up to a day; item numbers do not change."""
        return self._where(self.days <= day, self.sale_days.days <= day)

    def since(self, day: int) -> Baskets:
        """Return the entries and sale days from a day on; item numbers do not change."""
        return self._where(self.days >= day, self.sale_days.days >= day)

    def _where(self, kept: NDArray[np.bool_], sold: NDArray[np.bool_]) -> Baskets:
        if kept.all() and sold.all():
            return self
        sale_days = SaleDays(self.sale_days.items[sold], self.sale_days.days[sold], self.sale_days.lines[sold])
        return replace(self, keys=self.keys[kept], lines=self.lines[kept], sale_days=sale_days)

    def changed(
        self, reread: Baskets, codes: Integers, new_codes: Integers, added: Baskets, removed: Baskets
    ) -> Baskets | None:
        """Return the baskets after rows were added and removed.

        Parameters
        ----------
        reread
            Baskets of all present rows of the customers with an added or removed row.
        codes, new_codes
            New code of each code of ``self`` and of ``reread``; -1 for customers without entries in the result.
        added, removed
            Baskets of the added and of the removed rows; only their sale days are used.

        Returns
        -------
        Baskets | None
            None if more lines were removed than existed, or if there are more than :data:`MOST_ITEMS` items.
        """
        names = dict.fromkeys(chain.from_iterable(each.names for each in (self, added, removed)))
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
            for each, sign in ((self, 1), (added, 1), (removed, -1))
        ]
        sold = sum_by_key(pl.concat(sales), ["key"]).filter(pl.col("lines") != 0)
        if (sold["lines"] < 0).any():
            return None
        sale_days = sold["key"].to_numpy()
        items, left = number_items(sale_days, pl.Series("value", [None, *names], dtype=pl.String))
        kept = codes[self.keys >> (DAY_BITS + ITEM_BITS)] >= 0
        mine, lines = _in_order(
            renumbered(self.keys[kept], codes, items[item_numbers(self, numbers)]), self.lines[kept]
        )
        theirs, their_lines = _in_order(
            renumbered(reread.keys, new_codes, items[item_numbers(reread, numbers)]), reread.lines
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


def _in_order(keys: Integers, lines: Integers) -> tuple[Integers, Integers]:
    """Return the entries sorted by key; sorts only if item numbers have changed."""
    if not (keys[1:] < keys[:-1]).any():
        return keys, lines
    order = np.argsort(keys)
    return keys[order], lines[order]


def sale_keys(baskets: Baskets, numbers: Mapping[str, int]) -> Integers:
    """Return the sale days packed by :func:`sale_key`, with the item numbers by name in ``numbers``."""
    sold = baskets.sale_days
    return sale_key(item_numbers(baskets, numbers)[sold.items], sold.days.astype(np.int64) + EPOCH)


def item_numbers(baskets: Baskets, numbers: Mapping[str, int]) -> Integers:
    """Return the number in ``numbers`` of each item of the baskets, by item number."""
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
        ``code``; ``values`` (Int64, number of distinct values); ``total`` (Int64, sum of the counts); ``main`` (the
        value with the largest count; the first by name if counts are equal, so that the order of rows does not matter).
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
"""Baskets without entries: the transactions have no such column, or an analysis does not need it."""


def sale_key(item: Integers, day: Integers) -> Integers:
    """Return an item number and a day (with the offset of the epoch) packed in one integer."""
    return item << DAY_BITS | day


def number_items(sale_days: Integers, names: pl.Series) -> tuple[Integers, pl.Series]:
    """Number the items in the order of their first sale.

    Parameters
    ----------
    sale_days
        Distinct keys of :func:`sale_key` with the old item numbers, from 1.
    names
        Item names by old number; number 0 is null.

    Returns
    -------
    tuple[Integers, pl.Series]
        New number (from 0) by old number: 0 also for items that were never sold, ``MOST_ITEMS - 1`` for all later
        items; and the item names by new number.
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


def renumbered(keys: Integers, codes: Integers, items: Integers) -> Integers:
    """Return keys of :class:`Baskets` with new customer codes and item numbers, both given by old number."""
    new: Integers = codes[keys >> (DAY_BITS + ITEM_BITS)]
    new <<= ITEM_BITS
    new |= items[keys >> DAY_BITS & (MOST_ITEMS - 1)]
    new <<= DAY_BITS
    new |= keys & ((1 << DAY_BITS) - 1)
    return new


def sale_days_of(sale_days: Integers, lines: Integers, items: Integers) -> SaleDays:
    """Return the purchase lines by item and day, with items renumbered.

    ``sale_days`` are keys of :func:`sale_key` with old item numbers, and ``lines`` the purchase lines of each key;
    ``items[old]`` is the new item number.
    """
    keys = sale_key(items[sale_days >> DAY_BITS], sale_days & DAY_MASK)
    sums = sum_by_key(pl.DataFrame({"key": keys, "lines": lines}), ["key"])  # items above the maximum share a number
    keys = sums["key"].to_numpy()
    return SaleDays(keys >> DAY_BITS, unpack_day(keys), sums["lines"].to_numpy())
