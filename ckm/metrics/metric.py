"""Metrics: numbers of a report with name, slice, interval, and the value of the comparison period."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from ckm.metrics.catalogue import PROPORTIONAL, load_catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckm.errors import NotEnoughDataError

SLICE_SEPARATOR = "; "
CHANGE_DIGITS = 9
"""Decimals of a difference. Cents are not exact in binary, so differences below a billionth are rounding errors."""
COLUMNS = {
    "section": pl.String,
    "metric": pl.String,
    "slice": pl.String,
    "value": pl.Float64,
    "unit": pl.String,
    "n": pl.Int64,
    "lo": pl.Float64,
    "hi": pl.Float64,
    "previous": pl.Float64,
    "change": pl.Float64,
    "definition": pl.String,
}
"""Columns of :meth:`Metrics.table`."""


@dataclass(frozen=True)
class Metric:
    """A number of the report.

    Attributes
    ----------
    name
        Key of the metric catalogue.
    value
        Value; None if undefined, such as a share of no customers.
    slice
        Slice, as pairs of dimension and value, such as ``(("cohort", "2026-01"), ("month", "3"))``; empty for all
        customers.
    n
        Number of customers, orders or responses from which the value is computed; None if there is no such number.
    lo, hi
        Ends of the 95 % interval of an estimate.
    previous
        Value of the comparison period; None without data.
    previous_n
        ``n`` of the comparison period; it determines whether ``previous`` may be shown.
    days
        Days of the comparison period and of the period, if they differ and the metric depends on their number
        (``period_length`` of the catalogue); None otherwise.
    """

    name: str
    value: float | None
    slice: tuple[tuple[str, str], ...] = ()
    n: int | None = None
    lo: float | None = None
    hi: float | None = None
    previous: float | None = None
    previous_n: int | None = None
    days: tuple[int, int] | None = None

    @property
    def change(self) -> float | None:
        """Value minus the value of the comparison period; None without one of them.

        With ``days``, a sum is scaled to the days of the shorter period, and any other metric has no change.
        """
        if self.value is None or self.previous is None:
            return None
        if self.days is None:
            return round(self.value - self.previous, CHANGE_DIGITS)
        if load_catalogue()[self.name].period_length != PROPORTIONAL:
            return None
        before, now = self.days
        shortest = min(self.days)
        return round(self.value * shortest / now - self.previous * shortest / before, CHANGE_DIGITS)

    @property
    def growth(self) -> float | None:
        """Relative change; None without a previous value above 0. Sums over unequal periods are compared per day."""
        if self.value is None or self.previous is None or self.change is None or self.previous <= 0:
            return None
        before, now = self.days or (1, 1)
        return (self.value / now) / (self.previous / before) - 1

    def of(self, dimension: str) -> str | None:
        """Return the value of one dimension of the slice; None without it."""
        return dict(self.slice).get(dimension)

    def within(self, dimension: str, value: str) -> Metric:
        """Return the metric with the pair of ``dimension`` and ``value`` added as the first of its slice."""
        return replace(self, slice=((dimension, value), *self.slice))


class Metrics:
    """All metrics of a report, in the order of the catalogue.

    Parameters
    ----------
    metrics
        The metrics.
    days
        Days of the comparison period and of the period within the data; None without a comparison. If the two numbers
        differ, metrics that depend on the number of days get them as :attr:`Metric.days`.
    """

    def __init__(self, metrics: Iterable[Metric], days: tuple[int, int] | None = None) -> None:
        book = load_catalogue()
        if days is not None and days[0] != days[1]:
            metrics = (replace(each, days=days) if book[each.name].period_length else each for each in metrics)
        # stable sort: the order within a metric, such as months in time, is kept
        self._metrics = tuple(sorted(metrics, key=lambda each: book.position(each.name)))

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def all(self, name: str, *dimensions: str) -> tuple[Metric, ...]:
        """Return the metrics with this name whose slice has exactly ``dimensions``, in the order of computation."""
        return tuple(
            each for each in self._metrics if each.name == name and tuple(key for key, _ in each.slice) == dimensions
        )

    def get(self, name: str, **slice_: str) -> Metric | None:
        """Return the metric with this name and slice; None if the report lacks the metric."""
        wanted = tuple(slice_.items())
        return next((each for each in self._metrics if each.name == name and each.slice == wanted), None)

    def value(self, name: str, **slice_: str) -> float | None:
        """Return the value of the metric with this name and slice; None if the report lacks the metric."""
        found = self.get(name, **slice_)
        return None if found is None else found.value

    def table(self) -> pl.DataFrame:
        """Return one row per metric, with the columns of :data:`COLUMNS`."""
        book = load_catalogue()
        rows = [
            (
                book[each.name].section,
                each.name,
                SLICE_SEPARATOR.join(f"{dimension}={value}" for dimension, value in each.slice),
                each.value,
                book[each.name].unit,
                each.n,
                each.lo,
                each.hi,
                each.previous,
                each.change,
                book[each.name].definition,
            )
            for each in self._metrics
        ]
        return pl.DataFrame(rows, schema=COLUMNS, orient="row")


@dataclass(frozen=True)
class Missing:
    """A missing metric or section, with the reason.

    Attributes
    ----------
    section
        Section of the catalogue.
    reason
        Key ``missing.REASON`` of the texts of the report, such as ``no_ratings``.
    numbers
        Numbers in the text of the reason, such as ``(("there", 212), ("needed", 400))``.
    detail
        More details as an English sentence; empty without any.
    """

    section: str
    reason: str
    numbers: tuple[tuple[str, float], ...] = ()
    detail: str = field(default="", compare=False)

    @classmethod
    def too_few(cls, section: str, reason: str, error: NotEnoughDataError) -> Missing:
        """Return a missing section, with the present and the required number from ``error``."""
        numbers = {name: number for name, number in error.details.items() if isinstance(number, (int, float))}
        there = next((number for name, number in numbers.items() if name != "needed"), 0)
        return cls(section, reason, (("there", there), ("needed", numbers.get("needed", 0))))
