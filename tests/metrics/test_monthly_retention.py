"""The retention rate by month: its newest value is that of the report, and months without two windows have none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ckm.customers.period import Comparison, compared_with
from ckm.metrics.metric import Metrics
from ckm.metrics.monthly_retention import monthly_retention
from ckm.metrics.relationships import relationship_metrics
from tests.metrics.rows import Row, context, on, tables
from tests.metrics.shop import shop_context

MONTHS = 13


def bought(who: str, *months: tuple[int, int]) -> list[Row]:
    return [on(date(year, month, 1), who) for year, month in months]


def test_the_newest_month_of_the_small_shop_has_the_retention_rate_of_the_report() -> None:
    shop = shop_context()
    newest = monthly_retention(shop)[-1]
    reported = Metrics(relationship_metrics(shop)[0]).get("retention_rate")
    assert reported is not None
    assert newest.of("month") == "2025-12"
    assert (newest.value, newest.n, newest.lo, newest.hi) == (reported.value, reported.n, reported.lo, reported.hi)


@pytest.mark.parametrize("comparison", ["previous", "year-ago"])
def test_rates_of_single_months_by_hand(comparison: Comparison) -> None:
    """Ann buys in every month of two years, Bob in January and March of both."""
    ann = bought("ann", *((year, month) for year in (2024, 2025) for month in range(1, 13)))
    bob = bought("bob", *((year, month) for year in (2024, 2025) for month in (1, 3)))
    shop = context(tables(*ann, *bob), as_of=date(2025, 12, 31), months=1)
    shop = replace(shop, compared=compared_with(shop.period, 1, comparison))
    rates = {each.of("month"): (each.value, each.n) for each in monthly_retention(shop)}
    assert len(rates) == (MONTHS if comparison == "previous" else MONTHS - 1)
    # half of January's customers bought in February, all of February's in March; a year later everybody came back
    by_hand = {"previous": ((0.5, 2), (1.0, 1)), "year-ago": ((1.0, 1), (1.0, 2))}
    assert (rates["2025-02"], rates["2025-03"]) == by_hand[comparison]


def test_a_month_has_a_rate_only_if_the_data_cover_both_windows() -> None:
    rows = bought("ann", *((2025, month) for month in range(1, 13)))
    shop = context(tables(*rows), as_of=date(2025, 12, 31), months=3)
    assert [each.of("month") for each in monthly_retention(shop)] == [f"2025-{month:02}" for month in range(6, 13)]
