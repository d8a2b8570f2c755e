"""Value at risk by warning level, segment and churn driver, and the outcome of earlier warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._churn.knowledge_answers import unanswered_share
from ckm._churn.saved_warnings import newest_closed_warnings
from ckm._churn.warning_levels import LEVELS
from ckm._churn.warning_outcome import warning_outcome
from ckm.customers.ledger import NO_VALUE
from ckm.errors import NotEnoughDataError
from ckm.metrics.churn_estimates import ChurnEstimates, computed_estimates, saved_estimates
from ckm.metrics.metric import Metric, Missing
from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._churn.warning_outcome import Outcome
    from ckm.metrics.context import ReportContext
    from ckm.metrics.customer_segments import Segments
    from ckm.metrics.margin import Margin
    from ckm.store import Store

SECTION = "churn"
NO_FORECAST = "no_forecast"
"""Reason for missing warnings and lifetime values: the history is too short for a forecast."""
MOST_WARNED_NOW = 50_000
"""Largest number of customers for which the report computes warnings itself."""
SHARE_DIGITS, MONEY_DIGITS = 12, 2


@dataclass(frozen=True)
class Risk:
    """Churn estimates of customers with their segments, and the outcome of earlier warnings.

    Attributes
    ----------
    estimates
        Churn estimates.
    customers
        Customers of the estimates, with ``segment`` (String; null if unknown).
    segments
        Names of the segments, best first.
    outcome
        Outcome of the newest run whose horizon has ended; None without one.
    remarks
        Remarks for the user, as sentences.
    all_customers
        Number of customers of the ledger.
    """

    estimates: ChurnEstimates
    customers: pl.DataFrame
    segments: tuple[str, ...]
    outcome: Outcome | None
    remarks: tuple[str, ...]
    all_customers: int


def read_risk(context: ReportContext, margin: Margin, segments: Segments | None) -> Risk | Missing:
    """Return churn estimates, segments and the outcome of earlier warnings.

    The source is the newest saved run of ``ckm churn-warn`` whose horizon has not ended by the report's day. Without
    one, warnings are computed for the report and not saved, for up to :data:`MOST_WARNED_NOW` customers. If ``ckm
    churn-warn`` has too few data, the report shows no forecast either.

    Parameters
    ----------
    context
        Context of all customers, with the baskets.
    margin
        Margin of all customers.
    segments
        Segments of all customers; None if unknown.
    """
    store = _store(context)
    found = saved_estimates(context, margin, store) if store is not None else None
    if found is None and len(context.ledger.customers) > MOST_WARNED_NOW:
        return Missing(SECTION, "many_customers")
    if found is None:
        try:
            found = computed_estimates(context)
        except NotEnoughDataError as error:
            hint = f" ({error.hint})" if error.hint else ""
            detail = f"no churn warnings and no customer lifetime value, as ckm churn-warn refuses too: {error}{hint}"
            return Missing(SECTION, NO_FORECAST, detail=detail)
    frame = segments.frame if segments else pl.DataFrame(schema={"customer_id": pl.String, "segment": pl.String})
    outcome = _outcome(context, store) if store is not None else None
    return Risk(
        estimates=found,
        customers=found.customers.join(frame, on="customer_id", how="left", maintain_order="left"),
        segments=segments.names if segments else (),
        outcome=outcome,
        remarks=(found.remark, *([segments.remark] if segments else []), *([outcome.sentence] if outcome else [])),
        all_customers=len(context.ledger.customers),
    )


def value_at_risk_metrics(
    context: ReportContext, risk: Risk | Missing
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return value at risk by level, segment and reason, and the outcome of earlier warnings.

    Parameters
    ----------
    context
        Context of the included customers: all, or a part, for which the outcome of earlier warnings is omitted.
    risk
        Result of :func:`read_risk` for all customers.
    """
    if isinstance(risk, Missing):
        return (), (risk, Missing(SECTION, "no_warnings_judged"))
    ids = context.ledger.customers
    mine = risk.customers.with_columns(level=pl.when(pl.col("customer_id").is_in(ids.implode())).then("level"))
    metrics, missing = list(_at_risk(risk, mine)), []
    if risk.estimates.has_reasons:
        metrics += _reasons(mine)
        if has_knowledge(context):
            warned = mine.filter(pl.col("level").is_not_null())
            metrics.append(Metric("unanswered_share", unanswered_share(warned), n=warned.height))
        else:
            missing.append(Missing(SECTION, "no_knowledge_base"))
    else:
        missing.append(Missing(SECTION, "no_reasons"))
    if risk.outcome is not None:
        metrics += _outcome_metrics(risk.outcome) if len(ids) == risk.all_customers else ()
    else:
        missing.append(Missing(SECTION, "no_warnings_judged"))
    return tuple(metrics), tuple(missing)


def has_knowledge(context: ReportContext) -> bool:
    """Return whether the knowledge base has any entry."""
    return context.workspace is not None and any(context.workspace.kb_dir.rglob("*.yaml"))


def _store(context: ReportContext) -> Store | None:
    if context.workspace is None:
        return None
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    return Store(context.workspace.store_dir)


def _outcome(context: ReportContext, store: Store) -> Outcome | None:
    # purchases after the data end are not known
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
    # Sort before summing, so that the order of rows does not change the rounding.
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


def _outcome_metrics(outcome: Outcome) -> Iterator[Metric]:
    for name, whole in (("warning_precision", outcome.warned), ("warning_recall", outcome.churned)):
        share = round(outcome.warned_churned / whole, SHARE_DIGITS) if whole else None
        yield Metric(name, share, (), whole, *wilson(outcome.warned_churned, whole))
    yield Metric("warning_lead_time", outcome.median_days_before, n=outcome.warned_churned)
