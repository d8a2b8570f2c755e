"""Positive amounts of returns are stored as negative, with a remark."""

import pytest

from tests.ingest.workspace import Desk


@pytest.mark.parametrize(
    "rule", ["{value: return}", "{expr: \"CASE WHEN kind = 'R' THEN 'return' ELSE 'sale' END\"}"], ids=["value", "expr"]
)
def test_returns_by_any_rule_of_a_mapping_are_negative(desk: Desk, rule: str) -> None:
    path = desk.orders("back.csv", "a,2025-01-05,4.00,R", "b,2025-02-05,5.00,R", header="customer,date,amount,kind")
    columns = "{customer_id: customer, ordered_at: date, net: amount, currency: {value: EUR}, type: " + rule + "}"
    mapping = desk.mapping("back", f"table: transactions\ncolumns: {columns}\n")
    desk.one(path, "--map", mapping)
    assert sorted(desk.table()["net"]) == [-5.0, -4.0]


def test_refunds_named_by_a_type_column_are_subtracted_whatever_their_sign(desk: Desk) -> None:
    result = desk.one(
        desk.orders(
            "ledger.csv",
            "a,2025-01-02,10.00,Invoice",
            "b,2025-01-03,20.00,Invoice",
            "a,2025-01-05,4.00,Refund",
            "b,2025-02-05,5.00,Credit Note",
            "b,2025-02-07,-1.00,Refund",
            header="customer,date,amount,type",
        ),
        "--as",
        "transactions",
        "--currency",
        "EUR",
    )
    rows = desk.table()
    assert rows["net"].sum() == 20.0
    assert sorted(rows.filter(rows["type"] == "return")["net"]) == [-5.0, -4.0, -1.0]
    assert "2 returns with a positive amount: stored as negative" in result["remarks"]
