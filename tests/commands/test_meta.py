"""``--meta FILE``: facts of a run, equal for equal runs, without paths, times and names of persons."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import ckm
from ckm._audience.design import MEMBER_COLUMNS
from ckm._audience.result import LIST_COLUMNS as AUDIENCE_LIST_COLUMNS
from ckm._churn.warning_list import COLUMNS as WARNING_COLUMNS
from ckm._evaluate.result import COLUMNS as EVALUATION_COLUMNS
from ckm._kb.lint.lint_report import COLUMNS as LINT_COLUMNS
from ckm._needs.need import SCHEMA as NEED_COLUMNS
from ckm._network import roll_ups
from ckm._network.findings import FINDINGS
from ckm._outcome.effects import GROUP_COLUMNS, RULE_COLUMNS
from ckm.check.findings import SCHEMA as FINDING_COLUMNS
from ckm.cli import app
from ckm.commands import kb_hits
from ckm.commands.diff import CHANGE_COLUMNS
from ckm.commands.feedback_mine import BY_USE as FEEDBACK_COLUMNS
from ckm.commands.forecast import BY_USE as FORECAST_COLUMNS
from ckm.commands.kb_gaps import COLUMNS as GAP_COLUMNS
from ckm.commands.kb_search import FAILURE_COLUMNS, SUITE_COLUMNS
from ckm.diff import diff_files
from ckm.metadata import _described, definitions
from ckm.metrics.metric import COLUMNS as METRIC_COLUMNS
from ckm.outcome import EFFECT_COLUMNS
from ckm.workspace import lay_out
from tests._kb.kb_files import small_base, write_entry
from tests.conftest import Run

pytestmark = pytest.mark.usefixtures("coarse")
HEADER = "order_id,customer_id,ordered_at,net,currency,type"
COMMANDS = {
    "segment": ("segment",),
    "segment --moves": ("segment", "--moves", "--since", "2025-09-30"),
    "churn-warn": ("churn-warn", "--model", "rule", "--horizon", "60d"),
    "loyalty-report": ("loyalty-report", "--period", "6mo"),
    "check": ("check", "--as-of", "2025-12-01"),
}
NETWORK_COLUMNS = {
    *FINDINGS,
    *(name for each in roll_ups.TABLES for name in each if name != "place"),
}
KEYS = {"schema", "command", "ckm", "data", "as_of", "parameters", "settings", "columns", "remarks"}
KNOWLEDGE_COMMANDS = {
    "kb-search": ("kb-search", "late parcel", "--as-of", "2026-06-30"),
    "kb-search --suite": ("kb-search", "--suite", "suite.yaml", "--as-of", "2026-06-30"),
    "kb-lint": ("kb-lint", "--as-of", "2026-06-30"),
    "kb-gaps": ("kb-gaps", "--as-of", "2026-06-30"),
}
METHODS = ("rfm", "value", "lifecycle", "clusters")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("meta") / "shop"
    lay_out(folder)
    dice, rows = random.Random(4), [HEADER]
    for number in range(120):
        day, gap = date(2024, 1, 1) + timedelta(days=dice.randrange(300)), dice.uniform(10, 60)
        stop = day + timedelta(days=dice.randrange(1, 700))
        while day <= min(stop, date(2025, 12, 31)):
            rows.append(f"O{len(rows)},C{number:04},{day}T12:00:00Z,{dice.randrange(5, 60)},EUR,sale")
            day += timedelta(days=1 + int(gap * dice.uniform(0.5, 1.6)))
    (folder / "orders.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    text = (folder / "ckm.yaml").read_text(encoding="utf-8")
    (folder / "ckm.yaml").write_text(text.replace("guest_ids: []", "guest_ids: [jane-doe]"), encoding="utf-8")
    load(folder)
    return folder


def load(folder: Path) -> None:
    words = ["ingest", str(folder / "orders.csv"), "--as", "transactions", "-C", str(folder)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr


def facts(run: Run, folder: Path, *words: object) -> dict[str, Any]:
    path = folder / "out" / "meta.json"
    path.parent.mkdir(exist_ok=True)
    done = run(*words, "-q", "-f", "json", "--meta", path)
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_equal_runs_in_other_folders_at_other_times_have_equal_facts(
    made: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    texts = []
    for place in ("one", "another/place"):
        shop = tmp_path / place / "shop"
        shutil.copytree(made, shop)
        shutil.rmtree(shop / "store")
        load(shop)  # at another time, into another log
        monkeypatch.chdir(shop if place == "one" else tmp_path)
        words = COMMANDS[name] if place == "one" else (COMMANDS[name][0], shop, *COMMANDS[name][1:])
        found = facts(run, shop, *words)
        texts.append((shop / "out" / "meta.json").read_text(encoding="utf-8"))
        assert set(found) >= KEYS
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]
    assert "jane-doe" not in texts[0]
    assert found["command"] == COMMANDS[name][0]
    assert found["ckm"] == ckm.__version__
    assert found["data"]["tables"]["transactions"]["loads"] == 1
    assert found["as_of"] == ("2025-12-01" if name == "check" else found["as_of"]) >= "2025-12-01"


@pytest.mark.parametrize("words", [("needs", "--next-items"), ("segment",), ("check",), ("forecast",)])
def test_the_facts_have_each_remark_once(made: Path, tmp_path: Path, run: Run, words: tuple[str, ...]) -> None:
    path = tmp_path / "orders.csv"
    lines = (made / "orders.csv").read_text(encoding="utf-8").splitlines()
    items = [f"{line},item-{number % 7},color" for number, line in enumerate(lines[1:])]
    path.write_text("\n".join([f"{HEADER},product_id,colour", *items]) + "\n", encoding="utf-8")
    remarks = facts(run, tmp_path, words[0], path, *words[1:])["remarks"]
    assert any("orders.csv" in each for each in remarks)
    assert len(remarks) == len(set(remarks))


@pytest.mark.parametrize("name", KNOWLEDGE_COMMANDS)
def test_equal_runs_on_equal_knowledge_bases_have_equal_facts(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("CKM_CACHE", str(tmp_path / "cache"))
    texts = []
    for place in ("one", "another/place"):
        shop = tmp_path / place / "shop"
        lay_out(shop)
        small_base(shop / "kb")
        (shop / "suite.yaml").write_text("- {query: late parcel, expect: [late]}\n", encoding="utf-8")
        monkeypatch.chdir(shop)
        found = facts(run, shop, *KNOWLEDGE_COMMANDS[name])
        texts.append((shop / "out" / "meta.json").read_text(encoding="utf-8"))
    assert texts[0] == texts[1]
    assert str(tmp_path) not in texts[0]
    assert set(found) >= KEYS
    assert found["command"] == name.split()[0]
    assert found["as_of"] == "2026-06-30"
    assert found["settings"]["kb"]["languages"] == []
    assert found["columns"] == {**definitions(found["command"], found["columns"])} != {}
    write_entry(shop / "kb", "giraffe", "The giraffe cup")
    changed = facts(run, shop, *KNOWLEDGE_COMMANDS[name])
    assert changed["data"]["files"] == found["data"]["files"] + 1
    assert changed["data"]["sha256"] != found["data"]["sha256"]


def test_the_facts_of_a_search_have_its_query_filters_and_suggestions(tmp_path: Path, run: Run) -> None:
    small_base(tmp_path / "kb")
    words = ("kb-search", "Xparcl", "--kind", "for", "--kb", tmp_path / "kb", "--as-of", "2026-06-30", "-n", "3")
    found = facts(run, tmp_path, *words)
    assert found["parameters"]["query"] == "Xparcl"
    assert found["parameters"]["filters"] == {"kind": ["for"]}
    assert found["parameters"]["limit"] == 3
    assert "did you mean: parcel" in found["remarks"]
    assert found["data"]["label"] == "kb"
    assert not found["data"]["workspace"]


def test_the_facts_of_a_comparison_name_both_files_and_the_key(tmp_path: Path, run: Run) -> None:
    for name, net in (("old.csv", 5), ("new.csv", 6)):
        (tmp_path / name).write_text(f"{HEADER}\nX1,C1,2025-12-31T13:00:00Z,{net},EUR,sale\n", encoding="utf-8")
    found = facts(run, tmp_path, "diff", tmp_path / "old.csv", tmp_path / "new.csv", "--key", "order_id")
    assert [file["name"] for file in found["data"]["files"]] == ["old.csv", "new.csv"]
    assert found["data"]["files"][0]["sha256"] == hashlib.sha256((tmp_path / "old.csv").read_bytes()).hexdigest()
    assert found["key"] == ["order_id"]
    assert found["columns"]["difference"]


@pytest.mark.slow
def test_the_facts_have_model_parameters_and_settings(made: Path, tmp_path: Path, run: Run) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(made, shop)
    segment = facts(run, shop, "segment", shop, "--seed", "3")
    definition = (shop / "segments" / "default.yaml").read_text(encoding="utf-8")
    assert segment["model"]["definition"] == "default"
    assert segment["model"]["learned_from"]["data"] in definition
    assert segment["parameters"]["seed"] == 3
    assert any("segments/default.yaml" in remark for remark in segment["remarks"])
    churn = facts(run, shop, "churn-warn", shop, "--model", "rule", "--horizon", "60d")
    assert (churn["model"]["name"], churn["model"]["horizon_days"]) == ("rule", 60)
    loyalty = facts(run, shop, "loyalty-report", shop, "--period", "6mo", "--as-of", "2025-11-30")
    assert loyalty["period"] == {"first": "2025-06-01", "last": "2025-11-30"}
    assert loyalty["metrics"]["revenue"]["definition"]
    check = facts(run, shop, "check", shop)
    assert check["settings"]["freshness"]["transactions"] == "7d"
    assert set(check["checks"]) >= {row["check"] for row in json.loads(run("check", shop, "-f", "json").stdout)}


@pytest.mark.slow
def test_more_data_change_version_and_digest(made: Path, tmp_path: Path, run: Run) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(made, shop)
    before = facts(run, shop, "check", shop)["data"]["tables"]["transactions"]
    (shop / "orders.csv").write_text(f"{HEADER}\nX1,C1,2025-12-31T13:00:00Z,9,EUR,sale\n", encoding="utf-8")
    load(shop)
    after = facts(run, shop, "check", shop)["data"]["tables"]["transactions"]
    assert (before["loads"], after["loads"]) == (1, 2)
    assert before["version"] < after["version"]
    assert before["sha256"] != after["sha256"]


@pytest.mark.slow
def test_the_facts_of_a_file_have_its_digest_and_options(made: Path, tmp_path: Path, run: Run) -> None:
    shutil.copytree(made, tmp_path / "shop")
    orders = tmp_path / "shop" / "orders.csv"
    found = facts(run, tmp_path / "shop", "segment", orders, "--currency", "CHF", "--column", "net=net")
    digest = hashlib.sha256(orders.read_bytes()).hexdigest()
    assert found["data"]["files"] == [{"name": "orders.csv", "sha256": digest}]
    assert found["data"]["options"] == {"overrides": {"net": "net"}, "currency": "CHF"}
    assert str(tmp_path) not in json.dumps(found)


@pytest.mark.slow
def test_the_result_is_the_same_with_and_without_facts(made: Path, tmp_path: Path, run: Run) -> None:
    words = ("segment", made / "orders.csv", "-f", "csv", "-v")
    plain, with_facts = run(*words), run(*words, "--meta", tmp_path / "meta.json")
    assert with_facts.stdout == plain.stdout
    assert with_facts.stderr == f"wrote {tmp_path / 'meta.json'}\n" + plain.stderr


@pytest.mark.slow
def test_every_column_of_a_result_has_a_definition_and_every_definition_a_column(made: Path) -> None:
    orders = made / "orders.csv"
    segmented = [ckm.open(orders).segment(by=method) for method in METHODS]
    columns = {
        "segment": {name for each in segmented for name in (*each.frame.columns, *each.summary.columns)},
        "churn-warn": {*WARNING_COLUMNS, *ckm.open(orders).churn(model="rule", horizon="60d").summary.columns},
        "loyalty-report": set(METRIC_COLUMNS),
        "check": set(FINDING_COLUMNS),
        "network": set(NETWORK_COLUMNS),
        "evaluate": set(EVALUATION_COLUMNS),
        "audience": {*MEMBER_COLUMNS, "customers", "share", *AUDIENCE_LIST_COLUMNS},
        "outcome": {*EFFECT_COLUMNS, *GROUP_COLUMNS, *RULE_COLUMNS, "entry", "audience", "verdict", "file"},
        "forecast": {*FORECAST_COLUMNS, "week", "method", "error", "chosen"},
        "feedback-mine": set(FEEDBACK_COLUMNS),
        "needs": {*NEED_COLUMNS, "customer_id", "rank", "item", "score", "reason"},
        "kb-search": {*kb_hits.COLUMNS, *FAILURE_COLUMNS, *SUITE_COLUMNS},
        "kb-lint": set(LINT_COLUMNS),
        "kb-gaps": set(GAP_COLUMNS),
        "diff": {*diff_files(orders, orders).frame.columns, *CHANGE_COLUMNS},
    }
    for command, names in columns.items():
        assert all(definitions(command, sorted(names)).values())
        assert set(_described()[command]) <= names
    assert set(_described()) == set(columns)
    with pytest.raises(ckm.errors.UsageError, match="has no definition"):
        definitions("check", ["colour"])


@pytest.mark.parametrize(
    "words",
    [
        ("segment", "--features"),
        ("segment", "--show-rules"),
        ("churn-warn", "orders.csv", "--label", "churned", "--positive", "yes", "--id", "id"),
        ("loyalty-report", "--explain", "gini"),
        ("kb-lint", "--schema"),
        ("kb-lint", "--rules"),
        ("check", "--verify"),
        ("check", "--payments"),
    ],
    ids=" ".join,
)
def test_options_with_another_output_refuse_meta(tmp_path: Path, run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "--meta", tmp_path / "meta.json")
    assert done.exit_code == 2
    assert "--meta and --" in done.stderr
    assert not (tmp_path / "meta.json").exists()
