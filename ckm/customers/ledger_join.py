"""Join ledgers of disjoint sets of customers into one, equal to the ledger that is read from all their rows.

Every figure of a ledger is either of one customer, and copied, or a sum over lines by day, and added. So the order of
the ledgers does not matter.
"""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.baskets import (
    EMPTY,
    MOST_ITEMS,
    Baskets,
    item_numbers,
    number_items,
    renumbered,
    sale_days_of,
    sale_keys,
)
from ckm.customers.calendar import calendar_day
from ckm.customers.daily_revenue import revenue_of
from ckm.customers.day_totals import DAY_BITS, DAY_MASK, LINE_SUMS, DayTotals, known_totals
from ckm.customers.grouped_sums import sum_by_key
from ckm.customers.guests import Guests
from ckm.customers.ledger import Ledger, first_day_with_lines
from ckm.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.customers.coverage import Coverage

    Integers = NDArray[np.int64]


def join_coverage(parts: Sequence[Coverage]) -> Coverage:
    """Return the coverage of the lines of all parts, as of the newest day of any."""
    return reduce(lambda one, other: one.joined(other), parts)


def join_ledgers(parts: Sequence[Ledger], coverage: Coverage, currency: str) -> Ledger:
    """Return the ledger of the customers and guests of all parts.

    Parameters
    ----------
    parts
        At least one ledger of all days, of disjoint sets of customers, read with the same needs, scale and time zone.
    coverage
        Result of :func:`join_coverage` for all parts of the data, of which ``parts`` may have some customers only.
    currency
        Currency of the amounts.

    Raises
    ------
    UsageError
        A column has more values than a ledger can number.
    """
    first = parts[0]
    customers, codes = join_customers([each.customers for each in parts])
    purchases, later_lines, returns = known_totals(
        *(_day_totals([getattr(each, name) for each in parts], codes, len(customers))
          for name in ("purchases", "later_lines", "returns"))
    )  # fmt: skip
    guests = join_guests([each.guests for each in parts])
    return Ledger(
        customers=customers,
        purchases=purchases,
        later_lines=later_lines,
        returns=returns,
        coverage=coverage,
        begins=calendar_day(first_day_with_lines(purchases, later_lines, returns, guests) or 0),
        as_of=calendar_day(coverage.as_of),
        currency=currency,
        scale=first.scale,
        time_zone=first.time_zone,
        categories=_baskets([each.categories for each in parts], codes),
        channels=_baskets([each.channels for each in parts], codes),
        guests=guests,
        dimensions=join_dimensions([each.dimensions for each in parts]),
        needs=first.needs,
    )


def join_dimensions(parts: Sequence[Mapping[str, pl.DataFrame]]) -> dict[str, pl.DataFrame]:
    """Return the revenue by day and value of each dimension: the sums of those of all parts."""
    return {name: revenue_of(pl.concat([each[name] for each in parts])) for name in parts[0]}


def join_customers(ids: Sequence[pl.Series]) -> tuple[pl.Series, list[Integers]]:
    """Return all ids, sorted, and for each part the new code of each of its codes."""
    every = pl.concat(ids)
    order = every.arg_sort().to_numpy()
    ordered = every.gather(order).alias("customer_id")
    if (ordered.slice(1) == ordered.head(-1)).any():
        raise ValueError("a customer is in two ledgers")
    codes = np.empty(len(every), dtype=np.int64)
    codes[order] = np.arange(len(every))
    ends = np.cumsum([len(each) for each in ids])[:-1]
    return ordered, np.split(codes, ends)


def _day_totals(parts: Sequence[DayTotals], codes: Sequence[Integers], customers: int) -> DayTotals:
    keys = np.concatenate(
        [
            mine[each.keys >> DAY_BITS] << DAY_BITS | each.keys & DAY_MASK
            for each, mine in zip(parts, codes, strict=True)
        ]
    )
    order = pl.Series(keys).arg_sort().to_numpy()
    sums = {}
    for name in LINE_SUMS:
        if any(name in each.totals for each in parts):
            values = [each.of(name) if name in each.totals else np.zeros(len(each), dtype=np.int64) for each in parts]
            sums[name] = np.concatenate(values)[order]
    return DayTotals.of_sums(keys[order], sums, customers)


def join_guests(parts: Sequence[Guests]) -> Guests:
    """Return the guest sales of all parts."""
    sums = pl.concat([pl.DataFrame(vars(each)) for each in parts])
    days = sums.group_by("day").agg(pl.col("purchases", "returns").sum()).sort("day")
    return Guests(*(days[name].to_numpy() for name in ("day", "purchases", "returns")))


def _baskets(parts: Sequence[Baskets], codes: Sequence[Integers]) -> Baskets:
    names = dict.fromkeys(name for each in parts for name in each.names)
    if not names:
        return EMPTY
    if len(names) >= MOST_ITEMS - 1:
        raise UsageError(
            f"a column holds {len(names):,} different values, more than partitions can be joined by",
            hint="run without --partitions and --engine; or map another column to 'category' or 'channel'",
        )
    numbers = {name: number for number, name in enumerate(names, start=1)}
    sales = [pl.DataFrame({"key": sale_keys(each, numbers), "lines": each.sale_days.lines}) for each in parts]
    sold = sum_by_key(pl.concat(sales), ["key"])
    sale_days = sold["key"].to_numpy()
    items, left = number_items(sale_days, pl.Series("value", [None, *names], dtype=pl.String))
    keys = np.concatenate(
        [
            renumbered(each.keys, mine, items[item_numbers(each, numbers)])
            for each, mine in zip(parts, codes, strict=True)
        ]
    )
    order = pl.Series(keys).arg_sort().to_numpy()
    lines = np.concatenate([each.lines for each in parts])
    return Baskets(keys[order], lines[order], left, sale_days_of(sale_days, sold["lines"].to_numpy(), items))
