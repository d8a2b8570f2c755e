"""Status columns determine the type of a row by words, empty cells, or a missing column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from ckm.io.mapping.mapping import Constant, FromColumn, Mapping, StatusRule, dump_mapping
from ckm.io.mapping.mapping_file import load_mapping
from ckm.io.mapping.planning import plan_conversion
from ckm.io.mapping.platforms import platform_named
from tests.io.mapping.formats import format_of

MAPPING = Mapping(
    name="shop",
    table="transactions",
    columns={
        "order_id": FromColumn("order"),
        "customer_id": FromColumn("buyer"),
        "ordered_at": FromColumn("day"),
        "product_id": FromColumn("item"),
        "net": FromColumn("price"),
        "currency": Constant("EUR"),
    },
    order_level=("buyer", "day", "paid"),
    status=(StatusRule("item", blank="ignore"), StatusRule("paid", blank="cancel")),
)
RECORDS = pl.DataFrame(
    {
        "order": ["1", "1", "1", "2"],
        "buyer": ["ann", None, " ", "bob"],
        "day": ["2025-03-01", None, "", "2025-03-02"],
        "paid": ["2025-03-01", None, "", " "],
        "item": [" ", "mug", "pot", "mug"],
        "price": ["15", "5", "10", "5"],
    }
)


def test_the_mapping_determines_the_meaning_of_an_empty_status() -> None:
    conversion = plan_conversion(MAPPING, format_of(RECORDS), RECORDS, more=lambda: iter([RECORDS]))
    result = conversion.apply(RECORDS)
    assert result.reasons.drop_nulls().to_list() == []
    rows = result.frame.select("order_id", "customer_id", "product_id", "net", "type").sort("order_id", "net").rows()
    assert rows == [
        ("1", "ann", "mug", 5.0, "sale"),
        ("1", "ann", "pot", 10.0, "sale"),
        ("2", "bob", "mug", 5.0, "cancel"),
    ]


def test_the_meaning_of_an_empty_status_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(dump_mapping(MAPPING), encoding="utf-8")
    assert load_mapping(path).status == MAPPING.status


def test_ignored_records_are_excluded_from_any_table() -> None:
    mapping = Mapping(
        name="answers",
        table="interactions",
        columns={
            "interaction_id": FromColumn("id"),
            "at": FromColumn("day"),
            "text": FromColumn("answer"),
            "kind": Constant("survey"),
        },
        status=(StatusRule("state", words={"preview": "ignore"}), StatusRule("id", blank="ignore")),
    )
    records = pl.DataFrame(
        {
            "id": ["", "R1", "R2", "R3"],
            "day": ["", "2025-03-01", "2025-03-02", "2025-03-03"],
            "answer": ["Response", "fast", "a test", "slow"],
            "state": ["", "Normal", "Preview", ""],
        }
    )
    conversion = plan_conversion(mapping, format_of(records), records, more=lambda: iter([records]))
    result = conversion.apply(records)
    assert result.frame["interaction_id"].to_list() == ["R1", "R3"]
    assert result.reasons.drop_nulls().to_list() == []
    (remark,) = conversion.cleaning_remarks()
    assert remark == "2 records left out: no rows to load by their status ('state', 'id')"


def orders(**changed: Any) -> Mapping:
    columns = {name: FromColumn(name) for name in ("order_id", "ordered_at", "net", "currency", *changed)}
    status = StatusRule("state", words={"paid": "sale", "paid back": "refunded", "void": "cancel"})
    return Mapping("orders", "transactions", columns=columns, order_level=("state",), status=(status,))


def rows_of(mapping: Mapping, records: pl.DataFrame) -> list[tuple[Any, ...]]:
    conversion = plan_conversion(mapping, format_of(records), records, more=lambda: iter([records]))
    result = conversion.apply(records)
    assert result.reasons.drop_nulls().to_list() == []
    return result.frame.select("order_id", "net", "type", "currency").sort("order_id", "net").rows()


RETURNED = pl.DataFrame(
    {
        "order_id": ["1", "2", "2", "3"],
        "ordered_at": ["2025-03-01"] * 4,
        "net": ["5", "7", "3", None],
        "currency": ["EUR", "EUR", "EUR", None],
        "state": ["paid", "paid back", "", "void"],
    },
    schema_overrides={"net": pl.String, "currency": pl.String},
)


def test_an_order_refunded_by_status_only_is_refunded_in_full() -> None:
    assert rows_of(orders(), RETURNED.head(3)) == [
        ("1", 5.0, "sale", "EUR"),
        ("2", -7.0, "return", "EUR"),
        ("2", -3.0, "return", "EUR"),
        ("2", 3.0, "sale", "EUR"),
        ("2", 7.0, "sale", "EUR"),
    ]


def test_a_refund_column_takes_precedence_over_the_status() -> None:
    records = RETURNED.head(3).with_columns(order_refund=pl.Series([None, "4", None], dtype=pl.String))
    found = rows_of(orders(order_refund=None), records)
    assert sum(net for _, net, kind, _ in found if kind == "return") == -4.0


def test_a_cancelled_order_needs_neither_price_nor_currency() -> None:
    assert rows_of(orders(), RETURNED.filter(pl.col("order_id") != "2")) == [
        ("1", 5.0, "sale", "EUR"),
        ("3", 0.0, "cancel", "EUR"),
    ]


def test_missing_amount_columns_of_an_export_give_remarks() -> None:
    shopify = platform_named("shopify-orders")
    columns = ["Name", "Email", "Financial Status", "Currency", "Subtotal", "Discount Amount", "Refunded Amount"]
    columns.append("Lineitem discount")
    assert shopify.missing_amounts(columns) == []
    assert [column for column, _ in shopify.missing_amounts(columns[:5])] == [
        "'Lineitem discount'",
        "'Refunded Amount'",
        "'Discount Amount'",
    ]
    assert [column for column, _ in shopify.missing_amounts([*columns[:2], "Cancelled at", *columns[3:]])] == [
        "'Financial Status'"
    ]
