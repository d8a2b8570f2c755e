"""``ckm kb-lint`` on a terminal, in a pipe, in CI, and on a hostile knowledge base."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from ckm._kb.entry_schema import schema_text
from ckm._kb.lint import RULES
from ckm.output import Format
from tests._kb.bases import full, smallest, write
from tests.conftest import Run, Shell

DAY = ("--as-of", "2026-06-30")


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    write(tmp_path / "kb", full("a"), full("b", 1, more="mood: good"), name="one.yaml")
    write(tmp_path / "kb", full("a", 2), name="deep/two.yaml")
    return tmp_path / "kb"


def test_findings_are_rows_with_the_highest_severity_first(run: Run, kb: Path) -> None:
    result = run("kb-lint", "--kb", kb, *DAY, "-f", "json")
    assert result.exit_code == 0
    rows = json.loads(result.stdout)
    assert [(row["severity"], row["rule"], row["file"], row["line"], row["entry"]) for row in rows] == [
        ("error", "duplicate-id", "one.yaml", 2, "a"),
        ("warning", "unknown-key", "one.yaml", 35, "b"),
    ]
    assert all(row["message"] and row["hint"] for row in rows)
    assert "1 error, 1 warning, 0 infos in 3 entries, as of 2026-06-30" in result.stderr


@pytest.mark.parametrize(
    ("more", "fail_on", "code"),
    [("mood: x", "error", 0), ("mood: x", "warning", 1), ("", "warning", 0), ("kind: x", "error", 1)],
)
def test_the_exit_code_is_1_only_for_findings_at_or_above_fail_on(
    run: Run, tmp_path: Path, more: str, fail_on: str, code: int
) -> None:
    write(tmp_path, full("a", more=more))
    assert run("kb-lint", "--kb", tmp_path, *DAY).exit_code == 0
    assert run("kb-lint", "--kb", tmp_path, *DAY, "--fail-on", fail_on).exit_code == code


def test_an_empty_base_is_an_empty_result(run: Run, tmp_path: Path) -> None:
    assert run("kb-lint", "--kb", tmp_path, *DAY, "-f", "json").stdout == "[]\n"
    assert run("kb-lint", "--kb", tmp_path, *DAY, "-f", "csv").stdout == "severity,rule,file,line,entry,message,hint\n"


def test_settings_come_from_the_workspace_around_the_folder(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "kb", full("a", more="classify: {topics: [parcels], segments: [Mine, Champions]}"))
    write(tmp_path, "kb: {topics: [delivery], skip: [unknown-reason]}\n", name="ckm.yaml")
    for words in (("-C", tmp_path), ("--kb", tmp_path / "kb")):
        rows = json.loads(run("kb-lint", *words, *DAY, "-f", "json").stdout)
        assert [row["rule"] for row in rows] == ["unknown-topic", "unknown-segment"]
    refused = run("kb-lint", "--kb", tmp_path / "kb", *DAY)
    assert refused.exit_code == 0
    write(tmp_path, "kb: {skip: [nonsense]}\n", name="ckm.yaml")
    refused = run("kb-lint", "-C", tmp_path, *DAY)
    assert refused.exit_code == 2
    assert "unknown rule 'nonsense'" in refused.stderr


def test_a_missing_folder_exits_2(run: Run, tmp_path: Path) -> None:
    result = run("kb-lint", "--kb", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "there is no folder" in result.stderr


def test_junit_has_a_case_per_rule_and_file(run: Run, kb: Path, tmp_path: Path) -> None:
    run("kb-lint", "--kb", kb, *DAY, "-o", tmp_path / "kb.xml")
    cases = {(case.get("classname"), case.get("name")): case for case in ET.parse(tmp_path / "kb.xml").iter("testcase")}
    assert len(cases) == len(RULES)
    failed = cases["ckm.kb-lint.duplicate-id", "one.yaml"].find("failure")
    assert failed is not None
    assert failed.get("message") == "one.yaml:2 (a): duplicate id 'a', first in deep/two.yaml:2"
    assert cases["ckm.kb-lint.unknown-key", "one.yaml"].find("failure") is None
    strict = run("kb-lint", "--kb", kb, *DAY, "-f", "junit", "--fail-on", "warning")
    assert strict.exit_code == 1
    assert ET.fromstring(strict.stdout)[0].get("failures") == "2"


@pytest.mark.slow
def test_sarif_paths_are_relative_to_the_current_folder(shell: Shell, tmp_path: Path) -> None:
    write(tmp_path / "kb", full("a"), full("a", 1))
    inside = json.loads(shell("kb-lint", "--kb", "kb", *DAY, "-f", "sarif").stdout)["runs"][0]
    place = inside["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "kb/entries.yaml"}, "region": {"startLine": 20}}
    assert {rule["id"] for rule in inside["tool"]["driver"]["rules"]} == {rule.id for rule in RULES}
    write(tmp_path.parent / "elsewhere", full("a"), full("a", 1))
    outside = json.loads(shell("kb-lint", "--kb", tmp_path.parent / "elsewhere", *DAY, "-f", "sarif").stdout)["runs"][0]
    assert str(tmp_path.parent) not in json.dumps(outside)


def test_the_schema_option_prints_the_json_schema(run: Run) -> None:
    result = run("kb-lint", "--schema")
    assert result.stdout == schema_text()
    assert json.loads(result.stdout)["required"][0] == "schema"


def test_the_rules_are_listed(run: Run) -> None:
    rows = json.loads(run("kb-lint", "--rules", "-f", "json").stdout)
    assert [row["rule"] for row in rows] == [rule.id for rule in RULES]
    assert all(row["condition"] and row["remedy"] for row in rows)


@pytest.mark.parametrize("fmt", [*Format, "junit", "sarif"])
def test_a_hostile_base_gives_findings_without_escape_sequences(
    run: Run, tmp_path: Path, fmt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kb = tmp_path / "kb"
    write(kb, full("good"), name="good.yaml")
    escape = '"\\e]0;pwned\\a\\e[31m\\u009b2J\\u202e"'
    write(
        kb, full("evil", 1, title=escape, more=f"{escape}: {escape}\nlinks: {{related: [{escape}]}}"), name="evil.yaml"
    )
    write(kb, smallest("x").replace("id: x", f"id: {escape}"), name="id.yaml")
    write(
        kb,
        full("topics", 2, more=f"classify: {{topics: [{escape}], segments: [{escape}]}}\nlang: {escape}"),
        name="t.yaml",
    )
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    write(kb, bomb + smallest("bomb") + "cause: *i\n", name="bomb.yaml")
    for number, data in enumerate(
        (b"\x00\xff", b"[" * 50_000, "ä".encode("utf-16"), b"- a", b"null", b"a: \xe9", b"{" * 9)
    ):
        (kb / f"{number}.yaml").write_bytes(data)
    with (kb / "huge.yaml").open("wb") as file:
        file.truncate(100 * 1024**2)
    (kb / "out.yaml").symlink_to("/etc/passwd")
    (kb / "loop").symlink_to(kb)
    (kb / "self.yml").symlink_to("self.yml")
    (kb / os.fsdecode(b"\x1b[31m\xff.yaml")).write_text("[", encoding="utf-8")
    (kb / "deep" / "/".join("d" * 60)).mkdir(parents=True)
    result = run("kb-lint", "--kb", kb, *DAY, "-f", fmt, "--fail-on", "error")
    assert result.exit_code == 1, result.stderr
    for text in (result.stdout, result.stderr):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", text)
    if fmt == "json":
        rows = json.loads(result.stdout)
        broken = {f"{number}.yaml" for number in (0, 1, 2, 5, 6)} | {"huge.yaml", "out.yaml", "self.yml"}
        assert {row["file"] for row in rows if row["rule"] == "file"} == broken | {"\\x1b[31m\\xff.yaml"}
        assert not any(row["entry"] == "good" for row in rows)
