"""The function ``ckm.ingest.ingest`` does what the command does: the same results, remarks and errors."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime
from pathlib import Path

import pytest

from ckm.errors import UsageError
from ckm.ingest import IngestOptions, ingest
from ckm.ingest.results import Status
from ckm.workspace import lay_out
from tests.ingest.workspace import HEADER, Desk

TRANSACTIONS = IngestOptions(table="transactions")
GOOD = "A,1,c1,2024-03-01,5.00,EUR"
BAD = "B,1,c2,someday,5.00,EUR"
MAPPING = """\
table: transactions
files: [orders.csv]
columns: {order_id: order_id, line_no: line_no, customer_id: customer_id, ordered_at: %s, net: net, currency: currency}
"""


def test_function_and_command_give_the_same_table_and_remarks(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    lay_out(other.root)
    lines = [GOOD, *(f"A{n},1,c1,2024-03-01,5.00,EUR" for n in range(30)), BAD]
    said = desk.one(desk.orders("orders.csv", *lines), "--as", "transactions")
    result = ingest(other.root, other.orders("orders.csv", *lines), options=TRANSACTIONS)
    assert json.loads(result.frame.write_json()) == [said]


def test_a_dry_run_counts_rows_and_writes_nothing(desk: Desk) -> None:
    path = desk.orders("orders.csv", GOOD)
    before = desk.snapshot()
    result = ingest(desk.root, path, options=TRANSACTIONS, dry_run=True, save_map=desk.root / "maps" / "m.yaml")
    assert (result.files[0].accepted, result.notes) == (1, ("dry run: nothing was written",))
    assert desk.snapshot() == before


def test_a_saved_mapping_loads_the_file_later(desk: Desk) -> None:
    path = desk.orders("orders.csv", GOOD)
    ingest(desk.root, path, options=TRANSACTIONS, save_map=desk.root / "maps" / "m.yaml")
    assert [each.file for each in ingest(desk.root).files] == ["orders.csv"]


def test_quarantined_rows_are_loaded_again_after_the_mapping_is_fixed(desk: Desk) -> None:
    header = HEADER.replace("ordered_at", "ordered_at,placed")
    desk.orders("orders.csv", "A,1,c1,someday,2024-03-01,5.00,EUR", header=header)
    desk.mapping("m", MAPPING % "ordered_at")
    result = ingest(desk.root, max_rejects=1.0)
    assert (result.files[0].quarantined, desk.ids()) == (1, [])
    desk.mapping("m", MAPPING % "placed")
    again = ingest(desk.root, requarantine=True)
    assert ([each.accepted for each in again.files], again.notes, desk.ids()) == ([1], (), ["A"])
    assert ingest(desk.root, requarantine=True).notes == ("the quarantine is empty",)


def test_without_files_the_mappings_name_them(desk: Desk) -> None:
    desk.mapping("m", MAPPING % "ordered_at")
    assert ingest(desk.root).notes == ("no file matches a mapping in maps/",)
    desk.orders("orders.csv", GOOD)
    assert [each.status for each in ingest(desk.root).files] == [Status.loaded]


def test_progress_names_each_file_when_it_begins_and_after_each_batch(desk: Desk) -> None:
    paths = [desk.orders(f"{name}.csv", GOOD.replace("A", name)) for name in "xy"]
    told: list[tuple[str, float]] = []
    ingest(desk.root, *paths, options=TRANSACTIONS, progress=lambda label, share: told.append((label, share)))
    assert [(label, share > 0) for label, share in told] == [
        ("x.csv", False), ("x.csv", True), ("y.csv", False), ("y.csv", True),
    ]  # fmt: skip


def test_a_conflict_is_refused_or_settled_as_asked(desk: Desk) -> None:
    first, second = (desk.orders(f"{net}.csv", f"A,1,c1,2024-03-01,{net}.00,EUR") for net in (5, 7))
    ingest(desk.root, first, options=TRANSACTIONS)
    refused = ingest(desk.root, second, options=TRANSACTIONS, on_conflict="error")
    assert [each.error.code for each in refused.failed if each.error] == ["conflict"]
    ingest(desk.root, second, options=TRANSACTIONS, on_conflict="keep")
    assert desk.table()["net"].to_list() == [5.0]


def test_an_export_time_makes_a_file_older(desk: Desk) -> None:
    new, old = (desk.orders(f"{net}.csv", f"A,1,c1,2024-03-01,{net}.00,EUR") for net in (7, 5))
    ingest(desk.root, new, options=TRANSACTIONS, exported=datetime(2024, 3, 9))  # local time
    ingest(desk.root, old, options=TRANSACTIONS, exported=datetime(2024, 3, 8))
    assert desk.table()["net"].to_list() == [7.0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"requarantine": True}, "contradict"),
        ({"options": IngestOptions(table="orders")}, "table"),
        ({"options": dataclasses.replace(TRANSACTIONS, map_file=Path("m.yaml"))}, "contradict"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(desk: Desk, words: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ingest(desk.root, desk.orders("orders.csv", GOOD), **words)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="need a SOURCE"):
        ingest(desk.root, options=TRANSACTIONS)
