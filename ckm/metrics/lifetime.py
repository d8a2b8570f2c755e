"""Customer lifetime value: models, holdout test, and backtest of the spend forecast."""

from __future__ import annotations

from dataclasses import dataclass
from math import atanh, exp, sqrt, tanh
from typing import TYPE_CHECKING

from ckm.customers.calendar import calendar_day, day_number
from ckm.errors import NotEnoughDataError
from ckm.metrics.ledger_purchases import purchases_of
from ckm.metrics.metric import Metric, Missing
from ckm.models.btyd.customer_lifetime_value import DAYS_A_MONTH, discounted_orders, fit_lifetime
from ckm.models.btyd.holdout import HoldoutDecile, HoldoutTotals, by_deciles, holdout_test
from ckm.models.intervals import Z
from ckm.models.spend.candidates import BOOSTED, BTYD, LAST_SPEND
from ckm.models.spend.forecast import SpendForecast, forecast_spend
from ckm.models.spend.prediction_interval import LEVEL

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.margin import Margin
    from ckm.models.btyd.gamma_gamma import Independence
    from ckm.models.btyd.model import TransactionModel
    from ckm.models.btyd.purchases import PurchaseHistory

    Floats = NDArray[np.float64]

SECTION = "growth_potential"
HELD_OUT = 2
"""The holdout has at most one in ``HELD_OUT`` of the days of the history. Up to that it is as long as the horizon, so
that it has the same seasons."""
MONEY_DIGITS, ORDER_DIGITS, SHARE_DIGITS = 2, 3, 6


