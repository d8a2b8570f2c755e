"""Metrics of customer service: open complaints and their age, first-contact fix rate, repeat contact rate."""

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
    """Return the complaints and questions of identified customers, up to the as-of date.

    Parameters
    ----------
    interactions
        The table ``interactions``; None without it.
    as_of
        Last day whose rows are used.
    time_zone
        Time zone of the shop, in which days are computed.

    Returns
    -------
    pl.DataFrame | None
        One row per contact: customer_id, kind (complaint, question), topic (lower case; empty if unknown), day,
        resolved_on (null if not resolved by the as-of date); sorted by customer_id, topic and time. None without the
        table or its column ``kind``.
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
    """Return the metrics of complaints and questions in a period; without values if the table is missing."""
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
    """Return the number and the median age in days of the complaints that are open at the end of a day.

    A complaint that was never resolved counts as open for 180 days (:data:`ckm.customers.contacts.OPEN_FOR_DAYS`).
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

    A contact is repeated if the same customer has another contact on the same topic within ``days`` days after it. A
    contact that is not itself a repetition begins a case. A case is fixed at first contact if this contact is not
    repeated and, provided that the data have resolutions, is resolved. Contacts of the last ``days`` days of the period
    are left out, because they can still be repeated.

    Returns
    -------
    list
        ``first_contact_fix_rate``, a share of cases, and ``repeat_contact_rate``, a share of contacts.
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
