"""Tools called through the client of the MCP SDK: access by role, suppressed numbers, log, and no changes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from ckm._churn.saved_warnings import ANALYSIS, REPORT_COLUMNS, RUN_COLUMNS
from ckm.cli import app
from ckm.config import open_workspace
from ckm.errors import UnknownNameError
from ckm.store import Store

pytest.importorskip("mcp")
pytestmark = pytest.mark.slow

AS_OF = date(2026, 6, 30)
ENTRY = (
    "schema: ckm.kb/1\nid: {0}\nkind: for\nfacet: policy\nlang: en\ntitle: {1}\nissue: {1} is asked for.\n"
    "state: {{confidence: validated, audience: customer, governance: experience_based}}\n{2}"
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace with 120 customers, three entries, and saved warnings of 21 customers (three are urgent)."""
    root = tmp_path_factory.mktemp("agents") / "shop"
    lines = ["order_id,line_no,customer_id,ordered_at,net,currency"]
    for number in range(120):
        for order in range(1 + number % 4):
            day = f"2026-{1 + (number + order) % 6:02}-{1 + number % 28:02}"
            lines.append(f"o{number}-{order},1,person{number},{day}T10:00:00Z,{10 + number % 7},EUR")
    sales = root.parent / "transactions.csv"
    sales.write_text("\n".join(lines) + "\n", "utf-8")
    for words in (["init", root], ["ingest", sales, "--as", "transactions", "-C", root]):
        done = CliRunner().invoke(app, [str(word) for word in words])
        assert done.exit_code == 0, done.output
    for name, title, more in (
        ("refund", "Refund of a late parcel", ""),
        ("address", "Changing the address", "links: {related: [secret]}\n"),
        ("secret", "Prices of rivals", "access: {read: [management]}\n"),
    ):
        (root / "kb" / f"{name}.yaml").write_text(ENTRY.format(name, title, more), "utf-8")
    rows = [
        {
            "customer_id": f"person{number}", "p_churn": 0.5, "p_reported": 0.5,
            "level": "urgent" if number < 3 else "warn" if number < 10 else "watch",
            "value_at_risk": 10.0, "reasons": "late_delivery many_returns", "unanswered": False,
        }
        for number in range(21)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema={**RUN_COLUMNS, **REPORT_COLUMNS})
    Store(root / "store").save_run(ANALYSIS, "90d", 1, AS_OF, frame, {})
    return root


@pytest.fixture
def configured(shop: Path) -> Any:
    """Return a function that writes settings of the section ``mcp`` into ckm.yaml; the file is restored afterwards."""
    path = shop / "ckm.yaml"
    before = path.read_text("utf-8")

    def write(text: str) -> None:
        path.write_text("\n".join(line for line in before.split("\nmcp:")[0].split("\n")) + f"\nmcp: {text}\n", "utf-8")

    yield write
    path.write_text(before, "utf-8")


def call(shop: Path, *calls: tuple[str, dict[str, Any]], role: str | None = None) -> list[tuple[bool, dict[str, Any]]]:
    """Call tools through the SDK's client in this process, and return whether each failed, and its result."""
    from mcp import Client

    from ckm._mcp.server import server_of
    from ckm._mcp.tools import AgentContext

    async def run() -> list[tuple[bool, dict[str, Any]]]:
        async with Client(server_of(AgentContext(open_workspace(shop), role))) as client:
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
            return [(bool(each.is_error), each.structured_content) for each in results]

    return asyncio.run(run())


def test_the_command_answers_calls_of_an_mcp_client_over_stdin_and_stdout(shop: Path) -> None:
    from mcp import Client, StdioServerParameters

    async def run() -> tuple[list[str], list[bool | None], Any]:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "ckm", "mcp", "-C", str(shop)], env=dict(os.environ)
        )
        async with Client(server) as client:
            listed = (await client.list_tools()).tools
            result = await client.call_tool("kb_search", {"query": "late parcel"})
            hints = [each.annotations.read_only_hint if each.annotations else None for each in listed]
            return [each.name for each in listed], hints, result.structured_content

    names, hints, result = asyncio.run(run())
    assert names == ["kb_search", "kb_show", "segments", "warnings", "report_metrics"]
    assert all(hints)
    assert result["hits"][0]["id"] == "refund"


