"""Survival curve of customers: Kaplan-Meier estimate of the tenure; customers who have not lapsed are censored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import day_number
from ckm.metrics.metric import Metric
from ckm.models.intervals import DIGITS, log_log, wilson

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.lifecycle import Lifecycle
    from ckm.metrics.metric import Missing

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

MOST_POINTS = 60
"""Maximum number of points of the curve in a chart."""
STEPS = (1, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650)
"""Possible steps between points of the curve in days; the smallest with at most :data:`MOST_POINTS` points is used."""
HALF = 0.5


@dataclass(frozen=True)
class Survival:
    """A Kaplan-Meier estimate on whole days.

    Attributes
    ----------
    share
        ``share[t]``: share of customers whose relationship lasts longer than ``t`` days (Float64), for t from 0 to the
        longest tenure.
    low, high
        Ends of the 95 % interval of ``share``; NaN where the share is 0.
    at_risk
        ``at_risk[t]``: customers with a duration of ``t`` days or more (int64).
    log_variance
        Variance of the logarithm of the share, from Greenwood's formula (Float64); infinite where the share is 0.
    """

    share: Floats
    low: Floats
    high: Floats
    at_risk: NDArray[np.int64]
    log_variance: Floats

    def median(self) -> tuple[float | None, float | None, float | None]:
        """Median survival and its interval: the first day with a share of .5 or less; None without such a day.

        The ends are the days on which the ends of the curve's interval reach a half (Brookmeyer and Crowley 1982,
        Biometrics 38:29-41).
        """

        def first(reached: Mask) -> float | None:
            return float(reached.argmax()) if reached.any() else None

        lapsed = self.share == 0
        return first(self.share <= HALF), first((self.low <= HALF) | lapsed), first(self.high <= HALF)


def kaplan_meier(days: NDArray[np.int64], ended: Mask) -> Survival:
    """Return the survival function of durations, some of which are censored.

    ``S(t)`` is the product over the days ``u <= t`` of ``1 - d(u) / n(u)``: ``d(u)`` durations ended on day ``u``, and
    ``n(u)`` lasted until ``u`` or longer (Kaplan and Meier 1958, JASA 53:457-481). The variance is Greenwood's formula.
    A duration that is censored on day ``u`` counts in ``n(u)``.

    Parameters
    ----------
    days
        Observed durations, at least 0; not empty.
    ended
        Whether each duration ended; otherwise it is censored.
    """
    length = int(days.max()) + 1
    deaths = np.bincount(days[ended], minlength=length)
    leaving = np.bincount(days, minlength=length)
    at_risk = len(days) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
    share = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore"):  # the interval of a share of 0 is not defined
        variance = np.cumsum(np.where(deaths > 0, deaths / (at_risk * np.maximum(at_risk - deaths, 0.0)), 0.0))
    low, high = log_log(share, variance)
    return Survival(share, low, high, at_risk, variance)


def tenures(ledger: Ledger, lost: Mask) -> tuple[NDArray[np.int64], Mask]:
    """Return the duration of each customer's relationship in days, and whether the relationship has ended.

    The tenure of a lapsed customer is from the first to the last purchase, that of others from the first purchase to
    the as-of date.
    """
    buyers = ledger.has_purchase
    last = np.where(lost, ledger.last_day, day_number(ledger.as_of))
    return (last.astype(np.int64) - ledger.first_day)[buyers], lost[buyers]


def survival_metrics(
    context: ReportContext, lifecycle: Lifecycle | None
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return ``survival`` on at most 60 days of tenure, ``survival_median`` and ``lapsed_after_first``.

    The median is None if half of the customers lapse after their first purchase.

    Parameters
    ----------
    context
        Input of the report.
    lifecycle
        Result of :func:`ckm.metrics.lifecycle.lifecycle_of`; None if the purchase interval is unknown
        (``few_repeat_buyers``).
    """
    if lifecycle is None:
        return (), ()
    found = kaplan_meier(*tenures(context.ledger, lifecycle.is_lapsed))
    earlier = lifecycle.earlier
    previous = None
    if earlier is not None:
        previous = kaplan_meier(*tenures(earlier.ledger, earlier.is_lapsed)).median()[0] or None
    median, low, high = found.median()
    if not median:
        median = low = high = None
    points = [
        Metric("survival", _rounded(found.share[day]), (("days", str(day)),), int(found.at_risk[day]),
                _rounded(found.low[day]), _rounded(found.high[day]))
        for day in sampled_days(len(found.share))
    ]  # fmt: skip
    return (
        *points,
        Metric("survival_median", median, (), int(found.at_risk[0]), low, high, previous),
        _lapsed_after_first(lifecycle),
    ), ()


def _lapsed_after_first(lifecycle: Lifecycle) -> Metric:
    (part, whole), (part_before, whole_before) = (
        (0, 0) if each is None else _bought_once_and_lapsed(each.ledger, each.is_lapsed)
        for each in (lifecycle, lifecycle.earlier)
    )
    lo, hi = wilson(part, whole)
    previous = part_before / whole_before if whole_before else None
    share = part / whole if whole else None
    return Metric("lapsed_after_first", share, (), whole, lo, hi, previous, whole_before or None)


def _bought_once_and_lapsed(ledger: Ledger, lapsed: Mask) -> tuple[int, int]:
    """Return two counts: lapsed customers with a single purchase day, and all customers with a purchase."""
    days = ledger.purchase_days
    return int(((days == 1) & lapsed).sum()), int((days > 0).sum())


def sampled_days(length: int) -> range:
    """Return at most :data:`MOST_POINTS` evenly spaced days of tenure for a curve of ``length`` days."""
    step = next((step for step in STEPS if length <= step * MOST_POINTS), length)
    return range(0, length, step)


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), DIGITS)
