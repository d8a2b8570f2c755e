"""What an analysis gets to work on, from whatever DATA names."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl
import pytest

from ckm.dataset import open_dataset
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.schema import TABLES
from tests.conftest import Run
from tests.ingest.conftest import desk as desk
from tests.ingest.workspace import Desk

HEADER = "order_id,customer_id,ordered_at,net,currency"
LINES = [f"A{number},c{number % 7},2025-01-{1 + number % 28:02},{number + 1},EUR" for number in range(40)]


def transactions(path: Path, lines: list[str], header: str = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "line",
    [
        "A1,c1,2025-01-05,10.5,EUR",
        "1,1,2025-01-05,10,EUR",
        "A1,c1,2025-01-05T10:00:00Z,-1,USD",
        "A1,,2025-01-05 10:00,0,EUR",
        "A1,c1,25.01.2025,1000,eur",
    ],
)
def test_a_file_of_one_good_row_is_one_row(tmp_path: Path, line: str) -> None:
    rows = open_dataset(transactions(tmp_path / "a.csv", [line])).transactions.collect()
    assert len(rows) == 1
    assert rows.schema == pl.Schema(TABLES["transactions"].dtypes)


def test_a_folder_is_all_its_files_and_a_compressed_one_is_read_too(tmp_path: Path) -> None:
    path = transactions(tmp_path / "in" / "a.csv", LINES[:20])
    second = transactions(tmp_path / "b.csv", LINES[20:])
    (tmp_path / "in" / "b.csv.gz").write_bytes(gzip.compress(second.read_bytes()))
    (tmp_path / "in" / ".DS_Store").write_bytes(b"\0\1")
    dataset = open_dataset(path.parent)
    found = dataset.transactions.collect()
    assert "2 files are read one after the other" in dataset.remarks[-1]
    assert sorted(found["order_id"]) == sorted(line.split(",")[0] for line in LINES)


def test_parquet_gives_the_rows_that_csv_gives(tmp_path: Path) -> None:
    path = transactions(tmp_path / "a.csv", LINES)
    pl.read_csv(path, try_parse_dates=True).write_parquet(tmp_path / "a.parquet")
    first, second = (open_dataset(tmp_path / name).transactions.collect() for name in ("a.csv", "a.parquet"))
    assert first.equals(second)


@pytest.mark.slow
def test_unfit_rows_are_left_out_and_counted_and_too_many_refuse_the_file(tmp_path: Path) -> None:
    found = open_dataset(transactions(tmp_path / "a.csv", [*LINES, "A99,c1,never,1,EUR"]))
    assert found.transactions.collect().height == 40
    assert any("1 of 41 records failed validation and was excluded" in remark for remark in found.remarks)
    with pytest.raises(InputError, match="5 of 45 rows failed validation"):
        open_dataset(transactions(tmp_path / "b.csv", [*LINES, *["A99,c1,never,1,EUR"] * 5]))


@pytest.mark.parametrize(
    ("header", "line", "option"),
    [
        ("Bestellnummer,Order No,ordered_at,net", "A1,c1,2025-04-03,5.5", "--column order_id='Bestellnummer'"),
        ("order_id,customer_id,ordered_at,Umsazt", "A1,c1,2025-04-03,5.5", "--column net='Umsazt'"),
    ],
)
def test_a_hint_names_an_option_that_every_analysis_has(tmp_path: Path, header: str, line: str, option: str) -> None:
    (path := tmp_path / "a.csv").write_text(f"{header}\n{line}\n")
    with pytest.raises(UsageError, match=r"a\.csv: ") as refused:
        open_dataset(path)
    assert option in str(refused.value.hint)


@pytest.mark.slow
def test_a_workspace_is_found_by_name_by_option_and_from_within(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ingest(transactions(desk.root / "a.csv", LINES), "--as", "transactions")
    (desk.root / "out").mkdir(exist_ok=True)
    monkeypatch.chdir(desk.root / "out")
    for found in (open_dataset(desk.root), open_dataset(workspace=desk.root), open_dataset()):
        assert found.transactions.collect().height == 40
        assert found.workspace is not None


def test_a_workspace_without_transactions_says_how_to_load_some(desk: Desk) -> None:
    with pytest.raises(NotEnoughDataError) as refused:
        _ = open_dataset(desk.root).transactions
    assert "ckm ingest" in str(refused.value.hint)


def test_without_data_and_workspace_it_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for where in (None, tmp_path):
        with pytest.raises(UsageError) as refused:
            open_dataset(workspace=where)
        assert "ckm init" in str(refused.value.hint)
    with pytest.raises(UsageError):
        open_dataset(tmp_path / "a.csv", tmp_path)


@pytest.mark.parametrize("name", ["absent.csv", "empty"])
def test_what_is_not_there_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises((UsageError, InputError), match=name):
        open_dataset(tmp_path / name)


@pytest.mark.slow
def test_segment_reads_a_file_a_folder_a_pipe_and_a_workspace_alike(desk: Desk, run: Run) -> None:
    path = transactions(desk.root / "incoming" / "a.csv", LINES)
    desk.ingest(path, "--as", "transactions")
    words = ["segment", "-f", "json"]
    results = [
        run(*words, path),
        run(*words, path.parent),
        run(*words, "-", input=path.read_bytes()),
        run(*words, desk.root),
        run(*words, "-C", desk.root),
    ]
    assert [result.exit_code for result in results] == [0] * 5
    assert len({result.stdout for result in results}) == 1


@pytest.mark.parametrize("command", ["segment", "check"])
def test_a_file_whose_day_and_month_can_be_swapped_is_refused_and_settled_by_the_option_named(
    tmp_path: Path, run: Run, command: str
) -> None:
    lines = [f"A{day},c{day},0{day}/0{day + 1}/2025,{day},EUR" for day in range(1, 8)]
    path = transactions(tmp_path / "a.csv", lines)
    refused = run(command, str(path))
    assert refused.exit_code == 2
    assert "--dates dmy" in refused.stderr
    assert run(command, str(path), "--dates", "dmy").exit_code == 0


def test_a_file_without_order_numbers_has_an_order_for_each_time_stamp_of_a_customer(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    days = [
        f"{who},2024-0{month}-0{day} 1{hour}:00,5"
        for who in "ab"
        for month in (1, 2)
        for day in (1, 2)
        for hour in (0, 0, 1)
    ]
    path.write_text("\n".join(["customer_id,date,amount", *days]), encoding="utf-8")
    result = run("loyalty-report", path, "-f", "json", "--min-group-size", "1", "-v")
    assert result.exit_code == 0, result.output
    found = {each["metric"]: each["value"] for each in json.loads(result.stdout) if not each["slice"]}
    assert (found["orders"], found["purchase_days"]) == (16, 8)
    assert "no order number" in result.stderr
