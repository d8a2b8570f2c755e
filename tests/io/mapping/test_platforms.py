"""Platforms are recognised with added, missing and translated columns, and their mapping fits the file."""

from __future__ import annotations

import random
from pathlib import Path

import polars as pl
import pytest

from ckm.errors import UsageError
from ckm.io.mapping.mapping import Expression, FromColumn, dump_mapping
from ckm.io.mapping.mapping_file import load_mapping
from ckm.io.mapping.platform import Platform
from ckm.io.mapping.platform_file import read_platform
from ckm.io.mapping.platforms import platforms, recognise
from tests.io.mapping.shop_exports import shop, shopify

TEXT = """\
schema: ckm.platform/1
name: shop
title: "Shop: orders"
documentation: [https://example.com/columns]
recognise:
  columns: [Order, Goods, Price, State]
  least: 3
  without: [Payout]
headers: {Order: [Bestellung], Mail: [E-Post]}
table: transactions
columns:
  order_id: Order
  ordered_at: {first: [Made, Paid]}
  customer_id: {expr: 'LOWER("Mail")'}
  discount: Less
  unit_price: Price
  quantity: Pieces
  net: {expr: 'quantity * unit_price - COALESCE(discount, 0)'}
  product_id: {expr: 'COALESCE("Goods", "Item")'}
status: {column: State, words: {sale: [done], cancel: [void]}}
order_level: [Mail, State]
"""


def platform(folder: Path, text: str = TEXT) -> Platform:
    path = folder / "shop.yaml"
    path.write_text(text, encoding="utf-8")
    return read_platform(path)


@pytest.mark.parametrize("name", platforms())
def test_every_platform_recognises_its_own_columns_in_any_order_with_others_added(name: str) -> None:
    known = platforms()[name]
    columns = [*known.fingerprint.columns, "Something new", "Noch etwas"]
    random.Random(name).shuffle(columns)
    sample = pl.DataFrame({column: [] for column in columns}, schema=dict.fromkeys(columns, pl.String))
    found = recognise(columns, None if known.fingerprint.values else sample, known.mapping.table)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("name", platforms())
def test_every_platform_names_the_documentation_of_its_columns(name: str) -> None:
    assert platforms()[name].documentation
    assert all(address.startswith("https://") for address in platforms()[name].documentation)


def test_a_fingerprint_tolerates_missing_and_translated_columns(tmp_path: Path) -> None:
    shop = platform(tmp_path)
    assert shop.share(["bestellung", "PRICE", "State"]) == 0.75
    assert shop.share(["Order", "Price"]) == 0
    assert shop.share(["Order", "Goods", "Price", "State", "Payout"]) == 0


def test_the_mapping_has_the_column_names_of_the_file_and_no_missing_columns(tmp_path: Path) -> None:
    mapping = platform(tmp_path).mapping_for(["Bestellung", "Paid", "E-Post", "price", "Pieces", "Item"])
    assert mapping.columns["order_id"] == FromColumn("Bestellung")
    assert mapping.columns["ordered_at"] == FromColumn("Paid")
    assert mapping.columns["customer_id"] == Expression('LOWER("E-Post")')
    assert mapping.columns["product_id"] == Expression('COALESCE(CAST(NULL AS VARCHAR), "Item")')
    assert mapping.columns["net"] == Expression("quantity * unit_price - COALESCE(CAST(NULL AS DOUBLE), 0)")
    assert "discount" not in mapping.columns
    assert mapping.order_level == ("E-Post",)
    assert mapping.status == ()


def test_columns_in_other_languages_are_matched_once_the_platform_is_recognised() -> None:
    german = {
        "Created at": "Bestelldatum",
        "Lineitem quantity": "Menge",
        "Email": "E-Mail-Adresse",
        "Currency": "Währung",
    }
    export = shopify(shop(3)).rename(german)
    known = recognise(export.columns)
    assert known is not None
    mapping = known.mapping_for(export.columns)
    assert mapping.columns["ordered_at"] == FromColumn("Bestelldatum")
    assert mapping.columns["customer_id"] == Expression('LOWER("E-Mail-Adresse")')
    assert mapping.columns["net"] == known.mapping_for(shopify(shop(3)).columns).columns["net"]
    assert "Währung" in mapping.order_level


def test_a_file_without_a_required_column_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column for ordered_at") as caught:
        platform(tmp_path).mapping_for(["Order", "Price", "Pieces"])
    assert "'Made', 'Paid'" in (caught.value.hint or "")


def test_a_mapping_of_a_platform_can_be_written_out_and_read_back(tmp_path: Path) -> None:
    for known in platforms().values():
        mapping = known.mapping_for(list(known.columns))
        path = tmp_path / f"{known.name}.yaml"
        path.write_text(dump_mapping(mapping), encoding="utf-8")
        assert load_mapping(path) == mapping


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("title:", "titel:", 3, "unknown key"),
        ("name: shop", "name: shops", 2, "is named 'shop'"),
        ("least: 3", "least: 5", 7, "from 1 to 4"),
        ("sale: [done]", "sold: [done]", 20, "unknown meaning of a status"),
        ("documentation: [https://example.com/columns]\n", "", 1, "no 'documentation'"),
    ],
)
def test_an_error_in_a_platform_names_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        platform(tmp_path, TEXT.replace(old, new))
    assert f"shop.yaml:{line}" in f"{caught.value}"
