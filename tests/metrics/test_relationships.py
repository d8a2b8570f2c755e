"""Customer groups, orders and rates: by hand, with groups that add up, and equal to SQL."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ckm.config import Config
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import compared_with, period_until
from ckm.metrics.context import ReportContext
from ckm.metrics.customer_balance import CustomerBalance, customer_balance
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.relationships import relationship_metrics
from ckm.models.intervals import wilson
from tests.conftest import examples
from tests.metrics.rows import START, bought, context, histories, on, row, tables
from tests.metrics.shop import AS_OF, shop_context, shop_tables

BALANCED = ("customers_new", "customers_retained", "customers_reactivated", "customers_lost", "retention_rate")


def measured(found: ReportContext) -> Metrics:
    return Metrics(relationship_metrics(found)[0])


def names(mask: np.ndarray, found: ReportContext) -> list[str]:
    return found.ledger.customers.filter(pl.Series(mask)).to_list()


def test_each_customer_of_the_small_shop_is_in_the_right_cell() -> None:
    found = shop_context()
    who = customer_balance(found)
    assert names(who.new, found) == ["fred", "gabi", "juri", "lena"]
    assert names(who.retained, found) == ["anna", "dong", "elif", "hugo"]
    assert names(who.reactivated, found) == ["bern"]
    assert names(who.lost, found) == ["cara", "ines", "kiri"]


@pytest.mark.parametrize(
    ("name", "value", "n", "previous"),
    [
        ("customers_active", 9, None, 7),
        ("customers_new", 4, None, 5),
        ("customers_retained", 4, None, 2),
        ("customers_reactivated", 1, None, 0),
        ("customers_lost", 3, None, 1),
        ("retention_rate", 4 / 7, 7, 2 / 3),  # of 7 active in 2024; of anna, bern, kiri, active in 2023
        ("orders", 14, None, 10),
        ("orders_per_customer", 14 / 9, 9, 10 / 7),
        ("average_order_value", 3905 / 14, 14, 2530 / 10),
        ("repeat_rate_period", 4 / 9, 9, 3 / 7),  # anna, dong, gabi, hugo; anna, cara, dong
        # first bought 2024-01-02 to 2024-12-31: cara, dong, elif, hugo (after 365 days) came again, ines did not;
        # first bought 2023-01-02 to 2024-01-01: anna came after 420 days, kiri after 366, bern not at all
        ("repeat_rate_cohort", 4 / 5, 5, 0 / 3),
        # ended in 2025: 20, 51, 120, 153, 158, 181, 183, 184, 365, 700; in 2024: 19, 182, 184, 366, 420
        ("median_interpurchase_days", (158 + 181) / 2, 10, 184),
    ],
)
def test_each_metric_counted_by_hand(name: str, value: float, n: int | None, previous: float) -> None:
    found = measured(shop_context()).get(name)
    assert found is not None
    assert (found.value, found.n, found.previous) == (value, n, previous)


def test_by_party_type_counted_by_hand() -> None:
    """Lena and otto stand in no table of customers: 60 - 12 = 48."""
    found = measured(shop_context())
    customers, revenue = (found.all(name, "party_type") for name in ("party_customers", "party_revenue"))
    assert [(each.of("party_type"), each.value, each.previous) for each in customers] == [
        ("person", 4, 4), ("company", 2, 2), ("distributor", 1, 1), ("partner", 1, 0), ("(none)", 1, 0),
    ]  # fmt: skip
    assert [(each.of("party_type"), each.value, each.previous) for each in revenue] == [
        ("person", 270 + 30 + 25 + 100, 100 + 300 + 0 + 15),
        ("company", 1000 + 90, 1000 + 80),
        ("distributor", 2000 - 100, 1000),
        ("partner", 300, 0),
        ("(none)", 48, 0),
    ]  # fmt: skip


def test_rates_have_the_intervals_of_wilson() -> None:
    found = measured(shop_context())
    for name, part, whole in (("retention_rate", 4, 7), ("repeat_rate_period", 4, 9), ("repeat_rate_cohort", 4, 5)):
        each = found.get(name)
        assert each is not None
        assert (each.lo, each.hi) == wilson(part, whole)


def test_without_a_comparison_no_customer_is_new_or_lost() -> None:
    found = shop_context(months=24)
    metrics, missing = relationship_metrics(found)
    assert missing == (Missing("relationships", "no_comparison"),)
    found = relationship_metrics(shop_context(as_of=AS_OF.replace(year=2024)))[1]
    assert found == (Missing("relationships", "no_earlier_purchases"),)
    values = {each.name: each.value for each in metrics}
    assert all(values[name] is None for name in BALANCED)
    assert values["customers_active"] == 12
    assert values["orders"] == 24
    assert all(each.previous is None for each in metrics)


def test_previous_values_do_not_depend_on_a_period_before_the_data() -> None:
    """As of the end of 2024: 2024 against 2023, which the data cover; 2023 against 2022, which they do not."""
    found = measured(shop_context(as_of=AS_OF.replace(year=2024)))
    for name in BALANCED:
        each = found.get(name)
        assert each is not None
        assert each.value is not None
        assert each.previous is None
    assert found.get("customers_active").previous == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(("as_of", "is_known"), [(date(2025, 12, 31), True), (date(2024, 12, 31), False)])
def test_reactivated_customers_need_purchases_before_the_comparison_period(as_of: date, is_known: bool) -> None:
    """The data begin in January 2023, so that nobody can be reactivated in 2024 compared with 2023."""
    metrics, missing = relationship_metrics(shop_context(as_of=as_of))
    assert (Metrics(metrics).value("customers_reactivated") == 0) == (not is_known)
    assert (Missing("relationships", "no_earlier_purchases") in missing) == (not is_known)


def test_first_buyers_of_a_year_that_the_data_do_not_cover_have_no_repeat_rate() -> None:
    """As of 15 March 2024 the data are 430 days old: who bought first in them a year ago may be an old customer."""
    metrics, missing = relationship_metrics(shop_context(as_of=date(2024, 3, 15), months=1))
    assert missing == (Missing("relationships", "short_history", (("there", 430), ("needed", 730))),)
    assert Metrics(metrics).value("repeat_rate_cohort") is None


def test_without_a_table_of_customers_party_types_are_missing() -> None:
    metrics, missing = relationship_metrics(shop_context({"transactions": shop_tables()["transactions"]}))
    assert missing == (Missing("relationships", "no_customers_table"),)
    assert not [each for each in metrics if each.name.startswith("party")]


def test_one_customer_and_an_empty_period_are_reported_without_failing() -> None:
    alone = measured(context(tables(on(AS_OF, "ann"))))
    assert alone.value("customers_active") == 1
    assert alone.value("repeat_rate_period") == 0
    assert alone.value("median_interpurchase_days") is None
    assert alone.value("repeat_rate_cohort") is None
    empty = measured(context(tables(on(START, "ann"), on(START, "bob")), as_of=AS_OF))
    for name, value in (
        ("customers_active", 0),
        ("orders", 0),
        ("orders_per_customer", None),
        ("average_order_value", None),
    ):
        assert empty.value(name) == value
    assert empty.get("repeat_rate_period").n == 0  # type: ignore[union-attr]


def test_a_return_is_no_order_and_does_not_reduce_the_order_value() -> None:
    found = measured(context(tables(on(AS_OF, "ann", 30.0), on(AS_OF, "ann", -10.0, "return"), on(AS_OF, "bob", -5.0))))
    assert (found.value("orders"), found.value("average_order_value")) == (1, 30.0)


def assert_balanced(who: CustomerBalance) -> None:
    masks = [who.new, who.retained, who.reactivated, who.lost]
    assert np.sum(masks, axis=0).max(initial=0) <= 1
    assert who.active.sum() == who.new.sum() + who.retained.sum() + who.reactivated.sum()
    assert who.active_before.sum() == who.retained.sum() + who.lost.sum()


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(histories.filter(bought), st.integers(0, 1001), st.integers(1, 12), st.sampled_from(["previous", "year-ago"]))
def test_active_customers_are_new_retained_or_reactivated(rows: list, day: int, months: int, comparison: str) -> None:
    as_of = START + timedelta(day)
    seen = [each for each in rows if each[1].date() <= as_of]
    assume(bought(seen))
    period = period_until(as_of, months)
    compared = compared_with(period, months, comparison)  # type: ignore[arg-type]
    data = tables(*rows)
    found = ReportContext(data, read_ledger(data, as_of=as_of, needs=EVERYTHING), period, compared, Config())
    who = customer_balance(found)
    assert_balanced(who)
    buyers = {span: {each[0] for each in seen if is_purchase(each) and span.first <= each[1].date() <= span.last}
              for span in (period, compared)}  # fmt: skip
    firsts: dict[str, date] = {}
    for each in sorted(filter(is_purchase, seen), key=lambda each: each[1]):
        firsts.setdefault(each[0], each[1].date())
    assert set(names(who.active, found)) == buyers[period]
    assert set(names(who.active_before, found)) == buyers[compared]
    assert set(names(who.new, found)) == {name for name, first in firsts.items() if period.first <= first}
    metrics = measured(found)
    if found.is_comparable:
        parts = [metrics.value(f"customers_{kind}") for kind in ("new", "retained", "reactivated")]
        assert metrics.value("customers_active") == sum(parts)  # type: ignore[arg-type]
    purchases = sum(round(each[2] * 100) for each in seen if is_purchase(each)
                  and period.first <= each[1].date() <= period.last)  # fmt: skip
    orders = metrics.value("orders")
    if orders:
        assert round(metrics.value("average_order_value") * orders * 100) == purchases  # type: ignore[operator]


def is_purchase(each: tuple) -> bool:
    return each[0] is not None and each[2] >= 0 and each[3] in {"sale", "subscription"}


@pytest.mark.slow
@settings(max_examples=examples(15))
@given(histories.filter(bought))
def test_party_types_add_up_to_the_whole(rows: list) -> None:
    people = pl.LazyFrame(
        {"customer_id": ["ann", "bob", "cho", "ชาย"], "party_type": ["person", "company", None, "partner"]}
    )
    found = context({**tables(*rows), "customers": people})
    metrics = measured(found)
    counts = sum(each.value for each in metrics.all("party_customers", "party_type"))  # type: ignore[misc]
    assert counts == metrics.value("customers_active")
    revenue = sum(round(each.value * 100) for each in metrics.all("party_revenue", "party_type"))  # type: ignore[operator]
    assert revenue == found.ledger.net_between(found.period).sum() // 100


def test_shuffled_rows_give_the_same_metrics() -> None:
    dice, people = Random(5), ["ann", "bob", "cho", "dee", None]
    rows = [row(dice.choice(people), dice.randrange(2000) / 2, dice.choice([3.3, -1.1])) for _ in range(400)]
    first = measured(context(tables(*rows))).table()
    dice.shuffle(rows)
    assert measured(context(tables(*rows))).table().equals(first)
