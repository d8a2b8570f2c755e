"""Rows of small shops, written by hand or drawn by hypothesis, and their tables, ledger and context."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from ckm.config import Config
from ckm.customers.ledger import Ledger
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import Period, compared_with, period_until
from ckm.metrics.context import ReportContext

START = date(2024, 1, 1)
SCHEMA = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "type": pl.String,
    "channel": pl.String,
    "category": pl.String,
    "currency": pl.String,
}
Row = tuple[Any, ...]
WHO = ["ann", "bob", "cho", "a customer with a long id", "a customer with a long name", "ชาย", "王", None]

cents = st.integers(-3_000, 9_000).map(lambda whole: whole / 100)
histories = st.lists(
    st.builds(
        lambda who, hour, net, kind, channel, category: row(
            who, hour / 24, net, kind, channel=channel, category=category
        ),
        st.sampled_from(WHO),
        st.integers(0, 1000 * 24),
        cents,
        st.sampled_from(["sale", "sale", "sale", "subscription", "return", "cancel"]),
        st.sampled_from(["web", "till", None]),
        st.sampled_from([*(f"c{number}" for number in range(11)), "other", None]),
    ),
    min_size=1,
    max_size=60,
)


def row(
    who: str | None,
    day: float,
    net: float = 10.0,
    kind: str = "sale",
    *,
    channel: str | None = None,
    category: str | None = None,
    currency: str = "EUR",
) -> Row:
    """Return a transaction line on a day since :data:`START`; a half day is noon."""
    at = datetime(START.year, START.month, START.day, tzinfo=UTC) + timedelta(days=day)
    return who, at, net, kind, channel, category, currency


def on(day: date, who: str | None, net: float = 10.0, kind: str = "sale", **columns: Any) -> Row:
    """Return a transaction line at noon of a calendar day."""
    return row(who, (day - START).days + 0.5, net, kind, **columns)


def tables(*rows: Row) -> dict[str, pl.LazyFrame]:
    return {"transactions": pl.LazyFrame(list(rows), schema=SCHEMA, orient="row")}


def is_bought(each: Row) -> bool:
    return each[0] is not None and each[2] >= 0 and each[3] in {"sale", "subscription"}


def bought(rows: list[Row]) -> bool:
    return any(is_bought(each) for each in rows)


def ledger(*rows: Row, by: str | None = None, **options: Any) -> Ledger:
    return read_ledger(tables(*rows), needs=replace(EVERYTHING, by=by), **options)


def context(
    data: dict[str, pl.LazyFrame], *, as_of: date | None = None, months: int = 12, config: Config | None = None
) -> ReportContext:
    """Return the context of the last months of some tables, compared with the months before."""
    config = config or Config()
    found = read_ledger(data, as_of=as_of, time_zone=config.time_zone, needs=EVERYTHING)
    period = period_until(found.as_of, months)
    return ReportContext(data, found, period, compared_with(period, months, "previous"), config)


def period(first: int, last: int) -> Period:
    return Period(START + timedelta(first), START + timedelta(last))
