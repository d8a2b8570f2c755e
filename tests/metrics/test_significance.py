"""Reported changes: true changes are found, random variation is not reported, and drivers add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ckm.config import Config
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import compared_with, period_until
from ckm.metrics.cell_suppression import Hidden, hide_small
from ckm.metrics.comparison import compare
from ckm.metrics.context import ReportContext
from ckm.metrics.dimensions import customer_dimensions
from ckm.metrics.drivers import REST, Driver, shown_drivers
from ckm.metrics.metric import Metric, Metrics
from ckm.metrics.ratings import read_ratings
from ckm.metrics.significance import Change, judge_changes, reportable_changes

FIRST, AS_OF = date(2023, 1, 1), date(2025, 12, 31)
DAYS = (AS_OF - FIRST).days + 1


def shop(
    seed: int, *, dearer_in: str | None = None, by: float = 1.0, rated: tuple[float, float] = (8.0, 8.0)
) -> ReportContext:
    """Three years of 400 customers with rates of their own; from 2025 on orders of one country are dearer."""
    dice = np.random.default_rng(seed)
    count = 400
    country = dice.choice(["DE", "FR", "TH"], count)
    rows = []
    for customer, rate in enumerate(dice.gamma(2.0, 2.0, count)):
        for day in dice.choice(DAYS, min(dice.poisson(3 * rate), DAYS), replace=False):
            price = dice.gamma(4.0, 10.0)
            if day >= (date(2025, 1, 1) - FIRST).days and country[customer] == dearer_in:
                price *= by
            rows.append(
                (f"c{customer:03}", datetime(2023, 1, 1, 12, tzinfo=UTC) + timedelta(int(day)), round(price, 2))
            )
    answers = [
        (
            f"c{customer:03}",
            datetime(year, 6, 1, tzinfo=UTC),
            "survey",
            float(np.clip(round(dice.normal(mean, 1.5)), 0, 10)),
        )
        for year, mean in zip((2024, 2025), rated, strict=True)
        for customer in range(count)
    ]
    tables = {
        "transactions": pl.LazyFrame(rows, schema=("customer_id", "ordered_at", "net"), orient="row").with_columns(
            currency=pl.lit("EUR"), type=pl.lit("sale")
        ),
        "customers": pl.LazyFrame({"customer_id": [f"c{each:03}" for each in range(count)], "country": country}),
        "interactions": pl.LazyFrame(
            answers, schema=("customer_id", "at", "kind", "rating"), orient="row"
        ).with_columns(scale=pl.lit("nps_0_10")),
    }
    period = period_until(AS_OF, 12)
    ledger = read_ledger(tables, as_of=AS_OF, needs=EVERYTHING)
    return ReportContext(tables, ledger, period, compared_with(period, 12, "previous"), Config())


def judged(context: ReportContext) -> tuple[Change, ...]:
    comparison = compare(context)
    assert comparison is not None
    return judge_changes(
        comparison, customer_dimensions(context, comparison.net + comparison.net_before), read_ratings(context)
    )


@pytest.fixture(scope="module")
def dearer() -> tuple[Change, ...]:
    return judged(shop(1, dearer_in="TH", by=2.0))


def test_a_price_increase_is_found_with_its_slice(dearer: tuple[Change, ...]) -> None:
    (change,) = [each for each in reportable_changes(dearer) if each.metric == "average_order_value"]
    assert change.lo > 0
    assert (change.drivers[0].dimension, change.drivers[0].value) == ("country", "TH")
    revenue = next(each for each in dearer if each.metric == "revenue")
    assert max(revenue.drivers[:3], key=lambda each: each.change).value == "order_value"


def test_drivers_of_each_dimension_add_up_to_the_change(dearer: tuple[Change, ...]) -> None:
    for change in dearer:
        for dimension in {each.dimension for each in change.drivers}:
            parts = [each.change for each in change.drivers if each.dimension == dimension]
            # of years of 366 and 365 days the revenue of 365 is no whole number of the parts of a cent
            assert sum(parts) == pytest.approx(change.change, abs=1e-4), (change.metric, dimension)


@pytest.mark.slow
def test_shops_without_a_true_change_have_reported_changes_in_at_most_one_of_20_cases() -> None:
    loud = sum(bool(reportable_changes(judged(shop(seed)))) for seed in range(20, 40))
    assert loud <= 3


def test_a_fall_of_the_net_promoter_score_is_reported_in_points() -> None:
    changes = judged(shop(2, rated=(9.0, 7.0)))
    change = next(each for each in reportable_changes(changes) if each.metric == "nps")
    assert change.hi < 0
    assert change.relative == pytest.approx(change.change / 100)


def test_at_most_five_are_reported_the_largest_first() -> None:
    changes = [
        Change(f"m{size}", 1.0, 0.0, relative=size / 100, is_significant=size != 7)
        for size in (3, 9, 0.5, 4, 8, 7, 5, 6)
    ]
    told = reportable_changes(sorted(changes, key=lambda each: -each.relative))
    assert [each.metric for each in told] == ["m9", "m8", "m6", "m5", "m4"]


def test_changes_of_small_groups_are_not_significant() -> None:
    context = shop(3)
    few = context.only(np.arange(len(context.ledger.customers)) < 20)
    assert {each.metric for each in judged(few)} == {
        "revenue",
        "revenue_returns",
        "revenue_without_customer",
        "customers_active",
    }


def hidden(**counts: int) -> Hidden:
    metrics = [
        Metric("change_by_slice", 1.0, (("dimension", "country"), ("value", value)), n=count)
        for value, count in counts.items()
    ]
    return hide_small(Metrics(metrics))


def test_a_suppressed_slice_is_part_of_the_rest() -> None:
    drivers = (
        Driver("effect", "customers", 7.0),
        Driver("country", "DE", 5.0, 50),
        Driver("country", "FR", 3.0, 3),
        Driver("country", "TH", 1.0, 9),
        Driver("country", REST, -2.0),
    )
    shown = shown_drivers(drivers, hidden(DE=50, FR=3, TH=9), 5)
    assert shown == (drivers[0], drivers[1], Driver("country", REST, 2.0))


def test_the_rest_is_never_a_single_slice() -> None:
    drivers = (Driver("country", "DE", 5.0, 50), Driver("country", "FR", 3.0, 30), Driver("country", "TH", 1.0, 2))
    assert shown_drivers(drivers, hidden(DE=50, FR=30), 5) == (drivers[0], Driver("country", REST, 4.0))
    assert shown_drivers(drivers, hidden(DE=50, FR=30), 2) == drivers
