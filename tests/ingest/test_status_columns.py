"""Status and refund columns of files of no known platform: cancelled rows are no purchases, refunds are remarked."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.ingest.workspace import Desk

HEADER = "order_id,customer_id,ordered_at,net"


def load(desk: Desk, header: str, *cells: str) -> tuple[pl.DataFrame, str]:
    """Load one order for each of ``cells``, which are in the columns ``header``; return the table and the remarks."""
    lines = [f"A{at},C{at},2025-01-0{at},{at}0.00,{cell}" for at, cell in enumerate(cells, start=1)]
    path = desk.root / "orders.csv"
    path.write_text("\n".join([f"{HEADER},{header}", *lines]) + "\n", encoding="utf-8")
    result = desk.one(path, "--as", "transactions")
    assert (result["accepted"], result["quarantined"]) == (len(cells), 0)
    return desk.table().sort("order_id"), " ".join(result["remarks"])


@pytest.mark.parametrize(
    ("column", "fine", "cancelled"),
    [
        ("Status", "Completed", "CANCELLED"),
        ("Order status", "in transit", "Failed"),
        ("Zahlungsstatus", "offen", "storniert"),
        ("订单状态", "交易完成", "交易关闭"),
        ("สถานะคำสั่งซื้อ", "สำเร็จ", "ยกเลิกแล้ว"),
        ("وضعیت سفارش", "تکمیل شده", "لغو شده"),
        ("Estado del pedido", "Entregado", "Cancelada"),
    ],
)
def test_a_cancelled_row_of_an_unknown_export_is_no_purchase(
    desk: Desk, column: str, fine: str, cancelled: str
) -> None:
    table, remarks = load(desk, column, fine, cancelled, "")
    assert table["type"].to_list() == ["sale", "cancel", "sale"]
    assert f"by the status column '{column}'" in remarks


def test_a_cancelled_subscription_leaves_its_purchase_a_purchase(desk: Desk) -> None:
    table, _ = load(desk, "Subscription status", "active", "cancelled")
    assert table["type"].to_list() == ["sale", "sale"]


def test_a_row_that_any_status_column_cancels_is_no_purchase(desk: Desk) -> None:
    table, _ = load(desk, "Status,Payment status", "open,paid", "shipped,voided", "void,paid")
    assert table["type"].to_list() == ["sale", "cancel", "cancel"]


def test_refunds_that_are_not_mapped_are_remarked_with_the_option_that_maps_them(desk: Desk) -> None:
    _, remarks = load(desk, "退款金额", "0.00", "5.00")
    assert "refunds in column '退款金额' are not deducted; map them with --column refund='退款金额'" in remarks


@pytest.mark.parametrize("cells", [("0.00", "0"), ("2025-01-03", "2025-01-04"), ("no", "2nd")])
def test_a_refund_column_without_amounts_is_not_remarked(desk: Desk, cells: tuple[str, str]) -> None:
    _, remarks = load(desk, "Refund", *cells)
    assert "not deducted" not in remarks


def test_returned_rows_that_count_as_sales_are_remarked(desk: Desk) -> None:
    _, remarks = load(desk, "Status", "paid", "Refunded")
    assert "rows that are refunded or returned by column 'Status' count as sales" in remarks


def test_a_mapped_type_column_needs_no_remark_on_returned_rows(desk: Desk) -> None:
    table, remarks = load(desk, "Type,Status", "Sales invoice,Refunded", "Sales credit note,Paid")
    assert table["type"].to_list() == ["sale", "return"]
    assert table["net"].to_list() == [10.0, -20.0]
    assert "count as sales" not in remarks


def test_a_saved_mapping_has_the_status_rule_and_loads_the_same(desk: Desk, tmp_path: Path) -> None:
    table, _ = load(desk, "Status", "paid", "Cancelled")
    saved = tmp_path / "map.yaml"
    desk.one(desk.root / "orders.csv", "--as", "transactions", "--save-map", saved)
    again = desk.one(desk.root / "orders.csv", "--map", saved)
    assert again["status"] in {"loaded", "unchanged"}
    assert desk.table().sort("order_id")["type"].to_list() == table["type"].to_list()
