"""Consents: whether customers may be contacted on a channel, for a purpose, as of a day.

Consents are rows of the table ``consents``, and columns of exports such as Shopify's ``Accepts Email Marketing``
(``ckm/data/consent_columns.yaml``). A record whose meaning is unclear counts as a refusal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.io.mapping.consent_columns import CONSENT_TABLES, WORDS, answer, consent_columns, consent_word, granted
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

TABLE, WHO = "consents", "customer_id"
MARKETING = "marketing"
ANSWERS = ("granted", "status")
EMAIL = "email"
RECORDS: dict[str, Any] = {
    WHO: pl.String(),
    "purpose": pl.String(),
    "channel": pl.String(),
    "granted": pl.Boolean(),
    "at": pl.Datetime("us", "UTC"),
    "valid_until": pl.Date(),
}
"""Columns of consent records (:func:`consent_records`)."""
REASONS = ("refused", "expired", "no_record")
"""Reasons against a contact: a refusal, a consent that has ended, or no consent where others have given theirs."""


def contactable(
    consents: pl.LazyFrame | pl.DataFrame | None,
    customers: pl.Series | pl.DataFrame,
    as_of: date,
    channel: str | None = None,
    purpose: str = MARKETING,
    *,
    time_zone: str = "UTC",
) -> pl.DataFrame:
    """Return whether each customer may be contacted on a channel for a purpose, as of the end of a day.

    A customer may not be contacted for one of these reasons:

    refused
        The newest record of an applicable channel and purpose is a refusal. A record without a channel or purpose
        applies to every one; a refusal also if its channel or purpose is not in ``ckm/data/consent_words.yaml``. A
        refusal without a date counts as the newest record, a consent without a date as the oldest record. Of two
        records at the same time, the refusal counts. A refusal also applies to customer ids that differ only in upper
        and lower case.
    expired
        All consents of the customer that apply have ended.
    no_record
        The customer has no consent that applies, and another customer has given such a consent at any time. If there
        are refusals only, they are a list of opt-outs, and all other customers may be contacted.

    Parameters
    ----------
    consents
        Consent records (:func:`consent_records`), or the table ``consents``; with None every customer may be contacted.
    customers
        Customer ids, or rows with ``customer_id``.
    as_of
        Day as of which consents count; later records are not used.
    channel
        Channel of the contact; None if the channel is unknown: then a refusal on any channel counts.
    purpose
        Purpose of the contact.
    time_zone
        Time zone of the calendar days.

    Returns
    -------
    pl.DataFrame
        One row per input row, in the order of the input: customer_id, allowed (Boolean), reason (String; one of
        :data:`REASONS`, null if allowed).
    """
    ids = (customers[WHO] if isinstance(customers, pl.DataFrame) else customers).cast(pl.String).alias(WHO)
    if consents is None:
        return pl.DataFrame(ids).with_columns(allowed=pl.lit(value=True), reason=pl.lit(None, pl.String))
    records = consents.lazy() if set(RECORDS) <= set(consents.lazy().collect_schema()) else _typed(consents, time_zone)
    day = pl.col("at").dt.convert_time_zone(time_zone).dt.date()
    standard = records.with_columns(purpose=_standard("purpose"), channel=_standard("channel"))
    known = standard.filter(
        pl.col(WHO).is_not_null(), pl.col("granted").is_not_null(), pl.col("at").is_null() | (day <= as_of)
    ).filter(_applies("purpose", purpose), _applies("channel", channel))
    newest = (
        known.group_by(WHO, "purpose", "channel")
        .agg(
            pl.col("granted", "valid_until")
            # Undated consents first, undated refusals last; of records at the same time the refusal is last.
            .sort_by(
                pl.col("at").is_null() & ~pl.col("granted"),
                pl.col("at").is_not_null(),
                "at",
                ~pl.col("granted"),
                nulls_last=False,
            )
            .last(),
            ever=pl.col("granted").any(),
        )
        .collect(engine="streaming")
    )
    ended = (pl.col("valid_until") < as_of).fill_null(value=False)
    state = newest.group_by(WHO).agg(
        refused=(~pl.col("granted")).any(),
        given=(pl.col("granted") & ~ended).any(),
        ended=(pl.col("granted") & ended).any(),
    )
    refused = state.filter("refused")[WHO].str.strip_chars().str.to_lowercase().unique()
    is_refused = pl.col(WHO).str.strip_chars().str.to_lowercase().is_in(refused.implode())
    needs_record = bool(newest["ever"].any())
    found = pl.DataFrame(ids).join(state, on=WHO, how="left", maintain_order="left")
    reason = (
        pl.when(is_refused.fill_null(value=False)).then(pl.lit("refused"))
        .when(pl.col("given").fill_null(value=False)).then(pl.lit(None, pl.String))
        .when(pl.col("ended").fill_null(value=False)).then(pl.lit("expired"))
        .when(pl.lit(needs_record)).then(pl.lit("no_record"))
    )  # fmt: skip
    return found.select(WHO, reason=reason).select(WHO, pl.col("reason").is_null().alias("allowed"), "reason")


def consent_records(tables: Mapping[str, pl.LazyFrame], time_zone: str = "UTC") -> pl.LazyFrame | None:
    """Return all consent records of a workspace, with the columns :data:`RECORDS`; None if no table has consents.

    If the customer id of a record in ``consents`` is the e-mail address of customers with other ids, the record also
    applies to these customers.

    Parameters
    ----------
    tables
        Tables of the store by name.
    time_zone
        Time zone of dates without a time.
    """
    found = []
    table = tables.get(TABLE)
    if table is not None:
        records = _typed(table, time_zone)
        found.append(records)
        customers = tables.get("customers")
        if customers is not None and {WHO, EMAIL} <= set(customers.collect_schema()):
            address = pl.col(EMAIL).cast(pl.String).str.strip_chars().str.to_lowercase()
            by_address = customers.select(address=address, other=pl.col(WHO).cast(pl.String)).drop_nulls()
            written = records.filter(pl.col(WHO).str.contains("@", literal=True))
            written = written.with_columns(address=pl.col(WHO).str.strip_chars().str.to_lowercase())
            theirs = written.join(by_address, on="address").with_columns(pl.col("other").alias(WHO))
            found.append(theirs.select(*RECORDS))
    for name, dated_by in CONSENT_TABLES.items():
        if name in tables:
            found += list(_of_columns(tables[name], dated_by, time_zone))
    return pl.concat(found) if found else None


def is_readable(consents: pl.LazyFrame) -> bool:
    """Return whether a table has the columns of consents: ``customer_id``, ``at``, and ``granted`` or ``status``."""
    names = set(consents.collect_schema())
    return {WHO, "at"} <= names and not names.isdisjoint(ANSWERS)


def _of_columns(frame: pl.LazyFrame, dated_by: str | None, time_zone: str) -> Iterator[pl.LazyFrame]:
    schema = frame.collect_schema()
    if WHO not in schema:
        return
    at = (
        _instant(dated_by, schema[dated_by], time_zone)
        if dated_by in schema and dated_by
        else pl.lit(None, RECORDS["at"])
    )
    for name, entry in consent_columns(schema.names()).items():
        records = frame.filter(pl.col(WHO).is_not_null()).select(
            pl.col(WHO).cast(pl.String),
            purpose=pl.lit(entry.get("purpose", MARKETING), pl.String),
            channel=pl.lit(entry.get("channel"), pl.String),
            granted=answer(name, entry),
            at=at,
            valid_until=pl.lit(None, pl.Date),
        )
        yield records.filter(pl.col("granted").is_not_null())


def _typed(consents: pl.LazyFrame | pl.DataFrame, time_zone: str) -> pl.LazyFrame:
    """Return a table of consents with the columns and types of :data:`RECORDS`.

    Without a column of answers (``granted``, ``status``), every record counts as a refusal.
    """
    frame = consents.lazy()
    schema = frame.collect_schema()
    column = next((name for name in ANSWERS if name in schema), None)
    said = pl.lit(value=False) if column is None else granted(column)
    texts = (WHO, "purpose", "channel")
    return frame.select(
        *((pl.col(name) if name in schema else pl.lit(None)).cast(pl.String).alias(name) for name in texts),
        granted=said if column is None or schema[column] != pl.Boolean else pl.col(column),
        at=_instant("at", schema["at"], time_zone) if "at" in schema else pl.lit(None, RECORDS["at"]),
        valid_until=calendar_day("valid_until", schema["valid_until"], time_zone)
        if "valid_until" in schema
        else pl.lit(None, pl.Date),
    )


def _standard(column: str) -> pl.Expr:
    """Return the standard name of each channel or purpose by ``consent_words.yaml``; null means every one."""
    word = consent_word(column).replace(_spellings(column))
    return pl.when((word != "") & ~word.is_in(load_data(WORDS)["every"])).then(word)


def _applies(column: str, wanted: str | None) -> pl.Expr:
    """Return whether each record applies to the wanted channel or purpose.

    A record applies to its channel or purpose, or to every one if it has none; a refusal also if its channel or purpose
    is unknown.
    """
    if wanted is None:
        return pl.lit(value=True)
    asked = "_".join(wanted.lower().replace("-", " ").split())
    asked = _spellings(column).get(asked, asked)
    is_known = pl.col(column).is_in(list(load_data(WORDS)[f"{column}s"]))
    return pl.col(column).is_null() | (pl.col(column) == asked) | (~is_known & ~pl.col("granted"))


def _spellings(column: str) -> dict[str, str]:
    return {word: name for name, known in load_data(WORDS)[f"{column}s"].items() for word in known}


def _instant(column: str, dtype: pl.DataType, time_zone: str) -> pl.Expr:
    """Return the times of a column in UTC; a day, or a text that starts with a day, is its start in the time zone."""
    if isinstance(dtype, pl.Datetime):
        instant = pl.col(column) if dtype.time_zone else pl.col(column).dt.replace_time_zone("UTC")
        return instant.dt.convert_time_zone("UTC").cast(RECORDS["at"])
    midnight = calendar_day(column, dtype, time_zone).cast(pl.Datetime("us"))
    local = midnight.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def calendar_day(column: str, dtype: pl.DataType, time_zone: str) -> pl.Expr:
    """Return the calendar day of each value of a column of days, times, or texts that start with a day.

    Null for a text that does not start with a day (``YYYY-MM-DD``).
    """
    if isinstance(dtype, pl.Datetime):
        instant = pl.col(column) if dtype.time_zone else pl.col(column).dt.replace_time_zone("UTC")
        return instant.dt.convert_time_zone(time_zone).dt.date()
    if dtype == pl.String:
        return pl.col(column).str.strip_chars().str.head(10).str.to_date("%Y-%m-%d", strict=False)
    return pl.col(column).cast(pl.Date)
