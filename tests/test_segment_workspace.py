"""Segments of a workspace: definitions do not change, every run is saved, and segment changes are explained."""

from __future__ import annotations

import io
import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm._segment.library import Library
from ckm.cli import app
from ckm.store import Store
from tests.conftest import Run

pytestmark = pytest.mark.usefixtures("coarse")
START = date(2025, 1, 1)
LATER = "2025-12-31"
SOONER = "2025-09-30"


def orders(seed: int = 1, customers: int = 120, until: date = date(2025, 9, 30)) -> list[str]:
    """A hundred and twenty customers, each with a purchase interval of their own; deterministic."""
    dice = random.Random(seed)
    rows = []
    for number in range(customers):
        gap, day = dice.uniform(5, 120), START + timedelta(days=dice.randrange(200))
        while day <= until:
            rows.append(f"O{len(rows)},C{number:03},{day}T12:00:00Z,{dice.uniform(5, 90):.2f},EUR,sale")
            day += timedelta(days=1 + int(gap * dice.uniform(0.5, 1.5)))
    return rows


def write(path: Path, rows: list[str]) -> Path:
    header = "order_id,customer_id,ordered_at,net,currency,type"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with orders until the end of September, which nobody changes."""
    folder = tmp_path_factory.mktemp("loaded")
    incoming = write(folder / "orders.csv", orders())
    for words in (["init", folder / "shop"], ["ingest", incoming, "--as", "transactions", "-C", folder / "shop"]):
        assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0
    return folder / "shop"


@pytest.fixture
def shop(loaded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that workspace, and the current folder."""
    folder = shutil.copytree(loaded, tmp_path / "shop")
    monkeypatch.chdir(folder)
    return folder


def table(run: Run, *words: str) -> pl.DataFrame:
    done = run("segment", *words, "-f", "csv")
    assert done.exit_code == 0, done.stderr
    return pl.read_csv(io.StringIO(done.stdout), infer_schema_length=None)


def told(run: Run, *words: str) -> str:
    done = run("segment", *words, "-v")
    assert done.exit_code == 0, done.stderr
    return done.stderr


def more_orders(run: Run, tmp_path: Path) -> None:
    rows = [f"N{n},C{n:03},2025-10-{1 + n % 30:02}T12:00:00Z,500.00,EUR,sale" for n in range(60)]
    assert run("ingest", write(tmp_path / "more.csv", rows), "--as", "transactions").exit_code == 0


@pytest.mark.slow
def test_the_first_run_saves_the_definition_and_later_runs_apply_it_unchanged(
    shop: Path, run: Run, tmp_path: Path
) -> None:
    assert "saved the definition as" in told(run)
    first = (shop / "segments" / "default.yaml").read_bytes()
    more_orders(run, tmp_path)
    assert "definition 'default' version 1, fitted as of 2025-09-30" in told(run)
    assert (shop / "segments" / "default.yaml").read_bytes() == first


@pytest.mark.slow
def test_without_new_orders_no_change_has_the_cause_definition(shop: Path, run: Run) -> None:
    told(run, "--as-of", SOONER)
    moves = table(run, "--as-of", LATER, "--moves")
    assert moves["customers"].sum() == 120
    assert moves.select("behaviour", "definition", "new", "gone").sum().row(0) == (0, 0, 0, 0)
    assert moves["ageing"].sum() > 0


@pytest.mark.slow
def test_a_customer_who_bought_moved_by_behaviour_and_a_refit_moves_by_definition(
    shop: Path, run: Run, tmp_path: Path
) -> None:
    told(run, "--as-of", SOONER)
    more_orders(run, tmp_path)
    bought = table(run, "--as-of", "2025-10-31", "--moves")
    assert bought["definition"].sum() == 0
    assert bought["behaviour"].sum() > 0
    assert "version 2" in told(run, "--as-of", "2025-10-31", "--refit")
    refitted = table(run, "--as-of", "2025-10-31", "--moves")
    assert refitted["definition"].sum() > 0
    assert refitted.select("behaviour", "ageing", "new", "gone").sum().row(0) == (0, 0, 0, 0)


@pytest.mark.slow
def test_a_second_run_of_the_same_day_says_the_same_and_keeps_nothing_more(shop: Path, run: Run) -> None:
    told(run, "--as-of", SOONER)
    one = run("segment", "--as-of", LATER, "--moves", "-f", "csv")
    other = run("segment", "--as-of", LATER, "--moves", "-f", "csv")
    assert one.stdout == other.stdout
    assert [(run.version, str(run.as_of)) for run in Store(shop / "store").runs("segments")] == [
        (1, SOONER),
        (1, LATER),
    ]


