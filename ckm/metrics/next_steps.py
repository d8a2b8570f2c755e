"""What to do next: actions with their customers and their amount, largest amount first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._churn.reason_catalogue import load_reasons
from ckm._churn.suppression import suppress
from ckm.customers.ledger import NO_VALUE
from ckm.metrics.metric import Metric
from ckm.metrics.value_at_risk import MONEY_DIGITS, Risk, has_knowledge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.lifecycle import Lifecycle
    from ckm.metrics.metric import Metrics, Missing

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

METRICS = {
    "call": "call_value",
    "cause": "reason_value",
    "entry": "unanswered_value",
    "win_back": "win_back_value",
    "second_order": "second_order_expected_revenue",
}
"""Metric with the amount of each action."""
AT_RISK_COLUMNS = {
    "customer_id": pl.String,
    "level": pl.String,
    "value_at_risk": pl.Float64,
    "reason": pl.String,
    "last_purchase": pl.Date,
}
"""Columns of :func:`call_list`."""
FEWEST_LAPSED = 30
"""Fewest lapsed customers of high value for a rate of reactivation."""
HIGH_VALUE = 0.8
"""Quantile of the net of the last active year; customers at or above it are of high value."""
DAYS_A_YEAR = 365


@dataclass(frozen=True)
class NextStep:
    """A recommended action with its amount of money.

    Attributes
    ----------
    action
        Key of :data:`METRICS`.
    metric
        Metric with its amount; ``n`` is the number of customers. A slice names the churn driver of the action.
    """

    action: str
    metric: Metric

    @property
    def reason(self) -> str | None:
        """Churn driver of the action; None for an action without one."""
        return self.metric.of("reason")


def next_steps(metrics: Metrics) -> tuple[NextStep, ...]:
    """Return the actions with an amount, largest first; an action per churn driver only for the largest driver.

    A customer can be in several actions, so the amounts do not add up.
    """
    steps = []
    causes = {each.code for each in load_reasons().reasons if each.cause}
    for action, name in METRICS.items():
        found = [each for each in metrics if each.name == name and each.value is not None and each.value > 0]
        found = [each for each in found if all(dimension == "reason" for dimension, _ in each.slice)]
        if action == "cause":
            found = [each for each in found if each.of("reason") in causes]
        if found:
            steps.append(NextStep(action, max(found, key=lambda each: each.value or 0.0)))
    return tuple(sorted(steps, key=lambda step: -(step.metric.value or 0.0)))


def call_list(context: ReportContext, risk: Risk | Missing) -> pl.DataFrame:
    """Return the customers with a warning who may be contacted, largest value at risk first.

    The same customers as in the list ``at-risk`` of :func:`ckm.metrics.customer_table.audiences`.

    Parameters
    ----------
    context
        Context of all customers.
    risk
        Churn estimates of all customers.
    """
    if not isinstance(risk, Risk):
        return pl.DataFrame(schema=AT_RISK_COLUMNS)
    ledger = context.ledger
    warned = risk.customers.filter(pl.col("level").is_not_null())
    alone = suppress(
        warned.select("customer_id"), context.tables, as_of=context.as_of, settings=context.config.churn,
        time_zone=ledger.time_zone,
    ).frame  # fmt: skip
    last = pl.DataFrame({"customer_id": ledger.customers, "day": ledger.last_day}).filter(
        pl.Series(ledger.has_purchase)
    )
    return (
        warned.with_columns(suppressed=alone["suppressed"])
        .filter(pl.col("suppressed").is_null())
        .join(last, on="customer_id", how="left", maintain_order="left")
        .with_columns(last_purchase=pl.col("day").cast(pl.Date))
        .sort("value_at_risk", "customer_id", descending=[True, False], nulls_last=True)
        .select(pl.col(name).cast(dtype) for name, dtype in AT_RISK_COLUMNS.items())
    )


def next_step_metrics(
    context: ReportContext, risk: Risk | Missing, calls: pl.DataFrame, lifecycle: Lifecycle | None
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the amounts of the actions: ``call_value``, ``unanswered_value`` by reason, and ``win_back_value``.

    Parameters
    ----------
    context
        Context of all customers.
    risk
        Churn estimates of all customers.
    calls
        Result of :func:`call_list`.
    lifecycle
        Life cycle of all customers; None if the purchase interval is unknown.
    """
    metrics = []
    if calls.height:
        metrics.append(Metric("call_value", _total(calls), n=calls.height))
    if isinstance(risk, Risk) and risk.estimates.has_reasons and has_knowledge(context):
        metrics += _unanswered(risk)
    if lifecycle is not None and (won := _win_back(context, lifecycle)) is not None:
        metrics.append(won)
    return tuple(metrics), ()


