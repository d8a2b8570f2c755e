"""Churn reasons without a knowledge entry, by value at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.knowledge_answers import answers_for
from ckm._churn.saved_warnings import newest_warnings

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from ckm.store import Store


@dataclass(frozen=True)
class UnansweredReason:
    """Reason without a knowledge entry.

    Attributes
    ----------
    code
        Code of the reason.
    customers
        Customers with a warning and this reason.
    value_at_risk
        Sum over these customers, in units of currency. A customer with several reasons counts for each.
    """

    code: str
    customers: int
    value_at_risk: float


@dataclass(frozen=True)
class Unanswered:
    """Reasons without a knowledge entry, highest value at risk first, with remarks."""

    reasons: tuple[UnansweredReason, ...]
    remarks: tuple[str, ...]


def unanswered_reasons(store: Store, kb: Path, as_of: date) -> Unanswered | None:
    """Return the reasons of the newest saved warnings that no knowledge entry answers on ``as_of``.

    Parameters
    ----------
    store
        Store with the saved warnings.
    kb
        Folder of the knowledge base.
    as_of
        Day on which entries must be valid; later warnings are not used.

    Returns
    -------
    Unanswered | None
        None without saved warnings.
    """
    saved = newest_warnings(store, as_of)
    if saved is None:
        return None
    if not saved.frame.is_empty() and saved.frame["reasons"].is_null().all():
        return Unanswered((), (f"the warnings of {saved.as_of} have no reasons: run ckm churn-warn again",))
    by_reason = (
        saved.frame.lazy()
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
    remark = f"reasons of the warnings of {saved.as_of}; a customer with several reasons counts for each"
    return Unanswered(reasons, (remark, *found.remarks))
