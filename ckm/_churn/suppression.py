"""Suppressions: customers who must not be contacted now, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.consents import TABLE, calendar_day, consent_records, contactable, is_readable
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from ckm.settings import ChurnSettings

SUPPRESSIONS = ("no_consent", "open_complaint", "contacted", "seasonal")
"""Reasons of a suppression in order of priority; of those that apply, the first is shown."""
VISIT, EVENT = "visit_note", "event"


@dataclass(frozen=True)
class Suppression:
    """Suppressions of the customers.

    Attributes
    ----------
    frame
        The input customers in their order: customer_id, suppressed (one of :data:`SUPPRESSIONS`; null if the customer
        can be contacted).
    remarks
        Notes for the reader, as sentences.
    """

    frame: pl.DataFrame
    remarks: tuple[str, ...]


def suppress(
    customers: pl.DataFrame,
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date,
    settings: ChurnSettings,
    time_zone: str = "UTC",
    consents: pl.LazyFrame | None = None,
) -> Suppression:
    """Return the suppression of each customer as of the end of a day.

    no_consent
        By their consents, they may not be contacted for marketing (:func:`ckm.customers.consents.contactable`).
    open_complaint
        A complaint is open; an offer would make it worse.
    contacted
        Within the last ``contacted_days`` days there was an interaction of kind ``visit_note``, or of kind ``event``
        with one of ``contact_topics``, or a ``contacted_on`` in the table ``assignments``.
    seasonal
        The customer buys in the same weeks each year, and these weeks are outside of the horizon.

    Parameters
    ----------
    customers
        customer_id, open_complaint and seasonal (Boolean; null or absent means no).
    tables
        Tables of the store.
    as_of
        Later rows are not used.
    settings
        ``contact_channel``, ``contacted_days`` and ``contact_topics``.
    time_zone
        Time zone of the calendar days.
    consents
        Consent records of all customers, if ``tables`` has the rows of some customers only.
    """
    records = consent_records(tables, time_zone) if consents is None else consents
    may_contact = contactable(records, customers, as_of, settings.contact_channel, time_zone=time_zone)
    contacted = _contacted(tables, as_of, settings, time_zone)
    who = pl.col("customer_id")
    applies: dict[str, pl.Series | pl.Expr] = {
        "no_consent": ~may_contact["allowed"],
        "open_complaint": _flag(customers, "open_complaint"),
        "contacted": who.is_in(contacted.implode()),
        "seasonal": _flag(customers, "seasonal"),
    }
    first = pl.coalesce(pl.when(applies[name]).then(pl.lit(name)) for name in SUPPRESSIONS)
    return Suppression(customers.select("customer_id", suppressed=first), tuple(_remarks(tables, may_contact)))


def _flag(customers: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).fill_null(False) if name in customers.columns else pl.lit(False)


def _remarks(tables: Mapping[str, pl.LazyFrame], may_contact: pl.DataFrame) -> Iterator[str]:
    if TABLE in tables and not is_readable(tables[TABLE]):
        yield "table consents lacks customer_id, at, and granted or status: its customers are not contacted"
    refused = may_contact.filter(~pl.col("allowed"))
    if refused.height:
        without = refused.filter(pl.col("reason") == "no_record").height
        some = f", {without:,} of them without a recorded consent" if without else ""
        yield f"{counted(refused.height, 'customer')} may not be contacted by their consents{some}"


def _contacted(tables: Mapping[str, pl.LazyFrame], as_of: date, settings: ChurnSettings, time_zone: str) -> pl.Series:
    found = [pl.LazyFrame(schema={"customer_id": pl.String, "day": pl.Date})]
    if "interactions" in tables:
        frame = tables["interactions"]
        schema = frame.collect_schema()
        if {"kind", "at"} <= set(schema):
            topics = [topic.lower() for topic in settings.contact_topics]
            about = pl.col("topic").str.to_lowercase().is_in(topics) if "topic" in schema else pl.lit(False)
            ours = (pl.col("kind") == VISIT) | ((pl.col("kind") == EVENT) & about)
            found.append(frame.filter(ours).select("customer_id", day=calendar_day("at", schema["at"], time_zone)))
    if "assignments" in tables and "contacted_on" in (schema := tables["assignments"].collect_schema()):
        day = calendar_day("contacted_on", schema["contacted_on"], time_zone)
        found.append(tables["assignments"].select("customer_id", day=day))
    earliest = as_of - timedelta(days=settings.contacted_days)
    recent = pl.concat(found).filter((pl.col("day") > earliest) & (pl.col("day") <= as_of))
    return recent.select(pl.col("customer_id").drop_nulls().unique().sort()).collect()["customer_id"]
