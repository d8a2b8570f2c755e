"""``ckm runs`` lists, verifies, compares and removes the manifests that commands have written."""

from __future__ import annotations

import stat
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.runs import diff, runs, verify
from ckm.workspace import lay_out
from tests.conftest import Run

ORDERS = "order_id,customer_id,ordered_at,net,currency\n" + "".join(
    f"o{number},c{number % 7},2025-{1 + number % 12:02d}-{1 + number % 27:02d},{10 + number % 50}.5,EUR\n"
    for number in range(120)
)


def load(root: Path, text: str) -> None:
    path = root / "incoming" / f"{len(text)}.csv"
    path.write_text(text)
    ingest(root, path, options=IngestOptions("transactions"))


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    lay_out(root)
    load(root, ORDERS)
    monkeypatch.chdir(root)
    return root


def the_run(shop: Path) -> str:
    return runs(shop).manifests[-1].run


def test_a_result_file_in_a_workspace_is_recorded_and_output_to_stdout_is_not(shop: Path, run: Run) -> None:
    assert run("segment").exit_code == 0
    assert not (shop / "runs").exists()
    assert run("segment", "-o", "out/a.csv", "--meta", "out/a.json").exit_code == 0
    [made] = runs(shop).manifests
    assert made.command == "segment"
    assert list(made.outputs) == ["out/a.csv", "out/a.json"]
    assert made.outputs["out/a.csv"]["figures"]["rows"] == 7
    assert stat.S_IMODE((shop / "runs" / f"{made.run}.json").stat().st_mode) == 0o600


def test_a_result_file_outside_of_a_workspace_is_not_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    (tmp_path / "orders.csv").write_text(ORDERS)
    monkeypatch.chdir(tmp_path)
    assert run("segment", "orders.csv", "-o", "a.csv").exit_code == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.csv", "orders.csv"]


def test_a_command_that_fails_is_not_recorded(shop: Path, run: Run) -> None:
    assert run("segment", "--as-of", "2001-01-01", "-o", "out/a.csv").exit_code not in (0, 1)
    assert not (shop / "runs").exists()


