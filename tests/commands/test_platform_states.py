"""A Shopify shop over three days, and with its payments: every order once, in its last state, and as it was known."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ckm.workspace import lay_out
from tests.conftest import Run
from tests.ingest.workspace import Desk

CASES = (
    Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data").parent / "cases" / "platforms"
)
COLUMNS = [
    *("Name", "Email", "Financial Status", "Paid at", "Fulfillment Status", "Fulfilled at", "Accepts Marketing"),
    *("Currency", "Subtotal", "Shipping", "Taxes", "Total", "Discount Code", "Discount Amount", "Shipping Method"),
    *("Created at", "Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku"),
    *("Lineitem fulfillment status", "Cancelled at", "Refunded Amount", "Vendor", "Id", "Source", "Lineitem discount"),
]
FURTHER = (
    *("Name", "Email", "Created at", "Vendor"),
    *("Lineitem quantity", "Lineitem name", "Lineitem price", "Lineitem sku"),
)
"""Columns that stand on an order's further lines too."""


Rows = list[dict[str, str]]


def order(number: int, day: int, lines: list[tuple[str, float]], *, refunded: float, voided: bool) -> Rows:
    total = sum(price for _, price in lines)
    status = "voided" if voided else "refunded" if refunded == total else "partially_refunded" if refunded else "paid"
    rows = []
    placed = f"2024-03-{day:02} 10:{number % 60:02}:00 +0000"
    for nth, (sku, price) in enumerate(lines):
        row = dict.fromkeys(COLUMNS, "") | {
            "Name": f"#{number}", "Email": f"c{number % 13}@example.org", "Financial Status": status, "Currency": "EUR",
            "Paid at": placed, "Created at": placed, "Subtotal": f"{total:.2f}", "Total": f"{total:.2f}",
            "Shipping": "0.00", "Taxes": "0.00", "Discount Amount": "0.00", "Refunded Amount": f"{refunded:.2f}",
            "Lineitem quantity": "1", "Lineitem name": sku, "Lineitem sku": sku, "Lineitem price": f"{price:.2f}",
            "Lineitem fulfillment status": "fulfilled", "Fulfillment Status": "fulfilled", "Lineitem discount": "0.00",
            "Vendor": "V", "Id": str(55000 + number), "Source": "web", "Accepts Marketing": "no",
        }  # fmt: skip
        rows.append(row if nth == 0 else {name: row[name] if name in FURTHER else "" for name in COLUMNS})
    return rows


def export(day: int) -> Rows:
    """The shop in the evening of a day in March, the newest order first, as Shopify lists them."""
    rows = []
    for number in range(1000 + 6 * day - 1, 999, -1):
        placed = (number - 1000) // 6 + 1
        lines = [("MUG", 10.0), ("POT", 30.0)] if number % 3 == 0 else [("MUG", 10.0)]
        changed = number % 5 == 1 and day > placed
        refunded = min(10.0 * (day - placed), sum(price for _, price in lines)) if changed else 0.0
        rows += order(number, placed, lines, refunded=refunded, voided=number % 11 == 3 and day > placed)
    return rows


def net_sales(day: int) -> float:
    firsts = [row for row in export(day) if row["Total"] and row["Financial Status"] != "voided"]
    return round(sum(float(row["Total"]) - float(row["Refunded Amount"]) for row in firsts), 2)


def written(rows: Rows, columns: list[str] = COLUMNS) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    lay_out(tmp_path / "shop")
    return Desk(tmp_path / "shop")


def revenue(desk: Desk, day: int | None = None) -> tuple[float, int]:
    """Net sales and orders as of a day."""
    store = desk.store
    before = None if day is None else datetime(2024, 3, day + 1, tzinfo=UTC)
    rows = store.scan("transactions", known_before=before).filter(pl.col("type") != "cancel")
    rows = rows if before is None else rows.filter(pl.col("ordered_at") < before)
    found = rows.select(pl.col("net").sum().round(2), pl.col("order_id").n_unique()).collect()
    return found["net"][0], found["order_id"][0]


def orders(day: int) -> int:
    return sum(bool(row["Total"]) and row["Financial Status"] != "voided" for row in export(day))


