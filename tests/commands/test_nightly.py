"""``ckm nightly``: a run does all steps, an equal second run nothing, and a killed run is completed by the next one."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

import ckm
from ckm._nightly.step import PRECEDENCE, strongest
from ckm.cli import EXIT_CODES, app
from ckm.ingest.load import ingest_file
from ckm.store import Store
from ckm.store.lock import BusyError, exclusive
from ckm.workspace import lay_out
from tests.conftest import ROOT, Run

pytestmark = pytest.mark.usefixtures("coarse")
HEADER = "order_id,customer_id,ordered_at,net,currency,type"
MAPPING = """\
schema: ckm.map/1
name: till
table: transactions
files: [incoming/till-*.csv]
columns:
  order_id: order_id
  customer_id: customer_id
  ordered_at: ordered_at
  net: net
  currency: currency
  type: type
"""
STEPS = ["ingest", "check", "refit", "warn", "report"]
DYING = """
import os, signal, sys
from importlib import import_module
import pytest
from tests.coarse import learn_coarsely
module, path, when, count, *words = sys.argv[1:]
*owners, name = path.split(".")
owner = import_module(module)
for each in owners:
    owner = getattr(owner, each)
real, calls = getattr(owner, name), []
def dying(*args, **named):
    calls.append(name)
    last = len(calls) == int(count)
    if last and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = real(*args, **named)
    if last:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
setattr(owner, name, dying)
learn_coarsely(pytest.MonkeyPatch())
sys.argv = ["ckm", *words]
from ckm.cli import main
main()
"""
"""Runs ckm in a process that SIGKILL ends before or after a function is called for the n-th time."""


def orders(first: date, last: date, *, customers: int = 150) -> list[str]:
    """Return the orders of a shop from ``first`` to ``last``; other dates give the same orders on common days."""
    rows = []
    for number in range(customers):
        dice = random.Random(number)
        day, gap = date(2024, 1, 1) + timedelta(days=dice.randrange(300)), dice.uniform(10, 60)
        stop, count = day + timedelta(days=dice.randrange(1, 700)), 0
        while day <= min(stop, last):
            if day >= first:
                rows.append(f"O{number:04}-{count},C{number:04},{day}T12:00:00Z,20.0,EUR,sale")
            day, count = day + timedelta(days=1 + int(gap * dice.uniform(0.5, 1.6))), count + 1
    return rows


def write(path: Path, rows: list[str]) -> None:
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")


def add_file(shop: Path, first: date, last: date) -> None:
    write(shop / "incoming" / f"till-{last:%Y-%m-%d}.csv", orders(first, last))


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a mapping and two files that are not loaded."""
    shop = tmp_path_factory.mktemp("bare") / "shop"
    lay_out(shop)
    (shop / "maps" / "till.yaml").write_text(MAPPING, encoding="utf-8")
    add_file(shop, date(2024, 1, 1), date(2025, 6, 30))
    add_file(shop, date(2025, 7, 1), date(2025, 10, 20))
    return shop


