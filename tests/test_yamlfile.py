"""What YAML files promise: documents keep their lines, and no nesting ends the program."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ckm.config import load_config
from ckm.errors import UsageError
from ckm.knowledge.folder import read_folder
from ckm.mapping.mapping_file import read_mapping
from ckm.segmentation.rules.definition import load_rules
from ckm.yamlfile import parse_yaml, read_yaml_documents
from tests.conftest import Run

Nested = Callable[[int], str]
NESTED: dict[str, Nested] = {
    "brackets": lambda depth: "[" * depth + "]" * depth,
    "brackets that nobody closes": lambda depth: "[" * depth,
    "braces": lambda depth: "{a: " * depth + "}" * depth,
    "braces without keys": lambda depth: "{" * depth + "}" * depth,
    "braces that nobody closes": lambda depth: "{" * depth,
    "brackets in braces": lambda depth: "[{a: " * (depth // 2) + "}]" * (depth // 2),
    "tags": lambda depth: "!a [" * depth + "]" * depth,
    "dashes": lambda depth: "- " * depth + "x",
    "dashes and tabs": lambda depth: "-\t" * depth + "x",
    "question marks": lambda depth: "? " * depth + "x",
    "dashes and question marks": lambda depth: "- ? " * (depth // 2) + "x",
    "brackets after dashes": lambda depth: "- " * (depth // 2) + "[" * (depth // 2) + "]" * (depth // 2),
    "keys": lambda depth: "".join(" " * level + "a:\n" for level in range(depth)),
    "lists under keys": lambda depth: "".join(" " * level + "a:\n" + " " * level + "-\n" for level in range(depth)),
}
NEVER_YAML = {"brackets that nobody closes", "braces that nobody closes", "dashes and tabs"}
ON_MANY_LINES = {"keys", "lists under keys"}  # their indentation grows with the square


def test_documents_keep_the_lines_of_their_file_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "entries.yaml"
    path.write_text("\ufeffid: a\n---\n# nothing\n---\n---\nid: b\nkind: NO\n", encoding="utf-8")
    first, second = read_yaml_documents(path)
    assert (first.line, second.line) == (1, 6)
    assert second.mapping()["kind"].text() == "NO"
    path.write_text("", encoding="utf-8")
    assert read_yaml_documents(path) == []


def test_a_mistake_in_a_later_document_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "entries.yaml"
    path.write_text("id: a\n---\nid: b: c\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"entries\.yaml:3: "):
        read_yaml_documents(path)


# PyYAML refuses depth itself since 6.0.4, in words of its own; until then 100,000 brackets ended the process.
@pytest.mark.parametrize("name", NESTED)
def test_what_is_nested_too_deeply_is_refused_at_its_line(name: str) -> None:
    for depth in (2_002, 2_500 if name in ON_MANY_LINES else 100_000):
        with pytest.raises(UsageError, match=r"deep\.yaml:\d+: ."):
            parse_yaml(NESTED[name](depth), Path("deep.yaml"))


@pytest.mark.parametrize("name", [name for name in NESTED if name not in NEVER_YAML])
def test_what_people_nest_is_read(name: str) -> None:
    assert parse_yaml(NESTED[name](40), Path("deep.yaml")) is not None


@pytest.mark.parametrize("name", NESTED)
def test_what_is_just_read_ends_no_reader(name: str, tmp_path: Path) -> None:
    """Two thousand levels are read, and Python allows a thousand calls in one another to whoever walks them."""
    path = tmp_path / "ckm.yaml"
    nested = textwrap.indent(NESTED[name](990), "  ")
    for head, read in (
        ("goals:\n", lambda: load_config(tmp_path)),
        ("schema: ckm.map/1\ntable: transactions\ncolumns:\n", lambda: read_mapping(path)),
        ("schema: ckm.segment_rules/1\nsegments:\n", lambda: load_rules(path)),
    ):
        path.write_text(head + nested, encoding="utf-8")
        with pytest.raises(UsageError, match=r"ckm\.yaml:\d+"):
            read()
    path.write_text("id: a\ntitle: b\nextra:\n" + nested, encoding="utf-8")
    assert read_folder(tmp_path).mistakes


@pytest.mark.slow
def test_a_file_of_too_many_values_is_refused_in_however_many_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ckm.yamlfile.MOST_NODES", 10_000)
    path = tmp_path / "many.yaml"
    path.write_text("---\n" + "- a\n" * 5_000 + "---\n{" + "a: b, " * 2_500 + "}\n")
    with pytest.raises(UsageError, match="more than 10,000 keys and values") as found:
        read_yaml_documents(path)
    assert found.value.hint == "split it into several files"


def test_a_file_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path, run: Run) -> None:
    with (tmp_path / "ckm.yaml").open("wb") as file:
        file.truncate(2 << 30)  # takes no room on the disk
    found = run("check", "-C", tmp_path)
    assert found.exit_code == 2
    assert "more than 64 MB" in found.stderr
