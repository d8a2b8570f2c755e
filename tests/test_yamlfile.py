"""YAML files: documents have their lines, and no nesting ends the program."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from ckm._kb.entry_files import read_folder
from ckm._segment.rules.definition import load_rules
from ckm.config import load_config
from ckm.errors import UsageError
from ckm.io.mapping.mapping_file import load_mapping
from ckm.yamlfile import parse_yaml
from ckm.yamlnodes import YamlError, compose_documents, read_text
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


def test_documents_have_the_lines_of_their_file_and_empty_ones_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "entries.yaml"
    path.write_text("\ufeffid: a\n---\n# nothing\n---\n---\nid: b\nkind: NO\n", encoding="utf-8")
    first, second = compose_documents(read_text(path))
    assert (first.start_mark.line, second.start_mark.line) == (0, 5)
    assert second.value[1][1].value == "NO"
    assert list(compose_documents("")) == []


def test_a_syntax_error_has_its_line_and_earlier_documents_are_read() -> None:
    documents = compose_documents("id: a\n---\nid: b: c\n")
    assert next(documents).start_mark.line == 0
    with pytest.raises(YamlError) as found:
        next(documents)
    assert found.value.line == 3


def test_only_what_is_written_as_null_is_null() -> None:
    text = "a:\nb: ~\nc: null\nd: !!null x\ne: 'null'\nf: !!str null\ng: ''\n"
    document = parse_yaml(text, Path("a.yaml"))
    assert document is not None
    assert [key for key, value in document.mapping().items() if value.is_null] == ["a", "b", "c", "d"]


# PyYAML refuses depth itself since 6.0.4, in words of its own; until then 100,000 brackets ended the process.
@pytest.mark.parametrize("name", NESTED)
def test_too_deep_nesting_is_refused_with_its_line(name: str) -> None:
    for depth in (2_002, 2_500 if name in ON_MANY_LINES else 100_000):
        with pytest.raises(UsageError, match=r"deep\.yaml:\d+: ."):
            parse_yaml(NESTED[name](depth), Path("deep.yaml"))


@pytest.mark.parametrize("name", [name for name in NESTED if name not in NEVER_YAML])
def test_ordinary_nesting_is_read(name: str) -> None:
    assert parse_yaml(NESTED[name](40), Path("deep.yaml")) is not None


@pytest.mark.parametrize("name", NESTED)
def test_values_nested_990_levels_are_an_error_with_its_line(name: str, tmp_path: Path) -> None:
    """Two thousand levels are read, and Python allows a thousand calls in one another to whoever walks them."""
    path = tmp_path / "ckm.yaml"
    nested = textwrap.indent(NESTED[name](990), "  ")
    for head, read in (
        ("goals:\n", lambda: load_config(tmp_path)),
        ("schema: ckm.map/1\ntable: transactions\ncolumns:\n", lambda: load_mapping(path)),
        ("schema: ckm.segment_rules/1\nsegments:\n", lambda: load_rules(path)),
    ):
        path.write_text(head + nested, encoding="utf-8")
        with pytest.raises(UsageError, match=r"ckm\.yaml:\d+"):
            read()
    path.write_text("id: a\ntitle: b\nextra:\n" + nested, encoding="utf-8")
    assert read_folder(tmp_path).mistakes


def test_a_document_of_too_many_values_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ckm.yamlnodes.MOST_NODES", 100)
    text = "- a\n" * 99
    assert len(list(compose_documents(f"{text}---\n{text}"))) == 2
    with pytest.raises(UsageError, match="more than 100 keys and values") as found:
        parse_yaml("{" + "a: b, " * 50 + "}\n", Path("many.yaml"))
    assert found.value.hint == "split it into several files"


def test_a_file_of_gigabytes_is_refused_before_it_is_read(tmp_path: Path, run: Run) -> None:
    with (tmp_path / "ckm.yaml").open("wb") as file:
        file.truncate(2 << 30)  # takes no room on the disk
    found = run("check", "-C", tmp_path)
    assert found.exit_code == 2
    assert "larger than 64 MB" in found.stderr
