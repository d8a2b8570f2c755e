"""Cancelled and returned orders are no sales, in files that are mapped by their column names too."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.io.mapping.mapping_file import load_mapping
from tests.conftest import Run

HEADER = ["order_id", "customer_id", "order_date", "amount"]


def written(folder: Path, columns: dict[str, list[str]]) -> Path:
    """Write 40 orders of 10 each with further columns, whose values repeat."""
    rows = pl.DataFrame(
        [(f"A{number}", f"C{number % 7}", f"2024-0{1 + number % 9}-10", "10") for number in range(40)],
        schema=HEADER,
        orient="row",
    )
    extra = [
        pl.Series(name, [values[number % len(values)] for number in range(40)]) for name, values in columns.items()
    ]
    rows.with_columns(extra).write_csv(folder / "orders.csv")
    return folder / "orders.csv"


def revenue(path: Path) -> float:
    return float(ckm.open(path).segment().summary["revenue"].sum())


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("Order Status", ["Completed", "Cancelled"], 200),
        ("status", ["delivered", "shipped", "canceled", "paid"], 300),
        ("Bestellstatus", ["Versandt", "Storniert"], 200),
        ("สถานะ", ["สำเร็จ", "ยกเลิกแล้ว"], 200),
        ("订单状态", ["已完成", "已取消"], 200),
        ("وضعیت سفارش", ["تحویل شده", "لغو شده"], 200),
        ("payment_status", ["paid", "failed", "pending", "refunded"], 200),
        ("Status", ["Completed", "Draft"], 200),
        ("is_cancelled", ["0", "1"], 200),
        ("Returned", ["No", "Yes"], 200),
        ("cancelled_at", ["", "2024-08-01"], 200),
        ("storniert", ["nein", "ja"], 200),
        ("refund_amount", ["0", "4"], 320),
        ("customer status", ["gold", "silver"], 400),
        ("status", ["A", "B", "C"], 400),
    ],
)
def test_revenue_is_of_what_was_bought(tmp_path: Path, column: str, values: list[str], expected: float) -> None:
    assert revenue(written(tmp_path, {column: values})) == pytest.approx(expected)


def test_a_return_flag_makes_a_negative_amount(tmp_path: Path) -> None:
    assert revenue(written(tmp_path, {"is_return": ["0", "0", "0", "1"]})) == pytest.approx(200)


def test_a_negative_amount_with_a_status_is_returned_once(tmp_path: Path) -> None:
    path = written(tmp_path, {"status": ["completed", "refunded"]})
    frame = pl.read_csv(path).with_columns(
        amount=pl.when(pl.col("status") == "refunded").then(-10).otherwise(pl.col("amount"))
    )
    frame.write_csv(path)
    assert revenue(path) == pytest.approx(0)


def test_unknown_words_count_as_sales_with_a_remark(tmp_path: Path, run: Run) -> None:
    path = written(tmp_path, {"status": ["completed", "cancelled", "zzz", "completed"]})
    assert revenue(path) == pytest.approx(300)
    assert "1 of the 3 words in column 'status' are not known" in run("segment", path, "-v").stderr


def test_a_saved_mapping_has_the_status(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"status": ["completed", "cancelled"]})
    monkeypatch.chdir(tmp_path)
    assert run("init", "shop").exit_code == 0
    monkeypatch.chdir(tmp_path / "shop")
    assert run("ingest", path, "--as", "transactions", "--save-map", "maps/shop.yaml").exit_code == 0
    saved = load_mapping(Path("maps/shop.yaml")).status
    assert [rule.words.get("cancelled") for rule in saved if rule.source == "status"] == ["cancel", None]
    assert float(ckm.open(tmp_path / "shop").segment().summary["revenue"].sum()) == pytest.approx(200)


def test_the_status_of_a_customer_cancels_no_purchases(tmp_path: Path, run: Run) -> None:
    lines = ["customer_id,order_date,amount,status"]
    for customer in range(40):
        state = "cancelled" if customer % 4 == 0 else "active"
        lines += [f"C{customer},2024-0{month}-{1 + customer % 28:02},10,{state}" for month in range(1, 6)]
    (tmp_path / "payments.csv").write_text("\n".join(lines))
    assert revenue(tmp_path / "payments.csv") == pytest.approx(2000)
    assert "is read as the status of the customer" in run("segment", tmp_path / "payments.csv").stderr