@pytest.mark.slow
def test_since_a_day_without_a_run_is_computed_with_the_same_definition(shop: Path, run: Run) -> None:
    found = table(run, "--moves", "--since", "2025-08-31")
    assert found["definition"].sum() == 0
    assert found["customers"].sum() >= 120
    assert found.filter(pl.col("previous_segment").is_null())["new"].sum() == found["new"].sum()


@pytest.mark.slow
def test_customers_have_their_previous_segment_and_the_cause(shop: Path, run: Run) -> None:
    told(run, "--as-of", SOONER)
    customers = table(run, "--as-of", LATER, "--customers")
    assert customers["previous_segment"].null_count() == 0
    moved = customers.filter(pl.col("previous_segment") != pl.col("segment"))
    assert set(moved["cause"]) == {"ageing"}
    assert customers.filter(pl.col("previous_segment") == pl.col("segment"))["cause"].null_count() > 0


@pytest.mark.slow
def test_an_erased_customer_is_gone_from_the_runs_too(shop: Path, run: Run) -> None:
    told(run, "--as-of", SOONER)
    store = Store(shop / "store")
    store.erase_customer("C001")
    [kept] = store.runs("segments")
    assert "C001" not in store.read_run(kept)["customer_id"]
    moves = table(run, "--as-of", LATER, "--moves")
    assert moves["customers"].sum() == 119


def test_a_dry_run_keeps_nothing(shop: Path, run: Run) -> None:
    told(run, "--dry-run")
    assert not (shop / "segments").exists()
    assert Store(shop / "store").runs("segments") == []


def test_moves_without_an_earlier_run_say_what_to_do(shop: Path, run: Run) -> None:
    done = run("segment", "--moves")
    assert done.exit_code == 4
    assert "no earlier run of 'default' was saved" in done.stderr
    assert "--since DATE" in done.stderr


@pytest.mark.slow
def test_a_file_needs_no_workspace_to_explain_moves(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "orders.csv", orders())
    assert table(run, str(path), "--moves", "--since", "2025-08-31")["customers"].sum() == 120
    assert run("segment", path, "--moves").exit_code == 2


@pytest.mark.slow
@pytest.mark.parametrize("method", ["rfm", "value", "lifecycle", "clusters"])
def test_every_definition_is_equal_after_saving_and_loading(shop: Path, run: Run, method: str) -> None:
    fitted = table(run, "--by", method, "--save", f"my-{method}", "--customers")
    saved = Library(shop / "segments").load(f"my-{method}")
    assert saved.to_yaml() == (shop / "segments" / f"my-{method}.yaml").read_text(encoding="utf-8")
    applied = table(run, "--use", f"my-{method}", "--customers")
    assert applied.equals(fitted)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["value", "lifecycle", "clusters"])
def test_every_method_keeps_a_definition_of_its_name(shop: Path, run: Run, method: str) -> None:
    told(run, "--by", method)
    assert (shop / "segments" / f"{method}.yaml").exists()
    assert f"definition '{method}' version 1" in told(run, "--by", method)


@pytest.mark.slow
def test_a_refit_on_the_same_data_is_no_new_version(shop: Path, run: Run) -> None:
    told(run)
    before = (shop / "segments" / "default.yaml").read_bytes()
    told(run, "--refit")
    assert (shop / "segments" / "default.yaml").read_bytes() == before


@pytest.mark.slow
def test_rules_are_kept_and_a_changed_file_is_the_next_version(shop: Path, run: Run) -> None:
    rules = shop / "vip.yaml"
    text = "schema: ckm.segment_rules/1\nsegments:\n  - {name: VIP, when: monetary > LIMIT}\n"
    rules.write_text(text.replace("LIMIT", "200"), encoding="utf-8")
    one = table(run, "--by", "vip.yaml")
    assert one["segment"].to_list() == ["VIP", "other"]
    rules.write_text(text.replace("LIMIT", "400"), encoding="utf-8")
    assert "version 2" in told(run, "--by", "vip.yaml")
    moves = table(run, "--by", "vip.yaml", "--moves")
    assert moves["definition"].sum() > 0
    assert moves.select("behaviour", "ageing").sum().row(0) == (0, 0)


