"""Share of wallet: spend in the shop as a share of the stated spend in the category.

A survey response is an interaction with the topic ``wallet`` and an extra column ``stated_spend``: the yearly spend on
these goods in all shops, as the customer states it, in the currency of the transactions.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.calendar import months_before
from ckm.customers.period import MONTHS_OF_A_YEAR, period_until
from ckm.metrics.metric import Metric, Missing
from ckm.models.intervals import Z
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.metrics.context import ReportContext

SECTION = "growth_potential"
TOPIC = "wallet"
STATED = "stated_spend"
DIGITS = 12
FEWEST = 2
"""Fewest responses for an interval."""


def wallet_metrics(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the share of wallet of customers with a response in the last 12 months.

    The newest response of a customer counts. If the stated total spend is below the actual spend in the shop, the
    actual spend is used. The interval is for a ratio of two sums (Cochran 1977, Sampling Techniques, 6.4).
    """
    share = _share(context)
    before = None if context.before is None else _share(context.before)
    if share is None:
        return (), (Missing(SECTION, "no_wallet_survey"),)
    value, customers, reach = share
    lo, hi = (None, None) if reach is None else (max(0.0, value - reach), min(1.0, value + reach))
    was, counted = (None, None) if before is None else before[:2]
    return (Metric("wallet_share", value, (), customers, lo, hi, was, counted),), ()


def _share(context: ReportContext) -> tuple[float, int, float | None] | None:
    """Return share of wallet, number of responses, and half-width of the share's interval; None without responses."""
    answers = _answers(context)
    if answers is None or answers.is_empty():
        return None
    ledger = context.ledger
    here = ledger.net_between(period_until(context.as_of, MONTHS_OF_A_YEAR)) / ledger.scale
    bought = pl.DataFrame({"customer_id": ledger.customers, "here": np.maximum(here, 0.0)})
    responses = answers.join(bought, on="customer_id", how="inner").sort("customer_id")
    spent = responses["here"].to_numpy()
    wallet = np.maximum(responses["stated"].to_numpy(), spent)
    if not wallet.sum() > 0:
        return None
    value = round(float(spent.sum() / wallet.sum()), DIGITS)
    return value, len(spent), _reach(spent - value * wallet, float(wallet.sum()))


def _answers(context: ReportContext) -> pl.DataFrame | None:
    """Return ``customer_id`` and ``stated`` (Float64), the newest response of each customer; None without responses."""
    interactions = context.tables.get("interactions")
    if interactions is None:
        return None
    if not {"customer_id", "at", "topic", STATED} <= set(interactions.collect_schema()):
        return None
    zone = context.ledger.time_zone
    since, until = (end_of_day(day, zone) for day in (months_before(context.as_of, MONTHS_OF_A_YEAR), context.as_of))
    stated = pl.col(STATED).cast(pl.Float64, strict=False)
    return (
        interactions.filter(
            pl.col("topic").str.to_lowercase() == TOPIC,
            pl.col("at") >= since,
            pl.col("at") < until,
            stated.is_finite() & (stated > 0),
        )
        .select("customer_id", "at", stated=stated)
        .drop_nulls("customer_id")
        .group_by("customer_id")
        # of two responses at the same time the larger counts, so that the order of rows does not matter
        .agg(pl.col("stated").sort_by("at", "stated").last())
        .collect()
    )


def _reach(misses: NDArray[np.float64], whole: float) -> float | None:
    """Return the half-width of the 95 % interval of a ratio of sums; None for one customer.

    ``misses`` are the customers' residuals, ``whole`` is the denominator.
    """
    number = len(misses)
    if number < FEWEST:
        return None
    return round(Z * sqrt(number / (number - 1) * float((misses**2).sum())) / whole, DIGITS)