def test_a_role_sees_only_entries_and_links_that_it_may_read(shop: Path) -> None:
    calls = [
        ("kb_search", {"query": "prices of rivals"}),
        ("kb_show", {"id": "secret"}),
        ("kb_show", {"id": "address"}),
    ]
    (_, found), (failed, missing), (_, shown) = call(shop, *calls, role="service")
    assert "secret" not in [hit["id"] for hit in found["hits"]]
    assert failed
    assert "rivals" not in json.dumps(missing)
    assert shown["related"] == []
    (_, found), (failed, entry), (_, shown) = call(shop, *calls, role="management")
    assert found["hits"][0]["id"] == "secret"
    assert entry["entry"]["title"] == "Prices of rivals"
    assert shown["related"] == ["secret"]


def test_a_shown_entry_has_the_warnings_of_a_hit(shop: Path) -> None:
    path = shop / "kb" / "old.yaml"
    old = ENTRY.format("old", "Old prices", "applies: {valid_until: 2025-12-31}\n").replace("validated", "wip")
    path.write_text(old, "utf-8")
    try:
        (_, shown), (_, valid) = call(shop, ("kb_show", {"id": "old"}), ("kb_show", {"id": "refund"}))
    finally:
        path.unlink()
    assert shown["warnings"] == ["draft", "expired 2025-12-31"]
    assert valid["warnings"] == []


def test_rows_of_customers_are_returned_only_with_the_setting_persons(shop: Path, configured: Any) -> None:
    everything = [("segments", {"as_of": "2026-06-30"}), ("warnings", {}), ("report_metrics", {"slices": True})]
    results = call(shop, *everything)
    assert not any(failed for failed, _ in results)
    assert not re.search(r"person\d", json.dumps([result for _, result in results]))
    configured("{persons: true}")
    ((_, result),) = call(shop, ("warnings", {"limit": 2}))
    assert [row["customer_id"] for row in result["customers"]] == ["person0", "person1"]
    assert result["customers"][0]["value_at_risk"] == 10
    ((_, result),) = call(shop, ("warnings", {"limit": 2}), role="unlisted")
    assert set(result["customers"][0]) == {"customer_id", "level", "reason"}


def test_numbers_of_groups_below_the_minimum_size_are_null(shop: Path, configured: Any) -> None:
    ((_, result),) = call(shop, ("warnings", {}))
    levels = {row["level"]: row["customers"] for row in result["levels"]}
    assert levels == {"urgent": None, "warn": None, "watch": 11}
    assert result["top_reasons"] == [{"reason": "late_delivery", "customers": 21, "value_at_risk": 210.0}]
    configured("{min_group_size: 0}")
    ((_, result),) = call(shop, ("warnings", {}))
    assert {row["level"]: row["customers"] for row in result["levels"]} == {"urgent": 3, "warn": 7, "watch": 11}


def test_metrics_of_fewer_customers_than_the_minimum_group_size_are_refused(tmp_path: Path) -> None:
    lines = ["order_id,line_no,customer_id,ordered_at,net,currency"]
    lines += [f"o{n},1,person{n % 3},2026-0{1 + n % 6}-1{n % 9}T10:00:00Z,100,EUR" for n in range(24)]
    (tmp_path / "sales.csv").write_text("\n".join(lines) + "\n", "utf-8")
    for words in (
        ["init", tmp_path / "few"],
        ["ingest", tmp_path / "sales.csv", "--as", "transactions", "-C", tmp_path / "few"],
    ):
        assert CliRunner().invoke(app, [str(word) for word in words]).exit_code == 0
    for slices in (False, True):
        ((failed, result),) = call(tmp_path / "few", ("report_metrics", {"slices": slices}))
        assert failed
        assert result["message"] == "fewer than 5 customers bought in the period: no metrics"


def test_an_empty_question_is_refused_and_not_logged(shop: Path) -> None:
    gaps = shop / "out" / "kb-queries.ndjson"
    gaps.unlink(missing_ok=True)
    ((failed, _),) = call(shop, ("kb_search", {"query": " "}))
    assert failed
    assert not gaps.exists()


