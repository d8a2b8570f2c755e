"""What may be lost: value at risk by level, segment and reason, and how earlier warnings turned out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._churn.knowledge_answers import unanswered_share
from ckm._churn.saved_warnings import newest_closed_warnings, warning_outcome
from ckm._churn.warning_levels import LEVELS
from ckm.customers.ledger import NO_VALUE
from ckm.errors import NotEnoughDataError
from ckm.metrics.churn_estimates import ChurnEstimates, kept_warnings, warnings_made_now
from ckm.metrics.metric import Metric, Missing
from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._churn.saved_warnings import Outcome
    from ckm.metrics.context import ReportContext
    from ckm.metrics.customer_segments import Segments
    from ckm.metrics.margin import Margin
    from ckm.store import Store

SECTION = "churn"
NO_FORECAST = "no_forecast"
"""Why there are no warnings, and no lifetime value, where there is too little history for a forecast."""
MOST_WARNED_NOW = 50_000
"""Customers up to whom warnings with reasons are made for the report alone."""
SHARE_DIGITS, MONEY_DIGITS = 12, 2


@dataclass(frozen=True)
class Risk:
    """Who may leave, in which segment, and how earlier warnings turned out.

    Attributes
    ----------
    leaving
        Where it comes from.
    customers
        Its customers, with segment (String; null where not known).
    segments
        Names of the segments, best first.
    outcome
        How the newest run turned out whose horizon has passed; None without one.
    remarks
        What a reader should know, as sentences.
    all_customers
        Customers of the ledger.
    """

    leaving: ChurnEstimates
    customers: pl.DataFrame
    segments: tuple[str, ...]
    outcome: Outcome | None
    remarks: tuple[str, ...]
    all_customers: int


def read_risk(context: ReportContext, margin: Margin, segments: Segments | None) -> Risk | Missing:
    """Return who may leave.

    From the newest saved run of ``ckm churn-warn`` whose horizon is not over by the day of the
    report; else, for up to :data:`MOST_WARNED_NOW` customers, from warnings computed now and not saved. Where
    ``ckm churn-warn`` refuses, for there are too few data, the report shows no forecast either.

    Parameters
    ----------
    context
        Of all customers.
    margin
        Of all customers.
    segments
        Of all customers; None where there are none.
    """
    store = _store(context)
    found = kept_warnings(context, margin, store) if store is not None else None
    if found is None and len(context.ledger.customers) > MOST_WARNED_NOW:
        return Missing(SECTION, "many_customers")
    if found is None:
        try:
            found = warnings_made_now(context)
        except NotEnoughDataError as error:
            hint = f" ({error.hint})" if error.hint else ""
            detail = f"no churn warnings and no customer lifetime value, as ckm churn-warn refuses too: {error}{hint}"
            return Missing(SECTION, NO_FORECAST, detail=detail)
    frame = segments.frame if segments else pl.DataFrame(schema={"customer_id": pl.String, "segment": pl.String})
    outcome = _outcome(context, store) if store is not None else None
    return Risk(
        leaving=found,
        customers=found.customers.join(frame, on="customer_id", how="left", maintain_order="left"),
        segments=segments.names if segments else (),
        outcome=outcome,
        remarks=(found.remark, *([segments.remark] if segments else []), *([outcome.sentence] if outcome else [])),
        all_customers=len(context.ledger.customers),
    )


def value_at_risk_metrics(
    context: ReportContext, risk: Risk | Missing
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return value at risk by level, segment and reason, and how earlier warnings turned out.

    Parameters
    ----------
    context
        Of the customers to include: all, or a part, for which the outcome of earlier warnings is left out.
    risk
        Of all customers (:func:`read_risk`).
    """
    if isinstance(risk, Missing):
        return (), (risk, Missing(SECTION, "no_warnings_judged"))
    ids = context.ledger.customers
    mine = risk.customers.with_columns(level=pl.when(pl.col("customer_id").is_in(ids.implode())).then("level"))
    metrics, missing = list(_at_risk(risk, mine)), []
    if risk.leaving.has_reasons:
        metrics += _reasons(mine)
        if has_knowledge(context):
            warned = mine.filter(pl.col("level").is_not_null())
            metrics.append(Metric("unanswered_share", unanswered_share(warned), n=warned.height))
        else:
            missing.append(Missing(SECTION, "no_knowledge_base"))
    else:
        missing.append(Missing(SECTION, "no_reasons"))
    if risk.outcome is not None:
        metrics += _turned_out(risk.outcome) if len(ids) == risk.all_customers else ()
    else:
        missing.append(Missing(SECTION, "no_warnings_judged"))
    return tuple(metrics), tuple(missing)


