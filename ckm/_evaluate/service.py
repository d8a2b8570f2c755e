"""Complaints and questions: age of open complaints, first-contact fix rate, repeat contacts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

import polars as pl

from ckm._evaluate.measurement import Measurement, rate, unknown
from ckm.customers.contacts import OPEN_FOR_DAYS
from ckm.customers.definitions import local_day
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from datetime import date

    from ckm._evaluate.measurement import EvaluationSources
    from ckm.customers.period import Period

COMPLAINT = "complaint"
KINDS = (COMPLAINT, "question")
METRICS = ("open_complaints", "open_complaint_age", "first_contact_fix_rate", "repeat_contact_rate")


def read_contacts_by_topic(interactions: pl.LazyFrame | None, as_of: date, time_zone: str) -> pl.DataFrame | None:
    """Return complaints and questions of known customers, sorted by customer, topic and time; None without the table.

    Returns
    -------
    pl.DataFrame
        customer_id, kind, topic (lower case; empty if unknown), day, resolved_on (null if not resolved by the as-of
        date).
    """
    if interactions is None or "kind" not in (schema := interactions.collect_schema()):
        return None
    until = end_of_day(as_of, time_zone)
    topic = pl.col("topic").str.to_lowercase().fill_null("") if "topic" in schema else pl.lit("")
    resolved = local_day("resolved_at", time_zone) if "resolved_at" in schema else pl.lit(None, pl.Date)
    in_time = pl.col("resolved_at") < until if "resolved_at" in schema else pl.lit(value=False)
    return (
        interactions.filter(pl.col("kind").is_in(KINDS), pl.col("customer_id").is_not_null(), pl.col("at") < until)
        .with_columns(topic=topic)
        .sort("customer_id", "topic", "at", "interaction_id")
        .select(
            "customer_id", "kind", "topic", day=local_day("at", time_zone), resolved_on=pl.when(in_time).then(resolved)
        )
        .collect()
    )


def service_of(sources: EvaluationSources, period: Period) -> list[Measurement]:
    """Return the figures on complaints and questions of a period."""
    contacts = sources.interactions
    if contacts is None:
        return unknown("no_interactions", *METRICS)
    found = [
        *_open_complaints(contacts, period.last),
        *_fixed(contacts, period, sources.config.evaluate.fixed_within_days),
    ]
    if contacts.filter(pl.col("day") <= period.first).height or contacts.is_empty():
        return found
    return [replace(each, note=each.note or "log_began_later") for each in found]


def _open_complaints(contacts: pl.DataFrame, day: date) -> list[Measurement]:
    """Return number and median age of the complaints that are open at the end of a day.

    A complaint without a resolution counts as open for 180 days (:data:`ckm.customers.contacts.OPEN_FOR_DAYS`).
    """
    unresolved = pl.col("resolved_on").is_null() | (pl.col("resolved_on") > day)
    since = day - timedelta(days=OPEN_FOR_DAYS)
    found = contacts.filter(unresolved, pl.col("kind") == COMPLAINT, pl.col("day") <= day, pl.col("day") > since)
    ages = [(day - each).days for each in found["day"]]
    count = Measurement("open_complaints", len(ages))
    if not ages:
        return [count, Measurement("open_complaint_age", None, n=0, note="no_open_complaint")]
    return [count, Measurement("open_complaint_age", median(ages), n=len(ages))]


def _fixed(contacts: pl.DataFrame, period: Period, days: int) -> list[Measurement]:
    """Return the first-contact fix rate and the repeat contact rate of a period.

    A contact is repeated if the same customer has another one on the same topic in the ``days`` days after it. A case
    begins with a contact that repeats no other one; it is fixed at first contact if it is not repeated and, where the
    data have resolutions, resolved. Contacts of the last ``days`` days are left out, because they can still be
    repeated.
    """
    last = period.last - timedelta(days=days)
    same = ["customer_id", "topic"]
    gap_before = (pl.col("day") - pl.col("day").shift(1).over(same)).dt.total_days()
    gap_after = (pl.col("day").shift(-1).over(same) - pl.col("day")).dt.total_days()
    marked = contacts.with_columns(
        repeats=(gap_before <= days).fill_null(value=False), repeated=(gap_after <= days).fill_null(value=False)
    ).filter(pl.col("day") >= period.first, pl.col("day") <= last)
    has_resolutions = contacts["resolved_on"].drop_nulls().len() > 0
    resolved = pl.col("resolved_on").is_not_null() if has_resolutions else pl.lit(value=True)
    cases = marked.filter(~pl.col("repeats"))
    fixed = cases.filter(~pl.col("repeated") & resolved).height
    return [
        rate("first_contact_fix_rate", fixed, cases.height, "no_contacts"),
        rate("repeat_contact_rate", marked.filter("repeated").height, marked.height, "no_contacts"),
    ]
