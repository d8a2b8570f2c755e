"""Output, streams and exit codes of ``ckm check``."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from typer.testing import Result

from ckm.check.findings import SCHEMA
from ckm.schema import TABLES
from ckm.store import LoadFacts, Store
from tests.conftest import Run

from .conftest import Shop

Check = Callable[..., Result]


@pytest.fixture
def shop() -> Shop:
    """The shop with a customer created on its last day, so that it meets the freshness limits of a new workspace."""
    return Shop().change("customers", where=pl.col("customer_id") == "C039", created_on=date(2024, 6, 28))


@pytest.fixture
def workspace(run: Run, tmp_path: Path) -> Path:
    """A new workspace without data."""
    root = tmp_path / "shop"
    assert run("init", root).exit_code == 0
    return root


@pytest.fixture
def check(run: Run, shop: Shop, workspace: Path) -> Check:
    """Return a function that stores the shop's tables and runs the command: ``check("-f", "json").stdout``."""

    def invoke(*words: object) -> Result:
        stock(workspace, shop)
        return run("check", workspace, *words)

    return invoke


def stock(workspace: Path, shop: Shop) -> None:
    """Write the shop's tables to the store without ``ckm ingest``, which would quarantine invalid rows."""
    store = Store(workspace / "store")
    for name, frame in shop.tables.items():
        facts = LoadFacts(
            "", name, "load", f"{name}.csv", f"file of {name}", f"content of {name}", "shop",
            TABLES[name].key, tuple(frame.columns),
        )  # fmt: skip
        rows = frame.with_row_index("source_row", 1).with_columns(pl.col("source_row").cast(pl.Int64))
        with store.locked():
            load = store.begin(facts, schema=rows.schema, expected_rows=len(rows))
            load.add(rows)
            assert load.finish().accepted == len(frame)


@pytest.mark.slow
def test_findings_alone_are_on_stdout_and_the_summary_on_stderr(check: Check, shop: Shop, workspace: Path) -> None:
    shop.change(where=pl.col("order_id") == "O00001", type="gift")
    result = check("-f", "json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert rows[0]["severity"] == "error"
    assert list(rows[0]) == list(SCHEMA)
    assert result.stderr == (
        f"{workspace.name}: 1 error, 0 warnings, 3 infos in 40 customers, 60 interactions, 465 transactions, "
        "as of 2024-06-28\n"
    )


@pytest.mark.slow
def test_a_pipe_gets_csv_with_every_finding(check: Check) -> None:
    lines = check().stdout.splitlines()
    assert lines[0] == ",".join(SCHEMA)
    assert len(lines) == 4


@pytest.mark.slow
def test_a_terminal_shows_sentences_with_the_highest_severity_first(check: Check, shop: Shop) -> None:
    shop.change(where=pl.col("order_id") == "O00001", type="gift")
    out = check("-f", "table", "-q").stdout
    assert "1 error, 0 warnings" in out
    assert out.index("contract") < out.index("completeness")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "fail_on", "code"),
    [
        ({}, "error", 0),
        ({}, "warning", 0),
        ({"net": -1.0}, "error", 0),
        ({"net": -1.0}, "warning", 1),
        ({"type": "gift"}, "error", 1),
        ({"type": "gift"}, "warning", 1),
        ({"type": "gift"}, None, 0),
    ],
)
def test_findings_fail_the_run_only_when_asked(
    check: Check, shop: Shop, broken: dict[str, object], fail_on: str | None, code: int
) -> None:
    shop.change(where=pl.col("order_id") == "O00001", **broken)
    assert check(*(["--fail-on", fail_on] if fail_on else [])).exit_code == code


@pytest.mark.slow
@pytest.mark.parametrize("words", [("-f", "junit"), ("-o", "check.xml"), ("-f", "junit", "-o", "check.txt")])
def test_junit_comes_by_format_or_by_suffix(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = check(*words)
    text = (tmp_path / words[-1]).read_text(encoding="utf-8") if "-o" in words else result.stdout
    assert ET.fromstring(text).find("testsuite").get("failures") == "0"


@pytest.mark.slow
def test_a_file_holds_every_finding_in_the_format_of_its_suffix(check: Check, tmp_path: Path) -> None:
    path = tmp_path / "findings.parquet"
    result = check("-o", path)
    assert result.stdout == ""
    assert pl.read_parquet(path).columns == list(SCHEMA)


@pytest.mark.slow
def test_rows_after_the_as_of_day_are_counted_on_stderr(check: Check) -> None:
    result = check("--as-of", "2024-06-26")
    assert "6 rows of transactions dated after 2024-06-26 were left out" in result.stderr


@pytest.mark.slow
def test_the_workspace_sets_limits_and_totals(check: Check, workspace: Path) -> None:
    (workspace / "controls.csv").write_text("month,currency,net\n2024-02,EUR,1\n", encoding="utf-8")
    result = check("-f", "json", "--fail-on", "error", "--as-of", "2024-12-31")
    assert result.exit_code == 1
    checks = [row["check"] for row in json.loads(result.stdout)]
    assert checks[0] == "controls"
    assert "freshness" in checks


@pytest.mark.slow
@pytest.mark.parametrize(("fmt", "nothing"), [("json", "[]\n"), ("ndjson", ""), ("csv", ",".join(SCHEMA) + "\n")])
def test_without_findings_the_result_is_empty_in_every_format(
    check: Check, workspace: Path, fmt: str, nothing: str
) -> None:
    settings = workspace / "ckm.yaml"
    text = settings.read_text(encoding="utf-8").replace("skip: []", "skip: [completeness, freshness]")
    settings.write_text(text, encoding="utf-8")
    result = check("-f", fmt, "-q")
    assert (result.exit_code, result.stdout) == (0, nothing)


def test_a_file_is_checked_without_a_workspace(run: Run, shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    shop.tables["transactions"].write_csv(path)
    result = run("check", path, "-f", "json", "--fail-on", "warning")
    assert result.exit_code == 0
    assert {row["table"] for row in json.loads(result.stdout)} == {"transactions"}
    assert "orders.csv: 0 errors, 0 warnings, " in result.stderr
    assert "in 465 transactions, as of 2024-06-28" in result.stderr


@pytest.mark.slow
def test_rows_that_ingest_refused_are_a_finding(run: Run, shop: Shop, workspace: Path, tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    shop.change(where=pl.col("order_id") == "O00001", type="gift").tables["transactions"].write_csv(path)
    assert run("ingest", "-C", workspace, path, "--as", "transactions").exit_code == 0
    found = {row["check"]: row for row in json.loads(run("check", workspace, "-f", "json").stdout)}
    assert (found["quarantine"]["count"], found["quarantine"]["column"]) == (1, "type")
    assert "contract" not in found


@pytest.mark.slow
def test_a_malformed_controls_file_is_broken_input(check: Check, workspace: Path) -> None:
    (workspace / "controls.csv").write_text("month,currency,net\nFebruary,EUR,1\n", encoding="utf-8")
    result = check()
    assert result.exit_code == 3
    assert "controls.csv:2: month is not YYYY-MM" in result.stderr