def has_knowledge(context: ReportContext) -> bool:
    """Whether there is a knowledge base with any entry: without one no reason could have an answer."""
    return context.workspace is not None and any(context.workspace.kb_dir.rglob("*.yaml"))


def _store(context: ReportContext) -> Store | None:
    if context.workspace is None:
        return None
    from ckm.store import Store  # deltalake, which a file has no use for

    return Store(context.workspace.store_dir)


def _outcome(context: ReportContext, store: Store) -> Outcome | None:
    # after the end of the data no purchase is known
    run = newest_closed_warnings(store, context.data_end or context.as_of)
    return None if run is None else warning_outcome(run, context.ledger.next_purchases(run.as_of), horizon=run.horizon)


def _at_risk(risk: Risk, mine: pl.DataFrame) -> Iterator[Metric]:
    levels = tuple(reversed(LEVELS))
    warned = mine.filter(pl.col("level").is_not_null())
    yield _value(mine, pl.col("level").is_not_null(), "value_at_risk", ())
    for level in levels:
        yield _value(mine, pl.col("level") == level, "value_at_risk", (("level", level),))
    yield _count(mine, pl.col("level").is_not_null(), ())
    for level in levels:
        yield _count(mine, pl.col("level") == level, (("level", level),))
    for segment in [name for name in risk.segments if (warned["segment"] == name).any()]:
        of = (("segment", segment),)
        yield _value(mine, pl.col("level").is_not_null() & (pl.col("segment") == segment), "value_at_risk_segment", of)


def _value(mine: pl.DataFrame, which: pl.Expr, name: str, of: tuple[tuple[str, str], ...]) -> Metric:
    chosen = mine.select(pl.when(which).then("value_at_risk").fill_null(0.0)).to_series().to_numpy()
    there = mine.select(which.fill_null(value=False).sum()).item()
    # Sorted before it is summed: equal amounts in another order are the same sum.
    return Metric(name, round(float(np.sort(chosen).sum()), MONEY_DIGITS), of, n=there)


def _count(mine: pl.DataFrame, which: pl.Expr, of: tuple[tuple[str, str], ...]) -> Metric:
    return Metric("customers_at_risk", float(mine.select(which.fill_null(value=False).sum()).item()), of)


def _reasons(mine: pl.DataFrame) -> Iterator[Metric]:
    warned = mine.filter(pl.col("level").is_not_null())
    by_reason = (
        warned.sort("value_at_risk")
        .group_by(pl.col("reason").fill_null(NO_VALUE), maintain_order=True)
        .agg(pl.col("value_at_risk").sum().round(MONEY_DIGITS), pl.len())
        .sort("value_at_risk", "reason", descending=[True, False])
    )
    for reason, value, customers in by_reason.iter_rows():
        yield Metric("reason_value", value, (("reason", reason),), n=customers)


def _turned_out(outcome: Outcome) -> Iterator[Metric]:
    for name, whole in (("warning_precision", outcome.warned), ("warning_recall", outcome.churned)):
        share = round(outcome.warned_churned / whole, SHARE_DIGITS) if whole else None
        yield Metric(name, share, (), whole, *wilson(outcome.warned_churned, whole))
    yield Metric("warning_lead_time", outcome.median_days_before, n=outcome.warned_churned)
