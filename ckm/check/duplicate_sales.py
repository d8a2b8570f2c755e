"""Sales loaded from two sources, which count twice unless one source is declared as payments."""

from __future__ import annotations

from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.check.order_links import AMOUNT, CENTS, ORDER, SourceOrders, linked
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts

FEWEST = 5
"""Minimum number of matching orders of two sources; fewer may match by chance."""
LEAST = 0.05
"""Minimum share of matching orders in the smaller source."""
SHIFTS = (-14, -7, 7, 14)
"""Shift in days for estimating matches by chance; whole weeks keep the weekday."""
DEVIATIONS = 3
MOST_SOURCES = 8
NEAR_DAYS = 3
"""Maximum days between two orders with the same number; a payment may follow the order."""


def same_sales(measured: TableCounts, _limits: CheckLimits) -> Iterator[Finding]:
    """Find pairs of sources with more matching orders than by chance (number and day, or amount, day and customer)."""
    frame = measured.subject.frame
    counts = frame.group_by("source").len().sort("len", "source", descending=[True, False]).collect(engine="streaming")
    sources = counts["source"].drop_nulls().head(MOST_SOURCES).to_list()
    of_several = sources if len(sources) > 1 else []
    orders = {source: SourceOrders.of(frame, [source], with_texts=nth > 0) for nth, source in enumerate(of_several)}
    for larger, smaller in combinations(sources, 2):
        yield from _of_pair(measured.subject.name, larger, smaller, orders)


def _of_pair(table: str, larger: str, smaller: str, orders: dict[str, SourceOrders]) -> Iterator[Finding]:
    pairs = _equal(orders[smaller], orders[larger])
    by_chance = [_equal(_moved(orders[smaller], days), orders[larger]) for days in SHIFTS]
    expected = sum(map(len, by_chance)) / len(SHIFTS)
    count, of = len(pairs), len(orders[smaller].frame)
    if count < FEWEST or count < LEAST * of or count <= expected + DEVIATIONS * sqrt(expected + 1):
        return
    ids = pairs[ORDER].implode()
    net = orders[smaller].frame.filter("bought", pl.col(ORDER).is_in(ids))[AMOUNT].sum() / CENTS
    yield Finding(
        check="same_sales",
        severity=Severity.error,
        table=table,
        column="source",
        part=f"{smaller}, {larger}",
        message=f"{counted(count, 'order')} of '{smaller}' ({share(count / of)} of its orders, {net:,.2f} of sales) "
        f"match orders of '{larger}' and count twice; {expected:.0f} matches are expected by chance",
        count=count,
        value=count / of,
        limit=LEAST,
        hint=f"if '{smaller}' contains the payments for the orders of '{larger}', declare it in ckm.yaml: "
        f"payments: [{smaller}]; otherwise undo one of the two loads: ckm ingest --undo",
    )


def _equal(smaller: SourceOrders, larger: SourceOrders) -> pl.DataFrame:
    """Return the orders of the smaller source that match an order of the larger one on nearly the same day."""
    pairs = linked(smaller, larger)
    theirs = larger.frame.select(pl.col(ORDER).alias(f"{ORDER} of"), pl.col("day").alias("day of"))
    both = pairs.join(smaller.frame.select(ORDER, "day"), on=ORDER).join(theirs, on=f"{ORDER} of")
    return both.filter((pl.col("day") - pl.col("day of")).dt.total_days().abs() <= NEAR_DAYS)


def _moved(orders: SourceOrders, days: int) -> SourceOrders:
    return SourceOrders(orders.frame.with_columns(pl.col("day").dt.offset_by(f"{days}d")))
