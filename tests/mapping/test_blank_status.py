"""A status can be told by an empty cell."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ckm.mapping.convert import Conversion
from ckm.mapping.mapping import Constant, FromColumn, Mapping, StatusRule, dump_mapping, load_mapping

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


def test_a_row_with_an_empty_cell_is_what_its_mapping_says() -> None:
    conversion = Conversion.plan(MAPPING, RECORDS.columns, RECORDS, more=lambda: iter([RECORDS]))
    result = conversion.apply(RECORDS)
    assert result.reasons.drop_nulls().to_list() == []
    rows = result.frame.select("order_id", "customer_id", "product_id", "net", "type").sort("order_id", "net").rows()
    assert rows == [
        ("1", "ann", "mug", 5.0, "sale"),
        ("1", "ann", "pot", 10.0, "sale"),
        ("2", "bob", "mug", 5.0, "cancel"),
    ]


def test_a_mapping_keeps_what_an_empty_cell_means(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(dump_mapping(MAPPING), encoding="utf-8")
    assert load_mapping(path).status == MAPPING.status


def test_a_record_that_is_none_is_left_out_of_any_table() -> None:
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
    conversion = Conversion.plan(mapping, records.columns, records, more=lambda: iter([records]))
    result = conversion.apply(records)
    assert result.frame["interaction_id"].to_list() == ["R1", "R3"]
    assert result.reasons.drop_nulls().to_list() == []
    (remark,) = conversion.cleaning_remarks()
    assert remark == "2 records are none to load by their status ('state', 'id'): left out"
