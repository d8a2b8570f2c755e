"""Exports of known systems load with one command each, and give the totals of the shop to the cent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ckm.store import Store
from tests.conftest import ROOT, Run
from tests.ingest.workspace import Desk
from tests.io.mapping.shop_exports import Shop, shop, shopify, woocommerce

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
    """Return the stored figures in the form of the expected ones."""
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
def test_the_segments_and_the_report_of_an_export_are_exact_to_the_cent(run: Run, name: str) -> None:
    truth = TRUTHS[name]
    found = run("segment", case(name), "-f", "json", "-v")
    assert found.exit_code == 0, found.output
    sales = f"net sales {truth['net']:,.2f} EUR"
    assert f"{truth['orders']} orders: gross" in found.stderr
    assert sales in found.stderr
    rows = json.loads(found.stdout)
    assert sum(row["customers"] for row in rows) == truth["customers"]
    values, said = report(run, case(name))
    assert values["revenue"] == truth["net"]
    assert values["revenue_returns"] == truth["returns"]
    assert values["customers_active"] == truth["customers"]
    assert sum(row["revenue"] for row in rows) == pytest.approx(truth["net"] - values["revenue_without_customer"])
    assert sales in said


def test_contacts_are_loaded_as_customers_and_not_analysed_as_sales(desk: Desk, run: Run) -> None:
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
    assert "unmapped columns with amounts or statuses: 'Restocking Fee'" in proposal["assumed"]
    screen = run("inspect", path, "-f", "table").stdout
    assert "recognised as Shopify: orders (shopify-orders)" in " ".join(screen.split())
    without = json.loads(run("inspect", path, "--platform", "none", "-f", "json").stdout)[0]["proposal"]
    assert without["platform"] is None


def test_unmapped_columns_of_money_are_a_remark_and_other_unmapped_columns_a_detail(desk: Desk) -> None:
    path = desk.root / "orders.csv"
    shopify(shop(1)).with_columns(pl.lit("3.00").alias("Restocking Fee"), pl.lit("x").alias("Shelf")).write_csv(path)
    quiet = desk.call(path)
    assert "unmapped columns with amounts or statuses: 'Restocking Fee'" in quiet.stderr
    assert "Shelf" not in quiet.stderr
    loud = desk.call(path, "--dry-run", "-v", "--platform", "shopify-orders", "--time-zone", "Europe/Berlin")
    assert "kept as extra columns (not mapped): 'Shelf'" in loud.stderr


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
    assert "1 record left out: no sales by their status ('kind')" in result["remarks"]


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
    """Write an export as two pages, cut before line ``cut``."""
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
    found = sums(stored(desk))
    assert (found["orders"], found["net"]) == (len(truth.counted), pytest.approx(net(truth), abs=0.011))
    values, _ = report(run, desk.root / "pages")
    assert values["revenue"] == pytest.approx(net(truth), abs=0.011)


def test_a_page_loaded_before_the_first_lines_of_its_orders_is_quarantined_and_loaded_again_later(desk: Desk) -> None:
    export = shopify(Shop(tuple(each for each in shop(8).orders if len(each.lines) > 1 and each.status == "paid")))
    first, second = pages(desk.root / "pages", export, export.height - 1)
    early = desk.one(second, "--max-rejects", "100%")
    assert "row|first_line_missing: 1" in early["reasons"]
    desk.one(first)
    again = desk.one("--requarantine")
    assert (again["accepted"], again["quarantined"]) == (1, 0)
    assert sums(stored(desk))["orders"] == export["Name"].n_unique()


def report(run: Run, *words: object) -> tuple[dict[str, Any], str]:
    """Return the metrics of a loyalty report and the messages on stderr."""
    found = run("loyalty-report", *words, "-f", "json", "-v")
    assert found.exit_code == 0, found.output
    return {row["metric"]: row["value"] for row in json.loads(found.stdout) if not row["slice"]}, found.stderr


def test_a_shop_and_its_payments_in_one_workspace_count_once(desk: Desk, run: Run) -> None:
    for name in ("stripe_unified_payments.csv", "shopify_orders_export.csv"):
        desk.one(case(name))
    values, said = report(run, "-C", desk.root)
    assert (values["revenue"], values["customers_active"]) == (SHOP["net"], SHOP["customers"])
    assert "stripe-payments holds payments for the orders: no sales" in said
    listed = run("check", "--payments", "-C", desk.root, "-f", "csv")
    assert "8 unpaid, 9 failed, 0 unmatched" in listed.stderr
    desk.call("--undo", "shopify_orders_export.csv")
    alone, said = report(run, "-C", desk.root)
    assert alone["revenue"] == TRUTHS["stripe_unified_payments.csv"]["net"]
    assert "holds payments" not in said


def refunded_later(of: Shop, until: int, refunds: int) -> Shop:
    """Return the first orders of a shop, with the later ones in their state before refunds."""
    before = (
        replace(each, status="paid", refund_of_goods=0, shipping_refunded=False)
        if each.status in {"refunded", "partly"} and each.number >= refunds
        else each
        for each in of.orders
        if each.number < until
    )
    return Shop(tuple(before))


def net(of: Shop) -> float:
    return round(sum(each.goods - each.refund_of_goods for each in of.counted) / 100, 2)


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_days_loaded_in_any_sequence_give_each_order_once_and_the_same_earlier_states(
    desk: Desk, run: Run, order: tuple[int, int, int]
) -> None:
    truth = shop(21, count=60)
    days = [refunded_later(truth, until, refunds) for until, refunds in ((1041, 1021), (1051, 1041), (1061, 1061))]
    for place in order:
        path = desk.root / f"day-{place}.csv"
        shopify(days[place]).write_csv(path)
        assert desk.one(path)["quarantined"] == 0
    found = sums(stored(desk))
    assert (found["orders"], found["net"]) == (len(days[2].counted), net(days[2]))
    for day in days:
        values, _ = report(run, "-C", desk.root, "--as-of", day.orders[-1].day)
        assert values["revenue"] == net(day)


def test_an_export_of_refunded_orders_only_changes_only_these(desk: Desk) -> None:
    truth = shop(21, count=60)
    before = refunded_later(truth, 1061, 1001)
    for name, export in (
        ("all", shopify(before)),
        ("refunds", shopify(Shop(tuple(each for each in truth.orders if each.refund_of_goods)))),
    ):
        path = desk.root / f"{name}.csv"
        export.write_csv(path)
        desk.one(path)
    found = sums(stored(desk))
    assert (found["orders"], found["net"]) == (len(truth.counted), net(truth))


def test_payments_are_the_sales_without_orders_of_another_source_also_by_a_saved_mapping(desk: Desk, run: Run) -> None:
    name = "stripe_unified_payments.csv"
    desk.one(case(name), "--save-map", desk.root / "maps" / "wallet.yaml")
    assert "payments: 'yes'" in (desk.root / "maps" / "wallet.yaml").read_text(encoding="utf-8")
    desk.call("--undo", name)
    desk.one(case(name), "--map", desk.root / "maps" / "wallet.yaml")
    alone, _ = report(run, "-C", desk.root)
    assert alone["revenue"] == TRUTHS[name]["net"]
    desk.one(case("shopify_orders_export.csv"))
    both, said = report(run, "-C", desk.root)
    assert both["revenue"] == SHOP["net"]
    assert "wallet holds payments for the orders" in said
