"""Revenue and its effects: those of the small shop by hand, and effects that add up to the change to the cent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from math import log, sqrt
from random import Random

import polars as pl
import pytest
from hypothesis import given, settings

from ckm.customers.period import Period
from ckm.metrics.changes import NO_CUSTOMER, change_metrics
from ckm.metrics.comparison import compare
from ckm.metrics.metric import Metric, Metrics, Missing
from tests.conftest import examples
from tests.metrics.rows import bought, context, histories, tables
from tests.metrics.shop import shop_context, shop_tables

Z = 1.959963984540054
YEAR = 365 / 366
"""Days of 2025 over those of 2024."""


@pytest.fixture(scope="module")
def shop() -> Metrics:
    metrics, missing = change_metrics(shop_context())
    assert missing == ()
    return Metrics(metrics)


def metric_of(metrics: Metrics, name: str) -> Metric:
    found = metrics.get(name)
    assert found is not None
    return found


def pair(metric: Metric | None) -> tuple[float | None, float | None]:
    assert metric is not None
    return metric.value, metric.previous


def test_revenue_by_hand(shop: Metrics) -> None:
    # bought 3905, returned -30 - 100 - 12, till 20 - 5; before: bought 2530, returned -35, till 10
    assert pair(shop.get("revenue")) == (3905 - 142 + 15, 2530 - 35 + 10)
    assert pair(shop.get("revenue_of_customers")) == (3905 - 142, 2530 - 35)
    assert pair(shop.get("revenue_without_customer")) == (20 - 5, 10)
    assert pair(shop.get("revenue_returns")) == (30 + 100 + 12 + 5, 35)


def test_n_of_the_revenue_of_customers_counts_purchases_and_returns(shop: Metrics) -> None:
    # nine who bought, and otto, who only returned
    assert shop.get("revenue_of_customers").n == 10


FACTORS = ("customers", "frequency", "order_value", "returns", "calendar")


def test_revenue_effects_by_hand(shop: Metrics) -> None:
    # 7 customers bought 2530 in 10 orders and gave back 35, 9 bought 3905 in 14 and gave back 142: 1268 more, though
    # 2025 has 365 days and 2024 had 366
    mean, returned, days = (3905 - 2530) / log(3905 / 2530), (142 - 35) / log(142 / 35), log(365 / 366)
    expected = [
        mean * log(9 / 7),
        mean * (log((14 / 9) / (10 / 7)) - days),
        mean * log((3905 / 14) / (2530 / 10)),
        -(142 - 35) + returned * days,
        (mean - returned) * days,
    ]
    found = [shop.value(f"change_by_{factor}") for factor in FACTORS]
    assert found == [796.15, 278.44, 309.08, -107.21, -8.46]
    assert found == pytest.approx(expected, abs=0.02)  # a cent that rounding leaves over is with the largest
    assert sum(round(100 * each) for each in found) == 100 * (3763 - 2495)


def test_the_interval_of_an_effect_by_hand(shop: Metrics) -> None:
    # customers: E = L · ln(N1 / N0), L = (S1 - S0) / ln(S1 / S0). Slopes of E: in N1 L / N1, in N0 -L / N0,
    # in S1 (1 - L / S1) · ln(N1 / N0) / ln(S1 / S0), in S0 (L / S0 - 1) · ln(N1 / N0) / ln(S1 / S0).
    # What each customer adds to (N0, S0, N1, S1), from anna to lena:
    rows = purchases_by_hand()
    grown, more = log(3905 / 2530), log(9 / 7)
    mean = 1375 / grown
    slopes = (-mean / 7, (mean / 2530 - 1) * more / grown, mean / 9, (1 - mean / 3905) * more / grown)
    error = sqrt(sum(sum(slope * each for slope, each in zip(slopes, row, strict=True)) ** 2 for row in rows))
    found = shop.get("change_by_customers")
    assert found.lo == pytest.approx(796.15 - Z * error, abs=0.02)
    assert found.hi == pytest.approx(796.15 + Z * error, abs=0.02)


def purchases_by_hand() -> list[tuple[int, float, int, float]]:
    """Return each customer's contribution to customers and purchases of the previous and this period."""
    rows = shop_tables()["transactions"].collect()
    sold = rows.filter(
        pl.col("customer_id").is_not_null(), pl.col("net") >= 0, pl.col("type").is_in(["sale", "subscription"])
    )
    year = sold.with_columns(year=pl.col("ordered_at").dt.convert_time_zone("Europe/Berlin").dt.year())
    sums = year.group_by("customer_id", "year").agg(pl.col("net").sum()).sort("customer_id", "year")
    by = {(who, when): net for who, when, net in sums.iter_rows()}
    ids = sorted({who for who, _ in by})
    return [
        (int((who, 2024) in by), by.get((who, 2024), 0.0), int((who, 2025) in by), by.get((who, 2025), 0.0))
        for who in ids
    ]


def test_changes_by_kind_of_customer_by_hand(shop: Metrics) -> None:
    # new: fred 25, gabi 100, juri 300, lena 60
    # retained: anna 270 - 100, dong 1000 - 1000, elif 90 - 80, hugo 1900 - 1000
    # reactivated: bern 30; lost: cara -300, ines 0, kiri -15, and otto, who only returned, -12
    found = {each.of("kind"): (each.value, each.n) for each in shop.all("change_by_kind", "kind")}
    assert found == {
        "new": (485, 4),
        "retained": (pytest.approx(270 + 1000 + 90 + 1900 - YEAR * (100 + 1000 + 80 + 1000)), 4),
        "reactivated": (30, 1),
        "lost": (pytest.approx(-12 - YEAR * (300 + 15)), 4),
    }
    assert sum(value for value, _ in found.values()) == pytest.approx(3763 - YEAR * 2495)


