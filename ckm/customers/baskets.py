"""What customers bought of: in which categories, through which channels, and on which days."""

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
"""Most items with a separate number; later ones share the last number."""

LOST_AFTER_DAYS = 28
"""So long must the shop have sold nothing of an item for it to count as given up."""
WEEKS_BEFORE = 26
"""Half a year before the last sale of an item: one that is sold in a season only was not sold all through it."""
WEEKS_SOLD = 21
"""Of these, in how many it must have been sold to count as one that used to be sold every week: four of five."""


@dataclass(frozen=True)
class SaleDays:
    """Days on which the shop sold anything of an item to anybody, guests too.

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
        """Whether the shop had given up each item by ``day``, as far as was known then.

        Nothing of it was sold in the last 28 days on which the shop was selling at all, and it had been sold in at
        least 21 of the 26 weeks up to its last sale. A shop that was closed gives up nothing.
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
    """What customers bought of, by day; one entry per customer, item and day.

    Attributes
    ----------
    keys
        Customer's code, item and day in one whole number (int64), ascending and distinct.
    lines
        Purchase lines of each entry (int64).
    names
        Items by number (String), those of which anything was sold: in the order in which the shop took them up, so that
        what it sells later changes no number.
    sale_days
        When the shop sold what.
    """

    keys: Whole
    lines: Whole
    names: pl.Series
    sale_days: SaleDays

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """Customer of each entry."""
        return (self.keys >> (DAY_BITS + ITEM_BITS)).astype(np.uint32)

    @cached_property
    def items(self) -> NDArray[np.int32]:
        """Item of each entry."""
        return (self.keys >> DAY_BITS & (MOST_ITEMS - 1)).astype(np.int32)

    @cached_property
    def days(self) -> NDArray[np.int32]:
        """Day of each entry."""
        return unpack_day(self.keys)

    @cached_property
    def _following(self) -> NDArray[np.int32]:
        """Day on which the customer next bought of the item; :data:`NEVER` if not again."""
        owners = self.keys >> DAY_BITS
        following = np.full(len(self.keys), NEVER, np.int32)
        again = owners[1:] == owners[:-1]
        following[:-1][again] = self.days[1:][again]
        return following

    @cached_property
    def first_day(self) -> int:
        """Day on which an item is first known of a customer; :data:`NEVER` where none is."""
        return int(self.days.min(initial=NEVER))

    def distinct(self, customers: int, after: int, until: int) -> Whole:
        """How many different items each of ``customers`` codes bought of in the days ``(after, until]``."""
        last_within = (self.days > after) & (self.days <= until) & (self._following > until)
        return np.bincount(self.codes[last_within], minlength=customers)

    def share(self, chosen: NDArray[np.bool_], customers: int, after: int, until: int) -> NDArray[np.float64]:
        """Share of the chosen items in each customer's purchases in ``(after, until]``; 0 where there are none."""
        within = (self.days > after) & (self.days <= until)
        total = np.bincount(self.codes[within], minlength=customers)
        within &= chosen[self.items]
        part = np.bincount(self.codes[within], minlength=customers)
        return part / np.maximum(total, 1)

    def counts(self, *, of_days: bool) -> pl.DataFrame:
        """Return ``code`` (UInt32), ``value`` (String) and ``count`` (Int64) of purchase days, or of lines."""
        frame = pl.DataFrame({"owner": self.keys >> DAY_BITS, "lines": self.lines})
        counted = pl.len().cast(pl.Int64) if of_days else pl.col("lines").sum()
        # the keys are sorted: entries of one customer and item stand together
        sums = frame.group_by(pl.col("owner").set_sorted(), maintain_order=True).agg(count=counted)
        return sums.select(
            code=(pl.col("owner") // MOST_ITEMS).cast(pl.UInt32),
            value=self.names.gather(sums["owner"] % MOST_ITEMS),
            count="count",
        )

    def until(self, day: int) -> Baskets:
        """Return those by a day."""
        return self._where(self.days <= day, self.sale_days.days <= day)

    def since(self, day: int) -> Baskets:
        """Return those from a day on; the items keep their numbers."""
        return self._where(self.days >= day, self.sale_days.days >= day)

    def _where(self, kept: NDArray[np.bool_], sold: NDArray[np.bool_]) -> Baskets:
        if kept.all() and sold.all():
            return self
        sale_days = SaleDays(self.sale_days.items[sold], self.sale_days.days[sold], self.sale_days.lines[sold])
        return replace(self, keys=self.keys[kept], lines=self.lines[kept], sale_days=sale_days)

    def changed(self, again: Baskets, codes: Whole, new_codes: Whole, came: Baskets, gone: Baskets) -> Baskets | None:
        """Return the baskets after rows came and went.

        Parameters
        ----------
        again
            All that the customers of those rows bought by now.
        codes, new_codes
            What the codes of these baskets and of ``again`` become; -1 for whose entries are left out.
        came, gone
            What anybody bought in the rows that came, and in those that are gone; only what was sold when counts.

        Returns
        -------
        Baskets | None
            None where more was taken off than there was, or items are so many that some share a number.
        """
        names = dict.fromkeys(chain.from_iterable(each.names for each in (self, came, gone)))
        if len(names) >= MOST_ITEMS - 1:
            return None
        numbers = {name: number for number, name in enumerate(names, start=1)}
        sales = [
            pl.DataFrame(
                {
                    "key": _sale_keys(each, numbers),
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
        mine, lines = _in_order(renumbered(self.keys[kept], codes, items[_numbered(self, numbers)]), self.lines[kept])
        theirs, their_lines = _in_order(
            renumbered(again.keys, new_codes, items[_numbered(again, numbers)]), again.lines
        )
        merged = MergedSums.of(mine, theirs)
        return Baskets(
            merged.keys,
            merged.put(lines, their_lines),
            left,
            sale_days_of(sale_days, sold["lines"].to_numpy(), items),
        )

    def only(self, chosen: NDArray[np.bool_]) -> Baskets:
        """Return those of some customers (``chosen`` by code), whose codes close up."""
        kept = chosen[self.codes]
        codes = np.cumsum(chosen, dtype=np.int64) - 1
        bits = DAY_BITS + ITEM_BITS
        keys = codes[self.codes[kept]] << bits | self.keys[kept] & ((1 << bits) - 1)
        return replace(self, keys=keys, lines=self.lines[kept])


def _in_order(keys: Whole, lines: Whole) -> tuple[Whole, Whole]:
    """Entries by ascending keys, as they are unless items have changed places."""
    if not (keys[1:] < keys[:-1]).any():
        return keys, lines
    order = np.argsort(keys)
    return keys[order], lines[order]


def _sale_keys(baskets: Baskets, numbers: Mapping[str, int]) -> Whole:
    """When the shop sold what, as keys of :func:`sale_key`."""
    sold = baskets.sale_days
    return sale_key(_numbered(baskets, numbers)[sold.items], sold.days.astype(np.int64) + EPOCH)


def _numbered(baskets: Baskets, numbers: Mapping[str, int]) -> Whole:
    """The number of each item's name, by item."""
    return np.array([numbers[name] for name in baskets.names], dtype=np.int64)


def main_values(counts: pl.DataFrame) -> pl.DataFrame:
    """Tell how many values a customer has, and which most.

    Parameters
    ----------
    counts
        ``code``, ``value``, ``count``; one row per pair of the first two, in the order of the first.

    Returns
    -------
    pl.DataFrame
        ``code``; ``values`` (Int64, distinct ones); ``total`` (Int64, of the counts); ``main`` (the value with the
        largest count; of several the first by name, so that the order of the rows is of no matter).
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
    """Whole numbers of an item's number and a day with the offset of the epoch."""
    return item << DAY_BITS | day


def taken_up(sale_days: Whole, names: pl.Series) -> tuple[Whole, pl.Series]:
    """Number the items in the order in which the shop took them up.

    Parameters
    ----------
    sale_days
        Of :func:`sale_key`, distinct, with any numbers from 1 on.
    names
        Items by that number; that of 0 is null. Those that were never sold get no number.

    Returns
    -------
    tuple[Whole, pl.Series]
        What each number becomes, and the names by what they become.
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
    """Keys with other codes and items; ``codes`` and ``items`` by the numbers that stand in ``keys``."""
    new: Whole = codes[keys >> (DAY_BITS + ITEM_BITS)]
    new <<= ITEM_BITS
    new |= items[keys >> DAY_BITS & (MOST_ITEMS - 1)]
    new <<= DAY_BITS
    new |= keys & ((1 << DAY_BITS) - 1)
    return new


def sale_days_of(sale_days: Whole, lines: Whole, items: Whole) -> SaleDays:
    """Build from distinct keys of :func:`sale_key` and their lines; ``items`` by the numbers that stand in the keys."""
    keys = sale_key(items[sale_days >> DAY_BITS], sale_days & DAY_MASK)
    sums = added_up(pl.DataFrame({"key": keys, "lines": lines}), ["key"])  # items beyond the most share a number
    keys = sums["key"].to_numpy()
    return SaleDays(keys >> DAY_BITS, unpack_day(keys), sums["lines"].to_numpy())