def _total(customers: pl.DataFrame) -> float:
    # sorted before the sum, so that the order of rows does not change the rounding
    return round(float(np.sort(customers["value_at_risk"].fill_null(0.0).to_numpy()).sum()), MONEY_DIGITS)


def _unanswered(risk: Risk) -> Iterator[Metric]:
    """Yield, for each top reason, the value at risk of warned customers for whom no reason has a knowledge entry."""
    open_ = risk.customers.filter(pl.col("level").is_not_null() & pl.col("unanswered").fill_null(value=False))
    for (reason,), customers in sorted(open_.group_by(pl.col("reason").fill_null(NO_VALUE))):
        if reason != NO_VALUE:
            yield Metric("unanswered_value", _total(customers), (("reason", str(reason)),), n=customers.height)


def _win_back(context: ReportContext, lifecycle: Lifecycle) -> Metric | None:
    """Return the revenue expected from the lapsed customers of high value.

    Their net in the year that ended with the last purchase, times a win-back rate. The rate is measured on customers of
    high value who had lapsed before the period: net in the period divided by net in the year that ended with the last
    purchase before it. None without a comparison, or with fewer than :data:`FEWEST_LAPSED` of these customers.
    """
    earlier = lifecycle.earlier
    if earlier is None or context.compared.last + timedelta(1) != context.period.first:
        return None
    (lapsed, worth), (lapsed_then, worth_then) = _lapsed_of_high_value(lifecycle), _lapsed_of_high_value(earlier)
    before = int(worth_then[lapsed_then].sum())
    if int(lapsed_then.sum()) < FEWEST_LAPSED or not before:
        return None
    came = int(context.ledger.net_between(context.period)[lapsed_then].sum())
    rate = min(1.0, max(0.0, came / before))
    value = context.ledger.money(int(worth[lapsed].sum()) * rate)
    return Metric("win_back_value", round(value, MONEY_DIGITS), n=int(lapsed.sum()))


def _lapsed_of_high_value(lifecycle: Lifecycle) -> tuple[Mask, Integers]:
    """Return a mask of lapsed customers of high value, and each customer's net in the year before the last purchase.

    Both arrays have one element per customer code. The value is high above a quantile of that net.
    """
    bought, worth = lifecycle.ledger.has_purchase, lifecycle.ledger.by_customer(_last_year)
    if not bought.any():
        return bought, worth
    high = max(1.0, float(np.quantile(worth[bought], HIGH_VALUE)))
    return lifecycle.is_lapsed & (worth >= high), worth


def _last_year(ledger: Ledger) -> Integers:
    """Return each customer's net in the year before the last purchase, by code; 0 without a purchase."""
    bought = ledger.purchases.has_any
    begin = ledger.purchases.last_days().astype(np.int64) - DAYS_A_YEAR
    worth = np.zeros(len(bought), dtype=np.int64)
    for lines in ledger.all_lines:
        inside = bought[lines.code] & (lines.day > begin[lines.code])
        np.add.at(worth, lines.code[inside], lines.of("net")[inside])
    return worth