@pytest.mark.slow
def test_a_repeated_request_with_equal_outputs_has_one_manifest(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/first.csv")  # saves the definition, which is an input from now on
    run("segment", "-o", "out/a.csv")
    run("segment", "-o", "out/a.csv")
    names = [each.run for each in runs(shop).manifests]
    assert len(names) == len(set(names)) == 2


@pytest.mark.slow
def test_verify_finds_a_run_by_the_first_digits_of_its_name(shop: Path, run: Run) -> None:
    run("segment", "--by", "lifecycle", "-o", "out/a.parquet")
    found = run("runs", "verify", the_run(shop)[:6])
    assert found.exit_code == 0
    assert "byte for byte equal" in found.stderr


@pytest.mark.slow
def test_verify_names_an_input_file_that_changed_by_one_byte(shop: Path, run: Run) -> None:
    (shop / "more.csv").write_text(ORDERS)
    run("segment", "more.csv", "-o", "out/a.csv")
    (shop / "more.csv").write_text(ORDERS.replace("10.5", "11.5", 1))
    found = run("runs", "verify", the_run(shop), "-f", "csv")
    assert found.exit_code == 6
    assert "file,more.csv" in found.stdout
    assert "first difference in line" in found.stderr


@pytest.mark.slow
def test_verify_names_a_table_that_was_loaded_again(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/a.csv")
    load(shop, f"{ORDERS.splitlines()[0]}\nx1,c1,2025-06-01,999.5,EUR\n")
    found = run("runs", "verify", the_run(shop), "-f", "csv")
    assert found.exit_code == 6
    assert "table,transactions,loads 1" in found.stdout.replace('"', "")


@pytest.mark.slow
def test_verify_names_a_changed_setting(shop: Path, run: Run) -> None:
    run("check", "-o", "out/check.json", "--as-of", "2025-12-31")
    config = shop / "ckm.yaml"
    text = config.read_text()
    assert "time_zone: UTC" in text
    config.write_text(text.replace("time_zone: UTC", "time_zone: Asia/Bangkok"))
    found = verify(shop, the_run(shop))
    assert ("setting", "time_zone", "UTC", "Asia/Bangkok", "") in found.frame.rows()


@pytest.mark.slow
def test_verify_names_a_changed_library_version(shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("segment", "-o", "out/a.csv")
    monkeypatch.setattr("ckm.runs.versions_of", lambda: {**runs(shop).manifests[0].versions, "polars": "0.0.1"})
    found = verify(shop, the_run(shop))
    assert found.equal
    assert [each.name for each in found.causes if each.what == "version"] == ["polars"]


@pytest.mark.slow
def test_verify_names_an_output_file_that_was_edited_after_the_run(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/a.csv")
    (shop / "out" / "a.csv").write_text("customer_id,segment\nc1,Champions\n")
    found = run("runs", "verify", the_run(shop))
    assert found.exit_code == 6
    assert "was changed after it" in found.stderr


@pytest.mark.slow
def test_verify_does_not_change_the_workspace(shop: Path, run: Run) -> None:
    run("segment", "--save", "mine", "-o", "out/a.csv")
    before = {path: path.stat().st_mtime_ns for path in shop.rglob("*")}
    assert run("runs", "verify", the_run(shop)).exit_code == 0
    assert {path: path.stat().st_mtime_ns for path in shop.rglob("*")} == before


@pytest.mark.slow
def test_diff_names_the_cause_and_the_changed_figures(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/a.csv", "--as-of", "2025-12-31")
    run("segment", "-o", "out/b.csv", "--as-of", "2025-09-30")
    one, two = runs(shop).manifests
    found = diff(shop, one.run, two.run)
    assert found.causes[0].what == "argument"
    assert any(each.what == "figure" for each in found.effects)


def test_an_unknown_run_is_refused_with_a_suggestion(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/a.csv")
    name = the_run(shop)
    wrong = name[:-1] + ("0" if name[-1] != "0" else "1")
    found = run("runs", "show", wrong)
    assert found.exit_code == 2
    assert f"did you mean '{name}'" in found.stderr


def test_an_error_names_a_damaged_manifest(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/a.csv")
    path = shop / "runs" / f"{the_run(shop)}.json"
    path.write_text("{}")
    found = run("runs")
    assert found.exit_code == 3
    assert path.name in found.stderr


@pytest.mark.slow
def test_prune_keeps_the_newest_run_of_each_output_file(shop: Path, run: Run) -> None:
    for day in ("2025-10-31", "2025-11-30", "2025-12-31"):
        run("segment", "-o", "out/a.csv", "--as-of", day)
    run("segment", "-o", "out/b.csv")
    assert run("runs", "prune", "--dry-run").exit_code == 0
    assert len(runs(shop).manifests) == 4
    run("runs", "prune")
    assert sorted(path for each in runs(shop).manifests for path in each.outputs) == ["out/a.csv", "out/b.csv"]


def test_verify_and_diff_refuse_a_wrong_number_of_run_names(shop: Path, run: Run) -> None:
    for words in (["verify"], ["diff", "a"], ["list", "a"], ["lst"], ["list", "--keep", "3"]):
        assert run("runs", *words).exit_code == 2


@pytest.mark.slow
def test_a_report_shows_the_name_of_its_run(shop: Path, run: Run) -> None:
    assert run("loyalty-report", "-o", "out/page.html").exit_code == 0
    assert f"Run {the_run(shop)}." in (shop / "out" / "page.html").read_text()


@pytest.mark.slow
def test_erasing_a_customer_removes_manifests_that_name_them_and_verify_says_inputs_erased(
    shop: Path, run: Run
) -> None:
    run("kb-search", "parcel of customer-0005", "--kb", "kb", "-o", "out/hits.json")
    load(shop, f"{ORDERS.splitlines()[0]}\ny1,customer-0005,2025-06-01,9.5,EUR\n")
    run("segment", "-o", "out/a.csv")
    assert run("privacy", "erase", "customer-0005").exit_code == 0
    [left] = runs(shop).manifests
    assert left.command == "segment"
    found = run("runs", "verify", left.run)
    assert found.exit_code == 6
    assert "inputs erased" in found.stderr


def test_runs_are_recorded_from_a_checkout_that_is_not_installed(
    shop: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("ckm._runs.state.metadata.requires", missing)
    assert run("segment", "-o", "out/a.csv").exit_code == 0
    assert set(runs(shop).manifests[0].versions) == {"python"}


@pytest.mark.slow
def test_verify_names_the_setting_that_explains_the_difference_among_several_changes(shop: Path, run: Run) -> None:
    run("check", "--as-of", "2026-02-01", "-o", "out/a.csv")
    run("segment", "--save", "later", "-o", "out/later.csv")  # a file that is added after the run
    config = shop / "ckm.yaml"
    text = config.read_text().replace("  transactions: 7d", "  transactions: 90d")
    config.write_text(text.replace("contact_cost: 1", "contact_cost: 2"))
    found = run("runs", "verify", runs(shop).manifests[0].run, "-f", "csv")
    assert found.exit_code == 6
    assert "setting freshness.transactions makes the difference" in found.stderr
    assert "later" not in found.stdout


@pytest.mark.slow
def test_diff_lists_the_figures_that_each_setting_and_option_changes_alone(shop: Path, run: Run) -> None:
    run("check", "-o", "out/a.csv", "--as-of", "2026-02-01")
    config = shop / "ckm.yaml"
    config.write_text(config.read_text().replace("  transactions: 7d", "  transactions: 90d"))
    run("check", "-o", "out/a.csv", "--as-of", "2026-05-01")
    one, two = runs(shop).manifests
    found = diff(shop, one.run, two.run)
    assert {each.cause for each in found.effects} == {"", "option --as-of", "setting freshness.transactions"}


def test_ingest_is_not_recorded_because_it_changes_its_inputs(shop: Path, run: Run) -> None:
    (shop / "more.csv").write_text(f"{ORDERS.splitlines()[0]}\nx1,c1,2025-06-01,999.5,EUR\n")
    assert run("ingest", "more.csv", "--as", "transactions", "-o", "out/loaded.csv").exit_code == 0
    assert not (shop / "runs").exists()


@pytest.mark.slow
def test_diff_names_the_causes_that_cannot_be_attributed(shop: Path, run: Run) -> None:
    run("segment", "-o", "out/first.csv")
    run("segment", "-o", "out/a.csv", "--as-of", "2025-09-30")
    load(shop, f"{ORDERS.splitlines()[0]}\nx1,c1,2025-06-01,999.5,EUR\n")
    run("segment", "-o", "out/a.csv", "--as-of", "2025-12-31")
    _, one, two = runs(shop).manifests
    found = diff(shop, one.run, two.run)
    assert any("not kept: table transactions" in each for each in found.remarks)
    assert "option --as-of" in {each.cause for each in found.effects}


@pytest.mark.slow
def test_verify_computes_the_files_of_a_nightly_run_again(shop: Path, run: Run) -> None:
    run("nightly")
    recorded = runs(shop).manifests
    assert "check" in {each.command for each in recorded}
    assert all(verify(shop, each.run).equal for each in recorded)
