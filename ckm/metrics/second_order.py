"""Customers with one order who are due for a second one, judged by when repeat customers made their second order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.metrics.likely_items import channels_of_due, likely_categories
from ckm.metrics.metric import Metric, Missing
from ckm.metrics.order_durations import FEWEST_SECOND_ORDERS, order_durations
from ckm.metrics.survival import kaplan_meier
from ckm.models import intervals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.order_durations import OrderDurations
    from ckm.metrics.survival import Survival

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SECTION = "relationships"
FROM_SHARE, UNTIL_SHARE = 0.2, 0.8
"""Quantiles of the interval, which holds the middle 60 % of the second orders."""
MONEY_DIGITS, SHARE_DIGITS = 2, 6
TOLERANCE = 1e-12
"""Tolerance of a share that is a product of fractions."""
COLUMNS = {
    "customer_id": pl.String,
    "first_order": pl.Date,
    "days_since": pl.Int64,
    "due_until": pl.Date,
    "second_order_probability": pl.Float64,
    "expected_revenue": pl.Float64,
    "likely_category": pl.String,
    "likely_category_after": pl.String,
    "likely_category_customers": pl.Int64,
    "likely_category_of": pl.Int64,
    "channel": pl.String,
}


@dataclass(frozen=True)
class SecondOrders:
    """Interval of second orders, and the customers who are due for one.

    Attributes
    ----------
    due_from, due_until
        Days from the first to the second order: the 20 % and the 80 % quantile of those who come back within
        ``follow_up`` days.
    follow_up
        Days after the first order that at least :data:`FEWEST_SECOND_ORDERS` customers have been observed for; later
        second orders are not used.
    second_orders, first_orders
        Second orders within the follow-up, and customers whose first purchase day has one order: what the interval is
        estimated from.
    average_value
        Average net of the day of the second order, in the currency.
    customers
        Customers who are due, highest probability first: ``customer_id``; ``first_order`` (Date); ``days_since``
        (Int64); ``due_until`` (Date, last day of the interval); ``second_order_probability`` (Float64, of a second
        order by that day); ``expected_revenue`` (Float64, that probability times the average value);
        ``likely_category`` (String: what most others who bought ``likely_category_after`` first bought second, and how
        many of how many did, ``likely_category_customers``, ``likely_category_of``; all null where fewer than
        :data:`ckm.metrics.likely_items.FEWEST_FOR_ITEM` did, or no category is known); ``channel`` (String, of the
        first order; null where unknown, of several the first by name).
    expected_revenue, low, high
        Sum of ``expected_revenue``, and its 95 % interval; ``low`` and ``high`` are None if nobody is due.
    """

    due_from: int
    due_until: int
    follow_up: int
    second_orders: int
    first_orders: int
    average_value: float
    customers: pl.DataFrame
    expected_revenue: float
    low: float | None
    high: float | None


def second_orders(context: ReportContext) -> SecondOrders | Missing:
    """Return the interval in which most second orders come, and the customers who are due for one.

    The days from the first to the second order are durations; a customer without a second order is censored on the
    as-of date (:func:`ckm.metrics.survival.kaplan_meier`). With ``F(t) = 1 - S(t)``, the share of customers who came
    back within ``t`` days, the quantile ``q`` of those who come back within the follow-up ``T`` is the first day with
    ``F(t) >= q F(T)``. A customer is due if the only order was ``due_from`` to ``due_until`` days before the day
    after the as-of date. The probability of a second order by the end of the interval is ``1 -
    S(due_until) / S(days_since)``.

    Customers with several orders on their first purchase day are excluded. The first order is the first one in the
    data.

    Parameters
    ----------
    context
        Context of all customers; its ledger has categories and channels where they are known.

    Returns
    -------
    SecondOrders | Missing
        ``few_second_orders`` with numbers where fewer than :data:`FEWEST_SECOND_ORDERS` are known.
    """
    ledger = context.ledger
    found = order_durations(ledger)
    follow_up, usable = found.follow_up(ledger.today)
    if usable.sum() < FEWEST_SECOND_ORDERS:
        few = found.came_back if found.came_back.sum() < FEWEST_SECOND_ORDERS else usable
        return Missing(SECTION, "few_second_orders", (("there", int(few.sum())), ("needed", FEWEST_SECOND_ORDERS)))
    curve = kaplan_meier(found.days, found.came_back)
    start, end = (_quantile(curve, share, follow_up) for share in (FROM_SHARE, UNTIL_SHARE))
    net = ledger.by_customer(_second_net)[found.codes[usable]] / ledger.scale
    is_due = ~found.came_back & (found.days + 1 >= start) & (found.days + 1 <= end)
    revenue, low, high = _expected_revenue(curve, found.days[is_due], end, net)
    return SecondOrders(
        due_from=start,
        due_until=end,
        follow_up=follow_up,
        second_orders=int(usable.sum()),
        first_orders=len(found.codes),
        average_value=float(net.mean()),
        customers=_listed(ledger, found, is_due, curve, end, float(net.mean())),
        expected_revenue=revenue,
        low=low,
        high=high,
    )


def second_order_metrics(
    found: SecondOrders | Missing, earlier: SecondOrders | Missing | None = None
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return four metrics, or the reason for which they are missing.

    First and last day after a first order on which a second order is due (``second_order_due_from``, ``_until``), the
    number of customers who are due, and the expected revenue of their second orders.

    Parameters
    ----------
    found
        Result as of the as-of date.
    earlier
        Result as of the end of the comparison period, for the previous values; None without a comparison.
    """
    if isinstance(found, Missing):
        return (), (found,)
    before = _numbers(None if isinstance(earlier, Missing) else earlier)
    metrics = []
    for name, (value, n) in _numbers(found).items():
        ends = (found.low, found.high) if name == "second_order_expected_revenue" else (None, None)
        metrics.append(Metric(name, value, (), n, *ends, *before.get(name, (None, None))))
    return tuple(metrics), ()