@dataclass(frozen=True)
class Lifetime:
    """Expected orders and spend of each customer.

    Attributes
    ----------
    customers
        Sorted ids of all customers with a purchase.
    orders
        Expected orders of each customer within the horizon.
    value
        Customer lifetime value: expected spend within the horizon, discounted, times the margin.
    spend
        Expected spend within the horizon after returns, without discount or margin, for comparison with the actual
        spend later.
    forecast
        Spend forecast of each customer before returns, with intervals and backtest errors.
    model
        Purchase model.
    chosen_by
        ``holdout`` or ``likelihood``.
    holdout
        Holdout test of the models on the end of the history; None if it is too short.
    independence
        Test of the independence of number and value of orders.
    months, discount, margin
        Parameters of the value.
    all_customers
        Number of customers of the ledger, including those with returns only.
    """

    customers: pl.Series
    orders: Floats
    value: Floats
    spend: Floats
    forecast: SpendForecast
    model: TransactionModel
    chosen_by: str
    holdout: HoldoutTotals | None
    independence: Independence
    months: int
    discount: float
    margin: Margin
    all_customers: int

    @property
    def horizon_days(self) -> int:
        """Number of days of the horizon."""
        return round(self.months * DAYS_A_MONTH)

    @property
    def spend_bounds(self) -> tuple[Floats, Floats] | None:
        """Prediction interval of :attr:`spend` for 80 % of the customers; None without one."""
        forecast = self.forecast
        if forecast.low is None or forecast.high is None:
            return None
        return forecast.low * self.margin.kept, forecast.high * self.margin.kept

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for the user, as sentences."""
        sentences = [
            f"customer lifetime value: {self._parts} over {self.months} months, "
            f"discounted by {self.discount:.0%} a year; {self._margin}",
            *_tested(self.forecast),
        ]
        if self.holdout is None:
            sentences.append(
                f"{self.model.name} is the likeliest model; the history is too short to hold any of it out"
            )
        else:
            sentences.append(_nearest(self.holdout))
        return (*sentences, self.independence.sentence)

    @property
    def _parts(self) -> str:
        names = {BTYD: f"{self.model.name} and Gamma-Gamma", LAST_SPEND: "last year's spend", BOOSTED: "boosted trees"}
        shares = self.forecast.shares
        if len(shares) == 1:
            return names[next(iter(shares))]
        return ", ".join(f"{names[name]} {share:.0%}" for name, share in shares.items())

    @property
    def _margin(self) -> str:
        net_share = f"{1 - self.margin.kept:.1%} returned"
        return (
            f"{net_share}, no cost is known"
            if self.margin.share is None
            else f"{net_share}, margin {self.margin.share:.1%}"
        )


def read_lifetime(context: ReportContext, margin: Margin) -> Lifetime | Missing:
    """Fit the models to all customers of the ledger, and return the expected orders and spend of each.

    The purchase model is the one with the smallest error of spend in the holdout, fitted again to the whole history;
    without a holdout, the one with the highest likelihood. Its prediction is combined with other candidates by their
    accuracy in past windows (:func:`ckm.models.spend.forecast.forecast_spend`).

    Parameters
    ----------
    context
        Context of all customers. Slices use the same models.
    margin
        Margin of purchases.
    """
    ledger, settings = context.ledger, context.config.loyalty
    purchases = purchases_of(ledger)
    holdout = _held_out(ledger, purchases, round(settings.horizon * DAYS_A_MONTH), context.seed)
    buyers = purchases.buyers(day_number(context.as_of))
    if not len(buyers):
        return Missing(SECTION, "few_repeat_buyers", (("there", 0), ("needed", 20)))
    try:
        only = None if holdout is None else (next(iter(holdout.expected)),)
        fit = fit_lifetime(buyers, models=only, seed=context.seed)
    except NotEnoughDataError as error:
        return _missing(error)
    model = fit.choice.model
    expected = discounted_orders(model, buyers, months=settings.horizon, discount=settings.discount)
    customers = ledger.customers.gather(buyers.codes)
    del buyers  # seven columns of all customers; the forecast makes its own
    forecast = forecast_spend(
        purchases,
        ledger.today,
        round(settings.horizon * DAYS_A_MONTH),
        model,
        first_day=day_number(ledger.begins),
        seed=context.seed,
    )
    return Lifetime(
        customers=customers,
        orders=expected.orders,
        value=forecast.spend * expected.discount * margin.of_purchases,
        spend=forecast.spend * margin.kept,
        forecast=forecast,
        model=model,
        chosen_by="likelihood" if holdout is None else "holdout",
        holdout=holdout,
        independence=fit.independence,
        months=settings.horizon,
        discount=settings.discount,
        margin=margin,
        all_customers=len(ledger.customers),
    )


def lifetime_metrics(
    context: ReportContext, lifetime: Lifetime | Missing
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the customer lifetime value, its holdout test and the test of independence.

    Parameters
    ----------
    context
        Context of the included customers: all, or a part, for which only the values are returned. The tests use all
        customers.
    lifetime
        Result of :func:`read_lifetime` for all customers.
    """
    if isinstance(lifetime, Missing):
        return (), (lifetime,)
    customers = context.ledger.customers
    whole = len(customers) == lifetime.all_customers
    value = lifetime.value if whole else lifetime.value[lifetime.customers.is_in(customers.implode()).to_numpy()]
    metrics = list(_values(value, lifetime.forecast if whole else None))
    if not whole:
        return tuple(metrics), ()
    metrics += _past_metrics(lifetime.forecast)
    missing = [Missing(SECTION, "no_cost")] if lifetime.margin.share is None else []
    if lifetime.holdout is None:
        missing.append(Missing(SECTION, "no_holdout"))
    else:
        if not lifetime.forecast.tests:
            missing.append(Missing(SECTION, "no_spend_test"))
        metrics += _holdout_metrics(lifetime.holdout)
    return (*metrics, _independence(lifetime.independence)), tuple(missing)


