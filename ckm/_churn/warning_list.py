"""Warning list: one row per customer with churn probability, level, value at risk, reasons and actions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.base_rate import base_rate
from ckm._churn.churn_cost import ChurnCost, churn_cost
from ckm._churn.customer_facts import customer_facts, returning_customers
from ckm._churn.expected_gain import Assumptions, expected_gain
from ckm._churn.knowledge_answers import FoundAnswers, answer, answers_for, unanswered_share
from ckm._churn.reasons import explain
from ckm._churn.seasonal_buyers import SEASON_DAYS, YEAR
from ckm._churn.suppression import suppress
from ckm._churn.top_products import top_categories, top_products
from ckm._churn.warning_levels import LEVELS, Thresholds, give_levels, is_warning
from ckm.customers.calendar import calendar_day
from ckm.remark import doubt
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ckm._churn.churn_forecast import Forecast
    from ckm.settings import ChurnSettings

AMOUNTS = ("last_order_value", "value_at_risk", "expected_gain", "unanswered_share", "currency")
"""Columns that are null if no amounts are known."""
REASON_FIELDS = ("code", "text", "value", "typical", "contribution", "share_of_retained", "cause")
COLUMNS = (
    "customer_id",
    "as_of",
    "horizon_days",
    "p_churn",
    "level",
    "model",
    "last_order",
    "last_order_value",
    "top_category",
    "top_product",
    "days_silent",
    "purchase_days",
    "median_interpurchase_days",
    "value_at_risk",
    "currency",
    "expected_gain",
    "why",
    "reasons",
    "answers",
    "unanswered",
    "segment",
    "suppressed",
    "first_warned_on",
    "change",
    "days_left",
    "past_lead_time",
    "contribution_typical",
    "contribution_other",
)
"""Columns of the output, in order."""
NO_REASON = "no single reason stands out"
"""Sentence in place of a reason, where no single fact raises the churn probability."""
P_DIGITS, MONEY_DIGITS, POINT_DIGITS = 12, 2, 9
"""Decimals: enough for contributions to add up to the log odds, fewer than rounding errors of floats."""


@dataclass(frozen=True)
class ChurnListing:
    """Warning list of all customers.

    Attributes
    ----------
    frame
        One row per customer with a purchase, sorted by ``customer_id``: the columns of :data:`COLUMNS` except segment,
        first_warned_on and change. ``reasons`` is a list of structs, the top reason first, and null for customers
        without reasons. ``contribution_typical`` (the log odds of a typical retained customer), the contributions of
        the reasons and ``contribution_other`` (of everything else) add up to the log odds of ``p_churn``.
        ``why`` is the sentence of the first reason, or :data:`NO_REASON`. ``median_interpurchase_days`` is null below
        three purchase days.
    answers
        Knowledge entries that answer reasons.
    thresholds
        Thresholds of the levels.
    churn_cost
        Churn cost, a factor of the expected gain.
    value
        Measure of customer value: ``margin``, or ``revenue`` without known costs.
    remarks
        Notes for the reader, as sentences.
    """

    frame: pl.DataFrame
    answers: FoundAnswers
    thresholds: Thresholds
    churn_cost: ChurnCost
    value: str
    remarks: tuple[str, ...]


def list_customers(
    forecast: Forecast,
    tables: Mapping[str, pl.LazyFrame],
    settings: ChurnSettings,
    *,
    lead_time: int,
    kb: Path | None,
    all_customers: bool,
    assumptions: Assumptions | None = None,
) -> ChurnListing:
    """Return the warning list of a forecast.

    Parameters
    ----------
    forecast
        Churn probabilities of all customers.
    tables
        Tables of the workspace; ``consents``, ``interactions`` and ``assignments`` hold the suppressions.
    settings
        Thresholds and assumptions.
    lead_time
        Days that an action needs.
    kb
        Folder of knowledge entries; None without one.
    all_customers
        Whether all customers get reasons, not only those with a warning.
    assumptions
        Assumptions of the expected gain. Default: those of the settings.
    """
    history = forecast.history
    rate = base_rate(forecast.past_base_rate, forecast.today, forecast.probability)
    thresholds = Thresholds.of(settings, rate)
    cost = churn_cost(history, forecast.today.day, forecast.horizon.days)
    judged = _judged(
        forecast, thresholds, assumptions or Assumptions.of(settings), lead_time=lead_time, cost=cost.share
    )
    as_of = calendar_day(forecast.today.day)
    suppressed = suppress(judged, tables, as_of=as_of, settings=settings, time_zone=history.ledger.time_zone)
    judged = judged.hstack(suppressed.frame.select("suppressed"))
    explained = judged.select(pl.lit(all_customers) | pl.col("level").is_not_null()).to_series().to_numpy()
    reasons, base = _reasons(forecast, explained)
    found = answers_for(reasons["code"].drop_nulls().unique().to_list(), kb, as_of)
    named = reasons.drop_nulls("code").sort("customer_id", "rank")
    other = reasons.filter(pl.col("code").is_null()).select("customer_id", contribution_other="contribution")
    listed = named.group_by("customer_id", maintain_order=True).agg(
        pl.struct(REASON_FIELDS).alias("reasons"), why=pl.col("text").first()
    )
    answered = answer(named, found)
    bought = _bought(forecast, tables["transactions"], explained, as_of)
    frame = (
        judged.join(bought, on="customer_id", how="left", maintain_order="left")
        .join(listed, on="customer_id", how="left", maintain_order="left")
        .join(answered, on="customer_id", how="left", maintain_order="left")
        .join(other, on="customer_id", how="left", maintain_order="left")
        .with_columns(
            pl.when(pl.Series(explained)).then(pl.lit(base)).alias("contribution_typical"),
            pl.when(pl.Series(explained)).then(pl.col("reasons").fill_null([])).alias("reasons"),
            pl.when(pl.Series(explained)).then(pl.col("why").fill_null(NO_REASON)).alias("why"),
            pl.when(pl.Series(explained)).then(pl.col("answers").fill_null([])).alias("answers"),
            pl.when(pl.Series(explained)).then(pl.col("unanswered").fill_null(value=True)).alias("unanswered"),
        )
    )
    value = "revenue" if history.full_ledger.margin_share(forecast.today.day) is None else "margin"
    remarks = (*map(doubt, suppressed.remarks), *found.remarks)
    return ChurnListing(frame, found, thresholds, cost, value, remarks)


def summarise(frame: pl.DataFrame, currency: str) -> pl.DataFrame:
    """Return one row per level, highest first: value at risk, expected gain and unanswered share.

    Parameters
    ----------
    frame
        Rows of :func:`list_customers` that are listed.
    currency
        Currency of the amounts.

    Returns
    -------
    pl.DataFrame
        level, customers, suppressed (number of suppressed customers), value_at_risk, expected_gain (sum of positive
        gains), unanswered_share (of the value at risk), currency.
    """
    rows = []
    for level in reversed(LEVELS):
        mine = frame.filter(pl.col("level") == level)
        warned = mine.filter(is_warning())
        rows.append(
            {
                "level": level,
                "customers": mine.height,
                "suppressed": mine.height - warned.height,
                "value_at_risk": round(float(mine["value_at_risk"].sort().sum()), MONEY_DIGITS),
                "expected_gain": round(float(warned["expected_gain"].clip(lower_bound=0).sort().sum()), MONEY_DIGITS),
                "unanswered_share": unanswered_share(mine),
                "currency": currency,
            }
        )
    types = {
        "value_at_risk": pl.Float64,
        "expected_gain": pl.Float64,
        "unanswered_share": pl.Float64,
        "currency": pl.String,
    }
    return pl.DataFrame(rows, schema_overrides=types)


def without_amounts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a warning list or its summary with all amounts set to null."""
    return frame.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in frame.schema.items() if name in AMOUNTS
    )