WALKS: dict[str, Callable[[], list[tuple[str, Rows]]]] = {
    "day by day": lambda: [("d8", export(8)), ("d9", export(9)), ("d10", export(10))],
    "day 10 first": lambda: [("d10", export(10)), ("d8", export(8)), ("d9", export(9))],
    "pages": lambda: [("p1", export(8)[:31]), ("p2", export(8)[31:]), ("d9", export(9)), ("d10", export(10))],
    "refunds only": lambda: [
        ("d8", export(8)), ("d9", export(9)), ("d10", [row for row in export(10) if int(row["Name"][1:]) >= 1054]),
        ("refunds", [row for row in export(10) if int(row["Name"][1:]) % 5 == 1]),
        ("voided", [row for row in export(10) if int(row["Name"][1:]) % 11 == 3]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", WALKS)
def test_every_order_once_in_its_last_state_and_as_it_was_known(desk: Desk, name: str) -> None:
    for file, rows in WALKS[name]():
        desk.one(desk.write(f"{file}.csv", written(rows)))
    assert revenue(desk) == (net_sales(10), orders(10))
    for day in (8, 9, 10):
        assert revenue(desk, day) == (net_sales(day), orders(day))
    lines = desk.table().filter(pl.col("type") != "return")
    assert lines.select("order_id", "line_no").is_duplicated().sum() == 0


def test_a_day_that_is_loaded_late_undoes_nothing_that_a_filtered_export_said(desk: Desk) -> None:
    refunds = [row for row in export(10) if int(row["Name"][1:]) % 5 == 1]
    for file, rows in (("d8", export(8)), ("refunds", refunds), ("d10", export(10)), ("d9", export(9))):
        desk.one(desk.write(f"{file}.csv", written(rows)))
    assert revenue(desk) == (net_sales(10), orders(10))


@pytest.mark.parametrize("day", [8, 9, 10])
def test_an_export_without_its_column_of_refunds_takes_none_back(desk: Desk, day: int) -> None:
    days = (8, 9, 10)
    for each in days:
        desk.one(desk.write(f"d{each}.csv", written(export(each))))
    rows = [{name: row[name] for name in COLUMNS if name != "Refunded Amount"} for row in export(day)]
    text = written(rows, [name for name in COLUMNS if name != "Refunded Amount"])
    result = desk.one(desk.write("again.csv", text))
    assert any("an older export" in remark for remark in result["remarks"]) <= (day < 10)
    assert revenue(desk) == (net_sales(10), orders(10))
    assert [revenue(desk, each) for each in days] == [(net_sales(each), orders(each)) for each in days]


@pytest.mark.parametrize("place", ["first", "last", "alone"])
def test_the_first_and_the_last_order_of_a_file_keep_no_refund_that_its_line_has_lost(desk: Desk, place: str) -> None:
    others = [*order(1001, 1, [("MUG", 10.0)], refunded=0, voided=False)] if place != "alone" else []
    for day, changed in enumerate(({"refunded": 0.0}, {"refunded": 7.0}, {"refunded": 0.0, "voided": True}), 1):
        mine = order(1000, 1, [("POT", 7.0)], **{"voided": False, **changed})
        later = order(1001 + day, 1 + day, [("MUG", 10.0)], refunded=0, voided=False)
        rows = [*mine, *others, *later] if place == "first" else [*later, *others, *mine]
        desk.one(desk.write(f"d{day}.csv", written(rows)))
    kinds = desk.table().filter(pl.col("order_id") == "#1000")["type"].to_list()
    assert kinds == ["cancel"]


def test_pages_of_single_lines_hold_each_line_of_an_order_once(desk: Desk) -> None:
    rows = [
        *order(1000, 1, [("MUG", 10.0)], refunded=0, voided=False),
        *order(1001, 2, [("MUG", 10.0), ("POT", 5.0)], refunded=0, voided=False),
        *order(1002, 3, [("MUG", 10.0)], refunded=0, voided=False),
    ]
    for number, page in enumerate((rows[:2], rows[2:])):
        desk.one(desk.write(f"page{number}.csv", written(page)))
    assert revenue(desk) == (35.0, 3)


def test_a_load_taken_back_leaves_the_days_before(desk: Desk) -> None:
    for day in (8, 9, 10):
        desk.one(desk.write(f"d{day}.csv", written(export(day))))
    desk.call("--undo", "d10.csv")
    assert revenue(desk) == (net_sales(9), orders(9))
    assert revenue(desk, 8) == (net_sales(8), orders(8))
    desk.call("--undo", "d9.csv")
    assert revenue(desk) == (net_sales(8), orders(8))


@pytest.mark.skipif(not CASES.exists(), reason="CKM_SHARED names the folder of real data, beside that of cases")
def test_shop_and_payments_of_the_shared_files_count_once(desk: Desk, run: Run) -> None:
    for name in ("shopify_orders_export.csv", "stripe_unified_payments.csv"):
        desk.one(CASES / name)
    findings = json.loads(run("check", "-C", desk.root, "-f", "json").stdout)
    assert "same_sales" not in {each["check"] for each in findings}  # the platform says that its rows are payments
    listed = run("check", "-C", desk.root, "--payments", "-f", "json")
    kinds = [each["kind"] for each in json.loads(listed.stdout)]
    assert {kind: kinds.count(kind) for kind in kinds} == {"unpaid": 8, "failed": 9}
    segments: list[dict[str, Any]] = json.loads(run("segment", "-C", desk.root, "--customers", "-f", "json").stdout)
    assert len(segments) == 182
    rows = desk.table().filter(pl.col("source") == "shopify-orders", pl.col("type") != "cancel")
    assert (round(rows["net"].sum(), 2), rows["order_id"].n_unique()) == (23_809.84, 391)