def test_a_tool_in_the_setting_off_is_unknown_and_a_wrong_name_is_refused(shop: Path, configured: Any) -> None:
    configured("{off: [warnings]}")
    ((failed, result),) = call(shop, ("warnings", {}))
    assert failed
    assert "unknown tool" in result["message"]
    configured("{off: [warning]}")
    with pytest.raises(UnknownNameError, match="tool 'warning'"):
        call(shop, ("segments", {}))


def test_calls_are_logged_without_arguments_and_queries_without_hits_become_gaps(shop: Path, configured: Any) -> None:
    log, gaps = shop / "out" / "mcp-calls.ndjson", shop / "out" / "kb-queries.ndjson"
    log.unlink(missing_ok=True)
    gaps.unlink(missing_ok=True)
    call(shop, ("kb_search", {"query": "zebraword"}), ("kb_search", {"query": 5}), ("nothing", {}), role="service")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert [(line["tool"], line["role"], line["error"]) for line in lines] == [
        ("kb_search", "service", None), ("kb_search", "service", "usage"), (None, "service", "unknown-name"),
    ]  # fmt: skip
    assert "zebraword" not in log.read_text("utf-8")
    done = CliRunner().invoke(app, ["kb-gaps", "-C", str(shop), "-f", "json"])
    assert "zebraword" in done.stdout
    gaps.unlink()
    configured("{log_questions: false}")
    call(shop, ("kb_search", {"query": "zebraword"}))
    assert not gaps.exists()


def test_shown_entries_and_searches_are_logged_as_those_of_kb_search_if_kb_log_queries_is_on(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, searches = shop / "out" / "kb-shown.ndjson", shop / "out" / "kb-queries.ndjson"
    for path in (shown, searches):
        path.unlink(missing_ok=True)
    calls = [("kb_search", {"query": "late parcel"}), ("kb_show", {"id": "address"})]
    call(shop, *calls)
    assert not shown.exists()
    assert not searches.exists()
    monkeypatch.setenv("CKM_KB_LOG_QUERIES", "true")
    call(shop, *calls, role="service")
    assert [json.loads(line)["entries"] for line in shown.read_text("utf-8").splitlines()] == [
        {"refund": 1}, {"address": 1},
    ]  # fmt: skip
    assert {json.loads(line)["command"] for line in shown.read_text("utf-8").splitlines()} == {"mcp"}
    (line,) = searches.read_text("utf-8").splitlines()
    assert {name: json.loads(line).get(name) for name in ("role", "hits", "query")} == {
        "role": "service", "hits": 1, "query": None,
    }  # fmt: skip


def test_the_option_list_shows_the_tools_that_are_not_switched_off(shop: Path, configured: Any) -> None:
    configured("{off: [warnings]}")
    done = CliRunner().invoke(app, ["mcp", "--list", "-C", str(shop), "-f", "json"])
    assert [row["tool"] for row in json.loads(done.stdout)] == ["kb_search", "kb_show", "segments", "report_metrics"]
    assert CliRunner().invoke(app, ["mcp", "-C", str(shop), "-f", "json"]).exit_code == 2


def test_the_tool_topics_needs_a_topics_file_and_returns_no_text_of_comments(shop: Path) -> None:
    path = shop / "topics.yaml"
    path.write_text("topics:\n- {id: t1, title: {en: Late parcels}, keywords: [late], centroid: abc, text: secret}\n")
    try:
        ((failed, result),) = call(shop, ("topics", {}))
    finally:
        path.unlink()
    assert not failed
    assert result == {"topics": [{"id": "t1", "title": {"en": "Late parcels"}, "keywords": ["late"]}]}


def test_tools_change_no_file_outside_of_the_folder_out(shop: Path) -> None:
    def files() -> dict[str, int]:
        kept = (path for path in shop.rglob("*") if path.is_file() and path.parent.name != "out")
        return {str(path.relative_to(shop)): path.stat().st_mtime_ns for path in kept if "lock" not in path.name}

    before = files()
    call(shop, ("kb_search", {"query": "refund"}), ("segments", {}), ("warnings", {}), ("report_metrics", {}))
    assert files() == before
