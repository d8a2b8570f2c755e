"""``ckm check`` as a shell sees it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from typer.testing import Result

from ckm.check.findings import SCHEMA
from ckm.config import open_workspace

from .conftest import Shop

Run = Callable[..., Result]


@pytest.fixture
def dataset(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> SimpleNamespace:
    """What the command gets for DATA: the shop, without a workspace."""
    opened = SimpleNamespace(tables={}, label="shop", remarks=[], workspace=None, quarantine=None)

    def open_dataset(data: Path | None, workspace: Path | None, hints: object) -> SimpleNamespace:
        opened.tables = {name: frame.lazy() for name, frame in shop.tables.items()}
        return opened

    module = ModuleType("ckm.dataset")
    module.open_dataset = open_dataset
    monkeypatch.setitem(sys.modules, "ckm.dataset", module)
    return opened


@pytest.fixture
def workspace(dataset: SimpleNamespace, run: Run, tmp_path: Path) -> Path:
    """A workspace around the shop."""
    root = tmp_path / "shop"
    assert run("init", root).exit_code == 0
    dataset.workspace = open_workspace(root)
    return root


@pytest.mark.usefixtures("dataset")
def test_findings_alone_are_on_stdout_and_the_summary_on_stderr(run: Run, shop: Shop) -> None:
    shop.change(where=pl.col("order_id") == "O00001", type="gift")
    result = run("check", "-f", "json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert rows[0]["severity"] == "error"
    assert list(rows[0]) == list(SCHEMA)
    assert result.stderr == (
        "shop: 1 error, 0 warnings, 3 infos in 40 customers, 60 interactions, 465 transactions, as of 2024-06-28\n"
    )


@pytest.mark.usefixtures("dataset")
def test_a_pipe_gets_csv_with_every_finding(run: Run) -> None:
    lines = run("check").stdout.splitlines()
    assert lines[0] == ",".join(SCHEMA)
    assert len(lines) == 4


@pytest.mark.usefixtures("dataset")
def test_a_screen_gets_sentences_with_the_worst_first(run: Run, shop: Shop) -> None:
    shop.change(where=pl.col("order_id") == "O00001", type="gift")
    out = run("check", "-f", "table", "-q").stdout
    assert "1 error, 0 warnings" in out
    assert out.index("contract") < out.index("completeness")


@pytest.mark.usefixtures("dataset")
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
    run: Run, shop: Shop, broken: dict[str, object], fail_on: str | None, code: int
) -> None:
    shop.change(where=pl.col("order_id") == "O00001", **broken)
    assert run("check", *(["--fail-on", fail_on] if fail_on else [])).exit_code == code


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("words", [("-f", "junit"), ("-o", "check.xml"), ("-f", "junit", "-o", "check.txt")])
def test_junit_comes_by_format_or_by_suffix(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("check", *words)
    text = (tmp_path / words[-1]).read_text(encoding="utf-8") if "-o" in words else result.stdout
    assert ET.fromstring(text).find("testsuite").get("failures") == "0"


@pytest.mark.usefixtures("dataset")
def test_a_file_holds_every_finding_in_the_format_of_its_suffix(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "findings.parquet"
    result = run("check", "-o", path)
    assert result.stdout == ""
    assert pl.read_parquet(path).columns == list(SCHEMA)


@pytest.mark.usefixtures("dataset")
def test_rows_after_the_as_of_day_are_counted_on_stderr(run: Run) -> None:
    result = run("check", "--as-of", "2024-06-26")
    assert "6 rows of transactions are dated after 2024-06-26 and were left out" in result.stderr


def test_the_workspace_sets_limits_and_totals(run: Run, workspace: Path) -> None:
    (workspace / "controls.csv").write_text("month,currency,net\n2024-02,EUR,1\n", encoding="utf-8")
    result = run("check", "-f", "json", "--fail-on", "error", "--as-of", "2024-12-31")
    assert result.exit_code == 1
    checks = [row["check"] for row in json.loads(result.stdout)]
    assert checks[0] == "controls"
    assert "freshness" in checks


@pytest.mark.parametrize(("fmt", "nothing"), [("json", "[]\n"), ("ndjson", ""), ("csv", ",".join(SCHEMA) + "\n")])
def test_nothing_found_is_an_empty_result_and_not_no_result(
    run: Run, dataset: SimpleNamespace, workspace: Path, fmt: str, nothing: str
) -> None:
    settings = workspace / "ckm.yaml"
    text = settings.read_text(encoding="utf-8").replace("skip: []", "skip: [completeness, freshness]")
    settings.write_text(text, encoding="utf-8")
    dataset.workspace = open_workspace(workspace)
    assert run("check", "-f", fmt, "-q").stdout == nothing


def test_a_malformed_controls_file_is_broken_input(run: Run, workspace: Path) -> None:
    (workspace / "controls.csv").write_text("month,currency,net\nFebruary,EUR,1\n", encoding="utf-8")
    result = run("check")
    assert result.exit_code == 3
    assert "controls.csv:2: month is not YYYY-MM" in result.stderr
