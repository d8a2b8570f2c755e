"""Customers with one order who are due for a second one, judged by when repeat customers made their second order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ckm.customers.day_totals import NO_DAY
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.required_tables import TRANSACTIONS, readable
from ckm.metrics.metric import Metric, Missing
from ckm.metrics.survival import kaplan_meier
from ckm.models import intervals
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ckm.customers.baskets import Baskets
    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.survival import Survival

    Codes = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

SECTION = "relationships"
FEWEST_SECOND_ORDERS = 30
"""Fewest second orders for an estimate: six of 30 come before the interval, and six after it."""
FROM_SHARE, UNTIL_SHARE = 0.2, 0.8
"""Quantiles of the interval, which holds the middle 60 % of the second orders."""
FEWEST_FOR_ITEM = 5
"""Fewest customers with the same item in the second order for a likely item."""
PRODUCT = "product_id"
_PRODUCT_COLUMNS = {"likely_product": pl.String, "likely_product_support": pl.Int64}
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
        :data:`FEWEST_FOR_ITEM` did, or no category is known); ``channel`` (String, of the first order; null where
        unknown, of several the first by name).
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
    found = _durations(ledger)
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


class _Durations(NamedTuple):
    """Days from the first to the second order, of customers whose first purchase day has one order.

    ``first`` is the day of the first order; without a second order (``came_back`` is false) ``days`` end today.
    """

    codes: Codes
    first: Codes
    days: Codes
    came_back: Mask

    def follow_up(self, today: int) -> tuple[int, Mask]:
        """Return the follow-up in days, and a mask of customers whose second order is within the follow-up."""
        observed = np.sort(today - self.first)
        days = int(observed[-FEWEST_SECOND_ORDERS]) if len(observed) >= FEWEST_SECOND_ORDERS else 0
        return days, self.came_back & (self.days <= days)


def _durations(ledger: Ledger) -> _Durations:
    codes = np.flatnonzero(ledger.by_customer(_first_orders) == 1)
    first, second = (each[codes].astype(np.int64) for each in (ledger.first_day, ledger.second_day))
    came_back = second != NO_DAY
    return _Durations(codes, first, np.where(came_back, second, ledger.today) - first, came_back)


def _first_orders(ledger: Ledger) -> Codes:
    """Return the number of orders on each customer's first purchase day, by code; 0 without a purchase."""
    purchases, orders = ledger.purchases, np.zeros(len(ledger.customers), dtype=np.int64)
    some = np.flatnonzero(purchases.has_any)
    orders[some] = purchases.of("orders")[purchases.bounds[some]]
    return orders


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


def _listed(ledger: Ledger, found: _Durations, is_due: Mask, curve: Survival, end: int, average: float) -> pl.DataFrame:
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
    channel = pl.concat(ledger.of_parts(_channels, due))
    listed = frame.join(_likely_categories(ledger, due), on="customer_id", how="left", maintain_order="left").join(
        channel, on="customer_id", how="left", maintain_order="left"
    )
    ordered = listed.sort("second_order_probability", "customer_id", descending=[True, False])
    return ordered.select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())


def likely_products(context: ReportContext, found: SecondOrders) -> pl.DataFrame:
    """Return the likely product of the second order of each customer who is due.

    Most repeat customers with the same first product bought this product in their second order. Reads the transactions
    of repeat customers and of customers who are due.

    Parameters
    ----------
    context
        Context that ``found`` was computed from.
    found
        Result of :func:`second_orders`.

    Returns
    -------
    pl.DataFrame
        ``customer_id``, ``likely_product`` (String), ``likely_product_support`` (Int64, number of customers who bought
        the product second); customers without a likely product are omitted.
    """
    ledger, transactions = context.ledger, context.tables[TRANSACTIONS]
    if PRODUCT not in transactions.collect_schema() or found.customers.is_empty():
        return pl.DataFrame(schema={"customer_id": pl.String, **_PRODUCT_COLUMNS})
    known = _durations(ledger)
    second = np.where(known.came_back, known.first + known.days, ledger.today)
    ids = ledger.customers.gather(known.codes)
    dates = {"first": known.first, "second": second}
    who = pl.DataFrame({"customer_id": ids, "code": known.codes, **dates, "came_back": known.came_back}).with_columns(
        pl.col(*dates).cast(pl.Int32).cast(pl.Date), due=ids.is_in(found.customers["customer_id"].implode())
    )
    day = local_day("ordered_at", ledger.time_zone).alias("day")
    with readable():
        lines = (
            transactions.filter(
                is_purchase(),
                pl.col(PRODUCT).is_not_null(),
                pl.col("ordered_at") < end_of_day(context.as_of, ledger.time_zone),
            )
            .select(pl.col("customer_id").cast(pl.String), day, item=pl.col(PRODUCT).cast(pl.String))
            .join(who.filter(pl.col("came_back") | pl.col("due")).lazy(), on="customer_id")
            .filter(pl.col("day").is_between("first", "second"))
            .select("code", "item", "came_back", is_second=pl.col("came_back") & (pl.col("day") == pl.col("second")))
            .unique()
            .collect(engine="streaming")
        )
    pairs = lines.select("code", "item")
    of_returned, is_second = lines["came_back"], lines["is_second"]
    counts = _pair_counts(pairs.filter(of_returned & ~is_second), pairs.filter(of_returned & is_second))
    likely = _likely([counts], pairs.filter(~of_returned))
    return likely.join(who, on="code").select(
        "customer_id", likely_product="item_second", likely_product_support="customers"
    )


