"""Exports of known systems: one command each, and what they come to is what the shop says, to the cent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ckm.store import Store
from tests.conftest import ROOT, Run
from tests.ingest.workspace import Desk
from tests.mapping.shop_exports import Shop, shop, shopify, woocommerce

CASES = Path(os.environ.get("CKM_SHARED") or ROOT.parent / "shared" / "data").parent / "cases" / "platforms"

SHOP = {"orders": 391, "customers": 182, "net": 23809.84, "returns": 1465.52, "discounts": 595.84, "guest_orders": 2}
TRUTHS = {
    "shopify_orders_export.csv": SHOP,
    "woocommerce_orders.csv": SHOP,
    "stripe_unified_payments.csv": {
        "orders": 383, "customers": 180, "net": 24526.64, "returns": 1504.72, "discounts": 0.0, "guest_orders": 2
    },
}  # fmt: skip


def case(name: str) -> Path:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    return path


def sums(rows: pl.DataFrame) -> dict[str, Any]:
    """Return what is stored, in the terms of the truths."""
    counted = rows.filter(pl.col("type") != "cancel")
    sales = counted.filter(pl.col("type") == "sale")
    return {
        "orders": sales["order_id"].n_unique(),
        "customers": sales["customer_id"].drop_nulls().n_unique(),
        "net": round(counted["net"].sum(), 2),
        "returns": round(-counted.filter(pl.col("type") == "return")["net"].sum(), 2),
        "discounts": round(sales["discount"].sum(), 2),
        "guest_orders": sales.filter(pl.col("customer_id").is_null())["order_id"].n_unique(),
    }


def stored(desk: Desk) -> pl.DataFrame:
    return Store(desk.root / "store").scan("transactions").collect()


@pytest.mark.parametrize("name", TRUTHS)
def test_an_export_is_loaded_to_the_cent_without_an_option(desk: Desk, name: str) -> None:
    result = desk.one(case(name))
    assert result["quarantined"] == 0
    assert result["table"] == "transactions"
    assert any(remark.startswith("recognised as ") for remark in result["remarks"])
    assert sums(stored(desk)) == TRUTHS[name]
    again = desk.one(case(name))
    assert again["status"] == "unchanged"


@pytest.mark.parametrize("name", TRUTHS)
def test_the_segments_and_the_report_of_an_export_come_to_the_cent(run: Run, name: str) -> None:
    truth = TRUTHS[name]
    found = run("segment", case(name), "-f", "json")
    assert found.exit_code == 0, found.output
    net = f"net sales {truth['net']:,.2f} EUR"
    assert f"{truth['orders']} orders: gross" in found.stderr
    assert net in found.stderr
    rows = json.loads(found.stdout)
    assert sum(row["customers"] for row in rows) == truth["customers"]
    report = run("loyalty-report", case(name), "-f", "json")
    assert report.exit_code == 0, report.output
    values = {row["measure"]: row["value"] for row in json.loads(report.stdout) if not row["slice"]}
    assert values["revenue"] == truth["net"]
    assert values["revenue_returns"] == truth["returns"]
    assert values["customers_active"] == truth["customers"]
    assert sum(row["revenue"] for row in rows) == pytest.approx(truth["net"] - values["revenue_without_customer"])
    assert net in report.stderr


def test_contacts_are_loaded_as_customers_and_no_analysis_takes_them_for_sales(desk: Desk, run: Run) -> None:
    result = desk.one(case("hubspot_contacts.csv"))
    assert (result["table"], result["accepted"]) == ("customers", 120)
    people = Store(desk.root / "store").scan("customers").collect()
    first = people.sort("customer_id").row(0, named=True)
    assert first["display_name"] == "Kira Muster"
    assert (first["country"], first["status"], str(first["created_on"])) == ("AT", "Customer", "2024-01-13")
    refused = run("segment", case("hubspot_contacts.csv"))
    assert refused.exit_code == 2
    assert "an export of HubSpot: contacts, which fills customers" in refused.stderr


def test_inspect_names_what_it_recognised_and_how_it_fills_the_table(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    shopify(shop(1)).with_columns(pl.lit("3.00").alias("Restocking Fee")).write_csv(path)
    found = run("inspect", path, "-f", "json")
    proposal = json.loads(found.stdout)[0]["proposal"]
    assert (proposal["platform"], proposal["table"]) == ("shopify-orders", "transactions")
    assert proposal["columns"]["order_refund"] == "Refunded Amount"
    assert proposal["failed"] == 0
    assert "columns of money or status that nothing takes: 'Restocking Fee'" in proposal["assumed"]
    screen = run("inspect", path, "-f", "table").stdout
    assert "recognised as Shopify: orders (shopify-orders)" in " ".join(screen.split())
    without = json.loads(run("inspect", path, "--platform", "none", "-f", "json").stdout)[0]["proposal"]
    assert without["platform"] is None


def test_columns_of_money_that_nothing_takes_are_a_remark_and_the_others_are_detail(desk: Desk) -> None:
    path = desk.root / "orders.csv"
    shopify(shop(1)).with_columns(pl.lit("3.00").alias("Restocking Fee"), pl.lit("x").alias("Shelf")).write_csv(path)
    quiet = desk.call(path)
    assert "columns of money or status that nothing takes: 'Restocking Fee'" in quiet.stderr
    assert "Shelf" not in quiet.stderr
    loud = desk.call(path, "--dry-run", "-v", "--platform", "shopify-orders", "--time-zone", "Europe/Berlin")
    assert "kept beside, as nothing takes them: 'Shelf'" in loud.stderr


def test_a_platform_can_be_named_and_refused(desk: Desk, run: Run) -> None:
    path = desk.root / "orders.csv"
    shopify(shop(1)).write_csv(path)
    assert "did you mean 'shopify-orders'?" in run("segment", path, "--platform", "shopify-order").stderr
    other = run("segment", path, "--platform", "hubspot-contacts")
    assert other.exit_code == 2
    assert "fills customers, not transactions" in other.stderr
    none = run("segment", path, "--platform", "none", "-f", "csv")
    assert "recognised" not in none.stderr


def test_a_saved_mapping_loads_as_the_platform_does(desk: Desk) -> None:
    path = desk.root / "orders.csv"
    shopify(shop(4)).write_csv(path)
    desk.one(path, "--save-map", desk.root / "maps" / "mine.yaml")
    by_platform = stored(desk)
    other = desk.root / "again.csv"
    shopify(shop(4)).write_csv(other)
    desk.one(other, "--map", desk.root / "maps" / "mine.yaml", "--on-conflict", "replace")
    assert sums(stored(desk)) == sums(by_platform)


def test_a_file_in_any_language_of_statuses_is_read(desk: Desk) -> None:
    german = {
        "Completed": "Abgeschlossen",
        "On hold": "In Wartestellung",
        "Refunded": "Rückerstattet",
        "Failed": "Fehlgeschlagen",
    }
    export = woocommerce(shop(6))
    words = export.with_columns(pl.col("Order Status").replace(german)).rename({"Order Number": "Bestellnummer"})
    path = desk.root / "bestellungen.csv"
    words.rename({"Bestellnummer": "order_number"}).write_csv(path)
    result = desk.one(path)
    assert result["quarantined"] == 0
    truth = shop(6)
    assert sums(stored(desk))["orders"] == len(truth.counted)


def test_ignored_records_are_counted_and_the_sum_of_a_load_holds(desk: Desk) -> None:
    desk.mapping(
        "wallet",
        "table: transactions\n"
        "columns: {order_id: id, customer_id: who, ordered_at: day, net: amount, currency: {value: EUR}}\n"
        "status: {column: kind, words: {sale: [payment], ignore: [transfer]}}\n",
    )
    path = desk.write("w.csv", "id,who,day,amount,kind\n1,a,2024-01-01,5.00,Payment\n2,a,2024-01-02,9.00,Transfer\n")
    result = desk.one(path, "--map", desk.root / "maps" / "wallet.yaml")
    assert (result["rows"], result["accepted"]) == (1, 1)
    assert "1 record is no sales by their status ('kind'): left out" in result["remarks"]


def test_a_record_that_breaks_a_rule_is_quarantined_once_and_its_refund_is_not_loaded(desk: Desk) -> None:
    desk.mapping(
        "wallet",
        "table: transactions\ncolumns: {order_id: id, customer_id: who, ordered_at: day, net: amount, currency: cur,"
        " refund: back, line_no: {value: '1'}}\n",
    )
    path = desk.write(
        "w.csv", "id,who,day,amount,cur,back\n1,a,2024-01-01,5.00,EUR,5.00\n2,a,2024-01-02,9.00,EURO!,9.00\n"
    )
    result = desk.one(path, "--map", desk.root / "maps" / "wallet.yaml", "--max-rejects", "100%")
    assert (result["accepted"], result["quarantined"]) == (2, 1)


def pages(folder: Path, export: pl.DataFrame, cut: int) -> list[Path]:
    """Write an export in two files, cut at a line."""
    folder.mkdir()
    export.head(cut).write_csv(folder / "page-1.csv")
    export.slice(cut).write_csv(folder / "page-2.csv")
    return [folder / "page-1.csv", folder / "page-2.csv"]


@pytest.mark.parametrize("layout", [shopify, woocommerce])
def test_an_order_cut_by_a_page_is_whole_in_the_store_and_in_an_analysis_of_the_folder(
    desk: Desk, run: Run, layout: Callable[[Shop], pl.DataFrame]
) -> None:
    truth = shop(8, count=60)
    export = layout(truth)
    numbers = export["Name" if layout is shopify else "Order Number"].str.strip_prefix("#").to_list()
    simple = {str(each.number) for each in truth.orders if each.status == "paid" and 5 * each.discount < each.gross}
    cut = next(place for place, number in enumerate(numbers) if place > 20 and number in simple & {numbers[place - 1]})
    first, second = pages(desk.root / "pages", export, cut)
    for page in (first, second):
        assert desk.one(page)["quarantined"] == 0
    whole = desk.root / "whole.csv"
    export.write_csv(whole)
    net = sum(each.goods - each.refund_of_goods for each in truth.counted) / 100
    found = sums(stored(desk))
    assert (found["orders"], found["net"]) == (len(truth.counted), pytest.approx(net, abs=0.011))
    report = json.loads(run("loyalty-report", desk.root / "pages", "-f", "json").stdout)
    values = {row["measure"]: row["value"] for row in report if not row["slice"]}
    assert values["revenue"] == pytest.approx(net, abs=0.011)


def test_a_page_that_comes_before_its_first_lines_is_quarantined_and_loaded_when_they_are_there(desk: Desk) -> None:
    export = shopify(Shop(tuple(each for each in shop(8).orders if len(each.lines) > 1 and each.status == "paid")))
    first, second = pages(desk.root / "pages", export, export.height - 1)
    early = desk.one(second, "--max-rejects", "100%")
    assert "row|first_line_missing: 1" in early["reasons"]
    desk.one(first)
    again = desk.one("--requarantine")
    assert (again["accepted"], again["quarantined"]) == (1, 0)
    assert sums(stored(desk))["orders"] == export["Name"].n_unique()
