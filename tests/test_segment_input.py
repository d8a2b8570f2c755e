"""Every segment method on unusual input: a result or a refusal, and never an invalid number."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm.cli import app
from tests.coarse import learn_coarsely
from tests.conftest import OTHER_THREADS, ROOT, Run
from tests.test_segment_workspace import orders, write

pytestmark = pytest.mark.usefixtures("coarse")
METHODS = ("rfm", "value", "lifecycle", "clusters")
OK, USAGE, TOO_LITTLE = 0, 2, 4


def of(customers: int, net: str, kind: str = "sale", currency: str = "EUR") -> list[str]:
    days = (date(2025, 1, 1) + timedelta(days=(17 * row) % 300) for row in range(4 * customers))
    return [f"O{row},C{row % customers:03},{day}T12:00:00Z,{net},{currency},{kind}" for row, day in enumerate(days)]


INPUTS: dict[str, tuple[list[str], list[str], dict[str, int], str]] = {
    "no orders before --as-of": (orders(), ["--as-of", "2020-01-01"], {}, "no purchase by a known customer"),
    "no orders at all": ([], [], {}, "no purchase by a known customer"),
    "only cancelled orders": (of(200, "5.00", "cancel"), [], {}, "no purchase by a known customer"),
    "only returns": (of(200, "-5.00", "return"), [], {}, "no purchase by a known customer"),
    "one customer": (of(1, "5.00"), [], {}, "needed"),
    "several currencies": (
        [*of(200, "5.00"), *of(200, "5.00", currency="THB")], [], dict.fromkeys(METHODS, USAGE), "EUR, THB",
    ),
    "all amounts zero": (of(200, "0.00"), [], {"rfm": OK, "lifecycle": OK}, "no shares of revenue"),
    "negative totals": (
        [*of(200, "5.00"), *(row.replace("O", "R") for row in of(200, "-9.00", "return"))],
        [], {"rfm": OK, "lifecycle": OK}, "no shares of revenue",
    ),
    "everybody alike": (
        [f"O{n},C{n % 200:03},2025-0{1 + n // 200}-01T12:00:00Z,9.00,EUR,sale" for n in range(600)],
        [], {"rfm": OK, "value": OK, "lifecycle": OK, "clusters": TOO_LITTLE}, "",
    ),
}  # fmt: skip
ENOUGH_OF_ONE = {"lifecycle": {"one customer"}}


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("case", INPUTS)
def test_odd_input_is_answered_or_refused_in_words(tmp_path: Path, run: Run, case: str, method: str) -> None:
    rows, words, codes, message = INPUTS[case]
    path = write(tmp_path / "orders.csv", rows)
    done = run("segment", path, "--by", method, *words, "--customers", "-f", "json", "-v")
    assert done.exit_code == codes.get(method, TOO_LITTLE), done.stderr
    if done.exit_code:
        error = json.loads(done.stderr.splitlines()[0])["error"]
        assert done.stdout == ""
        assert codes or message in error["message"]
        assert error["hint"]
    else:
        assert message in done.stderr
        customers = json.loads(done.stdout)
        assert len(customers) == 200
        assert all(each["segment"] for each in customers)


@pytest.mark.parametrize("column", ["customer_id", "ordered_at"])
def test_a_missing_column_is_named(tmp_path: Path, run: Run, column: str) -> None:
    path = write(tmp_path / "orders.csv", orders(customers=20))
    pl.read_csv(path).drop(column).write_csv(path)
    done = run("segment", path, "-v")
    assert done.exit_code == USAGE
    assert f"no column for {column}" in done.stderr


def test_a_file_whose_pages_are_damaged_is_broken_input_and_no_bug(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "orders.parquet"
    frame = pl.read_csv(write(tmp_path / "orders.csv", orders()), try_parse_dates=True)
    frame.write_parquet(path, compression="zstd")
    data = bytearray(path.read_bytes())
    for place in range(200, len(data) - 4000, 97):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    done = run("segment", path, "--by", "value")
    assert done.exit_code == 3, done.stderr
    assert "damaged" in done.stderr


def segment_all_ways(path: Path, folder: Path) -> str:
    told = ""
    for method in METHODS:
        words = ["segment", path, "--by", method, "-o", folder / f"{method}.parquet"]
        words += ["--save", folder / f"{method}.yaml", "-f", "csv"]
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, done.stderr
        told += done.stdout
    return told


PROBE = """
import sys
from pathlib import Path
from tests import test_segment_input
test_segment_input.learn_coarsely(test_segment_input.pytest.MonkeyPatch())
print(test_segment_input.segment_all_ways(*map(Path, sys.argv[1:])), end="")
"""


@pytest.mark.slow
def test_shuffled_rows_on_one_or_two_threads_give_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = orders(customers=300)
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    path = write(tmp_path / "orders.csv", rows)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(path), str(there)],
        capture_output=True, check=True, cwd=ROOT, env={**os.environ, **OTHER_THREADS},
    )  # fmt: skip
    learn_coarsely(monkeypatch)
    assert segment_all_ways(write(path, random.Random(3).sample(rows, len(rows))), here) == done.stdout.decode()
    found = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in (here, there)]
    assert found[0] == found[1]
    assert len(found[0]) == 8
