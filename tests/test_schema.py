"""Schemas of the tables: keys, required columns and vocabularies."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.schema import RESERVED_COLUMNS, TABLES, VOCABULARIES


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_a_tables_key_and_required_columns_are_among_its_columns(table: object) -> None:
    from ckm.schema import TableSchema

    assert isinstance(table, TableSchema)
    assert set(table.key) <= table.dtypes.keys()
    assert set(table.required) <= table.dtypes.keys()


def test_the_required_columns_are_those_of_the_design() -> None:
    assert TABLES["transactions"].required == ("order_id", "ordered_at", "net", "currency", "type")
    assert TABLES["customers"].required == ("customer_id",)
    assert TABLES["interactions"].required == ("interaction_id", "at")
    assert TABLES["relationships"].required == ("customer_id", "relation", "related_id")
    assert TABLES["billing_fields"].required == ("customer_id", "field")
    assert TABLES["memberships"].required == ("customer_id",)


def test_no_column_of_a_schema_is_filled_by_the_store() -> None:
    for table in TABLES.values():
        assert not set(table.targets) & set(RESERVED_COLUMNS)


def test_helpers_are_targets_but_not_columns_of_the_schema() -> None:
    table = TABLES["transactions"]
    assert table.targets["unit_price"] == pl.Float64
    assert "unit_price" not in table.dtypes


def test_every_column_with_a_vocabulary_is_text_in_some_table() -> None:
    for column in VOCABULARIES:
        assert any(table.dtypes.get(column) == pl.String for table in TABLES.values())


def test_a_word_outside_the_vocabulary_fails_validation() -> None:
    frame = pl.DataFrame({name: [None] for name in TABLES["customers"].dtypes}, schema=TABLES["customers"].dtypes)
    frame = frame.with_columns(customer_id=pl.lit("1"), party_type=pl.lit("alien"))
    good, failure = TABLES["customers"].schema.filter(frame)
    assert good.height == 0
    assert failure.counts() == {"party_type|check__vocabulary": 1}
