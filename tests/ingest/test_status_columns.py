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
    assert f"by the column '{column}'" in remarks


def test_a_cancelled_subscription_leaves_its_purchase_a_purchase(desk: Desk) -> None:
    table, _ = load(desk, "Subscription status", "active", "cancelled")
    assert table["type"].to_list() == ["sale", "sale"]


@pytest.mark.parametrize(
    ("column", "without", "cancelled"),
    [
        ("Cancelled at", ["", "-", "0000-00-00"], "2025-02-01"),
        ("Absagegrund", ["", "n/a", "0"], "Kunde storniert"),
        ("取消原因", ["", "否", "null"], "不想要了"),
        ("Void", ["No", "0", ""], "Yes"),
        ("storniert", ["nein", "", "falsch"], "Ja"),
    ],
)
def test_a_date_reason_or_mark_of_a_cancellation_cancels_its_row(
    desk: Desk, column: str, without: list[str], cancelled: str
) -> None:
    table, _ = load(desk, column, *without, cancelled)
    assert table["type"].to_list() == ["sale", "sale", "sale", "cancel"]


def test_a_row_that_any_status_column_cancels_is_no_purchase(desk: Desk) -> None:
    table, _ = load(desk, "Status,Payment status", "open,paid", "shipped,voided", "void,paid")
    assert table["type"].to_list() == ["sale", "cancel", "cancel"]


def test_refunds_that_are_not_mapped_are_remarked_with_the_option_that_maps_them(desk: Desk) -> None:
    _, remarks = load(desk, "Refund incl. tax", "0.00", "5.00")
    assert (
        "refunds in column 'Refund incl. tax' are not deducted; map them with --column refund='Refund incl. tax'"
        in remarks
    )


@pytest.mark.parametrize("cells", [("0.00", "0"), ("2025-01-03", "2025-01-04"), ("no", "2nd")])
def test_a_refund_column_without_amounts_is_not_remarked(desk: Desk, cells: tuple[str, str]) -> None:
    _, remarks = load(desk, "Refund", *cells)
    assert "not deducted" not in remarks


def test_returned_rows_that_count_as_sales_are_remarked(desk: Desk) -> None:
    _, remarks = load(desk, "Status", "paid", "Partially refunded")
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


@pytest.mark.parametrize(
    ("column", "goods", "others"),
    [
        ("Line Type", "Sale", ["Tax", "payment"]),
        ("Positionstyp", "product", ["Versandkosten", "Trinkgeld"]),
        ("行类型", "商品", ["运费", "税"]),
    ],
)
def test_lines_for_shipping_tax_and_payments_are_left_out_by_their_kind(
    desk: Desk, column: str, goods: str, others: list[str]
) -> None:
    path = desk.root / "orders.csv"
    lines = [f"A{at},C1,2025-01-02,{at + 1}0.00,{cell}" for at, cell in enumerate([goods, *others])]
    path.write_text("\n".join([f"{HEADER},{column}", *lines]) + "\n", encoding="utf-8")
    result = desk.ask(path, "--as", "transactions")[0]
    assert desk.table()["net"].to_list() == [10.0]
    assert f"2 records left out: no sales by their status ('{column}')" in " ".join(result["remarks"])


@pytest.mark.parametrize(
    ("column", "cell"), [("Item", "Shipping"), ("Bezeichnung", "Versandkosten"), ("商品名称", "运费")]
)
def test_shipping_among_the_products_is_remarked(desk: Desk, column: str, cell: str) -> None:
    _, remarks = load(desk, column, "P1", cell)
    assert f"lines for shipping, tax or fees in column '{column}' count as sales of a product" in remarks


def test_a_product_with_a_word_for_shipping_in_its_name_is_not_remarked(desk: Desk) -> None:
    _, remarks = load(desk, "Item", "P1", "Shipping box")
    assert "lines for shipping" not in remarks


def test_a_history_of_states_is_remarked_with_the_mapping_that_keeps_the_last_state(desk: Desk) -> None:
    states = ["new", "paid", "Cancelled"]
    lines = [f"A{at},C{at},2025-01-02,{at}.00,{state}" for at in range(10, 22) for state in states]
    path = desk.root / "orders.csv"
    path.write_text("\n".join([f"{HEADER},Status", *lines]) + "\n", encoding="utf-8")
    [result] = desk.ask(path, "--as", "transactions", "--dry-run")
    assert "12 orders have several rows that differ in column 'Status' only" in " ".join(result["remarks"])
    saved = desk.root / "map.yaml"
    desk.call(path, "--as", "transactions", "--save-map", saved)
    desk.call("--undo", "orders.csv")
    text = saved.read_text(encoding="utf-8")
    saved.write_text(text.replace("columns:", "key: [order_id]\ncolumns:", 1), encoding="utf-8")
    desk.call(path, "--map", saved)
    assert desk.table()["type"].to_list() == ["cancel"] * 12


def test_lines_of_an_order_with_one_state_are_no_history(desk: Desk) -> None:
    lines = [f"A{at},C{at},2025-01-02,{at}.00,{state}" for at in range(10, 22) for state in ["paid", "paid"]]
    path = desk.root / "orders.csv"
    path.write_text("\n".join([f"{HEADER},Status", *lines]) + "\n", encoding="utf-8")
    [result] = desk.ask(path, "--as", "transactions")
    assert "several rows that differ" not in " ".join(result["remarks"])
