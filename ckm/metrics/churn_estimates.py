"""Churn probabilities and warnings: from a saved run, or computed for the report in the way of ``ckm churn-warn``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.saved_warnings import current_warnings
from ckm.churn import ChurnOptions, warn
from ckm.customers.calendar import day_number
from ckm.customers.period import MONTHS_OF_A_YEAR, period_until
from ckm.dataset import Dataset
from ckm.remark import doubt

if TYPE_CHECKING:
    from datetime import date

    from ckm.metrics.context import ReportContext
    from ckm.metrics.margin import Margin
    from ckm.store import Store

PROBABILITY_DIGITS, MONEY_DIGITS = 12, 2


@dataclass(frozen=True)
class ChurnEstimates:
    """Churn probabilities of customers, and their value at risk.

    Attributes
    ----------
    customers
        By ``customer_id``: p_leave (Float64; null if unknown), level (one of
        :data:`ckm._churn.warning_levels.LEVELS`; null: no warning), value_at_risk (Float64), reason (code of the
        top reason; null without reasons), unanswered (Boolean).
    source
        ``saved``: a saved run of the workspace; ``now``: warnings computed for the report.
    as_of, horizon, model
        Day of the warnings, their horizon in days, and the model.
    remark
        The source as a sentence.
    has_reasons
        Whether the source has reasons.
    """

    customers: pl.DataFrame
    source: str
    as_of: date
    horizon: int
    model: str
    remark: str
    has_reasons: bool


def saved_estimates(context: ReportContext, margin: Margin, store: Store) -> ChurnEstimates | None:
    """Return the newest saved run whose horizon is not over on the day of the report; None without one.

    Customers with a purchase since the run are excluded, because the purchase ended their warning. Only customers with
    a level have a probability. If the run is of an older version of ckm without value at risk, this is computed from
    the ledger: probability × net of the 12 months to the run's day × margin.
    """
    run = current_warnings(store, context.as_of)
    if run is None:
        return None
    ledger = context.ledger
    year = ledger.net_between(period_until(run.as_of, MONTHS_OF_A_YEAR)) / ledger.scale * margin.of_net
    known = pl.DataFrame(
        {
            "customer_id": ledger.customers,
            "value": year,
            "bought_since": ledger.last_day > day_number(run.as_of),
        }
    ).filter(pl.Series(ledger.has_purchase))
    warnings = run.frame.join(known, on="customer_id", how="inner", maintain_order="left").sort("customer_id")
    still = warnings.filter(~pl.col("bought_since"))
    model = str(run.facts.get("model", "unknown"))
    at_risk = pl.coalesce("value_at_risk", (pl.col("p_churn") * pl.col("value")).round(MONEY_DIGITS))
    return ChurnEstimates(
        customers=still.select(
            "customer_id",
            "level",
            "unanswered",
            reason=pl.col("reasons").str.split(" ").list.first(),
            p_leave="p_churn",
            value_at_risk=at_risk,
        ),
        source="saved",
        as_of=run.as_of,
        horizon=run.horizon,
        model=model,
        remark=(
            f"churn warnings of {run.as_of}, saved in the workspace: {run.horizon} days, model {model}; "
            f"{warnings.height - still.height:,} of {warnings.height:,} customers have bought since and are left out"
        ),
        has_reasons=run.frame.is_empty() or run.frame["reasons"].null_count() < run.frame.height,
    )


def computed_estimates(context: ReportContext) -> ChurnEstimates:
    """Return the result of ``ckm churn-warn`` with default options, without saving it.

    ``context`` has the baskets.

    Raises
    ------
    NotEnoughDataError
        ``ckm churn-warn`` has too few data.
    """
    dataset = Dataset(dict(context.tables), "the report", workspace=context.workspace)
    options = ChurnOptions(as_of=context.as_of, seed=context.seed, keep=False)
    warned = warn(dataset, options, context.config, ledger=context.ledger.with_entries())
    forecast = warned.forecast
    first_reason = pl.col("reasons").list.first().struct.field("code")
    listed = warned.frame.select("customer_id", "level", "value_at_risk", "unanswered", reason=first_reason)
    ids = forecast.history.customers.gather(forecast.today.customers)
    probability = pl.Series(forecast.probability).round(PROBABILITY_DIGITS)
    all_customers = pl.DataFrame({"customer_id": ids, "p_leave": probability})
    made, shortened = f"churn warnings made for this report by model {forecast.model.name}", forecast.horizon.shortened
    return ChurnEstimates(
        customers=all_customers.join(listed, on="customer_id", how="left", maintain_order="left"),
        source="now",
        as_of=context.as_of,
        horizon=forecast.horizon.days,
        model=forecast.model.name,
        remark=doubt(f"{made}: {shortened}") if shortened else f"{made}: {forecast.horizon.days} days",
        has_reasons=True,
    )
