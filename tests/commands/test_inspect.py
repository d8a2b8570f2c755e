"""``ckm inspect``: what it recognised, in every form, and the mapping to change."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from ckm.io.mapping.mapping import load_mapping
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
