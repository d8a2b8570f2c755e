"""One odd file never stops the others: each has its result row, and a failed one its reason."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ckm.bugreport import bug_report
from ckm.ingest import load
from tests.conftest import ROOT, Run
from tests.ingest.workspace import Desk

GOOD = "A1,1,c1,2025-01-05,10.50,EUR"


def _loop(path: Path) -> None:
    path.symlink_to(path.name)


def _unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    path.write_text("x")
    path.chmod(0)


ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "a link to itself": (_loop, "circular link"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "a link to a missing file"),
    "a pipe": (os.mkfifo, "not a regular file"),
    "an unreadable file": (_unreadable, "Permission denied"),
    "half a gzip": (lambda path: path.write_bytes(gzip.compress(b"order_id,net\n" * 9999)[:50]), "gzip is damaged"),
    "half a zip": (lambda path: path.write_bytes(_zipped()[:60]), "damaged"),
    "half a Parquet file": (lambda path: path.write_bytes(b"PAR1" + bytes(99)), "Parquet file is damaged"),
    "half a workbook": (lambda path: path.write_bytes(b"\xd0\xcf\x11\xe0" + bytes(99)), "Excel file is damaged"),
    "other columns": (lambda path: path.write_text("a,b\n1,2\n"), "no column for order_id"),
    "nothing": (lambda path: path.write_bytes(b""), "no column for order_id"),
    "bytes": (lambda path: path.write_bytes(bytes(range(256)) * 9), "not a text file"),
}


def _zipped() -> bytes:
    import io

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", "order_id,net\n" * 99)
    return packed.getvalue()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ODD)
def test_an_odd_file_in_a_folder_fails_alone_and_says_why(desk: Desk, kind: str) -> None:
    make, reason = ODD[kind]
    desk.orders("exports/1.csv", GOOD)
    make(desk.root / "exports" / "2.csv")
    desk.orders("exports/3.csv", GOOD.replace("A1", "A3"))
    results = desk.ingest(desk.root / "exports", "--as", "transactions", code=3)
    assert [result["status"] for result in results] == ["loaded", "failed", "loaded"]
    assert re.search(reason, results[1]["error"])
    assert desk.ids() == ["A1", "A3"]


@pytest.mark.parametrize("kind", ["a link to itself", "a link to nothing", "a pipe"])
def test_an_odd_file_that_a_mapping_names_has_its_result_row(desk: Desk, kind: str) -> None:
    desk.orders("exports/1.csv", GOOD)
    ODD[kind][0](desk.root / "exports" / "2.csv")
    columns = "{order_id: order_id, ordered_at: ordered_at, net: net}"
    desk.mapping("m", f"table: transactions\nfiles: ['exports/*.csv']\ncolumns: {columns}\n")
    assert [result["status"] for result in desk.ingest(code=3)] == ["loaded", "failed"]
    named = [desk.root / "exports/1.csv", desk.root / "exports/2.csv"]
    assert [result["status"] for result in desk.ingest(*named, code=3)] == ["unchanged", "failed"]


def test_a_file_that_no_mapping_names_and_an_empty_folder_do_not_stop_the_others(desk: Desk) -> None:
    desk.orders("in/1.csv", GOOD)
    desk.mapping(
        "m", "table: transactions\nfiles: ['in/*.csv']\ncolumns: {order_id: order_id, ordered_at: ordered_at, net: net}"
    )
    (desk.root / "empty").mkdir()
    stray = desk.orders("stray.csv", GOOD)
    results = desk.ingest(stray, desk.root / "in/1.csv", desk.root / "gone.csv", desk.root / "empty", code=3)
    assert [result["status"] for result in results] == ["failed", "loaded", "failed", "failed"]
    refused = re.compile("no mapping in|file not found|no file")
    assert [bool(refused.search(result["error"] or "-")) for result in results] == [True, False, True, True]


@pytest.mark.slow
def test_files_skipped_in_a_folder_are_reported(desk: Desk, run: Run) -> None:
    desk.orders("exports/1.csv", *(GOOD.replace("A1", f"A{n}").replace("c1", f"c{n}") for n in range(9)))
    desk.write("exports/_SUCCESS", "")
    desk.orders("exports/x.csv/2.csv", GOOD)
    found = desk.call(desk.root / "exports", "--as", "transactions", "-v")
    assert found.exit_code == 0
    analysed = run("segment", desk.root / "exports", "-v")
    for said in (found.stderr, analysed.stderr):
        assert "start with _: _SUCCESS" in said
        assert "sub-folders are not read: x.csv" in said


@pytest.mark.slow
def test_a_bug_with_one_file_does_not_stop_the_others(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, secret = load.FileLoad.run, "anna@example.org"

    def failing(self: load.FileLoad, *args: Any) -> Any:
        if self.label == "2.csv":
            raise KeyError(secret)
        return whole(self, *args)

    monkeypatch.setattr(load.FileLoad, "run", failing)
    for name in ("1", "2", "3"):
        desk.orders(f"{name}.csv", GOOD.replace("A1", f"A{name}"))
    words = ["ingest", *(desk.root / f"{name}.csv" for name in "123"), "--as", "transactions", "-C", desk.root]
    from typer.testing import CliRunner

    from ckm.cli import app

    found = CliRunner().invoke(app, [*map(str, words), "-f", "json"])
    assert found.exit_code == 70
    assert [result["status"] for result in json.loads(found.stdout)] == ["loaded", "failed", "loaded"]
    assert "KeyError" in found.stderr
    assert "anna" not in found.output


@pytest.mark.parametrize(
    ("others", "options", "code"),
    [
        ({"a,b\n1,2\n"}, [], 2),
        ({"a,b\n1,2\n", "x" * 9 + "\n"}, [], 2),
        ({"a,b\n1,2\n", f"order_id,ordered_at,net\n{GOOD}\nA1,2025-01-01,x\n"}, [], 3),
    ],
    ids=["alone", "all alike", "two kinds"],
)
def test_files_that_all_fail_give_the_highest_of_their_codes(
    desk: Desk, others: set[str], options: list[str], code: int
) -> None:
    for name, text in enumerate(sorted(others)):
        desk.write(f"in/{name}.csv", text)
    desk.ingest(desk.root / "in", "--as", "transactions", *options, code=code)


@pytest.mark.slow
def test_inspect_has_the_same_order_of_exit_codes(desk: Desk, run: Run) -> None:
    good, gone = desk.orders("1.csv", GOOD), desk.root / "gone.csv"
    assert run("inspect", good, gone).exit_code == 3
    assert run("inspect", gone).exit_code == 2
    assert run("inspect", gone, desk.write("b.csv", bytes(99))).exit_code == 3


def test_an_invalid_file_pattern_is_refused(desk: Desk) -> None:
    desk.mapping("m", "table: transactions\nfiles: ['**a']\ncolumns: {order_id: a}\n")
    found = desk.call()
    assert found.exit_code == 2
    assert "invalid pattern '**a'" in found.stderr


def test_a_bug_report_names_the_place_and_contains_no_value() -> None:
    secret = "anna@example.org"
    try:
        try:
            int(secret)
        except ValueError as error:
            raise KeyError(secret) from error
    except KeyError as error:
        told = bug_report(error)
    assert secret not in told
    assert "test_odd_files.py" in told
    assert "ValueError: invalid literal for int() with base …: …" in told
    assert "KeyError: …" in told


EMOJI = {
    "A1": '{"order_id":"A1","customer_id":"c\\ud83d","ordered_at":"2025-01-05","net":1.5}',
    "A2": '{"order_id":"A2","customer_id":"c\\ud83d\\ude00","ordered_at":"2025-01-05","net":2.5,"'
    'x\\udc00":{"y":"\\udc00"}}',
}


@pytest.mark.slow
def test_an_unpaired_surrogate_affects_only_its_own_value(desk: Desk) -> None:
    array = f"[{','.join(EMOJI.values())}]".replace('"A', '"B')
    for name, text in (("a.jsonl", "\n".join(EMOJI.values())), ("b.json", array)):
        assert desk.one(desk.write(name, text), "--as", "transactions")["accepted"] == 2
    assert sorted(desk.table()["customer_id"].unique()) == ["c\ufffd", "c😀"]


MAPPING = "table: transactions\nfiles: [a.csv]\ncolumns:\n  order_id: order_id\n  ordered_at: ordered_at\n"
CONSTANTS = ["'web'", "1", "NULL", "UPPER('web')", "'a' || 'b'", "1/0", "INTERVAL '1d'", "DATE '2025-01-02'"]


@pytest.mark.slow
@pytest.mark.parametrize("expression", CONSTANTS)
def test_a_constant_expression_fills_every_row(desk: Desk, expression: str) -> None:
    desk.orders("a.csv", GOOD, GOOD.replace("A1", "A2"))
    rules = "rules: [{name: always, expr: 'TRUE'}]\n"
    desk.mapping("m", f'{MAPPING}  net: net\n  channel: {{expr: "{expression}"}}\n{rules}')
    assert desk.one()["accepted"] == 2
    assert desk.table()["channel"].n_unique() == 1


def test_a_mapping_of_constants_and_expressions_alone_loads(desk: Desk) -> None:
    desk.orders("a.csv", GOOD)
    columns = (
        "{order_id: {expr: \"'X'\"}, ordered_at: {value: 2025-01-05}, net: {expr: '1'}, currency: {value: EUR}, "
        "type: {expr: \"'sale'\"}}"
    )
    desk.mapping("m", f"table: transactions\nfiles: [a.csv]\ncolumns: {columns}\n")
    assert desk.one()["accepted"] == 1


PATTERNS = ["customer_id ~ '('", "REGEXP_LIKE(customer_id, '[')", "NOT REGEXP_LIKE(customer_id, '*', 'i')"]


@pytest.mark.parametrize("expression", PATTERNS)
@pytest.mark.parametrize("place", ["columns", "rules"])
def test_an_invalid_regular_expression_is_refused_with_its_line(desk: Desk, expression: str, place: str) -> None:
    desk.orders("a.csv", GOOD)
    entry = {
        "columns": f'  channel: {{expr: "{expression}"}}\n',
        "rules": f'rules:\n- {{name: x, expr: "{expression}"}}\n',
    }[place]
    desk.mapping("m", f"{MAPPING}  net: net\n{entry}")
    found = desk.call()
    assert found.exit_code == 2
    assert re.search(r"m\.yaml:\d+: bad regular expression: ", found.stderr)


def test_an_invalid_expression_is_refused_with_its_line(desk: Desk) -> None:
    desk.orders("a.csv", GOOD)
    desk.mapping("m", f"{MAPPING}  net: {{expr: \"abs(customer_id || 'x')\"}}\n")
    found = desk.call()
    assert found.exit_code == 2
    assert re.search(r"m\.yaml:8, net: the expression failed", found.stderr)


@pytest.mark.slow
def test_the_installed_program_loads_the_other_files_too(desk: Desk) -> None:
    desk.orders("exports/1.csv", GOOD)
    _loop(desk.root / "exports/2.csv")
    words = [sys.executable, "-m", "ckm", "ingest", "exports", "--as", "transactions", "-f", "ndjson"]
    found = subprocess.run(words, capture_output=True, cwd=desk.root, check=False, env={"PYTHONPATH": str(ROOT)})
    assert found.returncode == 3
    assert [json.loads(line)["status"] for line in found.stdout.splitlines()] == ["loaded", "failed"]


def test_links_are_called_by_their_own_names(desk: Desk) -> None:
    desk.orders("in/good.csv", "o1,1,c1,2025-01-02,1.5,EUR")
    (desk.root / "in" / "alias.csv").symlink_to("good.csv")
    (desk.root / "in" / "lost.csv").symlink_to("nowhere")
    results = desk.ask(desk.root / "in", "--as", "transactions", code=3)
    assert [result["file"] for result in results] == ["in/alias.csv", "in/good.csv", "in/lost.csv"]