def _judged(
    forecast: Forecast, thresholds: Thresholds, assumptions: Assumptions, *, lead_time: int, cost: float
) -> pl.DataFrame:
    today, history = forecast.today, forecast.history
    features = today.features
    names = ("median_interpurchase_days", "purchase_days", "last_day_value")
    facts = customer_facts(history, today, names=names)
    season_returns = today.last_order + YEAR - SEASON_DAYS
    customers = pl.DataFrame(
        {
            "customer_id": history.customers.gather(today.customers),
            "p_churn": pl.Series(forecast.probability).round(P_DIGITS),
            "value_12mo": today.value,
            "days_silent": features["days_silent"],
            "long_gap_days": features["gap_p80_days"],
            "median_interpurchase_days": facts["median_interpurchase_days"],
            "purchase_days": facts["purchase_days"].astype("int64"),
            "last_order": pl.Series(today.last_order, dtype=pl.Int32).cast(pl.Date),
            "last_order_value": facts["last_day_value"],
            "open_complaint": today.has_open_complaint,
            "seasonal": today.bought_same_season & (season_returns > today.day + forecast.horizon.days),
        }
    )
    levels = give_levels(customers, thresholds, horizon=forecast.horizon.days, lead_time=lead_time)
    gain = expected_gain(pl.col("p_churn"), pl.col("value_12mo"), assumptions, churn_cost=cost)
    if history.ledger.currency == NO_CURRENCY:
        gain = pl.col("value_at_risk")  # order lines at risk: the only possible order without amounts
    return levels.with_columns(
        pl.lit(calendar_day(today.day)).alias("as_of"),
        pl.lit(forecast.horizon.days, pl.Int64).alias("horizon_days"),
        pl.lit(forecast.model.name).alias("model"),
        pl.lit(history.ledger.currency).alias("currency"),
        pl.col("days_silent").cast(pl.Int64),
        pl.col("median_interpurchase_days").fill_nan(None).round(1),
        pl.col("last_order_value", "value_at_risk").round(MONEY_DIGITS),
        gain.alias("expected_gain"),
    )


def _bought(forecast: Forecast, transactions: pl.LazyFrame, explained: NDArray[np.bool_], as_of: date) -> pl.DataFrame:
    """Return top category and top product of the customers in the mask ``explained``."""
    history = forecast.history
    codes = forecast.today.customers[explained]
    ids = history.customers.gather(codes)
    return pl.DataFrame(
        {
            "customer_id": ids,
            "top_category": top_categories(history, codes),
            "top_product": top_products(history.full_ledger, transactions, ids, as_of=as_of),
        }
    )


def _reasons(forecast: Forecast, explained: NDArray[np.bool_]) -> tuple[pl.DataFrame, float]:
    """Return the reasons of the customers in the mask ``explained``, by id, and the base log odds."""
    import numpy as np

    rows = np.flatnonzero(explained)
    features = {name: values[rows] for name, values in forecast.today.features.items()}
    found = explain(
        forecast.model,
        forecast.today.customers[rows],
        features,
        forecast.typical,
        facts=customer_facts(forecast.history, forecast.today, rows),
        returning=returning_customers(forecast.history, forecast.today.day, forecast.horizon.days),
        currency=forecast.history.ledger.currency,
    )
    ids = forecast.history.customers.gather(found.frame["customer"])
    named = found.frame.drop("customer").insert_column(0, ids.alias("customer_id"))
    return named.with_columns(pl.col("contribution").round(POINT_DIGITS)), round(found.attribution.base, POINT_DIGITS)
