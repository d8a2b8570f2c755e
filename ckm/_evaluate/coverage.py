"""Knowledge coverage: share of the value at risk whose churn reasons are answered by validated knowledge entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.knowledge_answers import answer_entry, current_entries
from ckm._churn.saved_warnings import newest_warnings
from ckm._evaluate.knowledge import VALIDATED
from ckm._evaluate.measurement import Measurement, unknown
from ckm._kb.evidence import HELPS, verdict_of

if TYPE_CHECKING:
    from ckm._evaluate.measurement import EvaluationSources
    from ckm.customers.period import Period

METRICS = ("value_at_risk", "value_at_risk_answered", "value_at_risk_evidenced")


def coverage_of(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the value at risk, and its answered and evidenced shares, from the newest churn warnings of a period.

    The value at risk of a customer is answered if a validated entry, valid on the last day of the period, answers one
    of the customer's churn reasons. It is evidenced if the newest evidence on one of these entries shows a benefit.

    Returns
    -------
    list
        The metrics :data:`METRICS`: an amount in the currency, and two shares of it in [0, 1]. Values are None without
        saved warnings in the period; the shares also if the value at risk is 0, or if the entries of the last day are
        unknown.
    """
    saved = newest_warnings(sources.store, period.last)
    if saved is None or saved.as_of < period.first:
        return unknown("no_warnings", *METRICS)
    at_risk = saved.frame.filter(pl.col("value_at_risk") > 0).sort("value_at_risk", "customer_id")
    total = float(at_risk["value_at_risk"].sum())
    rows = [Measurement("value_at_risk", total, n=at_risk.height)]
    if not total:
        return [*rows, *unknown("no_value_at_risk", *METRICS[1:])]
    entries = sources.entries_on(period.last)
    if entries is None:
        return [*rows, *unknown("no_git", *METRICS[1:])]
    current = [
        each
        for each in current_entries((answer_entry(entry, entry.path) for entry in entries), period.last)
        if each.confidence == VALIDATED
    ]
    helpful = [each for each in current if verdict_of(each.evidence, period.last) == HELPS]
    for name, answers in (("value_at_risk_answered", current), ("value_at_risk_evidenced", helpful)):
        codes = {code for each in answers for code in each.reasons}
        has_answer = pl.col("reasons").fill_null("").str.split(" ").list.set_intersection(list(codes)).list.len() > 0
        covered = float(at_risk.filter(has_answer)["value_at_risk"].sum()) if codes else 0.0
        rows.append(Measurement(name, covered / total, n=at_risk.height))
    return rows
