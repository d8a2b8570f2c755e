"""Positive amounts of returns are stored as negative, with a remark."""

from tests.ingest.workspace import Desk


def test_refunds_that_a_type_column_names_are_taken_off_whatever_their_sign(desk: Desk) -> None:
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