def _numbers(found: SecondOrders | None) -> dict[str, tuple[float, int]]:
    """Return name to value and ``n`` of the metrics; empty without a result."""
    if found is None:
        return {}
    due, used = found.customers.height, found.second_orders
    return {
        "second_order_due_from": (found.due_from, used),
        "second_order_due_until": (found.due_until, used),
        "second_order_due": (due, due),
        "second_order_expected_revenue": (found.expected_revenue, due),
    }


def _second_net(ledger: Ledger) -> Codes:
    """Return the net of each customer's second purchase day, by code; 0 without one."""
    purchases, net = ledger.purchases, np.zeros(len(ledger.customers), dtype=np.int64)
    some = np.flatnonzero(purchases.counts > 1)
    net[some] = purchases.of("net")[purchases.bounds[some] + 1]
    return net


def _quantile(curve: Survival, share: float, follow_up: int) -> int:
    """Return the first day by which ``share`` of all second orders within the follow-up have been made."""
    came_back = 1 - curve.share[: follow_up + 1]
    return int((came_back >= share * came_back[-1] - TOLERANCE).argmax())


def _expected_revenue(curve: Survival, since: Codes, end: int, net: Floats) -> tuple[float, float | None, float | None]:
    """Return the expected revenue of second orders, and the ends of its 95 % interval.

    The sum of the customers' probabilities times the average order value; the interval follows from the delta method on
    this product. The standard errors of the probabilities (Greenwood's formula) are added, as if fully correlated,
    because all probabilities are read from one curve.
    """
    stays = curve.share[end] / curve.share[since]
    expected = float((1 - stays).sum())
    average = float(net.mean())
    if not len(since):
        return 0.0, None, None
    spread = np.zeros(len(since))
    known = stays > 0  # the variance is not defined where the curve is 0
    spread[known] = stays[known] * np.sqrt(curve.log_variance[end] - curve.log_variance[since[known]])
    error = np.hypot(float(spread.sum()) * average, expected * float(net.std(ddof=1)) / np.sqrt(len(net)))
    revenue, half = expected * average, intervals.Z * float(error)
    low = max(revenue - half, 0.0)
    return round(revenue, MONEY_DIGITS), round(low, MONEY_DIGITS), round(revenue + half, MONEY_DIGITS)


def _listed(
    ledger: Ledger, found: OrderDurations, is_due: Mask, curve: Survival, end: int, average: float
) -> pl.DataFrame:
    codes, first, days = found.codes[is_due], found.first[is_due].astype(np.int32), found.days[is_due]
    probability = 1 - curve.share[end] / curve.share[days]
    frame = pl.DataFrame(
        {
            "customer_id": ledger.customers.gather(codes),
            "first_order": pl.Series(first, dtype=pl.Int32).cast(pl.Date),
            "days_since": days,
            "due_until": pl.Series(first + end, dtype=pl.Int32).cast(pl.Date),
            "second_order_probability": probability.round(SHARE_DIGITS),
            "expected_revenue": (probability * average).round(MONEY_DIGITS),
        }
    )
    due = np.zeros(len(ledger.customers), dtype=np.bool_)
    due[codes] = True
    channel = pl.concat(ledger.of_parts(channels_of_due, due))
    listed = frame.join(likely_categories(ledger, due), on="customer_id", how="left", maintain_order="left").join(
        channel, on="customer_id", how="left", maintain_order="left"
    )
    ordered = listed.sort("second_order_probability", "customer_id", descending=[True, False])
    return ordered.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
