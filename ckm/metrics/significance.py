"""Changes since the comparison period with interval and significance, and which of them are reported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import hypot
from typing import TYPE_CHECKING

import numpy as np

from ckm.metrics.comparison import PeriodComparison, guest_days
from ckm.metrics.customer_balance import customer_balance
from ckm.metrics.drivers import KIND, Driver, drivers_of_ratio, drivers_of_revenue
from ckm.metrics.equal_days import EqualDays
from ckm.metrics.poisson_errors import error_of_days, holm_significant, interval, p_value, ratio_gradient, sums
from ckm.metrics.satisfaction import DETRACTOR, PROMOTER, SATISFIED, SCORES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext
    from ckm.metrics.dimensions import CustomerDimension
    from ckm.metrics.ratings import Ratings

    Floats = NDArray[np.float64]
    Pair = tuple[Floats, Floats]

MOST_CHANGES = 5
"""Maximum number of reported changes."""
SMALLEST = 0.01
"""Smallest reported relative change. With a million customers, changes below it are significant too."""
FEWEST = 30
"""Fewest customers of a rate, mean or score in both periods, for the normal approximation of its interval."""
POINTS = 100.0
"""Base of the relative change of the net promoter score, which may be zero itself."""


@dataclass(frozen=True)
class Change:
    """Change of a metric since the previous period.

    Attributes
    ----------
    metric
        Name in the catalogue.
    value, previous
        Values of the two periods.
    lo, hi
        Ends of the 95 % interval of ``value - previous``.
    drivers
        Slices with the largest contributions, grouped by dimension: first the factors, then the dimension that explains
        most of the change. Within a dimension, largest first and ``rest`` last; they add up to the change.
    relative
        Relative size for ranking: the change of an amount divided by the revenue of the previous period; of any other
        metric divided by the metric's previous value.
    is_significant
        Whether the change is significant when all changes are tested together.
    slice
        Slice of the metric; empty for all customers.
    days
        Number of compared days of each period, if they differ in length and the metric depends on it; else None.
    """

    metric: str
    value: float
    previous: float
    lo: float | None = None
    hi: float | None = None
    drivers: tuple[Driver, ...] = ()
    relative: float = 0.0
    is_significant: bool = False
    slice: tuple[tuple[str, str], ...] = ()
    days: int | None = None

    @property
    def change(self) -> float:
        """Value minus the value of the previous period."""
        return self.value - self.previous

    @property
    def is_reportable(self) -> bool:
        """Whether the change is significant and large enough to report."""
        return self.is_significant and abs(self.relative) >= SMALLEST


NOBODY = (np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class _UntestedChange:
    """A change of a sum or of a ratio of sums before the test of significance.

    Attributes
    ----------
    error
        Standard error of the change.
    base
        Denominator of the relative size.
    who
        Codes of the customers of a ratio; None for a sum.
    above, below
        Contribution of each customer to numerator and denominator, in the previous and this period.
    unit
        Factor from a sum or ratio to the unit of the metric.
    days
        Number of compared days of each period; None if they are equally long, or if the metric does not depend on it.
    """

    metric: str
    value: float
    previous: float
    error: float
    base: float
    who: NDArray[np.int64] | None = None
    above: Pair = NOBODY
    below: Pair = NOBODY
    unit: float = 1.0
    drivers: tuple[Driver, ...] = ()
    days: int | None = None


def judge_changes(
    comparison: PeriodComparison, parts: Sequence[CustomerDimension], ratings: Ratings | None = None
) -> tuple[Change, ...]:
    """Return all changes with their significance, sorted: reportable changes first, then by relative size.

    Intervals follow from the variation of the customers (:mod:`ckm.metrics.poisson_errors`). The changes are tested
    together (Holm): without any true change, no change is significant in 95 % of the periods. They are sorted by
    relative size.

    Parameters
    ----------
    comparison
        Orders and revenue of both periods.
    parts
        Dimensions of the customers that can be drivers.
    ratings
        Ratings, if there are any.
    """
    moved = [*_money(comparison, parts), *_rates(comparison), *_scores(comparison, ratings)]
    significant = holm_significant([p_value(each.value - each.previous, each.error) for each in moved])
    changes = []
    for each, beyond in zip(moved, significant, strict=True):
        lo, hi = interval(each.value - each.previous, each.error)
        change = each.value - each.previous
        changes.append(
            Change(
                each.metric,
                each.value,
                each.previous,
                lo,
                hi,
                drivers=each.drivers or _drivers(each, parts),
                relative=change / abs(each.base) if each.base else 0.0,
                is_significant=beyond,
                days=each.days,
            )
        )
    return tuple(sorted(changes, key=lambda each: (not each.is_reportable, -abs(each.relative))))


def reportable_changes(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return the changes to report, in order; empty if no change is significant."""
    return tuple(each for each in changes if each.is_reportable)[:MOST_CHANGES]


