"""``ckm ingest`` as a shell runs it: what it takes, what it says, how it ends."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import ROOT
from tests.ingest.conftest import desk as desk
from tests.ingest.workspace import HEADER, Desk, counts

ONE, TWO = "A1,1,c1,2025-01-05,10.5,EUR", "A2,1,c2,2025-01-06,20,EUR"
COLUMNS = "columns: {order_id: order_id, line_no: line_no, customer_id: customer_id, ordered_at: ordered_at, "
COLUMNS += "net: net, currency: currency}\n"
SECRET = "geheim4711"


# What it takes


@pytest.mark.slow
def test_without_arguments_every_mapping_loads_its_files(desk: Desk) -> None:
    for name, line in (("web", ONE), ("till", TWO)):
        desk.orders(f"incoming/{name}-1.csv", line)
        desk.mapping(name, f"table: transactions\nfiles: ['incoming/{name}-*.csv']\n{COLUMNS}")
    results = desk.ingest()
    assert [(result["file"], counts(result)) for result in results] == [
        ("incoming/till-1.csv", (1, 0, 0, 0, 0)),
        ("incoming/web-1.csv", (1, 0, 0, 0, 0)),
    ]
    assert [result["status"] for result in desk.ingest()] == ["unchanged", "unchanged"]


def test_without_a_mapping_and_without_arguments_it_says_how_to_begin(desk: Desk) -> None:
    found = desk.call()
    assert (found.exit_code, found.stdout) == (2, "")
    assert "--as transactions" in found.stderr


@pytest.mark.slow
def test_matched_columns_are_printed_with_verbose(desk: Desk) -> None:
    path = desk.orders("a.csv", "1,x,2025-01-05,5,EUR", header="Bestellnummer,客户编号,Datum,Umsatz,Währung")
    found = desk.call(path, "--as", "transactions", "-v")
    assert found.exit_code == 0
    for match in ("order_id = Bestellnummer", "customer_id = 客户编号", "ordered_at = Datum", "net = Umsatz"):
        assert match in found.stderr


def test_net_is_computed_from_quantity_and_unit_price(desk: Desk) -> None:
    path = desk.orders(
        "a.csv", "1,x,2025-01-05,3,2.5,EUR", header="order_id,customer_id,date,quantity,unit_price,currency"
    )
    desk.ingest(path, "--as", "transactions")
    assert desk.table()["net"].to_list() == [7.5]


def test_a_missing_required_column_names_the_closest(desk: Desk) -> None:
    found = desk.call(desk.orders("a.csv", "1,2025-01-05,5", header="order_id,ordered_at,netx"), "--as", "transactions")
    assert found.exit_code == 2
    assert "no column for net" in found.stderr
    assert "netx" in found.stderr


def test_an_ambiguous_column_is_refused_until_an_option_settles_it(desk: Desk) -> None:
    header = "Order No,Order Number,customer_id,ordered_at,net,currency"
    path = desk.orders("a.csv", "1,2,c,2025-01-05,5,EUR", header=header)
    found = desk.call(path, "--as", "transactions")
    assert found.exit_code == 2
    assert "'Order No'" in found.stderr
    assert "'Order Number'" in found.stderr
    desk.ingest(path, "--as", "transactions", "--column", "order_id=Order No")
    assert desk.ids() == ["1"]


@pytest.mark.slow
def test_dates_that_allow_two_readings_are_refused_until_an_option_settles_them(desk: Desk) -> None:
    path = desk.orders("a.csv", "A1,1,c1,03/04/2025,1,EUR", "A2,1,c1,05/06/2025,1,EUR")
    found = desk.call(path, "--as", "transactions")
    assert found.exit_code == 2
    assert "--dates" in found.stderr
    desk.ingest(path, "--as", "transactions", "--dates", "dmy")
    assert sorted(day.month for day in desk.table()["ordered_at"]) == [4, 6]


@pytest.mark.slow
def test_one_row_that_settles_the_order_of_day_and_month_settles_it_for_all(desk: Desk) -> None:
    path = desk.orders("a.csv", "A1,1,c1,03/04/2025,1,EUR", "A2,1,c1,25/06/2025,1,EUR")
    result = desk.one(path, "--as", "transactions")
    assert "d" in result["date_format"].split("/")[0]
    assert sorted(day.month for day in desk.table()["ordered_at"]) == [4, 6]


@pytest.mark.slow
def test_a_decimal_mark_that_allows_two_readings_is_refused_until_an_option_settles_it(desk: Desk) -> None:
    path = desk.orders("a.csv", "A1;1;c1;2025-01-05;1,234;EUR", header=HEADER.replace(",", ";"))
    found = desk.call(path, "--as", "transactions")
    assert found.exit_code == 2
    assert "--decimal" in found.stderr
    assert desk.one(path, "--as", "transactions", "--decimal", ",")["decimal"] == ","
    assert desk.table()["net"].to_list() == [1.234]


@pytest.mark.slow
def test_standard_input_is_a_file_named_stdin(desk: Desk) -> None:
    content = desk.orders("a.csv", ONE, TWO).read_bytes()
    result = desk.one("-", "--as", "transactions", stdin=content)
    assert (result["file"], counts(result)) == ("stdin", (2, 0, 0, 0, 0))
    assert desk.one(desk.root / "a.csv", "--as", "transactions")["status"] == "unchanged"
    assert desk.table()["source_file"].unique().to_list() == ["stdin"]
    desk.call("--undo", "stdin")
    assert desk.ids() == []


@pytest.mark.slow
def test_a_pipe_into_the_real_program_loads(desk: Desk) -> None:
    content = desk.orders("a.csv", ONE, TWO).read_bytes()
    words = [sys.executable, "-m", "ckm", "ingest", "-", "--as", "transactions", "-C", str(desk.root), "-f", "ndjson"]
    found = subprocess.run(words, input=content, capture_output=True, check=True, env={"PYTHONPATH": str(ROOT)})
    assert json.loads(found.stdout)["accepted"] == 2


@pytest.mark.slow
def test_a_folder_is_all_its_files(desk: Desk) -> None:
    desk.orders("exports/1.csv", ONE)
    desk.orders("exports/2.csv", TWO)
    desk.write("exports/.hidden", "x")
    results = desk.ingest(desk.root / "exports", "--as", "transactions")
    assert [result["file"] for result in results] == ["exports/1.csv", "exports/2.csv"]


@pytest.mark.slow
def test_a_saved_mapping_loads_the_file_by_itself_and_doubles_nothing(desk: Desk) -> None:
    path = desk.orders("incoming/web.csv", ONE, "A2,,c2,2025-01-06,20,EUR", "A2,,c2,2025-01-06,20,EUR")
    desk.ingest(path, "--as", "transactions", "--save-map", desk.root / "maps/web.yaml")
    result = desk.one()
    assert counts(result) == (0, 0, 3, 0, 0)
    assert desk.ids() == ["A1", "A2", "A2"]
    assert desk.one()["status"] == "unchanged"


# What it says


@pytest.mark.slow
def test_a_dry_run_says_the_same_and_leaves_the_folder_as_it_was(desk: Desk) -> None:
    first = desk.orders("1.csv", ONE, TWO, "A3,1,c,never,1,EUR")
    second = desk.orders("2.csv", TWO, "A1,1,c1,2025-01-05,11,EUR", "A4,1,c4,2025-01-09,1,EUR")
    words = (first, second, "--as", "transactions", "--max-rejects", "50%")
    for _ in range(2):  # without a store, and with one
        before = desk.snapshot()
        rehearsed = desk.ingest(*words, "--dry-run")
        assert desk.snapshot() == before
        assert rehearsed == desk.ingest(*words)


def test_a_dry_run_writes_no_mapping(desk: Desk) -> None:
    before = desk.snapshot() | {str(path := desk.root / "a.csv"): desk.orders("a.csv", ONE).read_bytes()}
    desk.ingest(path, "--as", "transactions", "--save-map", desk.root / "maps/a.yaml", "--dry-run")
    assert desk.snapshot() == before


@pytest.mark.slow
def test_the_history_lists_loads_and_what_was_taken_back(desk: Desk) -> None:
    assert desk.ask("--history") == []
    desk.ingest(desk.orders("a.csv", ONE), "--as", "transactions")
    load_id = desk.one(desk.orders("b.csv", TWO), "--as", "transactions")["load_id"]
    [taken] = desk.ask("--undo", load_id)
    assert (taken["load_id"], taken["file"], taken["removed"], taken["load_again"]) == (load_id, "b.csv", 1, [])
    told = [(load["kind"], load["file"], load["rows"], load["undone"]) for load in desk.ask("--history")]
    assert told == [("load", "a.csv", 1, False), ("load", "b.csv", 1, True), ("undo", "b.csv", 0, False)]
    assert desk.ids() == ["A1"]
    screen = desk.call("--history", "-f", "table").stdout.splitlines()
    assert screen[0].split() == [
        "load_id", "loaded_at", "kind", "table", "file", "rows", "accepted", "quarantined", "undone",
    ]  # fmt: skip
    assert max(map(len, screen)) < 120


@pytest.mark.slow
def test_a_dry_run_of_an_undo_takes_nothing_back(desk: Desk) -> None:
    desk.ingest(desk.orders("a.csv", ONE), "--as", "transactions")
    before = desk.snapshot()
    [taken] = desk.ask("--undo", "a.csv", "--dry-run")
    assert taken["removed"] == 1
    assert desk.snapshot() == before


@pytest.mark.slow
def test_undo_by_name_names_the_overlapping_files_to_load_again(desk: Desk) -> None:
    jan = desk.orders("jan.csv", ONE, TWO)
    feb = desk.orders("feb.csv", TWO, "A3,1,c3,2025-02-01,3,EUR")
    desk.ingest(jan, feb, "--as", "transactions")
    found = desk.call("--undo", "jan.csv")
    assert "feb.csv" in found.stderr
    assert desk.ids() == ["A3"]
    assert counts(desk.one(feb, "--as", "transactions")) == (1, 0, 1, 0, 0)
    assert desk.ids() == ["A2", "A3"]


@pytest.mark.parametrize("what", ["no-such-file.csv", "a.cvs"])
def test_undo_of_what_was_never_loaded_is_refused_with_a_near_miss(desk: Desk, what: str) -> None:
    desk.ingest(desk.orders("a.csv", ONE), "--as", "transactions")
    found = desk.call("--undo", what)
    assert found.exit_code == 2
    assert "a.csv" in found.stderr
    assert desk.ids() == ["A1"]


@pytest.mark.parametrize(("fmt", "empty"), [("json", "[]\n"), ("ndjson", "")])
def test_machine_formats_hold_data_only_even_when_there_is_none(desk: Desk, fmt: str, empty: str) -> None:
    for words in (["--requarantine"], ["--history"]):
        found = desk.call(*words, "-f", fmt)
        assert (found.exit_code, found.stdout.replace("\n]", "]")) == (0, empty)
    found = desk.call("--history", "-f", "csv")
    assert found.stdout.startswith("load_id,loaded_at,table,")
    found = desk.call(desk.orders("a.csv", ONE), "--as", "transactions", "-f", "csv")
    assert [line.split(",")[0] for line in found.stdout.splitlines()] == ["file", "a.csv"]


# How it ends


@pytest.mark.slow
def test_a_file_that_fails_does_not_keep_the_others_from_loading(desk: Desk) -> None:
    good, bad = desk.orders("a.csv", ONE), desk.orders("b.csv", "A1,1,c,never,1,EUR")
    absent = desk.root / "c.csv"
    found = desk.call(bad, absent, good, "--as", "transactions", "-f", "json")
    assert found.exit_code == 3
    assert [result["status"] for result in json.loads(found.stdout)] == ["failed", "failed", "loaded"]
    errors = [json.loads(line)["error"]["code"] for line in found.stderr.splitlines() if line.startswith("{")]
    assert errors == ["too-many-rejects", "usage"]
    assert desk.ids() == ["A1"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.csv", "--as", "transactions"], "file not found"),
        (["--as", "transactions"], "SOURCE"),
        (["a.csv"], "no mapping"),
        (["a.csv", "--as", "transaction"], "did you mean 'transactions'"),
        (["a.csv", "--as", "transactions", "--map", "m.yaml"], "contradict"),
        (["a.csv", "--as", "transactions", "--column", "net"], "TARGET=SOURCE"),
        (["a.csv", "--as", "transactions", "--max-rejects", "lots"], "lots"),
        (["a.csv", "--map", "nowhere.yaml"], "nowhere.yaml"),
        (["http://example.com/a.csv", "--as", "transactions"], "is a URL"),
        (["a.csv", "--as", "transactions", "--encoding", "utf-99"], "utf-99"),
        (["empty", "--as", "transactions"], "no file"),
        (["a.csv", "--undo", "a.csv"], "contradict"),
        (["--history", "--requarantine"], "contradict"),
        (["--undo", ""], "--undo"),
    ],
)
def test_wrong_usage_is_exit_2_with_what_is_wrong(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    desk.orders("a.csv", ONE)
    (desk.root / "empty").mkdir()
    monkeypatch.chdir(desk.root)
    found = desk.call(*words)
    assert found.exit_code == 2
    assert told in found.stderr


def test_a_mistake_in_a_mapping_names_file_and_line(desk: Desk) -> None:
    path = desk.mapping("web", f"table: transactions\nfile: [a.csv]\n{COLUMNS}")
    found = desk.call()
    assert found.exit_code == 2
    assert f"{path}:4" in found.stderr
    assert "did you mean 'files'" in found.stderr


def test_outside_a_workspace_it_says_how_to_make_one(desk: Desk, tmp_path: Path) -> None:
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    found = Desk(empty).call(desk.orders("a.csv", ONE), "--as", "transactions")
    assert found.exit_code == 2
    assert "ckm init" in found.stderr


def broken_files(desk: Desk) -> list[Path]:
    """Files that fail or lose rows, with the same secret in every cell that could be quoted."""
    s = SECRET
    database = desk.root / "a.sqlite"
    sqlite3.connect(database).execute(f"create table t ('{s}' text)").connection.close()
    frame = pl.DataFrame({"order_id": [s], "ordered_at": [[s]], "net": [{"a": s}], "currency": [s]})
    frame.write_parquet(desk.root / "nested.parquet")
    return [
        desk.orders("dates.csv", f"{s},{s},{s},{s},{s},{s}", f"{s},{s},{s},03/04/2025,1,EUR"),
        desk.orders("ragged.csv", f"{s},1,{s},2025-01-05,1,EUR,{s}", f'"{s}', s),
        desk.orders("ambiguous.csv", f"{s},1,{s},03/04/2025,1,EUR"),
        desk.orders("conflict.csv", f"A1,1,{s},2025-01-05,99,EUR"),
        desk.write("half.jsonl", f'{{"order_id": "{s}", "ordered_at": "{s}", "net": 1, "currency": "{s}"}}\n{{"{s}'),
        desk.write("array.json", f'[{{"order_id": "{s}"}}, "{s}", {{'),
        desk.root / "nested.parquet",
        database,
        desk.write("odd.xlsx", b"PK\x03\x04" + s.encode()),
    ]


@pytest.mark.slow
def test_no_value_of_a_row_is_ever_said(desk: Desk) -> None:
    desk.ingest(desk.orders("a.csv", ONE), "--as", "transactions")
    for path in broken_files(desk):
        for share, fmt in (("0%", "json"), ("100%", "csv")):
            words = (path, "--as", "transactions", "--on-conflict", "error", "--max-rejects", share, "-v", "-f", fmt)
            found = desk.call(*words, "--dry-run")
            assert SECRET not in found.stdout + found.stderr, path.name
