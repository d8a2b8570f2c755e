"""Definitions of purchase, return, order and day, tested on the features."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.customers.coverage import Currency
from ckm.customers.ledger_reader import read_ledger
from ckm.errors import NotEnoughDataError, UsageError
from ckm.time_zones import end_of_day
from tests.conftest import examples
from tests.customers.rows import START, frame, of, row, table

kinds = st.sampled_from(["sale", "return", "cancel", "subscription"])
lines = st.lists(
    st.builds(
        row,
        st.sampled_from(["ann", "bob", "ชาย", "王", None]),
        st.integers(0, 40),
        st.integers(-5_000, 5_000).map(lambda cents: cents / 100),
        kinds,
    ),
    max_size=40,
)


def test_several_rows_of_one_day_are_one_purchase_day() -> None:
    found = table(row("ann", 0.0, 1.10), row("ann", 0.4, 2.20), row("ann", 4, 3.30))
    assert of(found, "ann", "last_purchase", "frequency", "net_total", "rows") == (date(2024, 3, 5), 2, 6.6, 3)


@pytest.mark.parametrize("kind", ["return", "sale"])
def test_a_return_reduces_money_and_is_no_purchase(kind: str) -> None:
    found = table(row("ann", 0, 10.0), row("ann", 9, -4.0, kind))
    assert of(found, "ann", "last_purchase", "frequency", "orders", "net_total") == (date(2024, 3, 1), 1, 1, 6.0)


def test_a_return_without_an_amount_is_no_purchase() -> None:
    assert of(table(row("ann", 0, 0.0, "return"), row("ann", 1, 1.0)), "ann", "frequency", "orders") == (1, 1)


def test_a_free_item_is_a_purchase() -> None:
    assert of(table(row("ann", 0, 0.0)), "ann", "frequency", "orders") == (1, 1)


@pytest.mark.parametrize("net", [10.0, -10.0])
def test_a_cancelled_row_is_neither_purchase_nor_money(net: float) -> None:
    found = table(row("ann", 0, 5.0), row("ann", 1, net, "cancel"), row("bob", 1, net, "cancel"))
    assert found.frame["customer_id"].to_list() == ["ann"]
    assert of(found, "ann", "last_purchase", "frequency", "net_total") == (date(2024, 3, 1), 1, 5.0)
    assert found.left_out.rows_cancelled == 2
    assert found.left_out.cancelled_credits == (2 if net < 0 else 0)


def test_a_customer_with_returns_only_is_not_in_the_feature_table() -> None:
    found = table(row("ann", 0, -5.0, "return"), row("bob", 0, 1.0))
    assert found.frame["customer_id"].to_list() == ["bob"]
    assert found.left_out.customers_without_purchase == 1


def test_purchase_days_are_in_the_shops_time_zone() -> None:
    data = [row("ann", 0.42, 1.0), row("ann", 0.46, 1.0)]  # 22:04 and 23:02 in UTC
    assert of(table(*data), "ann", "frequency") == 1
    assert of(table(*data, time_zone="Europe/Berlin"), "ann", "frequency", "last_purchase") == (2, date(2024, 3, 2))


@pytest.mark.parametrize(
    ("time_zone", "end"),
    [
        ("UTC", datetime(2024, 4, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2024, 3, 31, 22, tzinfo=UTC)),  # the day on which summer time began
        ("Asia/Bangkok", datetime(2024, 3, 31, 17, tzinfo=UTC)),
    ],
)
def test_a_day_ends_at_midnight_in_the_shops_time_zone(time_zone: str, end: datetime) -> None:
    assert end_of_day(date(2024, 3, 31), time_zone) == end


@pytest.mark.slow
@settings(max_examples=examples(20))
@given(lines, st.integers(0, 40))
def test_every_row_is_used_or_left_out_for_one_reason(records: list[tuple[Any, ...]], day: int) -> None:
    as_of = START.date() + timedelta(days=day)
    try:
        left_out = read_ledger({"transactions": frame(*records)}, as_of=as_of).left_out
    except NotEnoughDataError:
        return
    used = [each for each in records if each[1].date() <= as_of and each[0] and each[3] != "cancel"]
    reasons = (left_out.rows_after_as_of, left_out.rows_cancelled, left_out.rows_without_customer)
    assert left_out.rows == len(records) == sum(reasons) + len(used)
    assert left_out.rows_after_as_of == sum(each[1].date() > as_of for each in records)


def test_only_used_rows_determine_the_currency() -> None:
    def paid(who: str | None, day: int, currency: str, kind: str = "sale") -> tuple[Any, ...]:
        return (*row(who, day, 1.0, kind)[:-1], currency)

    rows = [paid("ann", 0, "EUR"), paid("ann", 0, "CHF", "cancel"), paid(None, 0, "GBP"), paid("ann", 9, "USD")]
    found = read_ledger({"transactions": frame(*rows)}, as_of=date(2024, 3, 5))
    assert found.currency == "EUR"
    assert [each.name for each in found.coverage.currencies] == ["EUR"]
    assert isinstance(found.coverage.currencies[0], Currency)
    with pytest.raises(UsageError, match="several currencies") as refused:
        read_ledger({"transactions": frame(*rows)})
    assert refused.value.details["currencies"] == ["EUR", "USD"]


def test_a_categorical_type_column_is_read_as_text() -> None:
    rows = [row("ann", 0, 5.0), row("ann", 1, 5.0, "cancel"), row("ann", 2, 2.0, "return")]
    kinds = pl.Enum(["sale", "return", "cancel", "subscription"])
    found = read_ledger({"transactions": frame(*rows).with_columns(pl.col("type").cast(kinds))})
    assert found.coverage.counts["purchase"] == 1
