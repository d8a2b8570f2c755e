"""What the features promise: purchases, returns and cancellations told apart, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import duckdb
import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.features import (
    END_OF_TIME,
    Period,
    currencies,
    end_of_day,
    gap_histogram,
    main_values,
    purchase_counts,
    purchase_days,
    purchase_features,
    purchase_gaps,
    rhythm_features,
    row_counts,
    spend_features,
    visit_counts,
)
from tests.conftest import examples

START = datetime(2024, 3, 1, tzinfo=UTC)
SCHEMA = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "currency": pl.String,
    "type": pl.String,
}

rows = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "ชาย", "王", None]),
        st.integers(0, 40 * 24).map(lambda hours: START + timedelta(hours=hours)),
        st.integers(-5_000, 5_000).map(lambda cents: cents / 100),
        st.sampled_from(["EUR", "USD"]),
        st.sampled_from(["sale", "return", "cancel", "subscription"]),
    ),
    max_size=40,
)


def frame(*records: tuple[Any, ...]) -> pl.LazyFrame:
    return pl.LazyFrame(list(records), schema=SCHEMA, orient="row")


def row(customer: str | None, day: int, net: float, kind: str = "sale", hour: int = 12) -> tuple[Any, ...]:
    return customer, START + timedelta(days=day, hours=hour), net, "EUR", kind


def features(data: pl.LazyFrame, *, until: datetime = END_OF_TIME, time_zone: str = "UTC") -> list[dict[str, Any]]:
    lazy = purchase_features(nw.from_native(data), until=until, time_zone=time_zone, money_scale=100)
    return lazy.to_native().collect().drop("rows").sort("customer_id").to_dicts()


def counts(data: pl.LazyFrame, until: datetime = END_OF_TIME) -> dict[str, Any]:
    return row_counts(nw.from_native(data), until=until).to_native().collect().row(0, named=True)


def test_several_rows_of_one_day_are_one_purchase() -> None:
    data = frame(row("ann", 0, 1.10, hour=1), row("ann", 0, 2.20, hour=23), row("ann", 4, 3.30))
    assert features(data) == [
        {"customer_id": "ann", "last_purchase": date(2024, 3, 5), "frequency": 2, "money": 660},
    ]


@pytest.mark.parametrize("kind", ["return", "sale"])
def test_a_return_reduces_money_and_is_no_purchase(kind: str) -> None:
    data = frame(row("ann", 0, 10.0), row("ann", 9, -4.0, kind))
    assert features(data) == [
        {"customer_id": "ann", "last_purchase": date(2024, 3, 1), "frequency": 1, "money": 600},
    ]


def test_a_return_without_an_amount_is_no_purchase_either() -> None:
    assert features(frame(row("ann", 0, 0.0, "return")))[0]["frequency"] == 0


def test_a_free_item_is_a_purchase() -> None:
    assert features(frame(row("ann", 0, 0.0)))[0]["frequency"] == 1


@pytest.mark.parametrize("net", [10.0, -10.0])
def test_a_cancelled_row_is_neither_purchase_nor_money(net: float) -> None:
    data = frame(row("ann", 0, 5.0), row("ann", 1, net, "cancel"), row("bob", 1, net, "cancel"))
    assert features(data) == [
        {"customer_id": "ann", "last_purchase": date(2024, 3, 1), "frequency": 1, "money": 500},
    ]


def test_a_customer_who_only_returned_has_no_last_purchase() -> None:
    assert features(frame(row("ann", 0, -5.0, "return"))) == [
        {"customer_id": "ann", "last_purchase": None, "frequency": 0, "money": -500},
    ]


def test_a_day_is_a_day_of_the_shop_s_calendar() -> None:
    data = frame(row("ann", 0, 1.0, hour=22), row("ann", 0, 1.0, hour=23))
    assert features(data)[0]["frequency"] == 1
    assert features(data, time_zone="Europe/Berlin")[0] == {
        "customer_id": "ann",
        "last_purchase": date(2024, 3, 2),
        "frequency": 2,
        "money": 200,
    }


@pytest.mark.parametrize(
    ("time_zone", "end"),
    [
        ("UTC", datetime(2024, 4, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2024, 3, 31, 22, tzinfo=UTC)),  # the day on which summer time began
        ("Asia/Bangkok", datetime(2024, 3, 31, 17, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_where_the_shop_is(time_zone: str, end: datetime) -> None:
    assert end_of_day(date(2024, 3, 31), time_zone) == end


@pytest.mark.slow
@settings(deadline=None)
@given(rows, st.integers(0, 40))
def test_every_row_is_used_or_left_out_for_one_reason(records: list[tuple[Any, ...]], day: int) -> None:
    found = counts(frame(*records), START + timedelta(days=day))
    reasons = ("rows_after", "rows_cancelled", "rows_without_customer", "rows_used")
    assert sum(found[reason] for reason in reasons) == found["rows"] == len(records)
    assert found["cancelled_credits"] <= found["rows_cancelled"]
    assert found["purchases"] <= found["rows_used"]


def test_currencies_are_those_of_the_rows_that_count() -> None:
    start = START
    data = frame(
        ("ann", start, 1.0, "EUR", "sale"),
        ("ann", start, 1.0, "THB", "sale"),
        ("ann", start, 1.0, "CHF", "cancel"),
        (None, start, 1.0, "GBP", "sale"),
        ("ann", start + timedelta(days=9), 1.0, "USD", "sale"),
    )
    until = start + timedelta(days=5)
    found = currencies(nw.from_native(data), until=until).to_native().collect()
    assert sorted(found["currency"]) == ["EUR", "THB"]
    bounds = counts(data, until)
    assert (bounds["first_currency"], bounds["last_currency"]) == ("EUR", "THB")


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.mark.slow
@settings(max_examples=examples(10))
@given(rows)
def test_another_engine_gives_the_same_features(
    connection: duckdb.DuckDBPyConnection, records: list[tuple[Any, ...]]
) -> None:
    until = START + timedelta(days=30)
    data = frame(*records).collect()
    connection.register("data", data)
    relation = nw.from_native(connection.sql("SELECT * FROM data"))
    for feature in (
        partial(row_counts, until=until),
        partial(purchase_features, until=until, time_zone="UTC", money_scale=100),
    ):
        ours = feature(nw.from_native(data.lazy())).to_native().collect()
        theirs = feature(relation).to_native().pl().cast(dict(ours.schema))
        assert_frame_equal(theirs, ours, check_row_order=False)


Feature = Callable[[Any], Any]
UNTIL = START + timedelta(days=30)
SPAN = Period("month", START + timedelta(days=3), UNTIL)


def days(frame: Any) -> Any:
    return purchase_days(frame, until=UNTIL, time_zone="UTC", money_scale=100)


def visits(frame: Any) -> Any:
    by_currency = purchase_days(frame, until=UNTIL, time_zone="UTC", money_scale=100, by=("currency",))
    return visit_counts(by_currency, "currency")


LAZY_FEATURES: dict[str, Feature] = {
    "days": days,
    "gaps": lambda frame: purchase_gaps(days(frame)),
    "histogram": lambda frame: gap_histogram(purchase_gaps(days(frame))),
    "rhythm": lambda frame: rhythm_features(purchase_gaps(days(frame)), origin=START.toordinal(), money_divisor=3),
    "visits": visits,
    "main": lambda frame: main_values(purchase_counts(frame, "currency", until=UNTIL)),
    "spend": lambda frame: spend_features(
        frame.with_columns(cost=nw.when(nw.col("net") > 1).then(nw.col("net") / 2), discount=nw.col("net") / 10),
        until=UNTIL,
        money_scale=1_000,  # half a cent is whole: engines round a half to different sides
        periods=(SPAN, Period("all", None, UNTIL)),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAZY_FEATURES)
@settings(max_examples=examples(5))
@given(records=rows)
def test_another_engine_has_the_same_habits(
    connection: duckdb.DuckDBPyConnection, name: str, records: list[tuple[Any, ...]]
) -> None:
    feature = LAZY_FEATURES[name]
    data = frame(*records).collect()
    connection.register("data", data)
    ours = feature(nw.from_native(data.lazy())).to_native().collect()
    theirs = feature(nw.from_native(connection.sql("SELECT * FROM data"))).to_native().pl().cast(dict(ours.schema))
    assert_frame_equal(theirs, ours, check_row_order=False)


def test_gaps_lie_between_purchase_days_and_the_last_one_is_marked() -> None:
    data = frame(row("ann", 0, 1.0), row("ann", 4, 1.0), row("ann", 4, 1.0), row("ann", 9, 1.0), row("bob", 3, 1.0))
    found = LAZY_FEATURES["gaps"](nw.from_native(data)).to_native().sort("customer_id", "number").collect()
    assert found.select("customer_id", "gap", "is_last").rows() == [
        ("ann", None, False),
        ("ann", 4, False),
        ("ann", 5, True),
        ("bob", None, True),
    ]
