"""History of customers: its customers, days and excluded rows, and errors for unusable data."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings

from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.day_totals import DayTotals
from ckm.customers.features import feature_table
from ckm.customers.history import read_history
from ckm.errors import InputError, NotEnoughDataError, UsageError
from tests._churn.shops import FIRST, Row, bought, contact, contacts, order, orders, tables
from tests.conftest import examples


@pytest.mark.slow
def test_a_history_has_the_customers_days_and_excluded_rows_of_the_data() -> None:
    rows = [
        order("bob", 0),
        order("ann", 2),
        order("ann", 8),
        order("ann", 9, -4.0),
        order("cho", 9, -4.0),
        order(None, 9),
        order("ann", 12, kind="cancel"),
    ]
    history = read_history(tables(rows))
    assert history.customers.to_list() == ["ann", "bob"]
    assert (history.first_day, history.last_day, history.as_of) == (FIRST, FIRST + 9, FIRST + 12)
    assert history.full_ledger.left_out == feature_table(tables(rows)).left_out
    assert history.ledger.purchases.code.tolist() == [0, 0, 1]
    assert history.ledger.purchases.day.tolist() == [FIRST + 2, FIRST + 8, FIRST]
    assert (history.ledger.currency, history.ledger.time_zone) == ("EUR", "UTC")


def test_days_of_a_history_are_in_the_shops_time_zone() -> None:
    late = [(*order("ann", 0.49)[:1], order("ann", 0.49)[1], *order("ann", 0.49)[2:])]  # a quarter to midnight in UTC
    assert read_history(tables(late), time_zone="Europe/Berlin").first_day == FIRST + 1


@pytest.mark.slow
@settings(max_examples=examples(10))
@given(orders, contacts)
def test_any_data_give_a_history_or_not_enough_data(rows: list[Row], said: list[Row]) -> None:
    try:
        history = read_history(tables(rows, said))
    except NotEnoughDataError:
        assert not bought(rows)
    else:
        assert history.customers.is_sorted()
        assert len(history.ledger.purchases.keys) == len(history.ledger.gaps.codes) + len(history.customers)
        assert history.full_ledger.left_out == feature_table(tables(rows)).left_out


def test_returns_without_purchases_are_not_enough() -> None:
    with pytest.raises(NotEnoughDataError, match="no purchase by a known customer"):
        read_history(tables([order("ann", 0, -5.0), order("bob", 1, -5.0)]))


def test_an_as_of_date_before_the_first_order_is_not_enough() -> None:
    with pytest.raises(NotEnoughDataError, match="on or before 2024-02-01"):
        read_history(tables([order("ann", 0)]), as_of=date(2024, 2, 1))


def test_two_currencies_are_an_error() -> None:
    with pytest.raises(UsageError, match="several currencies"):
        read_history(tables([order("ann", 0), order("bob", 0, currency="USD")]))


@pytest.mark.parametrize("column", ["customer_id", "ordered_at", "net", "type", "currency"])
def test_a_missing_column_of_the_transactions_is_named(column: str) -> None:
    data = tables([order("ann", 0)])
    with pytest.raises(InputError, match=f"transactions: no column '{column}'"):
        read_history({"transactions": data["transactions"].drop(column)})


@pytest.mark.parametrize("column", ["customer_id", "at", "kind"])
def test_a_missing_column_of_the_interactions_is_named(column: str) -> None:
    data = tables([order("ann", 0)], [contact("ann", 0, "complaint")])
    with pytest.raises(InputError, match=f"interactions: no column '{column}'"):
        read_history({**data, "interactions": data["interactions"].drop(column)})


def test_optional_columns_may_be_absent_or_empty() -> None:
    data = tables([order("ann", 0)], [contact("ann", 0, "complaint")])
    optional = ["category", "channel", "cost", "discount", "promised_on", "delivered_on"]
    said = ["topic", "rating", "scale", "resolved_at"]
    bare = {
        "transactions": data["transactions"].drop(optional),
        "interactions": data["interactions"].drop(said),
    }
    empty = {
        "transactions": data["transactions"].with_columns(pl.lit(None).alias(name) for name in optional),
        "interactions": data["interactions"].with_columns(pl.lit(None).alias(name) for name in said),
    }
    for each in (bare, empty):
        history = read_history(each)
        assert history.contacts.open_complaints(1, FIRST).tolist() == [1]
        assert len(history.ledger.categories.codes) == 0


def test_dates_and_day_numbers_convert_both_ways() -> None:
    for day in (date(1900, 1, 1), date(1969, 12, 31), date(2199, 12, 31)):
        assert calendar_day(day_number(day)) == day


def test_days_before_1970_and_after_2100_keep_their_order() -> None:
    rows = [order("ann", day) for day in (-45_000, -20_000, 0, 63_000)]
    history = read_history(tables(rows))
    assert history.ledger.purchases.day.tolist() == [FIRST - 45_000, FIRST - 20_000, FIRST, FIRST + 63_000]
    assert sorted(history.ledger.gaps.lengths.tolist()) == [20_000, 25_000, 63_000]


def test_empty_day_totals_count_nothing() -> None:
    nothing = DayTotals.of_sums(np.zeros(0, np.int64), {"net": np.zeros(0, np.int64)}, 2)
    all_customers = np.array([0, 1], dtype=np.uint32)
    assert nothing.count(all_customers, -1_000, 90_000).tolist() == [0, 0]
    assert nothing.between("net", all_customers, -1_000, 90_000).tolist() == [0, 0]
    assert nothing.counts.tolist() == [0, 0]
