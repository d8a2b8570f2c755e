"""What YAML files promise: documents keep their lines, and no nesting ends the program."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm.errors import UsageError
from ckm.yamlfile import DEEPEST, parse_yaml, read_yaml_documents

NESTED = {
    "brackets": lambda depth: "[" * depth + "]" * depth,
    "braces": lambda depth: "{a: " * depth + "}" * depth,
    "dashes": lambda depth: "- " * depth + "x",
    "dashes and tabs": lambda depth: "-\t" * depth + "x",
    "question marks": lambda depth: "? " * depth + "x",
    "keys": lambda depth: "".join(" " * level + "a:\n" for level in range(depth)),
    "lists under keys": lambda depth: "".join(
        " " * level + "a:\n" + " " * level + "-\n" for level in range(depth // 2)
    ),
}


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
    with pytest.raises(UsageError, match=r"entries\.yaml:3: mapping values are not allowed"):
        read_yaml_documents(path)


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_what_is_nested_too_deeply_is_refused(nested: object) -> None:
    for depth in (DEEPEST + 2, 3000):
        with pytest.raises(UsageError):
            parse_yaml(nested(depth), Path("deep.yaml"))  # type: ignore[operator]


@pytest.mark.parametrize("nested", NESTED.values(), ids=NESTED)
def test_what_people_nest_is_read(nested: object) -> None:
    if nested is not NESTED["dashes and tabs"]:
        assert parse_yaml(nested(40), Path("deep.yaml")) is not None  # type: ignore[operator]
