"""Second orders: the interval by hand and by scipy, the customers who are due, and their expected revenue."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import CensoredData, ecdf

from ckm.metrics import likely_items, order_durations, second_order
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.second_order import COLUMNS, SecondOrders, second_order_metrics, second_orders
from tests.conftest import examples
from tests.metrics.known import example_context
from tests.metrics.rows import SCHEMA, START, Row, bought, context, histories, is_bought, tables
from tests.metrics.second_orders import TODAY, forty_who_came_back, found, known, once


def test_without_censoring_the_quantiles_are_those_of_the_days_counted() -> None:
    """8 of 40 came back within 8 days, 32 within 32."""
    result = known(forty_who_came_back())
    assert (result.due_from, result.due_until, result.follow_up) == (8, 32, 400)
    assert (result.second_orders, result.first_orders, result.average_value) == (40, 40, 30.0)
    assert (result.customers.height, result.expected_revenue, result.low, result.high) == (0, 0.0, None, None)


def test_a_customer_without_a_second_order_is_censored() -> None:
    """Ten bought 20 days ago, so S(t) = (50 - t) / 50 until day 20, on which they are watched last; from then on 20 are
    watched, of whom one comes back each day: S(t) = 3/5 · (40 - t) / 20. 1 - S reaches 1/5 on day 10, and 4/5 when
    S = 1/5, which is on day 34 = 40 - 20 / 3 rounded up. Of the ten, each comes back by day 34 with 1 - S(34) / S(20).
    """  # fmt: skip
    result = known([*forty_who_came_back(), *(once(f"new {each}", 20) for each in range(10))])
    assert (result.due_from, result.due_until) == (10, 34)
    probability = 1 - 6 / 20
    assert result.customers["customer_id"].to_list() == [f"new {each}" for each in range(10)]
    assert result.customers["days_since"].to_list() == [20] * 10
    assert result.customers["first_order"].to_list() == [START + timedelta(380)] * 10
    assert result.customers["due_until"].to_list() == [START + timedelta(380 + 34)] * 10
    assert result.customers["second_order_probability"].to_list() == pytest.approx([probability] * 10)
    assert result.customers["expected_revenue"].to_list() == pytest.approx([probability * 30] * 10)
    assert result.expected_revenue == pytest.approx(10 * probability * 30)
    # Greenwood: one of n comes back each day while n falls from 20 to 7; sd of 20 and 40 euros, 20 each, is 10 √(40/39)
    greenwood = sum(1 / (n * (n - 1)) for n in range(7, 21))
    error = np.hypot(10 * (6 / 20) * np.sqrt(greenwood) * 30, 7 * 10 / np.sqrt(39))
    assert (result.low, result.high) == pytest.approx((210 - 1.959964 * error, 210 + 1.959964 * error), abs=0.01)


def test_a_customer_is_due_if_the_next_day_lies_in_the_interval() -> None:
    rows = [*forty_who_came_back(), *(once(f"after {days:03}", days) for days in (5, 6, 7, 8, 31, 32, 33, 200))]
    result = known(rows)
    due = set(result.customers["days_since"].to_list())
    assert due == {days for days in (5, 6, 7, 8, 31, 32, 33) if result.due_from <= days + 1 <= result.due_until}
    assert 200 not in due
    probabilities = result.customers["second_order_probability"].to_list()
    assert probabilities == sorted(probabilities, reverse=True)
    assert min(probabilities) > 0


def test_two_orders_on_one_day_are_no_single_order_and_no_interval() -> None:
    rows = [
        (*each, f"o{number}") for number, each in enumerate([*forty_who_came_back(), once("two", 20), once("two", 20)])
    ]
    columns: dict[str, Any] = {**SCHEMA, "order_id": pl.String}
    data = {"transactions": pl.LazyFrame(rows, schema=columns, orient="row")}
    result = second_orders(context(data, as_of=START + timedelta(TODAY)))
    assert isinstance(result, SecondOrders)
    assert result.customers.is_empty()
    assert (result.first_orders, result.due_from, result.due_until) == (40, 8, 32)


def test_too_few_second_orders_are_refused_with_numbers() -> None:
    rows = [each for each in forty_who_came_back() if each[0] is not None and each[0] <= "back 29"]
    missing = Missing("relationships", "few_second_orders", (("there", 29), ("needed", 30)))
    assert found([*rows, *(once(f"new {each}", 20) for each in range(10))]) == missing
    assert second_order_metrics(missing) == ((), (missing,))


def test_the_metrics_are_the_numbers_of_the_list() -> None:
    result = known([*forty_who_came_back(), *(once(f"new {each}", 20) for each in range(10))])
    metrics = Metrics(second_order_metrics(result, result)[0])
    assert metrics.value("second_order_due") == 10
    due = metrics.get("second_order_expected_revenue")
    assert due is not None
    assert (due.value, due.n, due.lo, due.hi, due.previous) == (
        result.expected_revenue, 10, result.low, result.high, result.expected_revenue
    )  # fmt: skip
    assert [metrics.value(f"second_order_due_{end}") for end in ("from", "until")] == [10, 34]


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 200)), min_size=30, max_size=60))
def test_the_interval_equals_that_of_scipys_curve(those: list[tuple[int, int]]) -> None:
    """Each bought first so many days ago, and would come back after so many."""
    rows = []
    for number, (gap, ago) in enumerate(those):
        rows.append(once(f"c{number}", ago))
        if gap <= ago:
            rows.append(once(f"c{number}", ago - gap))
    result = found([*rows, once("now", 0)])
    back = [gap for gap, ago in those if gap <= ago]
    follow_up = sorted([ago for _, ago in those] + [0])[-30]
    if sum(gap <= follow_up for gap in back) < 30:
        assert isinstance(result, Missing)
        return
    assert isinstance(result, SecondOrders)
    curve = ecdf(CensoredData(uncensored=back, right=[*(ago for gap, ago in those if gap > ago), 0])).cdf
    share = curve.evaluate(np.arange(follow_up + 1))
    assert (result.due_from, result.due_until) == tuple(
        int(np.flatnonzero(share >= q * share[-1] - 1e-9)[0]) for q in (0.2, 0.8)
    )


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(histories.filter(bought), st.integers(0, 1000))
def test_a_report_as_of_a_day_equals_one_on_data_cut_there(rows: list[Row], day: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for each in (order_durations, second_order):
            patch.setattr(each, "FEWEST_SECOND_ORDERS", 2)
        patch.setattr(likely_items, "FEWEST_FOR_ITEM", 1)
        cut = [each for each in rows if each[1].date() <= START + timedelta(day)]
        if not bought(cut):
            return
        whole, alone = found(rows, day), found(cut, day)
        later = context(tables(*rows), as_of=START + timedelta(1001))
        until = second_orders(replace(later, ledger=later.ledger.until(START + timedelta(day))))
    if isinstance(whole, Missing):
        assert whole == alone == until
        return
    days = Counter(who for who, _ in {(each[0], each[1].date()) for each in cut if is_bought(each)})
    for other in (alone, until):
        assert isinstance(other, SecondOrders)
        assert other.customers.equals(whole.customers)
        assert (other.due_from, other.due_until, other.low, other.high) == (
            whole.due_from, whole.due_until, whole.low, whole.high
        )  # fmt: skip
    assert all(days[who] == 1 for who in whole.customers["customer_id"])


@pytest.mark.slow
def test_the_example_shop_has_customers_who_are_due() -> None:
    result = second_orders(example_context())
    assert isinstance(result, SecondOrders)
    frame, shop = result.customers, example_context().ledger
    assert frame.schema == COLUMNS
    assert frame.height > 50
    sums = np.bincount(shop.purchases.code, shop.purchases.of("orders"))
    orders = dict(zip(shop.customers, sums, strict=False))
    assert all(orders[who] == 1 for who in frame["customer_id"])
    assert frame["likely_category"].null_count() < frame.height / 2
    assert result.low is not None
    assert result.high is not None
    assert 0 < result.low < result.expected_revenue < result.high
    assert result.expected_revenue == pytest.approx(frame["expected_revenue"].sum(), abs=1)