def _channels(ledger: Ledger, due: Mask) -> pl.DataFrame:
    """Return ``customer_id`` and ``channel`` of customers who are due: of several channels the first by name."""
    bought = _bought(ledger.channels, due[ledger.channels.codes])
    first = bought.group_by("code").agg(channel=pl.col("item").min())
    return _with_ids(ledger, first).select("customer_id", "channel")


def _with_ids(ledger: Ledger, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(customer_id=ledger.customers.gather(frame["code"]))


def _likely_categories(ledger: Ledger, due: Mask) -> pl.DataFrame:
    """Return ``customer_id`` and the columns ``likely_category…`` of :class:`SecondOrders` for customers who are due.

    ``due`` is a mask by code.
    """
    found = ledger.of_parts(_category_counts, due)
    likely = _likely([counts for counts, _ in found], pl.concat([each for _, each in found]), by="customer_id")
    return likely.select(
        "customer_id",
        likely_category="item_second",
        likely_category_after="item",
        likely_category_customers="customers",
        likely_category_of="of",
    )


def _category_counts(ledger: Ledger, due: Mask) -> tuple[_PairCounts, pl.DataFrame]:
    """Return the counts of :func:`_pair_counts` by category, and the categories of customers who are due."""
    baskets = ledger.categories
    returned = (ledger.by_customer(_first_orders) == 1) & (ledger.second_day != NO_DAY)
    of_returned, second_day = returned[baskets.codes], ledger.second_day[baskets.codes]
    first = _bought(baskets, of_returned & (baskets.days < second_day))
    second = _bought(baskets, of_returned & (baskets.days == second_day))
    of_due = _with_ids(ledger, _bought(baskets, due[baskets.codes])).select("customer_id", "item")
    return _pair_counts(first, second), of_due


def _bought(baskets: Baskets, chosen: Mask) -> pl.DataFrame:
    """Return the distinct pairs of ``code`` and ``item`` of the entries of ``baskets`` in the mask ``chosen``."""
    names = baskets.names.gather(baskets.items[chosen])
    return pl.DataFrame({"code": baskets.codes[chosen].astype(np.int64), "item": names}).unique()


class _PairCounts(NamedTuple):
    """Numbers of repeat customers by item: ``pairs`` by the items of the first two orders, ``of`` by the first item."""

    pairs: pl.DataFrame
    of: pl.DataFrame


def _pair_counts(first: pl.DataFrame, second: pl.DataFrame) -> _PairCounts:
    """Count repeat customers; ``first`` and ``second`` have the ``code`` and ``item``, each once, of both orders."""
    pairs = first.join(second, on="code", suffix="_second").group_by("item", "item_second")
    return _PairCounts(
        pairs.agg(customers=pl.len().cast(pl.Int64)), first.group_by("item").agg(of=pl.len().cast(pl.Int64))
    )


def _likely(counts: Sequence[_PairCounts], due: pl.DataFrame, *, by: str = "code") -> pl.DataFrame:
    """Return, for each customer who is due, the item that repeat customers bought most often after the same first item.

    Parameters
    ----------
    counts
        Results of :func:`_pair_counts` for disjoint sets of customers.
    due
        ``by`` and ``item`` of the only order of customers who are due.
    by
        Column that names a customer.

    Returns
    -------
    pl.DataFrame
        One row per customer who is due, if at least :data:`FEWEST_FOR_ITEM` repeat customers bought the pair of items:
        ``by``; ``item`` of the first and ``item_second`` of the second order; ``customers``, repeat customers who
        bought the pair; ``of``, repeat customers whose first order had ``item``.
    """
    pairs = pl.concat([each.pairs for each in counts]).group_by("item", "item_second").agg(pl.col("customers").sum())
    of = pl.concat([each.of for each in counts]).group_by("item").agg(pl.col("of").sum())
    pairs = pairs.join(of, on="item").filter(pl.col("customers") >= FEWEST_FOR_ITEM)
    best = ["customers", "of", "item_second", "item"]  # ties: the larger share, then the name
    return (
        due.join(pairs, on="item")
        .sort(by, *best, descending=[False, True, False, False, False])
        .unique(by, keep="first", maintain_order=True)
    )
