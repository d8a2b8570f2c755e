"""``ckm inspect``: the recognised platform in every format, and the proposed mapping."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
import xlsxwriter

from ckm.io.mapping.mapping_file import load_mapping
from tests.conftest import Run

HEADER = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Fee,Status,Customer ID"
LINE = "ch_1,2025-01-03 10:00:00,10.00,0.00,eur,true,10.00,0,Paid,C1"
STRIPE = "recognised as Stripe: payments (stripe-payments)"


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    path = tmp_path / "payments.csv"
    path.write_text(f"{HEADER}\n{LINE}\n", encoding="utf-8")
    return path


def test_the_platform_is_named_in_every_form(run: Run, payments: Path) -> None:
    table = run("inspect", payments, "-f", "table")
    assert STRIPE in table.stdout
    lines = run("inspect", payments, "-f", "csv")
    assert STRIPE in lines.stderr
    rows = list(csv.DictReader(io.StringIO(lines.stdout)))
    assert {(row["table"], row["platform"]) for row in rows} == {("transactions", "stripe-payments")}
    [found] = json.loads(run("inspect", payments, "-f", "json").stdout)
    assert (found["table"], found["platform"]) == ("transactions", "stripe-payments")


def test_the_mapping_that_was_found_is_written_and_reads_the_same(run: Run, payments: Path, tmp_path: Path) -> None:
    path = tmp_path / "maps" / "pay.yaml"
    path.parent.mkdir()
    assert run("inspect", payments, "--save-map", path, "-f", "json").exit_code == 0
    mapping = load_mapping(path)
    assert (mapping.name, mapping.files) == ("pay", ("payments.csv",))
    [found] = json.loads(run("inspect", payments, "--map", path, "-f", "json").stdout)
    [before] = json.loads(run("inspect", payments, "-f", "json").stdout)
    assert found["proposal"]["columns"] == before["proposal"]["columns"]


def test_no_mapping_is_written_of_what_fits_no_table(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("alpha,beta\n1,2\n3,4\n", encoding="utf-8")
    result = run("inspect", path, "--save-map", tmp_path / "m.yaml")
    assert result.exit_code == 2
    assert not (tmp_path / "m.yaml").exists()


@pytest.fixture
def workspace(tmp_path: Path, run: Run) -> Path:
    """A workspace with a time zone and the mapping of a workbook, whose first sheet is a cover."""
    root = tmp_path / "shop"
    assert run("init", root, "-q").exit_code == 0
    config = root / "ckm.yaml"
    config.write_text(config.read_text().replace("time_zone: UTC", "time_zone: Asia/Bangkok"))
    (root / "maps" / "crm.yaml").write_text(
        "schema: ckm.map/1\nname: crm\nfiles: [crm.xlsx]\ntable: customers\nformat: {sheet: Old}\n"
        "columns: {customer_id: No}\n"
    )
    with xlsxwriter.Workbook(root / "crm.xlsx") as book:
        for name in ("Customers", "Old"):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["No", "Name", "Town"])
            sheet.write_row(1, 0, ["00123", "x", "y"])
    return root


def test_the_mapping_of_the_workspace_is_used_as_for_ingest(run: Run, workspace: Path) -> None:
    file = workspace / "crm.xlsx"
    [found] = json.loads(run("inspect", file, "-C", workspace, "-f", "json").stdout)
    assert (found["sheet"], found["table"], found["proposal"]["mapping"]) == ("Old", "customers", "crm")
    assert "matches customers by the mapping 'crm'" in run("inspect", file, "-C", workspace, "-f", "table").stdout
    [proposed] = json.loads(run("inspect", file, "-f", "json").stdout)
    assert (proposed["sheet"], proposed["proposal"]["mapping"]) == ("Customers", None)


def test_a_proposed_mapping_is_written_although_the_workspace_has_one(run: Run, workspace: Path) -> None:
    path = workspace / "new.yaml"
    orders = workspace / "crm.xlsx"
    assert run("inspect", orders, "-C", workspace, "--column", "customer_id=No", "--save-map", path).exit_code == 0
    assert load_mapping(path).name == "new"


def test_the_time_zone_of_the_workspace_settles_the_days(run: Run, workspace: Path) -> None:
    file = workspace / "orders.csv"
    file.write_text("order id,customer id,created at,net\nA1,C1,2025-01-03 20:00:00 +0700,10.50\n")
    assert "days are in UTC" in run("inspect", file, "-f", "csv").stderr
    assert "days are in UTC" not in run("inspect", file, "-C", workspace, "-f", "csv").stderr


def test_the_sheets_that_were_not_read_are_named_in_every_form(run: Run, workspace: Path) -> None:
    for fmt in ("table", "csv", "json"):
        result = run("inspect", workspace / "crm.xlsx", "-f", fmt)
        assert "'Old'" in result.output + result.stderr
