"""Folders and files may have any name that the system allows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl
import pytest

from tests.conftest import Run
from tests.folder_names import on_this_system, orders, walk

LATIN_1 = os.fsdecode(b"caf\xe9")
WALKED = ["ร้าน" + end for end in (LATIN_1, "") if on_this_system(LATIN_1 + end)][:1]
FILES = ("a[b]", "o*", "a?", "my ร้าน#b%41\nb", LATIN_1, "x" * 247, "~", "-a")


@pytest.mark.slow
@pytest.mark.usefixtures("coarse", "measured_once")
@pytest.mark.parametrize("name", [name for name in WALKED if on_this_system(name)], ids=ascii)
def test_every_command_works_in_a_folder_of_any_name(run: Run, tmp_path: Path, name: str) -> None:
    """Some of each kind; ``bench/folder_names.py`` walks them all."""
    walk(run, tmp_path / name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FILES if on_this_system(name)], ids=ascii)
def test_a_file_name_with_special_characters_opens_that_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Beside files that its name would mean as a pattern; named relatively, as in a shell."""
    run("init", tmp_path)
    monkeypatch.chdir(tmp_path / "incoming")
    for number, other in enumerate(("ab", "o1", "oo", "a0", name)):
        Path(f"{other}.csv").write_text(orders(20 + number), encoding="utf-8")
        day = pl.col("ordered_at").str.to_date(strict=False)
        rows = pl.read_csv(orders(20 + number).encode()).with_columns(day).drop_nulls()
        with Path(f"{other}.parquet").open("wb") as file:
            rows.write_parquet(file)
    for suffix in ("csv", "parquet"):
        file = f"./{name}.{suffix}" if name.startswith("-") else f"{name}.{suffix}"
        done = run("segment", file, "--customers", "-f", "json", "-o", f"./{name}.json")
        assert done.exit_code == 0, done.output
        assert len(json.loads(Path(f"{name}.json").read_bytes())) == 24
        assert run("inspect", file, "-f", "json").exit_code == 0
    file = f"{tmp_path}/incoming/{name}.csv"
    saved = run("ingest", file, "--as", "transactions", "--save-map", "../maps/one.yaml", "-f", "json")
    assert saved.exit_code == 0, saved.output
    again = json.loads(run("ingest", "-f", "json").stdout)
    rows = len(orders(24).splitlines()) - 1
    assert [(row["rows"], row["accepted"] + row["unchanged"]) for row in again] == [(rows, rows - 1)]
    assert run("ingest", "--undo", file).exit_code == 0


@pytest.mark.slow
def test_all_files_of_a_folder_are_read_whatever_their_names(run: Run, tmp_path: Path) -> None:
    names = [name for name in FILES if on_this_system(name)]
    for name in names:
        (tmp_path / f"{name}.csv").write_text(orders(20), encoding="utf-8")
    done = run("segment", tmp_path, "-f", "json", "-v")
    assert done.exit_code == 0, done.output
    assert f"{len(names)} files" in done.stderr


@pytest.mark.skipif(not on_this_system(LATIN_1), reason="names are Unicode here")
def test_a_name_that_is_not_utf8_is_escaped_in_messages_and_json(run: Run, tmp_path: Path) -> None:
    done = run("inspect", tmp_path / f"{LATIN_1}\nerror: forged.csv", "-f", "json")
    told = json.loads(done.stderr)
    assert done.exit_code == 2
    assert r"caf\xe9" in told["error"]["message"]
    shown = run("inspect", tmp_path / f"{LATIN_1}\nerror: forged.csv")
    assert r"caf\xe9\nerror: forged.csv" in shown.stderr.splitlines()[0]
    assert not any(line.startswith("error: forged") for line in shown.stderr.splitlines())
