"""No error, remark or log contains a value of a row, whatever is wrong with a file of any format."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Run, examples
from tests.ingest.workspace import Desk

SECRET = "Zxqvanna"
"""Text in every cell that could identify a person, and in column names."""
WORDS = ["Berlin", "Ulm", "Köln", "Bern", "Graz"]


def _rows(*, numbers: bool) -> list[list[str]]:
    last = [f"{n}.5" if numbers else WORDS[n % 5] for n in range(30)]
    return [[f"{SECRET} {chr(97 + n % 26)}", f"{SECRET} Platz {chr(98 + n % 25)}", last[n]] for n in range(30)]


def _csv(rows: list[list[str]], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)


def _excel(path: Path, rows: list[list[str]]) -> None:
    names = [f"c{n}" for n in range(len(rows[0]))]
    pl.DataFrame(rows, schema=names, orient="row").write_excel(path, include_header=False)


def _html(path: Path, rows: list[list[str]]) -> None:
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    path.write_text(f"<html><table>{cells}</table></html>")


def _xml(path: Path, rows: list[list[str]]) -> None:
    path.write_text(f'<?xml version="1.0"?><Workbook><Data>{rows[0][0]}</Data></Workbook>')


def _parquet(path: Path, rows: list[list[str]]) -> None:
    names = [row[0] for row in rows]
    columns = {"order_id": names, "who": [[name] for name in names], "b": [b"\xff" + name.encode() for name in names]}
    pl.DataFrame(columns).write_parquet(path)


NAMED = ["order_id", "customer_id", "ordered_at", "net"]


def _orders(rows: list[list[str]], *, delimiter: str = ",") -> str:
    """Orders in which every value is invalid, as far as its column has rules."""
    bad = [NAMED, *([row[0], row[1], row[0], row[1]] for row in rows)]
    return _csv(bad, delimiter)


def _json_lines(rows: list[list[str]]) -> str:
    return "".join(json.dumps(dict.fromkeys(NAMED, row[0])) + "\n" for row in rows)


FILES: dict[str, tuple[str, Callable[[Path, list[list[str]]], object]]] = {
    "no header, texts": ("a.csv", lambda path, rows: path.write_text(_csv(rows))),
    "no header, semicolons": ("a.csv", lambda path, rows: path.write_text(_csv(rows, ";"))),
    "no header, one row": ("a.csv", lambda path, rows: path.write_text(_csv(rows[:1]))),
    "no header, gzip": ("a.csv.gz", lambda path, rows: path.write_bytes(gzip.compress(_csv(rows).encode()))),
    "no header, half a gzip": ("a.gz", lambda path, rows: path.write_bytes(gzip.compress(_csv(rows).encode())[:99])),
    "no header, UTF-16": ("a.txt", lambda path, rows: path.write_bytes(_csv(rows, "\t").encode("utf-16"))),
    "no header, damaged letters": ("a.csv", lambda path, rows: path.write_bytes(_csv(rows).encode() + b"\xff\xfe,\n")),
    "no header, workbook": ("a.xlsx", _excel),
    "HTML": ("a.xls", _html),
    "XML": ("a.xls", _xml),
    "every value wrong": ("a.csv", lambda path, rows: path.write_text(_orders(rows))),
    "unclosed quotes": ("a.csv", lambda path, rows: path.write_text(_orders(rows).replace(",", ',"', 9))),
    "broken JSON": ("a.jsonl", lambda path, rows: path.write_text(_json_lines(rows).replace("}", ","))),
    "JSON of wrong values": ("a.json", lambda path, rows: path.write_text(_json_lines(rows))),
    "Parquet without the columns": ("a.parquet", _parquet),
}  # fmt: skip
CALLS = {
    "as transactions": ["--as", "transactions"],
    "as customers": ["--as", "customers"],
    "a column that is none": ["--as", "transactions", "--column", "order_id=Nr", "--column", "net=Betrag"],
    "a near column": ["--as", "customers", "--column", "customer_id=Zxqvann a"],
    "no header": ["--as", "transactions", "--header", "none"],
    "a header further down": ["--as", "transactions", "--header", "2"],
    "a date format": ["--as", "transactions", "--dates", "%Y"],
    "all rejects": ["--as", "transactions", "--max-rejects", "1"],
}


def _seed(desk: Desk, kind: str, *, numbers: bool) -> Path:
    name, write = FILES[kind]
    path = desk.root / "in" / name
    path.parent.mkdir(exist_ok=True)
    write(path, _rows(numbers=numbers))
    return path


def _load(run: Run, desk: Desk, path: Path, call: str, fmt: str) -> None:
    words = ["ingest", path, *CALLS[call], "-v", "-f", fmt, "--dry-run", "-C", desk.root]
    found = run(*words)
    assert found.exit_code in (0, 2, 3), found.output
    assert SECRET not in found.output, (call, fmt)


def _look(run: Run, *words: object) -> None:
    found = run(*words)
    assert found.exit_code in (0, 2, 3, 4), found.output
    # inspect shows column names
    assert SECRET not in (found.stderr if words[0] == "inspect" else found.output), words


@pytest.mark.parametrize("kind", FILES)
def test_no_message_on_a_file_that_cannot_be_loaded_contains_a_value(desk: Desk, run: Run, kind: str) -> None:
    path = _seed(desk, kind, numbers=False)
    _load(run, desk, path, "as transactions", "json")
    _look(run, "segment", path)


PAIRS = [(call, fmt) for call in CALLS for fmt in ("json", "table")]


@pytest.mark.slow
@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize("kind", FILES)
def test_no_message_of_any_command_contains_a_value(desk: Desk, run: Run, kind: str, *, numbers: bool) -> None:
    path = _seed(desk, kind, numbers=numbers)
    first = 2 * list(FILES).index(kind) + numbers
    for step in range(min(examples(2), len(PAIRS))):  # each file gets other calls, and each call some file
        _load(run, desk, path, *PAIRS[(first + 5 * step) % len(PAIRS)])
    looks = (["segment", path, "-f", "json"], ["check", path]), (["inspect", path, "-v"], ["inspect", path, path])
    for words in looks[numbers]:
        _look(run, *words)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["no header, texts", "every value wrong"])
def test_no_message_on_a_file_with_or_without_header_contains_a_value(
    desk: Desk, run: Run, kind: str, call: str
) -> None:
    path = _seed(desk, kind, numbers=False)
    for fmt in ("json", "table"):
        _load(run, desk, path, call, fmt)


MAPPINGS = {
    "a column that is none": "columns: {order_id: Nr, ordered_at: ordered_at, net: net}",
    "a near column": "columns: {order_id: order_i, ordered_at: ordered_at, net: net}",
    "an expression that fails on values": (
        "columns: {order_id: order_id, ordered_at: ordered_at, "
        "net: {expr: \"CAST(STRPTIME(customer_id, '%Y-%m-%d %q') AS TEXT)\"}}"
    ),
    "a pattern from a column": "columns: {order_id: order_id, ordered_at: ordered_at, net: net, "
    'channel: {expr: "REGEXP_REPLACE(order_id, customer_id, order_id)"}}',
    "an unknown name": 'columns: {order_id: order_id, ordered_at: ordered_at, net: {expr: "Betrag"}}',
    "a rule": 'columns: {order_id: order_id, ordered_at: ordered_at, net: net}\nrules: [{name: r, expr: "net > 5"}]',
    "translated": "columns: {order_id: order_id, ordered_at: ordered_at, net: net}\ntranslate: {net: {x: y}}",
    "dropped": "columns: {order_id: order_id, ordered_at: ordered_at, net: net}\ndrop: [Notiz]",
    "a wrong key": "columns: {order_id: order_id, ordered_at: ordered_at, net: net}\nkey: [order_i]",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MAPPINGS)
def test_no_message_on_a_failing_mapping_contains_a_value(desk: Desk, run: Run, kind: str) -> None:
    rows = _rows(numbers=True)
    desk.write("a.csv", _orders(rows))
    desk.write("b.csv", _csv([NAMED, *([row[0] + "(", row[1] + "[", "2025-01-05", row[2]] for row in rows)]))
    desk.mapping("m", f"table: transactions\nfiles: ['*.csv']\n{MAPPINGS[kind]}\n")
    for fmt in ("json", "table"):
        found = run("ingest", "-v", "-f", fmt, "-C", desk.root, "--max-rejects", "100%")
        assert found.exit_code in (0, 2, 3), found.output
        assert SECRET not in found.output


@pytest.mark.slow
def test_no_message_on_conflicting_rows_contains_a_value(desk: Desk, run: Run) -> None:
    header = "order_id,line_no,customer_id,ordered_at,net,currency"
    rows = [f"{SECRET}{n},1,{SECRET}{n % 5},2025-01-{n + 1:02},{n}.5,EUR" for n in range(20)]
    desk.orders("a.csv", *rows, header=header)
    desk.orders("b.csv", *(row.replace(".5,", ".75,") for row in rows), header=header)
    desk.call(desk.root / "a.csv", "--as", "transactions")
    for option in ("error", "keep", "replace"):
        found = desk.call(desk.root / "b.csv", "--as", "transactions", "--on-conflict", option, "-v")
        assert SECRET not in found.output
    for words in (
        ["check", desk.root],
        ["ingest", "--undo", "nothing", "-C", desk.root],
        ["ingest", "--history", "-C", desk.root],
    ):
        assert SECRET not in run(*words).output


def test_no_message_on_a_typed_column_contains_a_value(desk: Desk, run: Run) -> None:
    frame = pl.DataFrame({"order_id": [SECRET] * 3, "ordered_at": [datetime(1, 1, 1)] * 3, "net": [SECRET] * 3})
    frame.write_parquet(desk.root / "a.parquet")
    for words in (
        ["ingest", desk.root / "a.parquet", "--as", "transactions", "-C", desk.root, "-v"],
        ["segment", desk.root / "a.parquet"],
    ):
        assert SECRET not in run(*words).output
