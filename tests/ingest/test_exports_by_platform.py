"""Exports of many systems: each is recognised as one platform only, with the expected orders, customers and net."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import polars as pl
import pytest

from ckm.io.mapping.platform import Platform
from ckm.io.mapping.platforms import platforms, recognise
from ckm.io.readers.read import open_source
from tests.conftest import Run
from tests.ingest.exports_by_platform import HEADERS, LISTINGS, ORDERS, Export, Listing, shopee_orders_in_thai
from tests.ingest.workspace import Desk

EXAMPLES = Path(__file__).parents[2] / "examples" / "shop"
ALL: dict[str, Callable[[], Export | Listing]] = {**ORDERS, **LISTINGS}


def shares(path: Path) -> dict[str, float]:
    """Return the platforms that match a file, and the share of their identifying columns that it has."""
    with open_source(path) as source:
        found = {name: known.share(source.format.columns, source.sample) for name, known in platforms().items()}
    return {name: share for name, share in found.items() if share}


AMBIGUOUS = {"etsy-orders": "'Adjusted Order Total'"}
"""Columns of money with unclear documentation: they give a remark and count in no amount."""


def recognised(path: Path) -> Platform | None:
    with open_source(path) as source:
        return recognise(source.format.columns, source.sample)


@pytest.mark.parametrize("name", ORDERS)
def test_an_export_gives_its_orders_customers_and_net(desk: Desk, name: str) -> None:
    check(desk, ORDERS[name](), name)


def test_an_export_in_thai_gives_the_same_figures(desk: Desk) -> None:
    check(desk, shopee_orders_in_thai(), "shopee-orders")


def check(desk: Desk, export: Export, name: str) -> None:
    result = desk.call(desk.write(export.file, export.content), *export.options, "-v")
    assert f"({name})" in result.stderr
    assert result.exit_code == 0, result.output
    passed_over = re.findall(r"unmapped columns[^:]*: (.*)", result.stderr)
    assert passed_over == ([AMBIGUOUS[name]] if name in AMBIGUOUS else [])
    rows = desk.table().filter(pl.col("type") != "cancel")
    sales = rows.filter(pl.col("type") == "sale")
    assert sales["order_id"].n_unique() == export.orders
    assert sales["customer_id"].drop_nulls().n_unique() == export.customers
    assert rows["net"].sum() == pytest.approx(export.net)
    assert rows.filter(pl.col("type") == "return")["net"].sum() == pytest.approx(-export.returned)


def without(content: str, column: str) -> str:
    """Return a table without one of its columns."""
    rows = list(csv.reader(io.StringIO(content)))
    at = rows[0].index(column)
    out = io.StringIO()
    csv.writer(out).writerows(row[:at] + row[at + 1 :] for row in rows)
    return out.getvalue()


@pytest.mark.parametrize(("name", "column"), [("magento-orders", "Status"), ("lazada-orders", "status")])
def test_an_export_without_its_status_column_has_a_remark_on_the_consequence(
    desk: Desk, name: str, column: str
) -> None:
    export = ORDERS[name]()
    result = desk.call(desk.write(export.file, without(export.content.decode(), column)), *export.options, "-v")
    assert result.exit_code == 0
    assert f"the export has no column '{column}': cancelled orders may count as sales" in result.stderr


@pytest.mark.parametrize("column", ["Handling Cost (inc tax)", "Order Time", "Channel Name", "Order Currency Code"])
def test_an_export_is_loaded_without_an_optional_column(desk: Desk, column: str) -> None:
    export = ORDERS["bigcommerce-orders"]()
    desk.call(desk.write(export.file, without(export.content.decode(), column)), "--currency", "USD")
    rows = desk.table().filter(pl.col("type") != "cancel")
    assert rows["order_id"].n_unique() == export.orders
    assert rows["net"].sum() == pytest.approx(export.net + (2.0 if column.startswith("Handling") else 0.0))


@pytest.mark.parametrize("name", [name for name in ORDERS if "--max-rejects" not in ORDERS[name]().options])
def test_an_analysis_reads_an_export_unchanged(run: Run, tmp_path: Path, name: str) -> None:
    export = ORDERS[name]()
    path = tmp_path / export.file
    path.write_bytes(export.content)
    result = run("segment", path, *export.options, "-f", "json")
    assert result.exit_code == 4
    assert json.loads(result.stderr)["error"]["customers"] == export.customers


@pytest.mark.parametrize("name", LISTINGS)
def test_an_export_of_customers_or_interactions_gives_its_rows(desk: Desk, name: str) -> None:
    listing = LISTINGS[name]()
    result = desk.call(desk.write(listing.file, listing.content), *listing.options)
    assert f"({name})" in result.stderr
    assert result.exit_code == 0, result.output
    rows = desk.table(listing.table)
    key = "customer_id" if listing.table == "customers" else "interaction_id"
    names = list(dict.fromkeys(chain.from_iterable(listing.rows)))
    assert rows.select(names).sort(key).to_dicts() == listing.rows


@pytest.mark.parametrize("name", ALL)
def test_an_export_is_recognised_as_one_platform_only(tmp_path: Path, name: str) -> None:
    export = ALL[name]()
    path = tmp_path / export.file
    path.write_bytes(export.content)
    found = shares(path)
    assert max(found, key=lambda each: found[each]) == name
    assert [other for other in found if other != name] == []


@pytest.mark.parametrize("name", HEADERS)
def test_the_columns_of_an_export_match_one_platform_only(name: str) -> None:
    columns = next(csv.reader([HEADERS[name]]))
    found = [known.name for known in platforms().values() if known.share(columns)]
    assert found == [re.sub("-(de|th|technical)$", "", name)]


@pytest.mark.parametrize(
    "header",
    [
        "customer_id,date,amount",
        "order_id,line_no,customer_id,ordered_at,net,currency",
        "Order ID,Customer ID,Order Date,Quantity,Price,Currency,Status",
        "Bestellnummer,Kundennummer,Datum,Artikelnummer,Menge,Einzelpreis,Gesamtbetrag,Währung",
        "id,name,email,phone,country,created_at",
        "Date,Time,Customer,Item,Qty,Gross,Net,Tax,Payment Method",
        "Ticket ID,Subject,Status,Priority,Created Date,Email",
        "Response ID,Start Date,End Date,Email Address,Score,Comment",
        "订单编号,商品名称,数量,金额,下单时间",
        "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country",
    ],
)
def test_a_file_of_no_platform_is_not_recognised(tmp_path: Path, header: str) -> None:
    path = tmp_path / "plain.csv"
    path.write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n", encoding="utf-8")
    assert shares(path) == {}
    assert recognised(path) is None


@pytest.mark.parametrize("path", sorted(path for path in EXAMPLES.rglob("*.csv")), ids=lambda path: path.name)
def test_no_file_of_the_example_shop_is_recognised_as_an_export(path: Path) -> None:
    assert shares(path) == {}
