"""Suppressions: customers who must not be contacted now, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Mapping
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
) -> Suppression:
    """Return the suppression of each customer as of the end of a day.

    no_consent
        The newest record up to that day in the table ``consents`` is a refusal. Each ``purpose`` and ``channel`` has
        its own newest record; one refusal suppresses, because the channel of the contact is unknown. A status that is
        not in ``ckm/data/consent_words.yaml`` is a refusal. Customers without a record are not suppressed.
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
        Tables of the store. ``consents`` needs customer_id, at, and granted (Boolean or text) or status.
    as_of
        Later rows are not used.
    settings
        ``contacted_days`` and ``contact_topics``.
    time_zone
        Time zone of the calendar days.
    """
    refused, remarks = _refused(tables.get("consents"), as_of, time_zone)
    contacted = _contacted(tables, as_of, settings, time_zone)
    who = pl.col("customer_id")
    applies = {
        "no_consent": who.is_in(refused.implode()),
        "open_complaint": _flag(customers, "open_complaint"),
        "contacted": who.is_in(contacted.implode()),
        "seasonal": _flag(customers, "seasonal"),
    }
    first = pl.coalesce(pl.when(applies[name]).then(pl.lit(name)) for name in SUPPRESSIONS)
    return Suppression(customers.select("customer_id", suppressed=first), tuple(remarks))


def _flag(customers: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).fill_null(False) if name in customers.columns else pl.lit(False)


def _refused(consents: pl.LazyFrame | None, as_of: date, time_zone: str) -> tuple[pl.Series, list[str]]:
    """Return the customers whose newest consent record is a refusal, and remarks on the table ``consents``."""
    nobody = pl.Series("customer_id", [], pl.String)
    if consents is None:
        return nobody, []
    schema = consents.collect_schema()
    answer = next((name for name in ("granted", "status") if name in schema), None)
    if answer is None or not {"customer_id", "at"} <= set(schema):
        return nobody, ["table consents lacks customer_id, at, and granted or status: it is not used"]
    topic = [name for name in ("purpose", "channel") if name in schema]
    day = _day("at", schema["at"], time_zone)
    newest = (
        consents.filter(pl.col("customer_id").is_not_null() & pl.col(answer).is_not_null())
        .select("customer_id", *topic, granted=_granted(answer, schema[answer]), day=day, at="at")
        .filter(pl.col("day").is_null() | (pl.col("day") <= as_of))
        .group_by("customer_id", *topic)
        # Of records at the same time, the refusal counts. A record without a day is the oldest.
        .agg(pl.col("granted").sort_by("day", "at", ~pl.col("granted"), nulls_last=False).last())
        .filter(~pl.col("granted"))
        .select(pl.col("customer_id").unique().sort())
        .collect()
    )
    return newest["customer_id"], []


def _granted(column: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Boolean:
        return pl.col(column)
    word = pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]+", "_")
    return word.is_in(load_data("consent_words.yaml")["granted"])


def _contacted(tables: Mapping[str, pl.LazyFrame], as_of: date, settings: ChurnSettings, time_zone: str) -> pl.Series:
    found = [pl.LazyFrame(schema={"customer_id": pl.String, "day": pl.Date})]
    if "interactions" in tables:
        frame = tables["interactions"]
        schema = frame.collect_schema()
        if {"kind", "at"} <= set(schema):
            topics = [topic.lower() for topic in settings.contact_topics]
            about = pl.col("topic").str.to_lowercase().is_in(topics) if "topic" in schema else pl.lit(False)
            ours = (pl.col("kind") == VISIT) | ((pl.col("kind") == EVENT) & about)
            found.append(frame.filter(ours).select("customer_id", day=_day("at", schema["at"], time_zone)))
    if "assignments" in tables and "contacted_on" in (schema := tables["assignments"].collect_schema()):
        day = _day("contacted_on", schema["contacted_on"], time_zone)
        found.append(tables["assignments"].select("customer_id", day=day))
    earliest = as_of - timedelta(days=settings.contacted_days)
    recent = pl.concat(found).filter((pl.col("day") > earliest) & (pl.col("day") <= as_of))
    return recent.select(pl.col("customer_id").drop_nulls().unique().sort()).collect()["customer_id"]


def _day(column: str, dtype: pl.DataType, time_zone: str) -> pl.Expr:
    """Return the calendar day of a column of days, of instants, or of texts that start with a day."""
    if isinstance(dtype, pl.Datetime):
        instant = pl.col(column) if dtype.time_zone else pl.col(column).dt.replace_time_zone("UTC")
        return instant.dt.convert_time_zone(time_zone).dt.date()
    if dtype == pl.String:
        return pl.col(column).str.strip_chars().str.head(10).str.to_date("%Y-%m-%d", strict=False)
    return pl.col(column).cast(pl.Date)
