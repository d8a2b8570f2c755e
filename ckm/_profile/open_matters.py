"""Open complaints, open promises and due deliveries of the customer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import INTERACTIONS
from ckm.customers.calendar import day_number
from ckm.customers.contacts import OPEN_FOR_DAYS, read_contacts
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.deliveries import UNRECORDED_AFTER_DAYS
from ckm.dataset import TRANSACTIONS
from ckm.schema import TABLES, Exposure
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._profile.record import CustomerRecord

TITLE = "Open complaints and promises"
OPTIONAL = {
    "kind": pl.String(), "topic": pl.String(), "product_id": pl.String(), "text": pl.String(), "channel": pl.String(),
    "resolved_at": pl.Datetime("us", "UTC"), "promised_by": pl.Datetime("us", "UTC"),
}  # fmt: skip
COLUMNS = {
    "matter": "kind", "day": "at", "topic": "topic", "text": "text", "promised_by": "promised_by",
    "late": "promised_by", "product_id": "product_id", "channel": "channel",
}  # fmt: skip
"""Columns of the list, the most used first, with the columns of the table that decide who sees them."""


def open_matters(record: CustomerRecord) -> ProfileSection:
    """Return the section on open complaints, open promises, and promised deliveries without a recorded delivery.

    A complaint is open for 180 days unless it is resolved (:data:`ckm.customers.contacts.OPEN_FOR_DAYS`), a promise for
    180 days after the promised day. A delivery is open for 60 days after the promised day
    (:data:`ckm.customers.deliveries.UNRECORDED_AFTER_DAYS`).
    """
    tables = [*_of_interactions(record), *_deliveries(record)]
    figures: tuple[ProfileFigure, ...] = ()
    not_known: list[NotKnown] = []
    if INTERACTIONS not in record.dataset.tables:
        not_known.append(NotKnown("complaints and promises", "no table 'interactions'"))
    else:
        source = record.source(INTERACTIONS) if record.rows(INTERACTIONS).height else INTERACTIONS
        count = open_complaints(record)
        figures = (ProfileFigure("open_complaints", "Open complaints", count, source, record.as_of, Exposure.amount),)
    return ProfileSection("open", TITLE, figures, tuple(tables), tuple(not_known))


def open_complaints(record: CustomerRecord) -> int:
    """Return the number of open complaints on the as-of date, by the rule of churn-warn."""
    rows = record.rows(INTERACTIONS)
    if rows.is_empty():
        return 0
    until = end_of_day(record.as_of, record.time_zone)
    contacts = read_contacts(rows.lazy(), pl.lit(0, pl.UInt32), until=until, time_zone=record.time_zone)
    return int(contacts.open_complaints(1, day_number(record.as_of))[0])


def open_topics(record: CustomerRecord) -> tuple[str, ...]:
    """Return the topics of open complaints and promises, newest first."""
    rows = _open_rows(record)
    return tuple(rows["topic"].drop_nulls().unique(maintain_order=True)) if rows.height else ()


def _open_rows(record: CustomerRecord) -> pl.DataFrame:
    """Return open complaints and open promises, newest first, with ``matter`` (complaint or promise) and ``day``."""
    rows = record.rows(INTERACTIONS)
    if rows.is_empty():
        return rows
    filled = rows.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in OPTIONAL.items() if name not in rows)
    day, until = local_day("at", record.time_zone), end_of_day(record.as_of, record.time_zone)
    unresolved = pl.col("resolved_at").is_null() | (pl.col("resolved_at") >= until)
    complains = ((pl.col("kind") == "complaint") & (day > record.as_of - timedelta(days=OPEN_FOR_DAYS))).fill_null(
        False
    )
    promised = local_day("promised_by", record.time_zone) > record.as_of - timedelta(days=OPEN_FOR_DAYS)
    return (
        filled.filter(unresolved & (complains | promised))
        .with_columns(
            day=day,
            promised_by=local_day("promised_by", record.time_zone),
            matter=pl.when(complains).then(pl.lit("complaint")).otherwise(pl.lit("promise")),
        )
        .sort("at", "interaction_id" if "interaction_id" in filled.columns else "kind", descending=True)
    )


def _of_interactions(record: CustomerRecord) -> Iterator[ProfileTable]:
    rows = _open_rows(record)
    if rows.is_empty():
        return
    late = pl.when(pl.col("promised_by") < record.as_of).then(pl.lit("overdue")).otherwise(pl.lit(""))
    shown = rows.with_columns(late=late).select(*COLUMNS)
    columns = {name: TABLES[INTERACTIONS].exposure(of) for name, of in COLUMNS.items()}
    source = record.source(INTERACTIONS)
    yield ProfileTable("open", "What is open", columns, tuple(shown.rows()), source, record.as_of)


def _deliveries(record: CustomerRecord) -> Iterator[ProfileTable]:
    rows = record.rows(TRANSACTIONS)
    if not {"promised_on", "delivered_on", "order_id"} <= set(rows.columns):
        return
    since = record.as_of - timedelta(days=UNRECORDED_AFTER_DAYS)
    waiting = rows.filter(
        is_purchase()
        & (pl.col("promised_on") >= since)
        & (pl.col("delivered_on").is_null() | (pl.col("delivered_on") > record.as_of))
    )
    if waiting.is_empty():
        return
    late = pl.when(pl.col("promised_on") < record.as_of).then(pl.lit("overdue")).otherwise(pl.lit(""))
    shown = waiting.group_by("order_id").agg(pl.col("promised_on").min()).with_columns(late=late).sort("order_id")
    of = TABLES[TRANSACTIONS].exposure
    columns = {"order_id": of("order_id"), "promised_on": of("promised_on"), "late": of("promised_on")}
    source = record.source(TRANSACTIONS)
    rows_shown = tuple(shown.select(*columns).rows())
    yield ProfileTable("deliveries", "Deliveries not recorded as made", columns, rows_shown, source, record.as_of)
