"""As-of date and discontinued categories of a shop, with and without a cached ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ckm._profile.shop_days import shop_days
from ckm.customers.ledger_needs import Needs
from ckm.customers.ledger_reader import read_ledger
from ckm.dataset.source import dataset_of
from ckm.settings import Config


def sales(*stray: date) -> pl.DataFrame:
    """Return sales of tea on every day of two years, and of coffee on every day of the first year."""
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(730)]
    rows = [(f"t{day}", "ann", day, "tea") for day in [*days, *stray]]
    rows += [(f"c{day}", "bob", day, "coffee") for day in days[:365]]
    return pl.DataFrame(rows, schema=["order_id", "customer_id", "date", "category"], orient="row").with_columns(
        net=1.0
    )


def test_a_category_without_sales_for_weeks_is_discontinued() -> None:
    found = shop_days(dataset_of(sales()), None)
    assert (found.as_of, found.discontinued) == (date(2025, 12, 30), {"coffee"})


def test_a_category_is_not_discontinued_on_a_day_before_its_last_sale() -> None:
    assert shop_days(dataset_of(sales()), date(2024, 12, 1)).discontinued == frozenset()


def test_a_stray_date_is_not_the_as_of_date() -> None:
    dataset = dataset_of(sales(date(2061, 1, 1)))
    found = shop_days(dataset, None)
    ledger = read_ledger(dataset.tables, needs=Needs(baskets=True))
    assert (found.as_of, found.first) == (ledger.as_of, date(2024, 1, 1)) == (date(2025, 12, 30), date(2024, 1, 1))


def test_if_stray_dates_are_kept_the_day_of_the_newest_row_is_the_as_of_date() -> None:
    dataset = replace(dataset_of(sales(date(2061, 1, 1))), config=Config(stray_dates="keep"))
    found = shop_days(dataset, None)
    assert (found.as_of, found.first) == (date(2061, 1, 1), None)


def test_the_cached_ledger_and_the_transactions_give_equal_shop_days(example_shop: Path) -> None:
    dataset = dataset_of(example_shop)
    without = replace(dataset, state=None)
    for day in (None, date(2025, 11, 30)):
        assert shop_days(dataset, day) == shop_days(without, day)