def test_kinds_add_up_where_the_periods_overlap() -> None:
    overlapping = {
        "period": Period(date(2024, 1, 1), date(2025, 12, 31)),
        "compared": Period(date(2023, 1, 1), date(2024, 12, 31)),
    }
    context = shop_context(**overlapping)
    comparison = compare(context)
    assert comparison is not None
    metrics = Metrics(change_metrics(context, comparison)[0], comparison.days)
    kinds = [each.value for each in metrics.all("change_by_kind", "kind")]
    before, now = comparison.days
    change = metrics.get("revenue_of_customers").change
    assert sum(kinds) == pytest.approx(change)
    assert change == pytest.approx((3763 + 2495) * min(before, now) / now - (85 + 2495) * min(before, now) / before)


def in_equal_days(sums: dict[str, tuple[float, float]]) -> dict[str, float]:
    """Return the change of each sum over 365 days of 2025 and of the leap year 2024."""
    return {name: now - before * YEAR for name, (now, before) in sums.items()}


def slices(metrics: Metrics, dimension: str) -> dict[str | None, float | None]:
    return {
        each.of("value"): each.value
        for each in metrics.all("change_by_slice", "dimension", "value")
        if each.of("dimension") == dimension
    }


def test_changes_by_slice_by_hand(shop: Metrics) -> None:
    # phone: dong 1000, hugo 2000 - 100; before dong 1000, hugo 1000
    # web: anna 270, elif 90, gabi 100, juri 300 = 760; before 100 + 300 + 0 + 80; till: the other 118; before 15 + 10
    channels = {"phone": (2900, 2000), "web": (760, 480), "till": (118, 25)}
    assert slices(shop, "channel") == pytest.approx(in_equal_days(channels))
    # DE: anna 270, bern 30, elif 90, fred 25, hugo 1900; before anna 100, elif 80, hugo 1000
    # TH: dong 1000, gabi 100, juri 300; before cara 300, dong 1000
    # unknown: lena 60, otto -12; before kiri 15; guests: 15, before 10
    countries = {"DE": (2315, 1180), "TH": (1400, 1300), "(none)": (48, 15), NO_CUSTOMER: (15, 10)}
    assert slices(shop, "country") == pytest.approx(in_equal_days(countries))


def test_slices_have_the_number_of_their_customers(shop: Metrics) -> None:
    counts = {each.of("value"): each.n for each in shop.all("change_by_slice", "dimension", "value") if each.n}
    # DE: anna, bern, elif, fred, hugo, ines; TH: cara, dong, gabi, juri; none: kiri, lena, otto
    assert (counts["DE"], counts["TH"]) == (6, 4)


def test_a_period_before_the_data_is_no_comparison_period() -> None:
    metrics, missing = change_metrics(shop_context(as_of=date(2023, 12, 31)))
    assert missing == (Missing("changed", "no_comparison"),)
    assert [(each.name, each.value, each.previous) for each in metrics] == [
        ("revenue", 85, None),
        ("revenue_of_customers", 85, None),
        ("revenue_without_customer", 0, None),
        ("revenue_returns", 0, None),
        *(("revenue_by_slice", value, None) for value in (50, 35, 85)),
    ]


def test_effects_of_two_periods_without_purchases_are_zero() -> None:
    metrics = Metrics(change_metrics(shop_context(as_of=date(2025, 9, 30), months=1))[0])
    # September 2025 against August 2025: nobody bought in either
    assert [metrics.value(f"change_by_{each}") for each in FACTORS] == [0, 0, 0, 0, 0]
    metrics = Metrics(change_metrics(shop_context(as_of=date(2025, 10, 31), months=1))[0])
    assert [metrics.value(f"change_by_{each}") for each in FACTORS] == [300, 0, 0, 0, 0]


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(histories)
def test_every_decomposition_adds_up(rows: list[tuple]) -> None:
    if not bought(rows):
        return
    data = tables(*rows)
    who = [("ann", "person", "DE"), ("bob", "company", None), ("王", "person", "TH")]
    data["customers"] = pl.LazyFrame(who, schema=("customer_id", "party_type", "country"), orient="row")
    period = context(data, months=6)
    comparison = compare(period)
    if comparison is None:
        return
    whole_periods = Metrics(change_metrics(period, comparison)[0])
    found = Metrics(whole_periods, comparison.days)

    def total(metrics: Iterable[Metric]) -> float:
        return sum(metric.value or 0.0 for metric in metrics)

    effects = [each for each in found if each.name.removeprefix("change_by_") in FACTORS]
    cents = [round(100 * (each.change or 0)) for each in whole_periods if each.name == "revenue_of_customers"]
    assert [sum(round(100 * (each.value or 0)) for each in effects)] == cents
    change, of_customers = (metric_of(found, name).change for name in ("revenue", "revenue_of_customers"))
    assert total(found.all("change_by_kind", "kind")) == pytest.approx(of_customers, abs=0.001)
    every = found.all("change_by_slice", "dimension", "value")
    for dimension in {each.of("dimension") for each in every}:
        assert total(each for each in every if each.of("dimension") == dimension) == pytest.approx(change, abs=0.001)
    assert found.value("revenue") == pytest.approx(
        (found.value("revenue_of_customers") or 0) + (found.value("revenue_without_customer") or 0)
    )


def test_shuffled_rows_give_the_same_numbers() -> None:
    data = shop_tables()
    lines = data["transactions"].collect()
    order = Random(1).sample(range(lines.height), lines.height)
    shuffled = {**data, "transactions": lines[order].lazy()}
    assert change_metrics(shop_context(shuffled)) == change_metrics(shop_context(data))
