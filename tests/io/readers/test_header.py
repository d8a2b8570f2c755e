"""A header that does not fit the records is read if that is unambiguous, else refused with the option to set."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ckm.io.readers.read import open_source
from tests.conftest import Run

NAMES = "order_id,customer_id,date,net"
ROWS = [f"A{number},C{number % 3},2025-03-{number:02},{number}.5" for number in range(4, 9)]


def columns(path: Path, *lines: str) -> tuple[tuple[str, ...], str, int]:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with open_source(path) as source:
        rows = sum(batch.records.height for batch in source.batches())
        return source.format.columns, "\n".join(text for _, text in source.problems), rows


@pytest.mark.parametrize("quoted", [False, True])
def test_row_names_of_r_are_an_unnamed_column(tmp_path: Path, quoted: bool) -> None:
    header = ",".join(f'"{name}"' for name in NAMES.split(",")) if quoted else NAMES
    lines = [f'"{at}",{row}' if quoted else f"{at},{row}" for at, row in enumerate(ROWS, start=1)]
    names, said, rows = columns(tmp_path / "a.csv", header, *lines)
    assert names == ("column_1", *NAMES.split(","))
    assert "counts the rows" in said
    assert rows == len(ROWS)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_repeated_header_is_not_a_record_in_a_file_of_any_size(tmp_path: Path, rows: int) -> None:
    names, _, read = columns(tmp_path / "a.csv", NAMES, *ROWS[:rows], NAMES, *ROWS[rows : 2 * rows])
    assert names == tuple(NAMES.split(","))
    assert read == len(ROWS[: 2 * rows])


@pytest.mark.parametrize(
    ("header", "row"),
    [(NAMES, "A{0},C{0},2025-03-1{0},{0}.5,web"), (f"{NAMES},channel,shop", "A{0},C{0},2025-03-1{0},{0}.5,web")],
    ids=["one name too few", "one name too many"],
)
def test_a_header_of_another_length_names_the_option(run: Run, tmp_path: Path, header: str, row: str) -> None:
    (path := tmp_path / "a.csv").write_text("\n".join([header, *map(row.format, range(9))]) + "\n")
    refused = run("check", path)
    assert refused.exit_code == 2
    assert "no header found for the 5 columns" in refused.stderr
    followed = run("check", path, "--header", "1", "--columns", f"{NAMES},channel", "-f", "json")
    assert followed.exit_code == 0, followed.stderr
    assert "9 transactions" in followed.stderr


def test_weeks_are_read_as_mondays_unless_a_day_is_given(run: Run, tmp_path: Path) -> None:
    weeks = ["2025-W01", "2025W10", "2025-W10-3", "2020-W53"]
    (path := tmp_path / "a.csv").write_text(
        "\n".join(["order_id,customer_id,week,net", *(f"A{at},C{at},{week},5" for at, week in enumerate(weeks))])
    )
    result = run("init", "-q", tmp_path / "shop")
    result = run("ingest", path, "-C", tmp_path / "shop", "--as", "transactions", "--column", "ordered_at=week", "-v")
    assert result.exit_code == 0, result.stderr
    assert "weeks are read as the date of their Monday" in result.stderr
    stored = pl.read_delta(str(tmp_path / "shop" / "store" / "transactions")).sort("order_id")
    days = stored["ordered_at"].dt.date().cast(pl.String).to_list()
    assert days == ["2024-12-30", "2025-03-03", "2025-03-05", "2020-12-28"]
