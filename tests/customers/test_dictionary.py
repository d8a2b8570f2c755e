"""The feature dictionary describes exactly the columns of the feature table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ckm.customers.dictionary import DICTIONARY, load_dictionary, read_dictionary
from ckm.customers.features import RFM_COLUMNS, FeatureTable, feature_table
from ckm.errors import UsageError
from ckm.schema import TABLES

OPTIONAL = ("category", "channel", "cost", "discount")


def tables() -> dict[str, pl.LazyFrame]:
    """Return tables in which some customer has a value for every feature."""
    days = [0, 9, 30, 400]
    rows = [(customer, day, f"channel {day % 4}") for customer in ("ann", "bob") for day in days]
    transactions = pl.LazyFrame(
        {
            "customer_id": [customer for customer, _, _ in rows],
            "ordered_at": [datetime(2024, 3, 1, 12, tzinfo=UTC) + timedelta(days=day) for _, day, _ in rows],
            "net": [10.0 + day for _, day, _ in rows],
            "currency": "EUR",
            "type": "sale",
            "category": "tea",
            "channel": [channel for _, _, channel in rows],
            "cost": 1.0,
            "discount": 2.0,
        },
    )
    party = {"customer_id": ["ann"], "party_type": ["person"], "country": ["DE"], "region": ["Hesse"], "lang": ["de"]}
    return {"transactions": transactions, "customers": pl.LazyFrame(party)}


@pytest.fixture(scope="module")
def table() -> FeatureTable:
    return feature_table(tables())


def test_every_column_of_the_table_is_in_the_dictionary_in_its_order(table: FeatureTable) -> None:
    columns = table.frame.columns[1:]
    named = [next(each.name for each in load_dictionary() if each.names(column)) for column in columns]
    assert list(dict.fromkeys(named)) == [each.name for each in load_dictionary()]
    assert table.features == set(columns)


def test_the_types_of_the_table_are_those_of_the_dictionary(table: FeatureTable) -> None:
    for feature in load_dictionary():
        for column, dtype in table.frame.schema.items():
            assert not feature.names(column) or str(dtype) == feature.dtype, column


def test_the_rfm_scope_has_the_values_and_types_of_all_features(table: FeatureTable) -> None:
    small = feature_table(tables(), scope="rfm").frame
    assert small.equals(table.frame.select(RFM_COLUMNS))
    assert small.schema == table.frame.select(RFM_COLUMNS).schema


@pytest.mark.parametrize("column", OPTIONAL)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_without_a_column_exactly_the_features_that_need_it_are_null(column: str, how: str) -> None:
    data = tables()
    there = data["transactions"]
    data["transactions"] = (
        there.drop(column) if how == "absent" else there.with_columns(pl.lit(None, dtype=pl.String).alias(column))
    )
    found = feature_table(data)
    missing = [feature for feature in load_dictionary() if column in feature.needs]
    assert missing
    for feature in load_dictionary():
        columns = [name for name in found.frame.columns if feature.names(name)]
        if feature.name.endswith("*"):
            assert bool(columns) is (feature not in missing)
            continue
        assert found.frame.schema[feature.name] == getattr(pl, feature.dtype)
        assert (feature.name in found.features) is (feature not in missing)


def test_needed_columns_are_columns_of_the_schema() -> None:
    for feature in load_dictionary():
        for need in feature.needs:
            table, _, column = need.rpartition(".")
            assert column in TABLES[table or "transactions"].dtypes, f"{feature.name}: {need}"


def test_the_dictionary_prints_one_row_per_feature() -> None:
    frame = read_dictionary().frame()
    assert frame.columns == ["name", "type", "unit", "meaning", "formula"]
    assert frame.height == len(load_dictionary())
    assert frame.null_count().row(0) == (0,) * 5


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema: ckm.features/1", "schema: ckm.rfm_names/1", "not a feature dictionary"),
        ("- name: recency_days", "- name: frequency", "features that occur twice: frequency"),
        ("version: 2", "version: one", "a number is expected"),
    ],
)
def test_an_invalid_dictionary_is_an_error(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "features.yaml"
    path.write_text(DICTIONARY.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_dictionary(path)


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "features.yaml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="'schema' is missing"):
        read_dictionary(path)
