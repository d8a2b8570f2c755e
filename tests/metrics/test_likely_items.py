"""The likely category and product of a second order, by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl

from ckm.metrics.likely_items import likely_products
from ckm.metrics.second_order import SecondOrders, second_orders
from tests.metrics.rows import SCHEMA, START, context, row, tables
from tests.metrics.second_orders import TODAY, forty_who_came_back, known, once


def test_the_category_is_what_most_others_bought_second_after_the_same_first() -> None:
    """Of the 40, 24 came back for ware after tea, 12 for tea after tea, and 4 for cake after coffee: too few."""
    rows = []
    for gap in range(1, 41):
        first, second = ("tea", "ware") if gap <= 24 else ("tea", "tea") if gap <= 36 else ("coffee", "cake")
        rows += [row(f"back {gap:02}", 0, category=first), row(f"back {gap:02}", gap, category=second)]
    rows += [once("tea", 20, category="tea", channel="web"), once("coffee", 20, category="coffee"), once("none", 20)]
    listed = {each["customer_id"]: each for each in known(rows).customers.iter_rows(named=True)}
    keys = ("likely_category", "likely_category_after", "likely_category_customers", "likely_category_of", "channel")
    assert [listed["tea"][key] for key in keys] == ["ware", "tea", 24, 36, "web"]
    assert [listed["coffee"][key] for key in keys] == [None] * 5
    assert [listed["none"][key] for key in keys] == [None] * 5


def test_the_product_is_what_most_others_bought_second_after_the_same_first_as_of_the_day() -> None:
    """Of the 40, 24 bought b after a and 16 a after a; what one who is due bought the day after does not count."""
    rows: list[tuple[Any, ...]] = []
    for gap in range(1, 41):
        rows += [(*row(f"back {gap:02}", 0), "a"), (*row(f"back {gap:02}", gap), "b" if gap <= 24 else "a")]
    rows += [(*once("due", 20), "a"), (*once("other", 20), "c"), (*once("due", -1), "c"), (*once("none", 20), None)]
    schema: dict[str, Any] = {**SCHEMA, "product_id": pl.String}
    data = {"transactions": pl.LazyFrame(rows, schema=schema, orient="row")}
    of = context(data, as_of=START + timedelta(TODAY))
    result = second_orders(of)
    assert isinstance(result, SecondOrders)
    assert set(result.customers["customer_id"]) == {"due", "other", "none"}
    assert likely_products(of, result).rows() == [("due", "b", 24)]
    assert likely_products(context(tables(*forty_who_came_back())), result).is_empty()