@pytest.fixture(scope="module")
def done_once(bare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace after a first nightly run and a first segmentation."""
    shop = tmp_path_factory.mktemp("once") / "shop"
    shutil.copytree(bare, shop)
    for words in (["nightly", str(shop)], ["segment", str(shop)]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.stderr
    return shop


@pytest.fixture
def shop(done_once: Path, tmp_path: Path) -> Path:
    """A copy of a workspace after its first nightly run."""
    folder = tmp_path / "shop"
    shutil.copytree(done_once, folder)
    return folder


@pytest.fixture
def fresh(bare: Path, tmp_path: Path) -> Path:
    """A copy of a workspace before its first nightly run."""
    folder = tmp_path / "shop"
    shutil.copytree(bare, folder)
    return folder


def nightly(run: Run, shop: Path, *words: object, code: int = 0) -> dict[str, dict[str, Any]]:
    done = run("nightly", shop, "-f", "json", *words)
    assert done.exit_code == code, done.stderr
    rows = json.loads(done.stdout)
    assert [row["step"] for row in rows] == STEPS
    return {row["step"]: row for row in rows}


def states(found: dict[str, dict[str, Any]]) -> list[str]:
    return [row["state"] for row in found.values()]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def condition(shop: Path) -> dict[str, object]:
    """Return the state of the workspace: outputs, definitions, rows of the tables and saved runs."""
    store = Store(shop / "store")
    rows = {name: sorted(store.scan(name).drop("load_id").collect().rows(), key=repr) for name in store.tables()}
    saved = {
        analysis: [(run.name, run.version, run.as_of, run.rows) for run in store.runs(analysis)]
        for analysis in ("warnings", "segments", "expected_spend")
    }
    return {"out": digests(shop / "out"), "segments": digests(shop / "segments"), "rows": rows, "runs": saved}


@pytest.mark.slow
def test_the_first_run_does_every_step_and_a_second_run_finds_all_unchanged(fresh: Path, run: Run) -> None:
    first = nightly(run, fresh)
    assert states(first) == ["done", "done", "unchanged", "done", "done"]
    accepted = len(orders(date(2024, 1, 1), date(2025, 10, 20)))
    assert first["ingest"]["count"] == accepted
    assert f"2 files: 2 loaded; {accepted:,} rows accepted" in first["ingest"]["message"]
    assert [row["output"] for row in first.values()] == [
        None, "out/check.csv", None, "out/new-warnings.csv", "out/loyalty-2025-09.html",
    ]  # fmt: skip
    listed = pl.read_csv(fresh / "out" / "new-warnings.csv", infer_schema=False)
    assert first["warn"]["count"] == listed.height > 0
    assert set(listed["change"]) == {"new"}
    before, incoming = condition(fresh), digests(fresh / "incoming")
    second = nightly(run, fresh)
    assert states(second) == ["unchanged", "done", "unchanged", "unchanged", "unchanged"]
    assert condition(fresh) == before
    assert digests(fresh / "incoming") == incoming


@pytest.mark.slow
def test_new_data_lead_to_new_warnings_and_to_the_report_of_a_complete_month(shop: Path, run: Run) -> None:
    add_file(shop, date(2025, 10, 21), date(2025, 10, 30))
    found = nightly(run, shop)
    assert states(found) == ["done", "done", "unchanged", "done", "unchanged"]
    listed = pl.read_csv(shop / "out" / "new-warnings.csv", infer_schema=False)
    assert set(listed["as_of"]) == {"2025-10-30"}
    assert set(listed["change"]) <= {"new", "worse"}
    page = (shop / "out" / "loyalty-2025-09.html").read_bytes()
    add_file(shop, date(2025, 10, 31), date(2025, 11, 2))
    found = nightly(run, shop)
    assert found["report"]["message"] == "wrote the report of 2025-10"
    assert (shop / "out" / "loyalty-2025-10.html").is_file()
    assert (shop / "out" / "loyalty-2025-09.html").read_bytes() == page


@pytest.mark.slow
def test_the_report_equals_that_of_ckm_report_on_the_last_day_of_the_month(
    shop: Path, tmp_path: Path, run: Run
) -> None:
    shutil.rmtree(shop / "segments")  # of a later run
    command = ("loyalty-report", shop, "--as-of", "2025-09-30", "--period", "1mo", "-o", tmp_path / "page.html")
    assert run(*command).exit_code == 0
    pages = [tmp_path / "page.html", shop / "out" / "loyalty-2025-09.html"]
    one, other = (re.sub(rb" Run [0-9a-f]{10}\.", b"", page.read_bytes()) for page in pages)
    assert one == other


@pytest.mark.slow
def test_a_segment_definition_is_refitted_when_it_reaches_the_age_in_the_settings(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = "schema: ckm.segment_rules/1\nsegments: [{name: often, when: frequency >= 5}]\nother: {name: other}\n"
    (shop / "own.yaml").write_text(rules, encoding="utf-8")
    assert run("segment", shop, "--by", shop / "own.yaml").exit_code == 0
    add_file(shop, date(2025, 10, 21), date(2025, 10, 30))
    definition = shop / "segments" / "default.yaml"
    monkeypatch.setenv("CKM_NIGHTLY_REFIT_AFTER", "11d")
    text = definition.read_text(encoding="utf-8")
    assert nightly(run, shop)["refit"]["message"] == "2 definitions, none to refit"
    monkeypatch.setenv("CKM_NIGHTLY_REFIT_AFTER", "never")
    assert "switched off" in nightly(run, shop)["refit"]["message"]
    assert definition.read_text(encoding="utf-8") == text
    monkeypatch.setenv("CKM_NIGHTLY_REFIT_AFTER", "10d")
    found = nightly(run, shop)
    assert (found["refit"]["state"], found["refit"]["message"]) == ("done", "refitted default (version 2)")
    assert "as_of: 2025-10-30" in definition.read_text(encoding="utf-8").replace("'", "")
    assert nightly(run, shop)["refit"]["state"] == "unchanged"


KILLED = {
    "between two files": ("ckm.ingest.files", "ingest_file", "after", 1),
    "before a commit": ("ckm.store.delta", "StoredTable.commit", "before", 2),
    "after a commit": ("ckm.store.delta", "StoredTable.commit", "after", 1),
    "after the refit": ("ckm.nightly", "segment_dataset", "after", 1),
    "after the warnings are saved": ("ckm._churn.saved_warnings", "WarningRun.save", "after", 1),
    "before the list is recorded": ("ckm.nightly", "record_inputs", "before", 1),
    "after the list is recorded": ("ckm.nightly", "record_inputs", "after", 1),
    "before the report is written": ("ckm.nightly", "_write_text", "before", 1),
}


@pytest.fixture(scope="module")
def whole(done_once: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """State of the workspace after an uninterrupted run: two new files, a refit, new warnings and a complete month."""
    folder = tmp_path_factory.mktemp("whole") / "shop"
    shutil.copytree(done_once, folder)
    prepare(folder)
    done = CliRunner().invoke(app, ["nightly", str(folder)])
    assert done.exit_code == 0, done.stderr
    return condition(folder)


def prepare(shop: Path) -> None:
    add_file(shop, date(2025, 10, 21), date(2025, 10, 30))
    add_file(shop, date(2025, 10, 31), date(2025, 11, 4))
    text = (shop / "ckm.yaml").read_text(encoding="utf-8")
    assert "refit_after: 365d" in text
    (shop / "ckm.yaml").write_text(text.replace("refit_after: 365d", "refit_after: 10d"), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("moment", KILLED)
def test_a_killed_run_is_finished_by_the_next_one(shop: Path, run: Run, whole: dict[str, object], moment: str) -> None:
    prepare(shop)
    module, function, when, count = KILLED[moment]
    words = [module, function, when, str(count), "nightly", str(shop)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run(
        [sys.executable, "-c", DYING, *words], check=False, capture_output=True, encoding="utf-8", env=environment
    )
    assert (killed.returncode, killed.stdout) == (-signal.SIGKILL, ""), killed.stderr
    nightly(run, shop)
    assert condition(shop) == whole
    assert states(nightly(run, shop)) == ["unchanged", "done", "unchanged", "unchanged", "unchanged"]
    assert condition(shop) == whole


BROKEN = {
    "a file with an open quote": 'order_id,customer_id\n1,"never closed\n',
    "a file of unknown columns": "colour,shape\nred,round\n",
    "an empty file": "",
    "a file of which too much fails": f"{HEADER}\n" + "O1,C1,someday,much,EUR,sale\n" * 40,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_reported_and_not_moved_and_the_other_files_are_loaded(
    shop: Path, run: Run, kind: str
) -> None:
    add_file(shop, date(2025, 10, 21), date(2025, 11, 4))
    broken = shop / "incoming" / ("till-broken.csv" if HEADER in BROKEN[kind] else "broken.csv")
    broken.write_text(BROKEN[kind], encoding="utf-8")
    found = nightly(run, shop, code=3)
    assert states(found) == ["failed", "done", "unchanged", "done", "done"]
    assert f"4 files: 1 loaded, 2 unchanged, 1 failed (incoming/{broken.name})" in found["ingest"]["message"]
    assert len(found["ingest"]["errors"]) == 1
    assert str(shop) not in json.dumps(found)
    assert broken.read_text(encoding="utf-8") == BROKEN[kind]
    again = nightly(run, shop, code=3)
    assert states(again) == ["failed", "done", "unchanged", "unchanged", "unchanged"]
    broken.unlink()
    assert states(nightly(run, shop)) == ["unchanged", "done", "unchanged", "unchanged", "unchanged"]


@pytest.mark.slow
def test_every_file_of_the_example_shop_is_loaded_and_one_without_a_mapping_is_an_error(
    tmp_path: Path, run: Run
) -> None:
    assert run("init", "--demo", tmp_path / "shop").exit_code == 0
    found = nightly(run, tmp_path / "shop")
    assert states(found) == ["done", "done", "unchanged", "done", "done"]
    assert "7 files: 7 loaded" in found["ingest"]["message"]
    (tmp_path / "shop" / "campaign.csv").rename(tmp_path / "shop" / "incoming" / "campaign.csv")
    found = nightly(run, tmp_path / "shop", code=3)
    assert "1 failed (incoming/campaign.csv)" in found["ingest"]["message"]


@pytest.mark.slow
def test_a_broken_file_is_reported_if_it_is_the_only_one(shop: Path, run: Run) -> None:
    for path in (shop / "incoming").iterdir():
        path.unlink()
    (shop / "incoming" / "unknown.csv").write_text("colour,shape\nred,round\n", encoding="utf-8")
    found = nightly(run, shop, code=2)
    assert (found["ingest"]["state"], found["check"]["state"]) == ("failed", "done")
    assert found["ingest"]["message"] == "1 file: 1 failed (incoming/unknown.csv)"


@pytest.mark.slow
def test_a_bug_in_one_file_is_reported_and_the_other_files_are_loaded(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ingest_file

    def failing(path: Path, *args: object, **named: object) -> object:
        if path.name == "till-2025-10-30.csv":
            raise ZeroDivisionError
        return real(path, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr("ckm.ingest.files.ingest_file", failing)
    add_file(shop, date(2025, 10, 21), date(2025, 10, 30))
    add_file(shop, date(2025, 10, 31), date(2025, 11, 4))
    done = run("nightly", shop, "-f", "csv")
    assert done.exit_code == 70
    assert "ZeroDivisionError" in done.stderr
    rows = {row["step"]: row for row in csv.DictReader(done.stdout.splitlines())}
    assert "1 loaded" in rows["ingest"]["message"]
    assert rows["warn"]["state"] == rows["report"]["state"] == "done"


@pytest.mark.slow
def test_a_failed_step_does_not_stop_the_following_steps(shop: Path, run: Run) -> None:
    add_file(shop, date(2025, 10, 21), date(2025, 11, 4))
    (shop / "controls.csv").write_text("no,columns\n1,2\n", encoding="utf-8")
    (shop / "segments" / "old.yaml").write_text("schema: other\n", encoding="utf-8")
    found = nightly(run, shop, code=2)
    assert states(found) == ["done", "failed", "failed", "done", "failed"]  # the report reads controls.csv too
    assert [row["exit_code"] for row in found.values()] == [0, 3, 2, 0, 3]


@pytest.mark.slow
def test_findings_exit_with_1_only_with_fail_on(shop: Path, run: Run) -> None:
    (shop / "controls.csv").write_text("month,currency,net\n2025-09,EUR,1\n", encoding="utf-8")
    assert nightly(run, shop)["check"]["exit_code"] == 0
    assert nightly(run, shop, "--fail-on", "error", code=1)["check"]["exit_code"] == 1


@pytest.mark.slow
def test_a_workspace_without_data_exits_with_4_and_one_error(tmp_path: Path, run: Run) -> None:
    lay_out(tmp_path / "shop")
    done = run("nightly", tmp_path / "shop", "-f", "csv")
    assert done.exit_code == 4
    assert done.stderr.count("has no transactions") == 1
    assert len(done.stdout.splitlines()) == 1 + len(STEPS)


@pytest.mark.slow
def test_too_short_a_history_exits_with_4_and_the_other_steps_run(tmp_path: Path, run: Run) -> None:
    shop = tmp_path / "shop"
    lay_out(shop)
    (shop / "maps" / "till.yaml").write_text(MAPPING, encoding="utf-8")
    write(shop / "incoming" / "till-1.csv", ["O1,C1,2025-01-03T12:00:00Z,20,EUR,sale"])
    found = nightly(run, shop, code=4)
    assert states(found) == ["done", "done", "unchanged", "failed", "unchanged"]
    assert found["report"]["message"] == "no complete month before 2025-01-03"
    assert not (shop / "out" / "new-warnings.csv").exists()


@pytest.mark.slow
def test_a_run_without_errors_prints_nothing_with_quiet_and_an_output_file(
    shop: Path, tmp_path: Path, run: Run
) -> None:
    done = run("nightly", shop, "-q", "-o", tmp_path / "run.json")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    assert [row["step"] for row in json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))] == STEPS


@pytest.mark.slow
def test_a_run_as_of_a_past_day_uses_no_later_data(shop: Path, run: Run) -> None:
    found = nightly(run, shop, "--as-of", "2025-08-10")
    listed = pl.read_csv(shop / "out" / "new-warnings.csv", infer_schema=False)
    assert set(listed["as_of"]) == {"2025-08-10"}
    assert listed["last_order"].max() <= "2025-08-10"  # type: ignore[operator]
    assert found["report"]["output"] == "out/loyalty-2025-07.html"


def test_a_run_waits_for_another_writer_and_exits_with_5_after_the_wait(bare: Path, run: Run) -> None:
    with exclusive(bare / "store"):
        assert run("nightly", bare, "--wait", "0").exit_code == 5
        with pytest.raises(BusyError):
            ckm.open(bare).nightly(wait=0)


def test_the_workspace_as_argument_and_as_option_is_refused(bare: Path, run: Run) -> None:
    done = run("nightly", bare, "-C", bare)
    assert done.exit_code == 2
    assert "contradict" in done.stderr


def test_the_precedence_covers_every_exit_code_of_a_step() -> None:
    of_steps = {code for code in EXIT_CODES if code <= 70}
    assert set(PRECEDENCE) == of_steps
    assert strongest([]) == 0
    assert strongest([4, 3, 1]) == 3
    assert strongest([2, 3]) == 2
    assert strongest([0, 4, 1]) == 4
    assert strongest([5, 70, 2]) == 70