REFUSALS: dict[str, tuple[list[str], str]] = {
    "another method": (["--use", "default", "--by", "value"], "segments by rfm"),
    "another window": (["--window", "12mo"], "has the monetary value net over all time"),
    "another money": (["--monetary", "mean"], "has the monetary value net over all time"),
    "no such definition": (["--use", "nobody"], "does not exist"),
    "a name that is there": (["--save", "default"], "exists already"),
    "both": (["--use", "default", "--save", "x"], "contradict each other"),
    "a name that leaves the folder": (["--save", "../x"], "invalid definition name"),
    "no window": (["--window", "soon", "--save", "x"], "invalid number of months"),
    "no method": (["--by", "rmf"], "did you mean 'rfm'"),
    "a day that is not before": (["--since", "2026-01-01"], "is not before"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSALS)
def test_options_that_contradict_a_definition_are_refused(shop: Path, run: Run, case: str) -> None:
    words, message = REFUSALS[case]
    told(run)
    done = run("segment", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def edited(path: Path, **changes: tuple[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


EDITS: dict[str, tuple[tuple[str, str], str]] = {
    "other features": (("dictionary: 2", "dictionary: 0"), "was fitted to version 0 of the features"),
    "another currency": (("currency: EUR", "currency: THB"), "is for amounts in THB"),
    "another calendar": (("time_zone: UTC", "time_zone: Asia/Bangkok"), "is for days in Asia/Bangkok"),
    "another method": (("method: rfm", "method: magic"), "unknown method 'magic'"),
    "another schema": (("ckm.segments/1", "ckm.segments/9"), "not a segment definition"),
    "a key too many": (
        ("version: 1\nmethod", "version: 1\nversoin: 2\nmethod"),
        "default.yaml:6: unknown key 'versoin'",
    ),
    "cut points that descend": (("monetary: [", "monetary: [9999999, "), "ascending cut points are expected"),
}


@pytest.mark.parametrize("case", EDITS)
def test_a_definition_made_for_something_else_is_refused_with_a_clear_message(shop: Path, run: Run, case: str) -> None:
    told(run)
    change, message = EDITS[case]
    edited(shop / "segments" / "default.yaml", change=change)
    done = run("segment")
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


@pytest.mark.slow
def test_a_definition_that_needs_a_column_that_is_gone_is_refused(run: Run, tmp_path: Path) -> None:
    rows = [f"{row},{'web' if number % 2 else 'till'}" for number, row in enumerate(orders())]
    path = tmp_path / "orders.csv"
    rich = "order_id,customer_id,ordered_at,net,currency,type,channel"
    path.write_text("\n".join([rich, *rows]) + "\n", encoding="utf-8")
    rules = tmp_path / "rules.yaml"
    rules.write_text("schema: ckm.segment_rules/1\nsegments: [{name: Web, when: channel_main = 'web'}]\n", "utf-8")
    saved = str(tmp_path / "saved.yaml")
    assert run("segment", path, "--by", rules, "--save", saved).exit_code == 0
    done = run("segment", write(tmp_path / "poor.csv", orders()), "--use", saved)
    assert done.exit_code == 2
    assert "needs features that the data lack: channel_main" in done.stderr


@pytest.mark.slow
def test_shifted_features_are_named_when_a_refit_is_due(shop: Path, run: Run, tmp_path: Path) -> None:
    told(run)
    rows = [f"P{n},C{n % 120:03},2025-12-{1 + n % 30:02}T12:00:00Z,900.00,EUR,sale" for n in range(400)]
    assert run("ingest", write(tmp_path / "rich.csv", rows), "--as", "transactions").exit_code == 0
    remark = told(run)
    assert "shifted since the definition was fitted, by a population stability index of 0.25 or more: " in remark
    assert "monetary" in remark
    assert "--refit is recommended" in remark


@pytest.mark.slow
def test_the_same_run_in_two_places_gives_the_same_bytes(run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    rows = orders()
    results = []
    for place, order in (("one", rows), ("other", rows[::-1])):
        folder = tmp_path / place
        run("init", folder)
        monkeypatch.chdir(folder)
        run("ingest", write(folder / "incoming" / "orders.csv", order), "--as", "transactions")
        for method in ("rfm", "value", "lifecycle", "clusters"):
            assert run("segment", "--by", method, "-o", f"out/{method}.csv").exit_code == 0
        files = sorted([*(folder / "segments").iterdir(), *(folder / "out").iterdir()])
        results.append({path.name: path.read_bytes() for path in files})
    assert results[0] == results[1]
    assert len(results[0]) == 8