def _held_out(ledger: Ledger, purchases: PurchaseHistory, horizon: int, seed: int) -> HoldoutTotals | None:
    first, last = day_number(ledger.begins), day_number(ledger.as_of)
    split = last - min(horizon, (last - first + 1) // HELD_OUT)
    try:
        return holdout_test(purchases, split=split, last_day=last, seed=seed).totals() if split < last else None
    except NotEnoughDataError:
        return None


def _missing(error: NotEnoughDataError) -> Missing:
    if "there" not in error.details:
        return Missing(SECTION, "no_lifetime_model")
    return Missing.too_few(SECTION, "few_repeat_buyers", error)


def _values(value: Floats, forecast: SpendForecast | None) -> tuple[Metric, ...]:
    customers, total = len(value), float(value.sum())
    tenths = by_deciles(value, value)
    reach = None if forecast is None else forecast.total_half_width
    ends = (None, None) if reach is None else tuple(round(total * exp(sign * reach), MONEY_DIGITS) for sign in (-1, 1))
    return (
        Metric("clv", round(total, MONEY_DIGITS), (), customers, *ends),
        Metric("clv_mean", round(total / customers, MONEY_DIGITS) if customers else None, n=customers),
        *(
            Metric(
                "clv_share",
                round(each.actual / total, SHARE_DIGITS) if total > 0 else None,
                (("tenth", str(number)),),
                n=each.customers,
            )
            for number, each in enumerate(tenths, 1)
        ),
    )


def _past_metrics(forecast: SpendForecast) -> list[Metric]:
    """Return the model weights of the spend forecast, and its error in the last backtest window."""
    if not forecast.tests:
        return []
    latest = forecast.tests[-1]
    customers = len(latest.spend)
    sums = (("predicted", latest.expected), ("actual", latest.spend))
    return [
        *(
            Metric("clv_weight", round(share, SHARE_DIGITS), (("model", name),))
            for name, share in forecast.shares.items()
        ),
        *(
            Metric("clv_past_spend", round(float(spend.sum()), MONEY_DIGITS), (("what", what),), n=customers)
            for what, spend in sums
        ),
        Metric("clv_past_error", round(latest.mean_absolute_error, MONEY_DIGITS), n=customers),
        Metric("clv_past_days", float(latest.days)),
        *(
            [Metric("clv_past_coverage", round(forecast.coverage, SHARE_DIGITS), n=customers)]
            if forecast.coverage is not None
            else []
        ),
    ]


def _tested(forecast: SpendForecast) -> tuple[str, ...]:
    if not forecast.tests:
        return ("the history is too short to test what customers spend: the lifetime value has no interval",)
    latest = forecast.tests[-1]
    sentence = (
        f"trained up to {calendar_day(latest.day)}, {latest.expected.sum():,.2f} was expected of the {latest.days} "
        f"days after and {latest.spend.sum():,.2f} came; the spend of a customer was off by "
        f"{latest.mean_absolute_error:,.2f} on average"
    )
    if forecast.coverage is not None:
        sentence += f", and {forecast.coverage:.0%} of the customers were within their {LEVEL:.0%} interval"
    if forecast.window < forecast.horizon:
        sentence += f"; the history is too short to test {forecast.horizon} days ahead"
    return (sentence,)


def _holdout_metrics(holdout: HoldoutTotals) -> list[Metric]:
    metrics = [
        *_tenths("holdout_orders", holdout.order_deciles, ORDER_DIGITS),
        *_tenths("holdout_money", holdout.spend_deciles, MONEY_DIGITS),
    ]
    for name, expected in holdout.expected.items():
        for what, orders in (("predicted", expected), ("actual", holdout.orders)):
            of = (("model", name), ("what", what))
            metrics.append(Metric("holdout_total_orders", round(orders, ORDER_DIGITS), of, n=holdout.customers))
    return metrics


def _tenths(name: str, tenths: tuple[HoldoutDecile, ...], digits: int) -> list[Metric]:
    return [
        Metric(name, round(figure, digits), (("tenth", str(number)), ("what", what)), n=each.customers)
        for number, each in enumerate(tenths, 1)
        for what, figure in (("predicted", each.expected), ("actual", each.actual))
    ]


def _independence(found: Independence) -> Metric:
    """Return the metric of Spearman's correlation, with the interval of Bonett and Wright.

    Bonett and Wright 2000, Psychometrika 65(1):23-28.
    """
    r, n = found.spearman, int(found.customers)
    if r is None or n <= 3 or abs(r) >= 1:
        return Metric("independence", r, n=n)
    reach = Z * sqrt((1 + r**2 / 2) / (n - 3))
    low, high = (round(tanh(atanh(r) + sign * reach), SHARE_DIGITS) for sign in (-1, 1))
    return Metric("independence", round(r, SHARE_DIGITS), (), n, low, high)


def _nearest(holdout: HoldoutTotals) -> str:
    (best, total), *others = holdout.expected.items()
    compared = ", ".join(f"{name} {orders:,.0f}" for name, orders in others)
    return (
        f"trained up to {calendar_day(holdout.split)} and compared with the {holdout.last_day - holdout.split} days "
        f"after, {best} came nearest to each customer's spend: "
        f"{total:,.0f} orders expected, {holdout.orders:,.0f} came" + (f" ({compared})" if compared else "")
    )
