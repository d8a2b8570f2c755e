"""Churn probability and churn reasons of the customer, read from the newest saved run of churn-warn."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ckm._churn.reason_catalogue import load_reasons
from ckm._churn.saved_warnings import ANALYSIS, REPORT_COLUMNS, RUN_COLUMNS
from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm.dataset import WHO
from ckm.schema import NO_CURRENCY, Exposure

if TYPE_CHECKING:
    from ckm._profile.record import CustomerRecord
    from ckm.store import Store

TITLE = "Churn"


def risk(record: CustomerRecord, store: Store | None) -> tuple[ProfileSection, tuple[str, ...]]:
    """Return the section on churn, from the saved warning, and the codes of the churn reasons, top reason first.

    Parameters
    ----------
    record
        Rows of the customer.
    store
        Store of the workspace; None for a file.
    """
    runs = [run for run in store.runs(ANALYSIS) if run.as_of <= record.as_of] if store is not None else []
    if store is None or not runs:
        why = "no saved warnings: ckm churn-warn"
        return ProfileSection("risk", TITLE, not_known=(NotKnown("churn probability", why, Exposure.amount),)), ()
    run = max(runs, key=lambda run: (run.as_of, run.number))
    horizon = int(run.name.removesuffix("d"))
    ends = run.as_of + timedelta(days=horizon)
    source = f"churn-warn, saved run of {run.as_of}"
    found = store.read_customers(ANALYSIS, [run], record.members, [*RUN_COLUMNS, *REPORT_COLUMNS])
    own = found.sort(found[WHO] != record.customer_id, WHO) if found.height else found
    if own.is_empty():
        why = f"no warning in the saved run of {run.as_of}, which keeps those with a level"
        return ProfileSection("risk", TITLE, not_known=(NotKnown("churn probability", why, Exposure.amount),)), ()
    row = own.row(0, named=True)
    currency = record.ledger.currency if record.ledger is not None else NO_CURRENCY
    suppressed = (row.get("suppressed") or "").replace("_", " ") or None
    values = (
        ("p_churn", "Churn probability", row["p_churn"], Exposure.amount, "%"),
        ("horizon_ends", "Horizon ends", ends, Exposure.amount, ""),
        ("warning_level", "Warning level", row["level"], Exposure.group, ""),
        ("suppressed_warning", "Warning suppressed", suppressed, Exposure.group, ""),
        ("first_warned_on", "First warned on", row.get("first_warned_on"), Exposure.amount, ""),
        ("retain_by", "Can be retained until", row.get("gone_on"), Exposure.amount, ""),
        ("value_at_risk", "Value at risk", row.get("value_at_risk"), Exposure.amount, currency),
    )
    figures = tuple(
        ProfileFigure(name, label, value, source, run.as_of, exposure, unit)
        for name, label, value, exposure, unit in values
        if value is not None and unit != NO_CURRENCY
    )
    codes = tuple((row.get("reasons") or "").split())
    known = {reason.code: reason.title for reason in load_reasons().reasons}
    rows = tuple((number, known.get(code, code), code) for number, code in enumerate(codes, start=1))
    columns = {"rank": Exposure.group, "reason": Exposure.group, "code": Exposure.group}
    tables = (ProfileTable("reasons", "Churn reasons", columns, rows, source, run.as_of),) if rows else ()
    unknown = () if rows else (NotKnown("churn reasons", "none raises the probability in the saved run"),)
    return ProfileSection("risk", TITLE, figures, tables, unknown), codes
