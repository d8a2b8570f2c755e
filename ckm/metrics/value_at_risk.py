"""What may be lost: value at risk by level, segment and reason, and how earlier warnings turned out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.churning.answers import unanswered_share
from ckm.churning.keeping import judge, judged_warnings
from ckm.churning.levels import LEVELS
from ckm.customers.ledger import NO_VALUE
from ckm.errors import NotEnoughDataError
from ckm.metrics.intervals import wilson
from ckm.metrics.churn_estimates import Leaving, kept_warnings, warnings_made_now
from ckm.metrics.metric import Measure, Missing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.churning.keeping import Outcome
    from ckm.metrics.context import Basis
    from ckm.metrics.margin import Margin
    from ckm.metrics.customer_segments import Segments
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
    everybody
        Customers of the ledger.
    """

    leaving: Leaving
    customers: pl.DataFrame
    segments: tuple[str, ...]
    outcome: Outcome | None
    remarks: tuple[str, ...]
    everybody: int


def read_risk(basis: Basis, margin: Margin, segments: Segments | None) -> Risk | Missing:
    """Return who may leave.

    From the newest run of ``ckm churn-warn`` that the workspace keeps, if its horizon has not passed by the day of the
    report; else, for up to :data:`MOST_WARNED_NOW` customers, from warnings made now and not kept. Where
    ``ckm churn-warn`` refuses, for there are too few data, the report shows no forecast either.

    Parameters
    ----------
    basis
        Of all customers.
    margin
        Of all customers.
    segments
        Of all customers; None where there are none.
    """
    store = _store(basis)
    found = kept_warnings(basis, margin, store) if store is not None else None
    if found is None and len(basis.ledger.customers) > MOST_WARNED_NOW:
        return Missing(SECTION, "many_customers")
    if found is None:
        try:
            found = warnings_made_now(basis)
        except NotEnoughDataError as error:
            hint = f" ({error.hint})" if error.hint else ""
            detail = f"no churn warnings and no customer lifetime value, as ckm churn-warn refuses too: {error}{hint}"
            return Missing(SECTION, NO_FORECAST, detail=detail)
    frame = segments.frame if segments else pl.DataFrame(schema={"customer_id": pl.String, "segment": pl.String})
    outcome = _outcome(basis, store) if store is not None else None
    return Risk(
        leaving=found,
        customers=found.customers.join(frame, on="customer_id", how="left", maintain_order="left"),
        segments=segments.names if segments else (),
        outcome=outcome,
        remarks=(found.remark, *([segments.remark] if segments else []), *([outcome.sentence] if outcome else [])),
        everybody=len(basis.ledger.customers),
    )


def risk_measures(basis: Basis, risk: Risk | Missing) -> tuple[tuple[Measure, ...], tuple[Missing, ...]]:
    """Return value at risk by level, segment and reason, and how earlier warnings turned out.

    Parameters
    ----------
    basis
        Of the customers to measure: all, or a part, of whom the outcome of earlier warnings is not said.
    risk
        Of all customers (:func:`read_risk`).
    """
    if isinstance(risk, Missing):
        return (), (risk, Missing(SECTION, "no_warnings_judged"))
    ids = basis.ledger.customers
    mine = risk.customers.with_columns(level=pl.when(pl.col("customer_id").is_in(ids.implode())).then("level"))
    measures, missing = list(_at_risk(risk, mine)), []
    if risk.leaving.has_reasons:
        measures += _reasons(mine)
        if has_knowledge(basis):
            warned = mine.filter(pl.col("level").is_not_null())
            measures.append(Measure("unanswered_share", unanswered_share(warned), n=warned.height))
        else:
            missing.append(Missing(SECTION, "no_knowledge_base"))
    else:
        missing.append(Missing(SECTION, "no_reasons"))
    if risk.outcome is not None:
        measures += _turned_out(risk.outcome) if len(ids) == risk.everybody else ()
    else:
        missing.append(Missing(SECTION, "no_warnings_judged"))
    return tuple(measures), tuple(missing)


def has_knowledge(basis: Basis) -> bool:
    """Whether there is a knowledge base with any entry: without one no reason could have an answer."""
    return basis.workspace is not None and any(basis.workspace.kb_dir.rglob("*.yaml"))


def _store(basis: Basis) -> Store | None:
    if basis.workspace is None:
        return None
    from ckm.store import Store  # deltalake, which a file has no use for

    return Store(basis.workspace.store_dir)


def _outcome(basis: Basis, store: Store) -> Outcome | None:
    run = judged_warnings(store, basis.data_end or basis.as_of)  # days after the end of the data tell of nobody
    return None if run is None else judge(run, basis.ledger.next_purchases(run.as_of), horizon=run.horizon)


def _at_risk(risk: Risk, mine: pl.DataFrame) -> Iterator[Measure]:
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


def _value(mine: pl.DataFrame, which: pl.Expr, name: str, of: tuple[tuple[str, str], ...]) -> Measure:
    chosen = mine.select(pl.when(which).then("value_at_risk").fill_null(0.0)).to_series().to_numpy()
    there = mine.select(which.fill_null(value=False).sum()).item()
    # Sorted before it is summed: equal amounts in another order are the same sum.
    return Measure(name, round(float(np.sort(chosen).sum()), MONEY_DIGITS), of, n=there)


def _count(mine: pl.DataFrame, which: pl.Expr, of: tuple[tuple[str, str], ...]) -> Measure:
    return Measure("customers_at_risk", float(mine.select(which.fill_null(value=False).sum()).item()), of)


def _reasons(mine: pl.DataFrame) -> Iterator[Measure]:
    warned = mine.filter(pl.col("level").is_not_null())
    by_reason = (
        warned.sort("value_at_risk")
        .group_by(pl.col("reason").fill_null(NO_VALUE), maintain_order=True)
        .agg(pl.col("value_at_risk").sum().round(MONEY_DIGITS), pl.len())
        .sort("value_at_risk", "reason", descending=[True, False])
    )
    for reason, value, customers in by_reason.iter_rows():
        yield Measure("reason_value", value, (("reason", reason),), n=customers)


def _turned_out(outcome: Outcome) -> Iterator[Measure]:
    for name, whole in (("warning_precision", outcome.warned), ("warning_recall", outcome.left)):
        share = round(outcome.warned_churned / whole, SHARE_DIGITS) if whole else None
        yield Measure(name, share, (), whole, *wilson(outcome.warned_churned, whole))
    yield Measure("warning_lead_time", outcome.median_days_before, n=outcome.warned_churned)
