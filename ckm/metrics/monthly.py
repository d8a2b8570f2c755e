"""Revenue, orders, order value and active customers by calendar month, and the seasonal revenue of the newest month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.calendar import day_number, months_before
from ckm.customers.period import MONTHS_OF_A_YEAR
from ckm.metrics.cell_suppression import MIN_GROUP_SIZE
from ckm.metrics.metric import Metric

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.metric import Missing

    Integers = NDArray[np.int64]

MONTHS = 13
"""Calendar months of a metric: the newest that is over, back to the same month of the previous year."""
FIRST_DAYS = 3
"""Largest number of days of a month before the data begin with which the month still counts as covered."""
FEWEST_RATIOS = 6
"""Fewest ratios of a month to the same month of the previous year for an interval."""
CONFIDENCE = 0.975
"""Quantile of the upper end of the 95 % prediction interval."""
MONEY_DIGITS = 2


@dataclass(frozen=True)
class Months:
    """Sums of each calendar month that is over, in ascending order.

    Attributes
    ----------
    first_days
        First day of each month; the data cover all of it.
    revenue
        Net of purchases and returns, with and without a customer (int64).
    orders, active
        Orders that begin in each month, and customers with a purchase in the month (int64).
    purchases
        Net of the purchases of known customers, before returns (int64).
    returning
        Customers with a return in the month (int64).
    """

    first_days: tuple[date, ...]
    revenue: Integers
    orders: Integers
    active: Integers
    purchases: Integers
    returning: Integers


def months_of(context: ReportContext) -> Months:
    """Return the sums of the last 25 calendar months that ended by the end of the period; fewer if data begin later."""
    ledger = context.ledger
    end = (context.covered(context.period).last + timedelta(1)).replace(day=1)
    starts = [months_before(end, back) for back in range(MONTHS + MONTHS_OF_A_YEAR, 0, -1)]
    starts = [start for start in starts if (ledger.begins - start).days <= FIRST_DAYS]
    if not starts:
        return Months((), *np.zeros((5, 0), dtype=np.int64))
    edges = np.array([day_number(start) for start in (*starts, end)])
    sums = ledger.summed(lambda part: _month_sums(part, edges))
    _add(sums[0], edges, ledger.guests.day, ledger.guests.purchases + ledger.guests.returns)
    return Months(tuple(starts), *sums)


def _month_sums(ledger: Ledger, edges: Integers) -> Integers:
    """Return the sums of :class:`Months` of the customers of a ledger, shape (5, months); ``edges`` are first days."""
    found = np.zeros((5, len(edges) - 1), dtype=np.int64)
    revenue, orders, active, purchases, returning = found
    for lines in ledger.all_lines:
        _add(revenue, edges, lines.day, lines.of("net"))
    for lines in ledger.bought:
        _add(purchases, edges, lines.day, lines.of("net"))
    visits = ledger.purchases
    _add(orders, edges, visits.day, visits.of("orders"))
    for sums, days in ((active, visits), (returning, ledger.returns)):
        month = np.searchsorted(edges, days.day, side="right")
        first = np.ones(len(month), dtype=np.int64)  # marks a customer's first day of each month
        first[1:] = (days.code[1:] != days.code[:-1]) | (month[1:] != month[:-1])
        _add(sums, edges, days.day, first)
    return found


def _add(sums: Integers, edges: Integers, days: NDArray[np.int32], values: Integers) -> None:
    """Add the values of days to the sums of their months, from ``edges[i]`` up to the day before ``edges[i + 1]``."""
    month = np.searchsorted(edges, days, side="right") - 1
    inside = (month >= 0) & (month < len(sums))
    np.add.at(sums, month[inside], values[inside])


def monthly_metrics(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the metrics by month; ``previous`` is the same month of the previous year.

    ``seasonal_revenue`` is the revenue expected in the newest month: that of the same month of the previous year times
    the geometric mean of the ratios of the months between to those of the previous year. Its interval is the 95 %
    prediction interval of one more ratio, from the logarithms of the ratios and Student's t. The metric is missing with
    fewer than :data:`FEWEST_RATIOS` ratios, and if any of the months had revenue in one of the two years only.
    """
    months = months_of(context)
    metrics = []
    for name, sums in (
        ("monthly_revenue", months.revenue / context.ledger.scale),
        ("monthly_orders", months.orders),
        ("monthly_active_customers", months.active),
    ):
        values = [float(each) for each in sums.tolist()]
        for at in range(max(0, len(values) - MONTHS), len(values)):
            before = values[at - MONTHS_OF_A_YEAR] if at >= MONTHS_OF_A_YEAR else None
            month = ("month", f"{months.first_days[at]:%Y-%m}")
            metrics.append(Metric(name, values[at], (month,), previous=before))
    season = _season(months, context.ledger.scale)
    return (*metrics, *_order_values(months, context.ledger.scale), *([season] if season is not None else [])), ()


def _order_values(months: Months, scale: int) -> Iterator[Metric]:
    """Yield the average order value of each month, or nothing if the returns of any month are of few customers.

    Purchases less revenue are the returns of a month, and the twelfth month follows from eleven months and a year. So
    all months are shown, or none: each has as ``n`` the smallest number of customers with a return in a month with
    returns.
    """
    newest = slice(-MONTHS, None)
    fewest = min((each for each in months.returning[newest].tolist() if each), default=0)
    orders = months.orders[newest].tolist()
    if 0 < fewest < MIN_GROUP_SIZE or not all(orders):
        return
    sums = zip(months.first_days[newest], months.purchases[newest].tolist(), orders, strict=True)
    for first_day, purchases, count in sums:
        month = ("month", f"{first_day:%Y-%m}")
        yield Metric("monthly_average_order_value", purchases / scale / count, (month,), n=fewest)


def _season(months: Months, scale: int) -> Metric | None:
    if len(months.first_days) <= MONTHS_OF_A_YEAR:
        return None
    sums = [float(each) / scale for each in months.revenue.tolist()]
    pairs = [(sums[at - MONTHS_OF_A_YEAR], sums[at]) for at in range(MONTHS_OF_A_YEAR, len(sums) - 1)]
    if any((before > 0) != (now > 0) for before, now in pairs):
        return None  # demand is intermittent, and a ratio cannot be zero: every month without revenue would be "low"
    ratios = [log(now / before) for before, now in pairs if before > 0 and now > 0]
    last_year = sums[-1 - MONTHS_OF_A_YEAR]
    if len(ratios) < FEWEST_RATIOS or last_year <= 0:
        return None
    expected, low, high = (round(last_year * exp(each), MONEY_DIGITS) for each in normal_prediction_interval(ratios))
    month = ("month", f"{months.first_days[-1]:%Y-%m}")
    return Metric("seasonal_revenue", expected, (month,), len(ratios), low, high)


def normal_prediction_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the mean of normal values, and the ends of the 95 % prediction interval of one further value.

    ``m ± t·s·√(1 + 1/n)``.
    """
    from scipy.special import stdtrit

    count = len(values)
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    reach = float(stdtrit(count - 1, CONFIDENCE)) * deviation * (1 + 1 / count) ** 0.5
    return mean, mean - reach, mean + reach
