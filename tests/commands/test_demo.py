"""``ckm demo``: the whole way on the example shop, offline, each command before its result."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ckm.commands.demo import STEPS
from tests.conftest import Run


@pytest.mark.slow
@pytest.mark.usefixtures("coarse", "small_shop")  # .ci/run runs it as it is
def test_the_demo_runs_every_step_and_ends_by_naming_files_that_exist(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    told = run("demo", folder)
    assert told.exit_code == 0, told.stderr
    places = [told.stdout.index(f"$ {command}\n") for _, command in STEPS]
    assert places == sorted(places)
    named = told.stdout.split("# Files created:\n")[1].split()
    assert str(folder / "out" / "segments.csv") in named
    assert all(Path(name).exists() for name in named)
    assert pl.read_csv(folder / "out" / "segments.csv").height > 400

    again = run("ingest", "-C", folder, "-f", "json")
    assert again.exit_code == 0
    assert set(pl.read_json(again.stdout.encode())["status"]) == {"unchanged"}


def test_the_demo_leaves_a_folder_with_other_files_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    told = run("demo", tmp_path)
    assert told.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
