"""An order counts once, on the day of its first purchase line, as in SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ckm.customers.features import feature_table, features_of
from ckm.customers.ledger_needs import EVERYTHING, Needs
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import Period
from tests.conftest import examples
from tests.test_segment import online_retail, shared

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
SCHEMA = {
    "order_id": pl.String,
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "type": pl.String,
    "channel": pl.String,
    "category": pl.String,
    "currency": pl.String,
}
Line = tuple[Any, ...]
lines = st.lists(
    st.builds(
        lambda order, who, day, net, kind, channel, category: line(order, who, day, net, kind, channel, category),
        st.sampled_from(["A-1", "A-2", "B", "an order id that is longer than twelve bytes", "", "7", "8"]),
        st.sampled_from(["ann", "bob", "a customer with a long id", None]),
        st.integers(0, 60),
        st.integers(-20, 90).map(float),
        st.sampled_from(["sale", "sale", "subscription", "return", "cancel"]),
        st.sampled_from(["web", "till", None]),
        st.sampled_from(["tea", "ware", None]),
    ),
    min_size=1,
    max_size=40,
)


def line(
    order: str,
    who: str | None,
    day: int,
    net: float = 10.0,
    kind: str = "sale",
    channel: Any = None,
    category: Any = None,
) -> Line:
    return order, who, START + timedelta(days=day), net, kind, channel, category, "EUR"


def tables(*rows: Line) -> dict[str, pl.LazyFrame]:
    return {"transactions": pl.LazyFrame(list(rows), schema=SCHEMA, orient="row")}


def orders(*rows: Line, needs: Needs = EVERYTHING) -> dict[str, list[tuple[date, int]]]:
    """Return the days on which orders begin, with the number of orders, by customer."""
    found = read_ledger(tables(*rows), needs=needs)
    told: dict[str, list[tuple[date, int]]] = {}
    purchases = found.purchases
    for code, day, count in zip(purchases.code, purchases.day, purchases.of("orders"), strict=True):
        told.setdefault(found.customers[int(code)], []).append((date(1970, 1, 1) + timedelta(int(day)), int(count)))
    return told


def day(number: int) -> date:
    return START.date() + timedelta(days=number)


def test_an_order_with_lines_on_two_days_counts_on_the_first() -> None:
    rows = [line("A", "ann", 3), line("A", "ann", 1, 5.0), line("A", "ann", 9)]
    assert orders(*rows) == {"ann": [(day(1), 1)]}
    table = feature_table(tables(*rows)).frame
    assert table.select("orders", "frequency", "net_total", "last_purchase").row(0) == (1, 1, 25.0, day(1))
    assert table["order_value_mean"].item() == 25.0


def test_an_order_in_two_categories_counts_once_in_total_and_once_in_each() -> None:
    rows = [line("A", "ann", 0, 1.0, "sale", "web", "tea"), line("A", "ann", 0, 2.0, "sale", "till", "ware")]
    assert orders(*rows) == {"ann": [(day(0), 1)]}
    for by, values in (("category", ["tea", "ware"]), ("channel", ["web", "till"])):
        parts = read_ledger(tables(*rows), needs=Needs(by=by, shop=True)).parts
        assert {value: parts[value].purchases.sum_of("orders") for value in values} == dict.fromkeys(values, 1)


def test_a_document_with_returns_only_is_no_order() -> None:
    rows = [line("A", "ann", 0), line("R", "ann", 2, -5.0), line("S", "ann", 3, 5.0, "return")]
    assert orders(*rows) == {"ann": [(day(0), 1)]}


def test_an_order_with_a_return_line_counts_once_on_its_first_purchase_line() -> None:
    assert orders(line("A", "ann", 0, -5.0), line("A", "ann", 2)) == {"ann": [(day(2), 1)]}


def test_a_cancelled_and_reopened_order_counts_once() -> None:
    rows = [line("A", "ann", 0, 10.0, "cancel"), line("A", "ann", 4), line("B", "ann", 0, 3.0, "cancel")]
    assert orders(*rows) == {"ann": [(day(4), 1)]}


def test_two_orders_on_a_day_are_two_orders_and_one_purchase_day() -> None:
    rows = [line("A", "ann", 0), line("B", "ann", 0), line("A", "ann", 0)]
    assert orders(*rows) == {"ann": [(day(0), 2)]}
    assert feature_table(tables(*rows)).frame.select("orders", "frequency").row(0) == (2, 1)


def test_an_order_id_of_two_customers_is_two_orders() -> None:
    assert orders(line("1", "ann", 0), line("1", "bob", 1)) == {"ann": [(day(0), 1)], "bob": [(day(1), 1)]}


def test_without_order_ids_lines_with_one_time_stamp_are_one_order() -> None:
    rows = [line("-", "ann", 0), line("-", "ann", 0), line("-", "ann", 2)]
    later = [(*each[:2], each[2] + timedelta(hours=2), *each[3:]) for each in rows[:1]]
    data = {"transactions": tables(*rows, *later)["transactions"].drop("order_id")}
    found = read_ledger(data)
    assert found.purchases.of("orders").tolist() == [2, 1]


def test_a_line_without_an_order_id_belongs_to_the_order_of_its_time_stamp() -> None:
    rows = [line("A", "ann", 0), line("A", "ann", 0), line("-", "ann", 0), line("-", "ann", 3), line("-", "ann", 3)]
    data = tables(*rows)["transactions"].with_columns(
        order_id=pl.when(pl.col("order_id") != "-").then(pl.col("order_id"))
    )
    assert read_ledger({"transactions": data}).purchases.of("orders").tolist() == [2, 1]


SQL = """
WITH bought AS (
    SELECT customer_id, order_id, CAST(ordered_at AS DATE) AS day FROM rows
    WHERE type NOT IN ('return', 'cancel') AND net >= 0 AND customer_id IS NOT NULL
), orders AS (SELECT customer_id, order_id, min(day) AS day FROM bought GROUP BY ALL)
SELECT customer_id, day, count(*) AS orders FROM orders GROUP BY ALL ORDER BY ALL
"""


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(lines, st.sampled_from([Needs(), EVERYTHING, Needs(shop=True, by="channel")]))
def test_orders_equal_those_of_sql(rows: list[Line], needs: Needs) -> None:
    assume(any(each[1] and each[3] >= 0 and each[4] in {"sale", "subscription"} for each in rows))
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", tables(*rows)["transactions"].collect())
        theirs = connection.sql(SQL).fetchall()
    ours = [(who, *each) for who, days in orders(*rows, needs=needs).items() for each in days]
    assert ours == theirs


@pytest.mark.slow
def test_online_retail_has_the_orders_value_and_revenue_of_sql() -> None:
    invoices, revenue, aov = duckdb.sql(
        f"""
        SELECT count(DISTINCT Invoice) FILTER (Quantity * Price >= 0 AND NOT starts_with(Invoice, 'C')),
               sum(CAST(Quantity * Price AS DECIMAL(18, 4))),
               sum(CAST(Quantity * Price AS DECIMAL(18, 4)))
               FILTER (Quantity * Price >= 0 AND NOT starts_with(Invoice, 'C'))
               / count(DISTINCT Invoice) FILTER (Quantity * Price >= 0 AND NOT starts_with(Invoice, 'C'))
        FROM '{shared("online_retail_2009_2010.parquet")}' WHERE "Customer ID" IS NOT NULL
        """
    ).fetchall()[0]
    rows = online_retail()
    assert "order_id" in rows.collect_schema()
    found = read_ledger({"transactions": rows}, needs=EVERYTHING)
    whole = Period(found.begins, found.as_of)
    assert int(found.orders_between(whole).sum()) == invoices == 19_215
    assert found.money(found.revenue_of_customers(whole)) == pytest.approx(float(revenue), abs=1e-4)
    bought = sum(each.sum_of("net") for each in found.bought)
    assert found.money(bought) / invoices == pytest.approx(float(aov), abs=1e-6)


def test_features_of_a_ledger_without_the_needed_sums_are_an_error() -> None:
    found = read_ledger(tables(line("A", "ann", 0)))
    assert features_of(found, scope="rfm").frame["orders"].to_list() == [1]
    with pytest.raises(ValueError, match="are needed"):
        features_of(found)