def _money(comparison: PeriodComparison, parts: Sequence[CustomerDimension]) -> Iterator[_UntestedChange]:
    """Yield the changes of revenue (with its factors and slices as drivers), of guest revenue and of returns."""
    ledger, spans, days = comparison.context.ledger, comparison.equal_days, _shown_days(*comparison.equal_days)
    before, now = (ledger.money(ledger.revenue(each.period) * each.share) for each in spans)
    error = ledger.money(hypot(comparison.sums.error_of((0, 0, -1, 1, 0, 0, 1, -1)), comparison.guest_error))
    drivers = drivers_of_revenue(comparison, parts)
    yield _UntestedChange("revenue", now, before, error, before, drivers=drivers, days=days)
    without = [ledger.money(sum(ledger.guests.sums(each.period)) * each.share) for each in spans]
    error = ledger.money(comparison.guest_error)
    yield _UntestedChange("revenue_without_customer", without[1], without[0], error, before, days=days)
    guest_sums = [(-guest_days(ledger, each.period, returns=True), each.share) for each in spans]
    errors = [error_of_days(guests) * share for guests, share in guest_sums]
    error = hypot(comparison.sums.error_of((0, 0, 0, -1, 0, 0, 0, 1)), *errors)
    known = [float(each.columns[3].sum()) for each in spans]
    returned = [
        ledger.money(some + float(guests.sum()) * share)
        for some, (guests, share) in zip(known, guest_sums, strict=True)
    ]
    yield _UntestedChange("revenue_returns", returned[1], returned[0], ledger.money(error), before, days=days)


def _rates(comparison: PeriodComparison) -> Iterator[_UntestedChange]:
    """Yield the changes of the number of active customers, and of ratios over customers."""
    context, ledger, spans = comparison.context, comparison.context.ledger, comparison.equal_days
    days = _shown_days(*spans)
    active, orders, purchases, _ = (
        (before, now) for before, now in zip(*(each.columns for each in spans), strict=True)
    )
    count = [float(each.sum()) for each in active]
    error = sums(active).error_of((-1, 1))
    drivers = _group_drivers(context) if days is None else ()
    yield _UntestedChange("customers_active", count[1], count[0], error, count[0], drivers=drivers, days=days)
    yield from _ratio("orders_per_customer", orders, active, days=days)
    yield from _ratio("average_order_value", purchases, orders, unit=1 / ledger.scale)
    yield from _ratio("repeat_rate_period", [each.bought_on(2) for each in spans], active, days=days)
    if context.before is not None and context.before.is_comparable:
        periods = (context.before.covered(context.before.compared), *(each.period for each in spans))
        shortest = min(each.days for each in periods)
        earlier, then, since = (
            EqualDays(ledger, each, each.days if comparison.is_billed_by_calendar else shortest) for each in periods
        )
        again = [one.active * next_one.active for one, next_one in ((earlier, then), (then, since))]
        text = _shown_days(earlier, then, since)
        yield from _ratio("retention_rate", again, (earlier.active, then.active), days=text)


def _shown_days(*spans: EqualDays) -> int | None:
    """Return the days that unequal periods are scaled to; None if all have as many days."""
    return None if all(each.share == 1 for each in spans) else spans[0].days


def _group_drivers(context: ReportContext) -> tuple[Driver, ...]:
    kinds = customer_balance(context)
    came = (("new", kinds.new, 1), ("reactivated", kinds.reactivated, 1), ("lost", kinds.lost, -1))
    return tuple(Driver(KIND, kind, float(sign * who.sum()), int(who.sum())) for kind, who, sign in came)


def _scores(comparison: PeriodComparison, ratings: Ratings | None) -> Iterator[_UntestedChange]:
    """Yield the changes of NPS, CSAT and CES, each only with enough responses in both periods."""
    if ratings is None:
        return
    context = comparison.context
    newest = [ratings.newest(each) for each in (context.compared, context.period)]
    for scale, name in SCORES.items():
        answered = [each.filter(each["scale"] == scale) for each in newest]
        if min(each.height for each in answered) < FEWEST:
            continue
        points = [_points(each["rating"], scale) for each in answered]
        above, below = (tuple(np.zeros(len(comparison.orders)) for _ in range(2)) for _ in range(2))
        for each, point, up, down in zip(answered, points, above, below, strict=True):
            codes = each["code"].to_numpy()
            up[codes], down[codes] = point, 1.0
        nps = name == "nps"
        yield from _ratio(name, above, below, unit=POINTS if nps else 1.0, base=POINTS if nps else None)


def _points(ratings: pl.Series, scale: str) -> Floats:
    """Return the contribution of each rating to the score of ``scale``, whose mean is the score."""
    values = ratings.to_numpy()
    if scale == "nps_0_10":
        return (values >= PROMOTER).astype(np.float64) - (values <= DETRACTOR)
    return (values >= SATISFIED).astype(np.float64) if scale == "csat_1_5" else values


def _ratio(
    metric: str,
    above: Sequence[NDArray[np.generic]],
    below: Sequence[NDArray[np.generic]],
    *,
    unit: float = 1.0,
    base: float | None = None,
    days: int | None = None,
) -> Iterator[_UntestedChange]:
    """Yield the change of a ratio of sums; nothing with fewer than :data:`FEWEST` customers in a period."""
    who = np.flatnonzero(np.logical_or.reduce([each != 0 for each in (*above, *below)]))
    up, down = ([each[who].astype(np.float64) for each in side] for side in (above, below))
    if min(int((each != 0).sum()) for each in down) < FEWEST:
        return
    found = sums([up[0], down[0], up[1], down[1]])
    old, new = (found.totals[at] / found.totals[at + 1] for at in (0, 2))
    slopes = [-each for each in ratio_gradient(*found.totals[:2])] + list(ratio_gradient(*found.totals[2:]))
    yield _UntestedChange(
        metric,
        float(new * unit),
        float(old * unit),
        found.error_of(slopes) * unit,
        float(old * unit) if base is None else base,
        who=who,
        above=(up[0], up[1]),
        below=(down[0], down[1]),
        unit=unit,
        days=days,
    )


def _drivers(moved: _UntestedChange, parts: Sequence[CustomerDimension]) -> tuple[Driver, ...]:
    if moved.who is None:
        return ()
    found = drivers_of_ratio(moved.who, moved.above, moved.below, parts)
    return tuple(replace(each, change=each.change * moved.unit) for each in found)
