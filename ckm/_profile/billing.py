"""Invoice requirements: numbers that the customer wants on invoices, and invoices that lacked them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm.customers.definitions import is_purchase, local_day
from ckm.dataset import TRANSACTIONS
from ckm.schema import TABLES, Exposure

if TYPE_CHECKING:
    from datetime import date

    from ckm._profile.record import CustomerRecord

BILLING = "billing_fields"
TITLE = "Invoice requirements"
MOST_INVOICES = 5
"""Maximum number of invoices that are named per field, newest note first; the others are counted."""
KEY = ("field", "number", "valid_from")


def billing_fields(record: CustomerRecord) -> ProfileSection:
    """Return the section on invoice requirements: one row per field (such as a purchase order number).

    The status of a field on the as-of date is:

    - ``not met``: an invoice that lacked the field is recorded and not corrected;
    - ``met``: no such invoice is recorded, and the customer has an invoice since the field is wanted;
    - ``no invoice yet``: the customer has no invoice since the field is wanted.
    """
    if BILLING not in record.dataset.tables:
        missing = NotKnown("invoice requirements", f"no table '{BILLING}'")
        return ProfileSection("billing", TITLE, not_known=(missing,))
    rows = record.rows(BILLING)
    as_of = record.as_of
    wanted = _wanted(rows, as_of) if rows.height else rows
    lacked = _incomplete_invoices(rows, as_of) if rows.height else rows
    if wanted.is_empty() and lacked.is_empty():
        return ProfileSection("billing", TITLE, not_known=(NotKnown("invoice requirements", "none recorded"),))
    fields = sorted({*wanted["field"], *lacked["field"]})
    table_rows = []
    for field in fields:
        numbers = wanted.filter(pl.col("field") == field)
        invoices = lacked.filter(pl.col("field") == field)["invoice_id"].to_list()
        days: list[date | None] = numbers["valid_from"].to_list()
        since = None if None in days else min((day for day in days if day is not None), default=None)
        number = ", ".join(numbers["number"].drop_nulls().unique().sort()) or None
        status = "not met" if invoices else "met" if _invoices(record, since) else "no invoice yet"
        more = f" and {len(invoices) - MOST_INVOICES} more" if len(invoices) > MOST_INVOICES else ""
        named = ", ".join(invoices[:MOST_INVOICES]) + more
        table_rows.append((field, status, number, named or None, since))
    of = TABLES[BILLING].exposure
    columns = {
        "field": of("field"), "status": Exposure.group, "number": of("number"), "lacked on": of("invoice_id"),
        "wanted since": of("valid_from"),
    }  # fmt: skip
    source = record.source(BILLING)
    unmet = sum(row[1] == "not met" for row in table_rows)
    figures = (
        ProfileFigure("billing_fields", "Numbers wanted on invoices", len(fields), source, as_of, Exposure.amount),
        ProfileFigure("billing_fields_unmet", "… of them not met", unmet, source, as_of, Exposure.amount),
    )
    return ProfileSection(
        "billing", TITLE, figures, (ProfileTable("billing", TITLE, columns, tuple(table_rows), source, as_of),)
    )


def _wanted(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the requirements valid on a day; of rows that differ only in ``valid_until``, the earliest end counts."""
    required = rows.filter(pl.col("invoice_id").is_null())
    dated = required.group_by(KEY, maintain_order=True).agg(pl.col("valid_until").min())
    begun = pl.col("valid_from").is_null() | (pl.col("valid_from") <= as_of)
    return dated.filter(begun & (pl.col("valid_until").is_null() | (pl.col("valid_until") >= as_of)))


def _incomplete_invoices(rows: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the invoices recorded up to a day that lacked a field and were not corrected yet, newest record first."""
    noted = pl.col("noted_on").is_null() | (pl.col("noted_on") <= as_of)
    uncorrected = pl.col("corrected_on").is_null() | (pl.col("corrected_on") > as_of)
    found = rows.filter(pl.col("invoice_id").is_not_null() & noted & uncorrected)
    return found.sort("noted_on", "invoice_id", descending=[True, False], nulls_last=True)


def _invoices(record: CustomerRecord, since: date | None) -> bool:
    """Return whether a purchase of the customer since a day has an invoice number; None as the day means any day."""
    sales = record.rows(TRANSACTIONS)
    if "invoice_id" not in sales.columns:
        return False
    day = local_day("ordered_at", record.time_zone)
    wanted = is_purchase() & pl.col("invoice_id").is_not_null()
    return not sales.filter(wanted if since is None else wanted & (day >= since)).is_empty()
