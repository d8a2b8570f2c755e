"""Snapshots: no later data, no dependence on the order of rows, and features that match their definitions."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ckm._churn.customer_snapshot import CustomerSnapshot, churned_within, snapshot
from ckm._churn.feature_catalogue import load_catalogue
from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.day_totals import NEVER
from ckm.customers.features import feature_table
from ckm.customers.history import History, read_history
from ckm.errors import NotEnoughDataError
from ckm.example import days
from tests._churn.shops import (
    FIRST,
    SPAN,
    START,
    Row,
    as_known,
    bought,
    contact,
    contacts,
    contacts_as_known,
    example_history,
    example_world,
    features_of,
    ids,
    order,
    orders,
    tables,
)
from tests.conftest import examples
from tests.test_segment import cdnow_master, online_retail

BERLIN = "Europe/Berlin"
EXAMPLE = day_number(days.FIRST_DATE)


def at(rows: list[Row], day: int, said: list[Row] | None = None, horizon: int = 90) -> tuple[History, CustomerSnapshot]:
    """Return the snapshot ``day`` days after the start."""
    history = read_history(tables(rows, said), as_of=START.date() + timedelta(days=3 * SPAN))
    return history, snapshot(history, FIRST + day, horizon)


def one(rows: list[Row], day: int, said: list[Row] | None = None, horizon: int = 90) -> dict[str, float]:
    """Return the features of customer ann."""
    return features_of(*at(rows, day, said, horizon), "ann")


def assert_equal(left: tuple[History, CustomerSnapshot], right: tuple[History, CustomerSnapshot]) -> None:
    assert ids(*left) == ids(*right)
    one, other = left[1], right[1]
    assert list(one.features) == list(other.features)
    for name, values in one.features.items():
        np.testing.assert_array_equal(values, other.features[name], err_msg=name)
    for name in ("value", "last_order", "median_interpurchase_days", "has_open_complaint", "bought_same_season"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(orders, contacts, st.integers(0, SPAN), st.integers(1, 400))
def test_a_snapshot_of_all_data_equals_that_of_data_cut_at_its_day(
    rows: list[Row], said: list[Row], day: int, horizon: int
) -> None:
    last = START.date() + timedelta(days=day)
    known, known_said = as_known(rows, last), contacts_as_known(said, last)
    assume(bought(known))
    full = read_history(tables(rows, said))
    assume(full.as_of >= FIRST + day)
    cut = read_history(tables(known, known_said), as_of=last)
    early = read_history(tables(rows, said), as_of=last)
    found = [(each, snapshot(each, FIRST + day, horizon)) for each in (full, cut, early)]
    assert_equal(found[0], found[1])
    assert_equal(found[0], found[2])


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(orders, contacts, st.integers(0, SPAN), st.integers(1, 500))
def test_changes_after_the_day_change_no_feature(rows: list[Row], said: list[Row], day: int, by: int) -> None:
    last = START.date() + timedelta(days=day)
    assume(bought(as_known(rows, last)))

    def shifted(those: list[Row]) -> list[Row]:
        return [(row[0], row[1] + timedelta(days=by) if row[1].date() > last else row[1], *row[2:]) for row in those]

    found = []
    for data in (tables(rows, said), tables(shifted(rows), shifted(said))):
        history = read_history(data, as_of=START.date() + timedelta(days=3 * SPAN))
        found.append((history, snapshot(history, FIRST + day, 90)))
    assert_equal(*found)


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(orders, contacts, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_no_feature(rows: list[Row], said: list[Row], random: Random) -> None:
    assume(bought(rows))
    shuffled, said_shuffled = random.sample(rows, len(rows)), random.sample(said, len(said))
    assert_equal(at(rows, SPAN, said), at(shuffled, SPAN, said_shuffled))


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(orders, st.integers(0, SPAN))
def test_common_features_equal_those_of_the_feature_table(rows: list[Row], day: int) -> None:
    last = START.date() + timedelta(days=day)
    assume(bought(as_known(rows, last)))
    history = read_history(tables(rows), as_of=START.date() + timedelta(days=3 * SPAN), time_zone=BERLIN)
    assume(bool((history.ledger.purchases.day <= FIRST + day).any()))
    _assert_as_in_the_feature_table(tables(rows), history, FIRST + day)


@pytest.mark.slow
@pytest.mark.parametrize("read", [cdnow_master, online_retail])
def test_common_features_of_real_shops_equal_those_of_the_feature_table(read: Any) -> None:
    data = {"transactions": read()}
    history = read_history(data, time_zone=BERLIN)
    _assert_as_in_the_feature_table(data, history, history.last_day - 90)
    found = snapshot(history, history.last_day - 90, 90)
    assert 0.3 < churned_within(history, found, 90).mean() < 0.95
    assert set(found.features) <= set(load_catalogue().names)


def _assert_as_in_the_feature_table(data: dict[str, pl.LazyFrame], history: History, day: int) -> None:
    found = snapshot(history, day, 90)
    table = feature_table(data, as_of=calendar_day(day), time_zone=BERLIN).frame
    assert ids(history, found) == table["customer_id"].to_list()
    own = {
        "days_silent": pl.col("recency_days"),
        "purchase_days": pl.col("frequency"),
        "gap_last_ratio": pl.col("gap_last_days") / pl.col("usual_gap_days_before"),
        **{
            name: pl.col(name)
            for name in ("gap_median_days", "gap_p80_days", "spend_12mo", "order_value_mean", "discount_share")
        },
        "return_share": pl.col("return_share"),
        "tenure_days": pl.col("tenure_days"),
    }
    for name, column in own.items():
        values = table.select(column.cast(pl.Float64).fill_null(float("nan"))).to_series().to_numpy()
        if name in found.features:
            np.testing.assert_allclose(found.features[name], values, rtol=1e-9, atol=6e-5, err_msg=name)
        else:
            assert np.nan_to_num(values).max() <= 0, name
    np.testing.assert_allclose(found.value, table["margin_12mo"].to_numpy(), rtol=1e-9, atol=1e-4)


@pytest.mark.slow
def test_the_features_are_those_of_the_catalogue_in_its_order() -> None:
    history = example_history()
    found = snapshot(history, history.last_day, 90)
    assert tuple(found.features) == load_catalogue().names
    assert all(values.dtype == np.float64 and len(values) == len(found) for values in found.features.values())


@pytest.mark.slow
def test_features_of_some_customers_equal_those_of_all() -> None:
    history = example_history()
    day = history.last_day - 200
    all_customers = snapshot(history, day, 90)
    sample = history.only(np.array([7, 400, 2000]))
    some = snapshot(sample, day, 90)
    where = np.isin(all_customers.customers, [7, 400, 2000])
    np.testing.assert_array_equal(sample.own_codes[some.customers], all_customers.customers[where])
    for name, values in all_customers.features.items():
        np.testing.assert_array_equal(some.features[name], values[where], err_msg=name)
    np.testing.assert_array_equal(some.bought_same_season, all_customers.bought_same_season[where])


@pytest.mark.slow
def test_a_feature_without_a_source_is_absent() -> None:
    bare = one([order("ann", 0), order("ann", 9)], 10)
    of_interactions = {"open_complaints", "complaints_90d", "rejected_invoices_90d", "rating_last", "rating_low_90d"}
    assert not of_interactions & set(bare)
    assert not {name for name in bare if "late" in name or "return" in name or "categor" in name or "disc" in name}
    said = [contact("bob", 3, "complaint")]
    assert set(one([order("ann", 0)], 10, said)) - set(one([order("ann", 0)], 10)) == {
        "open_complaints",
        "complaints_90d",
    }
    assert "open_complaints" not in one([order("ann", 0)], 2, said), "nobody had complained by then"


@pytest.mark.parametrize(
    ("day", "late", "by"),
    [(4, 0, 0), (5, 1, 1), (8, 1, 4), (10, 1, 6), (50, 1, 6), (94, 1, 6), (95, 0, 0)],
)
def test_a_delivery_is_late_from_the_day_after_the_promised_one_by_the_days_known_so_far(
    day: int, late: int, by: int
) -> None:
    rows = [order("ann", 0, promised=4, delivered=10), order("ann", 0, promised=2, delivered=2)]
    found = one(rows, day)
    assert (found["late_deliveries_90d"], found["days_late_90d"]) == (late, by)


@pytest.mark.slow
def test_the_delay_of_a_missing_delivery_grows_by_a_day_each_day() -> None:
    rows = [order("ann", 0, promised=4), order("bob", 0, promised=2, delivered=2)]
    assert [one(rows, day)["days_late_90d"] for day in (4, 5, 20)] == [0, 1, 16]
    history, _ = at(rows, 20)
    assert history.remarks == (
        "1 row of 2 with a promised day (50.0%) have had no 'delivered_on' for 60 days: they count as late",
    )


def test_lines_of_an_order_count_as_one_late_delivery() -> None:
    rows = [order("ann", 0, promised=4, delivered=9)] * 3 + [order("ann", 1, promised=4, delivered=9)]
    assert one(rows, 20)["late_deliveries_90d"] == 1, "two orders that were promised and came together are one"
    rows.append(order("ann", 1, promised=5, delivered=9))
    assert one(rows, 20)["late_deliveries_90d"] == 2


@pytest.mark.parametrize(("day", "still_open"), [(2, 0), (3, 1), (19, 1), (20, 0), (200, 0)])
def test_a_complaint_is_open_until_the_day_on_which_it_is_resolved(day: int, still_open: int) -> None:
    said = [contact("bob", 0, "complaint"), contact("ann", 3, "complaint", resolved=20)]
    history, found = at([order("ann", 0), order("bob", 0)], day, said)
    assert features_of(history, found, "ann")["open_complaints"] == still_open
    assert bool(found.has_open_complaint[0]) is bool(still_open)


def test_a_complaint_unresolved_for_half_a_year_no_longer_counts_as_open() -> None:
    said = [contact("ann", 3, "complaint")]
    assert [one([order("ann", 0)], day, said)["open_complaints"] for day in (182, 183)] == [1, 0]


@pytest.mark.slow
def test_the_last_rating_is_a_share_of_its_scale() -> None:
    said = [
        contact("ann", 1, "survey", None, 9, "nps_0_10"),
        contact("ann", 2, "survey", None, 2, "csat_1_5"),
        contact("ann", 2, "survey", None, 4, "csat_1_5"),
        contact("ann", 5, "survey", None, 7, "ces_1_7"),
        contact("ann", 6, "survey", None, 5, None),
    ]
    history, _ = at([order("ann", 0)], 9, said)
    assert [one([order("ann", 0)], day, said)["rating_last"] for day in (1, 2, 4, 9)] == [0.9, 0.25, 0.25, 1.0]
    assert one([order("ann", 0)], 9, said)["rating_low_90d"] == 1
    assert history.remarks == ("1 rating without a known scale: not used",)


def test_only_events_about_invoices_count_as_rejected_invoices() -> None:
    said = [contact("ann", 1, "event", "Invoice"), contact("ann", 2, "event", "fair"), contact("ann", 2, "question")]
    assert one([order("ann", 0)], 9, said)["rejected_invoices_90d"] == 1


@pytest.mark.slow
def test_purchases_a_year_before_the_horizon_count_as_the_same_season() -> None:
    rows = [order("ann", day) for day in (0, 370, 385, 500, 600)]
    found = {day: one(rows, day, horizon=20)["same_season"] for day in (364, 700, 731, 740)}
    assert np.isnan(found[364]), "not known for a year"
    assert found[700] == 0
    assert found[731] == pytest.approx(2 / 4), "370 and 385 of 370, 385, 500 and 600"
    assert found[740] == pytest.approx(1 / 3)


@pytest.mark.slow
def test_a_customer_who_only_buys_before_a_festival_is_a_seasonal_buyer_until_one_is_missed() -> None:
    feast = [0, 4, 362, 370, 720]
    rows = [order("ann", day) for day in feast] + [order("bob", day) for day in (*feast, 500)]

    def seasonal(day: int) -> list[bool]:
        return at(rows, day)[1].bought_same_season.tolist()

    assert seasonal(300) == [False, False], "seen once"
    assert seasonal(499) == [True, True]
    assert seasonal(721) == [True, False]
    assert seasonal(720 + 365 + 35) == [True, False]
    assert seasonal(720 + 365 + 36) == [False, False]


@pytest.mark.slow
def test_a_category_sold_weekly_is_discontinued_after_four_weeks_without_a_sale() -> None:
    weekly = [order(None, day, category="candles") for day in range(0, 300, 5)]
    other = [order("bob", day, category="tea") for day in range(0, 400, 5)]
    feast = [order("bob", day, category="goose") for day in range(200, 260, 5)]
    mine = [order("ann", 290, category="candles"), order("ann", 290, category="tea"), order("ann", 292, category="tea")]
    rows = weekly + other + feast + mine
    assert [one(rows, day)["category_lost"] for day in (294, 320, 325)] == [0, 0, pytest.approx(1 / 3)]
    history, found = at(rows, 390)
    assert features_of(history, found, "bob")["category_lost"] == 0, "what is sold in a season only is not given up"
    closed = [row for row in rows if (row[1] - START).days <= 300]
    assert one(closed, 390)["category_lost"] == 0, "a shop that is closed gives up nothing"


def test_the_label_is_no_purchase_within_the_horizon() -> None:
    rows = [
        order("ann", 0),
        order("bob", 0),
        order("bob", 11),
        order("cho", 1),
        order("cho", 10),
        order("ann", 11, -5.0),
    ]
    history, found = at(rows, 1)
    assert ids(history, found) == ["ann", "bob", "cho"]
    assert churned_within(history, found, 9).tolist() == [True, True, False]
    assert churned_within(history, found, 10).tolist() == [True, False, False], "a return is no purchase"


def test_a_label_whose_horizon_is_not_over_is_refused() -> None:
    history, found = at([order("ann", 0), order("ann", 11)], 1)
    churned_within(history, found, 3 * SPAN - 1)
    history = read_history(tables([order("ann", 0), order("ann", 11)]))
    with pytest.raises(NotEnoughDataError, match="11 days after 2024-03-02 is unknown"):
        churned_within(history, found, 11)


def test_a_cut_off_before_the_first_order_or_after_the_data_is_refused() -> None:
    history = read_history(tables([order("ann", 5)]))
    with pytest.raises(NotEnoughDataError, match="no purchase by 2024-03-05"):
        snapshot(history, FIRST + 4, 90)
    with pytest.raises(NotEnoughDataError, match="the history ends on 2024-03-06"):
        snapshot(history, FIRST + 6, 90)


def test_without_repeat_purchases_only_the_purchase_interval_is_unknown() -> None:
    found = one([order("ann", 0), order("bob", 3)], 9)
    assert {name for name, value in found.items() if np.isnan(value)} == {
        "gap_median_days",
        "gap_p80_days",
        "gap_last_ratio",
        "same_season",
        "spend_change",
        "order_value_last_ratio",
    }


@pytest.mark.slow
def test_a_customer_with_very_many_orders_has_valid_features() -> None:
    rows = [order("ann", day / 60, 1.0) for day in range(50_000)] + [order("bob", 0)]
    found = one(rows, 1000)
    assert found["purchase_days"] == 834
    assert found["gap_median_days"] == 1


# The example shop, whose generator knows which troubles each customer met and when.


def _troubles(kind: str) -> dict[str, list[tuple[int, int]]]:
    """Return the first and the last day of each incident of a kind, by customer."""
    return {
        life.customer.customer_id: [
            (EXAMPLE + each.first, EXAMPLE + each.last) for each in life.troubles if each.kind == kind
        ]
        for life in example_world().histories
    }


def _with(feature: str, day: int) -> set[str]:
    history = example_history()
    found = snapshot(history, day, 90)
    return {who for who, count in zip(ids(history, found), found.features[feature], strict=True) if count}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("feature", "kind"),
    [("late_deliveries_90d", "late_delivery"), ("rejected_invoices_90d", "rejected_invoice")],
)
@pytest.mark.parametrize("back", [0, 240, 480])
def test_the_incidents_found_are_exactly_those_of_the_generator(feature: str, kind: str, back: int) -> None:
    day = example_history().last_day - back
    truth = {who for who, spans in _troubles(kind).items() if any(day - 90 < first <= day for first, _ in spans)}
    assert len(truth) > 5
    assert _with(feature, day) == truth


@pytest.mark.parametrize("back", [0, 240, 480])
def test_customers_with_an_open_complaint_are_found_and_few_others(back: int) -> None:
    day = example_history().last_day - back
    weighs = {who for who, spans in _troubles("open_complaint").items() if any(a <= day <= b for a, b in spans)}
    soon = {who for who, spans in _troubles("open_complaint").items() if any(a <= day + 7 for a, _ in spans)}
    found = _with("open_complaints", day)
    assert len(weighs) > 3
    assert weighs <= found
    assert len(found - soon) <= 5, "complaints of the last days that are about to be settled"


def test_discontinued_categories_are_those_that_the_generator_ended() -> None:
    history = example_history()
    for ended in (date(2025, 3, 31), date(2025, 10, 31)):
        found = snapshot(history, day_number(ended + timedelta(days=35)), 90)
        lost = dict(zip(ids(history, found), found.features["category_lost"], strict=True))
        silent = dict(zip(ids(history, found), found.features["days_silent"], strict=True))
        spans = _troubles("lost_category").items()
        missed = [who for who, those in spans if any(calendar_day(first - 1) == ended for first, _ in those)]
        recent = [who for who in missed if who in lost and silent[who] < 200]
        assert len(recent) > 20
        assert np.mean([lost[who] > 0 for who in recent]) > 0.95
        assert np.mean([lost[who] > 0.3 for who in recent]) > 0.8
        others = [share for who, share in lost.items() if who not in missed]
        assert np.mean(np.array(others) > 0.5) < 0.05


def test_no_category_is_discontinued_before_the_generator_ends_one() -> None:
    history = example_history()
    for back in range(460, 900, 60):
        found = snapshot(history, history.last_day - back, 90)
        assert found.features["category_lost"].max() == 0
    assert history.full_ledger.first_day_of("costs_known") < NEVER
