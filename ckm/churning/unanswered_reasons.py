"""Reasons for leaving that nobody has an answer to, by what they put at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.churning.knowledge_answers import answers_for
from ckm.churning.saved_warnings import newest_warnings

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from ckm.store import Store


@dataclass(frozen=True)
class UnansweredReason:
    """A reason without an answer.

    Attributes
    ----------
    code
        Of the reason.
    customers
        Who are with a warning for this reason, among others.
    value_at_risk
        Of these customers, in units of the currency. One with several reasons counts with each.
    """

    code: str
    customers: int
    value_at_risk: float


@dataclass(frozen=True)
class Unanswered:
    """Reasons without an answer, the dearest first, and what a reader should know."""

    reasons: tuple[UnansweredReason, ...]
    remarks: tuple[str, ...]


def unanswered_reasons(store: Store, kb: Path, as_of: date) -> Unanswered | None:
    """Find the reasons of the newest kept warnings that no entry answers on a day.

    Parameters
    ----------
    store
        Where runs are kept.
    kb
        Folder of knowledge entries.
    as_of
        The day on which entries must hold; warnings of later days do not count.

    Returns
    -------
    Unanswered | None
        None where no warnings are kept.
    """
    kept = newest_warnings(store, as_of)
    if kept is None:
        return None
    if not kept.frame.is_empty() and kept.frame["reasons"].is_null().all():
        return Unanswered((), (f"the warnings of {kept.as_of} were kept without reasons: run ckm churn-warn again",))
    by_reason = (
        kept.frame.lazy()
        .with_columns(code=pl.col("reasons").str.split(" "))
        .explode("code")
        .filter(pl.col("code") != "")
        .sort("code", "value_at_risk", "customer_id")
        .group_by("code", maintain_order=True)
        .agg(customers=pl.len(), value_at_risk=pl.col("value_at_risk").sum().round(2))
        .sort("value_at_risk", "code", descending=[True, False])
        .collect()
    )
    found = answers_for(by_reason["code"].to_list(), kb, as_of)
    reasons = tuple(
        UnansweredReason(code, customers, value)
        for code, customers, value in by_reason.iter_rows()
        if code not in found.by_reason
    )
    remark = f"reasons are those of the warnings of {kept.as_of}; a customer with several counts with each"
    return Unanswered(reasons, (remark, *found.remarks))
