"""Who may leave: as a kept run of warnings says, as one made for the report says, or as the model of ordering says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.churn import Request, warn
from ckm.churning.horizon import nearest_usual
from ckm.churning.keeping import current_warnings
from ckm.churning.levels import Thresholds, give_levels
from ckm.customers.calendar import day_number
from ckm.customers.period import MONTHS_OF_A_YEAR, period_until
from ckm.dataset import Dataset
from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from datetime import date

    from ckm.measures.basis import Basis
    from ckm.measures.lifetime import Lifetime
    from ckm.measures.margin import Margin
    from ckm.measures.sample import FeatureSample
    from ckm.store import Store

MODELS_NOW = ("scorecard", "rule")
"""Of these, the first that there are enough data for: nobody waits for a comparison of all models."""
PROBABILITY_DIGITS, MONEY_DIGITS = 12, 2


@dataclass(frozen=True)
class Leaving:
    """Who may leave, and what would be lost.

    Attributes
    ----------
    customers
        By ``customer_id``: p_leave (Float64; null where the source does not say it), level (one of
        :data:`ckm.churning.levels.LEVELS`; null: not warned about), value_at_risk (Float64), reason (code of the one in
        front; null without reasons), unanswered (Boolean).
    source
        ``kept``: a run of the workspace; ``now``: warnings made for the report; ``model``: the model of ordering.
    as_of, horizon, model
        Day of the warnings, days they look ahead, and what gave the probabilities.
    remark
        The same as a sentence.
    has_reasons
        Whether the source says why.
    sample
        Where ``customers`` are a sample of all; None where nobody is left out.
    """

    customers: pl.DataFrame
    source: str
    as_of: date
    horizon: int
    model: str
    remark: str
    has_reasons: bool
    sample: FeatureSample | None = None


def kept_warnings(basis: Basis, margin: Margin, store: Store) -> Leaving | None:
    """Return what the newest run says whose horizon has not passed by the day of the report; None without one.

    Who has bought since is left out: that ended the warning. Probabilities are known of who has a level only. A run of
    a ckm that did not keep the value at risk has it from the ledger: probability times net of the 12 months to its day,
    times the margin.
    """
    run = current_warnings(store, basis.as_of)
    if run is None:
        return None
    ledger = basis.ledger
    year = ledger.net_between(period_until(run.as_of, MONTHS_OF_A_YEAR)) / ledger.scale * margin.of_net
    known = pl.DataFrame(
        {
            "customer_id": ledger.customers,
            "value": year,
            "bought_since": ledger.purchases.last_days() > day_number(run.as_of),
        }
    ).filter(pl.Series(ledger.purchases.has_any))
    told = run.frame.join(known, on="customer_id", how="inner", maintain_order="left").sort("customer_id")
    still = told.filter(~pl.col("bought_since"))
    model = str(run.facts.get("model", "unknown"))
    at_risk = pl.coalesce("value_at_risk", (pl.col("p_churn") * pl.col("value")).round(MONEY_DIGITS))
    return Leaving(
        customers=still.select(
            "customer_id",
            "level",
            "unanswered",
            reason=pl.col("reasons").str.split(" ").list.first(),
            p_leave="p_churn",
            value_at_risk=at_risk,
        ),
        source="kept",
        as_of=run.as_of,
        horizon=run.horizon,
        model=model,
        remark=(
            f"churn warnings of {run.as_of}, kept by the workspace: {run.horizon} days, model {model}; "
            f"{told.height - still.height:,} of {told.height:,} customers have bought since and are left out"
        ),
        has_reasons=run.frame.is_empty() or run.frame["reasons"].null_count() < run.frame.height,
    )


def warnings_made_now(basis: Basis) -> Leaving | None:
    """Return what ``ckm churn-warn`` would say, without keeping it; None where there are too few data for any model."""
    dataset = Dataset(dict(basis.tables), "the report", workspace=basis.workspace)
    for model in MODELS_NOW:
        request = Request(as_of=basis.as_of, model=model, seed=basis.seed, keep=False)
        try:
            warned = warn(dataset, request, basis.config)
        except NotEnoughDataError:
            continue
        forecast = warned.forecast
        first_reason = pl.col("reasons").list.first().struct.field("code")
        told = warned.frame.select("customer_id", "level", "value_at_risk", "unanswered", reason=first_reason)
        ids = forecast.history.customers.gather(forecast.today.customers)
        probability = pl.Series(forecast.probability).round(PROBABILITY_DIGITS)
        everybody = pl.DataFrame({"customer_id": ids, "p_leave": probability})
        return Leaving(
            customers=everybody.join(told, on="customer_id", how="left", maintain_order="left"),
            source="now",
            as_of=basis.as_of,
            horizon=forecast.horizon.days,
            model=forecast.model.name,
            remark=f"churn warnings made for this report: {forecast.horizon.days} days, model {forecast.model.name}",
            has_reasons=True,
        )
    return None


def by_model_of_ordering(basis: Basis, lifetime: Lifetime, sample: FeatureSample) -> Leaving | None:
    """Return the probability of no order within the usual horizon, and levels by the settings; None without a rhythm.

    The horizon is chosen as ``ckm churn-warn`` does, from the 80th percentile of the gaps between purchases.
    """
    gap = sample.table.population.gap_p80_days
    if gap is None:
        return None
    horizon, settings = nearest_usual(gap), basis.config.churn
    features = sample.table.frame
    tenure = features["tenure_days"].to_numpy()
    until_last = tenure - features["recency_days"].to_numpy()
    probability = lifetime.model.no_order(features["frequency"].to_numpy() - 1, until_last, tenure, horizon)
    customers = features.select(
        "customer_id",
        value_12mo="margin_12mo",
        days_silent="recency_days",
        long_gap_days="gap_p80_days",
        p_churn=pl.Series(probability).round(PROBABILITY_DIGITS),
    )
    judged = give_levels(customers, Thresholds.of(settings), horizon=horizon, lead=settings.lead)
    part = "" if sample.is_everybody else f", of {features.height:,} of {sample.of:,} customers, a systematic sample"
    return Leaving(
        customers=judged.select(
            "customer_id",
            "level",
            p_leave="p_churn",
            value_at_risk=pl.col("value_at_risk").round(MONEY_DIGITS),
            reason=pl.lit(None, pl.String),
            unanswered=pl.lit(None, pl.Boolean),
        ),
        source="model",
        as_of=basis.as_of,
        horizon=horizon,
        model=lifetime.model.name,
        remark=f"probability of no order within {horizon} days by {lifetime.model.name}, without reasons{part}",
        has_reasons=False,
        sample=None if sample.is_everybody else sample,
    )
