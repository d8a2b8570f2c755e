"""The context: which periods can be compared, and a comparison period that does not see later rows."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from ckm.customers.period import Period, compared_with, period_until
from ckm.errors import InputError
from ckm.metrics.context import ReportContext
from tests.metrics.rows import context, on, tables
from tests.metrics.shop import AS_OF, shop_context, shop_tables


def money(found: ReportContext) -> tuple[float, float]:
    ledger = found.ledger
    known = int(ledger.net_between(found.period).sum())
    return ledger.money(known), ledger.money(ledger.revenue(found.period))


def test_the_small_shop_adds_up_as_its_docstring_says() -> None:
    now = shop_context()
    assert str(now.period) == "2025-01-01 to 2025-12-31"
    assert money(now) == (3763.0, 3778.0)
    before = now.before
    assert before is not None
    assert money(before) == (2495.0, 2505.0)
    earliest = before.before
    assert earliest is not None
    assert money(earliest) == (85.0, 85.0)
    assert earliest.before is None
    assert [int(each.ledger.orders_between(each.period).sum()) for each in (now, before, earliest)] == [14, 10, 3]
    assert now.ledger.left_out.rows_after_as_of == 1
    assert now.ledger.left_out.rows_cancelled == 1
    assert now.ledger.left_out.customers_without_purchase == 1


def test_the_comparison_period_does_not_see_later_days() -> None:
    before = shop_context().before
    assert before is not None
    assert before.as_of == date(2024, 12, 31)
    assert before.ledger.purchases.day.max() <= (date(2024, 12, 31) - date(1970, 1, 1)).days
    assert str(before.compared) == "2023-01-01 to 2023-12-31"


@pytest.mark.parametrize(
    ("begins", "comparable"), [(date(2024, 1, 1), True), (date(2024, 1, 15), True), (date(2024, 1, 16), False)]
)
def test_a_year_is_compared_with_where_the_data_cover_all_but_two_weeks_of_it(begins: date, comparable: bool) -> None:
    found = context(tables(on(begins, "ann"), on(AS_OF, "ann")))
    assert found.is_comparable is comparable
    assert (found.before is not None) is comparable


@pytest.mark.parametrize("months", [1, 3, 12])
@pytest.mark.parametrize("comparison", ["previous", "year-ago"])
@pytest.mark.parametrize("last", [date(2026, 6, 30), date(2026, 5, 15), date(2026, 5, 30), date(2025, 2, 28)])
def test_the_comparison_period_has_a_comparison_period_as_far_before(last: date, comparison: str, months: int) -> None:
    period = period_until(last, months)
    compared = compared_with(period, months, comparison)  # type: ignore[arg-type]
    found = shop_context(as_of=AS_OF, period=period, compared=compared)
    before = found.before
    assert before is not None
    assert before.compared == compared_with(compared, months, comparison)  # type: ignore[arg-type]


def test_party_columns_are_by_code_and_null_without_a_table_of_customers() -> None:
    found = shop_context()
    assert dict(zip(found.ledger.customers, found.parties["party_type"], strict=True)) == {
        "anna": "person", "bern": "person", "cara": "person", "dong": "company", "elif": "company", "fred": "person",
        "gabi": "person", "hugo": "distributor", "ines": "person", "juri": "partner", "kiri": "person", "lena": None,
        "otto": None,
    }  # fmt: skip
    alone = shop_context({"transactions": shop_tables()["transactions"]})
    assert alone.parties["country"].null_count() == 13
    twice = shop_tables()
    twice["customers"] = pl.concat([twice["customers"], twice["customers"]])
    with pytest.raises(InputError, match="more than once"):
        _ = shop_context(twice).parties


def test_the_parts_of_a_column_add_up_to_the_whole_now_and_before() -> None:
    """2025 by web: anna 270, elif 90, gabi 100, juri 300; by till: bern 30, fred 25, lena 60, otto -12, nobody 15."""
    found = shop_context(by="channel")
    parts = {value: found.part(value) for value in found.ledger.parts}
    assert {value: money(part)[1] for value, part in parts.items()} == {"phone": 2900.0, "web": 760.0, "till": 118.0}
    befores = [part.before for part in parts.values()]
    assert sum(money(before)[1] for before in befores if before is not None) == 2505.0
    assert parts["till"].ledger.customers.to_list() == ["bern", "fred", "kiri", "lena", "otto"]


def test_the_context_of_some_customers_has_the_same_periods() -> None:
    found = shop_context()
    some = found.only((found.parties["country"] == "TH").fill_null(False).to_numpy())
    assert some.ledger.customers.to_list() == ["cara", "dong", "gabi", "juri"]
    assert (some.period, some.compared) == (found.period, Period(date(2024, 1, 1), date(2024, 12, 31)))
    assert money(some) == (1000.0 + 100.0 + 300.0, 1400.0)
    assert some.before is not None
    assert some.parties["party_type"].to_list() == ["person", "company", "person", "partner"]
