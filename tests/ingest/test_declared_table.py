"""A table that is only declared in ckm/schema.py works in every command, without header synonyms."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from ckm import schema
from tests.conftest import Run
from tests.ingest.workspace import Desk

HEADER = "membership_id,customer_id,tier,points,visits,joined_on,seen_at,active"
LINES = ("M1,C1,gold,10.5,3,2025-01-02,2025-01-05 10:00,true", "M2,C2,silver,20,4,2025-01-13,2025-02-05 10:00,nein")


class Memberships(dy.Schema):
    """Schema of members of a loyalty programme."""

    membership_id = dy.String(nullable=False, min_length=1, metadata=schema.KEY)
    customer_id = dy.String(nullable=True, metadata=schema.KEY)
    tier = dy.String(nullable=True, metadata=schema.GROUP)
    points = dy.Float64(nullable=True, metadata=schema.AMOUNT)
    visits = dy.Int64(nullable=True, metadata=schema.AMOUNT)
    joined_on = dy.Date(nullable=True, metadata=schema.AMOUNT)
    seen_at = dy.Datetime(nullable=True, time_zone="UTC", time_unit="us", metadata=schema.TIME)
    active = dy.Bool(nullable=True, metadata=schema.GROUP)


@pytest.fixture(autouse=True)
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    table = schema.TableSchema("memberships", Memberships, ("membership_id",))
    monkeypatch.setitem(schema.TABLES, "memberships", table)


@pytest.mark.slow
def test_a_declared_table_is_inspected_loaded_checked_and_undone(desk: Desk, run: Run) -> None:
    path = desk.orders("m.csv", *LINES, header=HEADER)
    [seen] = json.loads(run("inspect", path, "-f", "json").stdout)
    assert (seen["proposal"]["table"], seen["proposal"]["obstacle"]) == ("memberships", None)
    assert desk.one(path, "--as", "memberships")["accepted"] == 2
    rows = desk.table("memberships").sort("membership_id")
    dtypes = {name: column.dtype for name, column in Memberships.columns().items()}
    assert rows.select(*dtypes).schema == dtypes
    assert rows["active"].to_list() == [True, False]
    assert rows["joined_on"].to_list() == [date(2025, 1, 2), date(2025, 1, 13)]
    checked = run("check", desk.root)
    assert checked.exit_code == 0, checked.output
    assert "2 memberships" in checked.stderr
    desk.call("--undo", "m.csv")
    assert desk.table("memberships").is_empty()


def test_a_declared_table_is_loaded_by_a_mapping(desk: Desk) -> None:
    desk.orders("m.csv", "M3,5,2025-01-20", "M4,x,2025-01-21", header="Nr,Pkt,since")
    desk.mapping(
        "m",
        "table: memberships\nfiles: [m.csv]\ncolumns: {membership_id: Nr, joined_on: since, active: {value: ja}, "
        "points: {expr: 'CAST(Pkt AS DOUBLE) * 2'}}\n",
    )
    assert desk.one()["accepted"] == 2
    assert desk.table("memberships").sort("membership_id")["points"].to_list() == [10.0, None]
    assert desk.table("memberships")["active"].all()


def test_typed_columns_fill_a_declared_table(desk: Desk) -> None:
    path = desk.root / "m.parquet"
    pl.DataFrame({"membership_id": ["M1"], "visits": [2**40], "points": [1.5], "active": [True]}).write_parquet(path)
    desk.ingest(path, "--as", "memberships")
    row = desk.table("memberships").row(0, named=True)
    assert (row["visits"], row["points"], row["active"]) == (2**40, 1.5, True)


def test_a_missing_column_of_a_declared_table_is_named(desk: Desk) -> None:
    found = desk.call(desk.orders("c.csv", "C1,x", header="customer_id,note"), "--as", "memberships")
    assert found.exit_code == 2
    assert "no column for membership_id of memberships" in found.stderr


@pytest.mark.slow
def test_an_unknown_yes_no_value_is_quarantined(desk: Desk) -> None:
    path = desk.orders("m.csv", "M1,perhaps", "M2,0", "M3,", header="membership_id,active")
    assert desk.one(path, "--as", "memberships", "--max-rejects", "1")["reasons"] == ["active|truth: 1"]
    assert sorted(desk.table("memberships")["active"], key=str) == [False, None]


def test_a_type_that_no_source_can_fill_is_refused_by_name(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Odd(dy.Schema):
        odd_id = dy.String(nullable=False, metadata=schema.KEY)
        at_time = dy.Time(nullable=True, metadata=schema.AMOUNT)

    monkeypatch.setitem(schema.TABLES, "odd", schema.TableSchema("odd", Odd, ("odd_id",)))
    found = desk.call(desk.orders("o.csv", "1,10:00", header="odd_id,at_time"), "--as", "odd")
    assert found.exit_code == 2
    assert "'at_time' has the type Time, which cannot be filled from a source" in found.stderr
