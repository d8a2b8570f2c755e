"""The same sale from two sources: it counts twice, unless one of them is declared to be the payments of the other."""

from __future__ import annotations

from itertools import combinations
from math import sqrt
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.check.order_links import AMOUNT, CENTS, ORDER, Orders, linked
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured

FEWEST = 5
"""Orders in two sources, below which they may be equal by chance."""
LEAST = 0.05
"""Of the orders of the smaller source: below it a source is not a copy of another."""
SHIFTS = (-14, -7, 7, 14)
"""Days by which the orders of one source are moved to see how many are equal by chance: the weekday stays."""
DEVIATIONS = 3
MOST_SOURCES = 8
NEAR_DAYS = 3
"""A payment may be made after the order; two orders of one number on days further apart are two orders."""


def same_sales(measured: Measured, _limits: CheckLimits) -> Iterator[Finding]:
    """Pairs of sources with more equal orders than by chance: number and day, or amount, day and customer."""
    frame = measured.subject.frame
    counts = frame.group_by("source").len().sort("len", "source", descending=[True, False]).collect(engine="streaming")
    sources = counts["source"].drop_nulls().head(MOST_SOURCES).to_list()
    of_several = sources if len(sources) > 1 else []
    orders = {source: Orders.of(frame, [source], with_texts=nth > 0) for nth, source in enumerate(of_several)}
    for larger, smaller in combinations(sources, 2):
        yield from _of_pair(measured.subject.name, larger, smaller, orders)


def _of_pair(table: str, larger: str, smaller: str, orders: dict[str, Orders]) -> Iterator[Finding]:
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
        f"are also orders of '{larger}' and count twice; {expected:.0f} would be equal by chance",
        count=count,
        value=count / of,
        limit=LEAST,
        hint=f"if '{smaller}' holds the payments for the orders of '{larger}', declare it in ckm.yaml: "
        f"payments: [{smaller}]; else take one of the two loads back: ckm ingest --undo",
    )


def _equal(smaller: Orders, larger: Orders) -> pl.DataFrame:
    """Return the orders of the smaller source that are in the larger one, on nearly the same day."""
    pairs = linked(smaller, larger)
    theirs = larger.frame.select(pl.col(ORDER).alias(f"{ORDER} of"), pl.col("day").alias("day of"))
    both = pairs.join(smaller.frame.select(ORDER, "day"), on=ORDER).join(theirs, on=f"{ORDER} of")
    return both.filter((pl.col("day") - pl.col("day of")).dt.total_days().abs() <= NEAR_DAYS)


def _moved(orders: Orders, days: int) -> Orders:
    return Orders(orders.frame.with_columns(pl.col("day").dt.offset_by(f"{days}d")))
