"""Typing mistakes in YAML: lost text, and characters that resemble YAML syntax, are findings."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ckm._kb.entry_files import read_folder
from ckm.config import load_config
from ckm.errors import UsageError
from ckm.yamlnodes import YamlError, compose_document, compose_documents, read_text
from ckm.yamltext import lookalike, lost

HEAD = "schema: ckm.kb/1\nid: a\nkind: for\nstate: {confidence: wip}\nreview: {}\nprovenance: {}\n"
LINES = HEAD.count("\n")


def mistakes(folder: Path, text: str) -> list[tuple[str, int, str]]:
    """Return rule, line and message of what is wrong with an entry that goes on with ``text`` from line 1."""
    (folder / "a.yaml").write_bytes((HEAD + text).encode())
    return [(each.rule, each.line - LINES, each.message) for each in read_folder(folder).mistakes]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("title: Order #123 is late\nissue: y\n", 1),
        ("title: x\nissue: Problem # 5\n", 2),
        ("title: x\nissue: y\ncause: #5 failed\n", 3),
        ("title: x\nissue: '#1' #2\n", 2),
        ("title: x\nissue: the order\n  #123 is late\n", 2),
        ("title: x\r\nissue: y\r\ncause: z #2\r\n", 3),
        ("title: كتاب #5\nissue: y\n", 1),
        ("title:\n  en: x\n  de: Auftrag #1\nissue: y\n", 3),
        ("title: x\nissue: y\naliases:\n  - one\n  - two #2\n", 5),
        ("title: x\nissue: y\nhistory: [{note: case #2\n}]\n", 3),
        ("title: !Attention please\nissue: y\n", 1),
        ("title: ! please\nissue: y\n", 1),
        ("title: x\nissue: y\naliases: [!Attention please]\n", 3),
        ("title: &Co deal\nissue: y\n", 1),
    ],
)
def test_words_that_yaml_reads_as_syntax_are_a_finding_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    assert [(rule, at) for rule, at, _ in mistakes(tmp_path, text)] == [("lost-text", line)]


@pytest.mark.parametrize(
    "text",
    [
        "title: x  # a note\nissue: 'y' # a note\n",
        "title: x\t# a note\nissue: y\n",
        "title: 'Order #123 is late'\nissue: \"!Attention\"\n",
        "title: x\nissue: |\n  the order #123\n  # is late\nresolution: >  # folded\n  z\n",
        "title: C#\nissue: a#b\n",
        "title: x\nissue: y\ncause:  # later\nresolution:\n  # later\nkind2:\n",
        "title: x\nissue: y  ## a note\n#cause: z\n  #resolution: z\n",
        "title: &a x\nissue: y\ncause: *a\n",
        "title: !!str 5\nissue: y\n",
        "title: x\nissue: y\nfacet: policy # of the shop\n",
    ],
)
def test_comments_quotes_blocks_and_aliases_lose_nothing(tmp_path: Path, text: str) -> None:
    assert not [each for each in mistakes(tmp_path, text) if each[0] == "lost-text"]


@given(st.text("ab#!& \t\n:\"'|>-*[]{},é", max_size=30))
def test_no_text_raises_an_exception(text: str) -> None:
    try:
        nodes = list(yaml.compose_all(text, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return
    for node in nodes:
        if isinstance(node, yaml.ScalarNode):
            assert lost(node, text) is None or any(sign in text for sign in "#!&")


@pytest.mark.parametrize(
    ("text", "line", "name"),
    [
        ("title:\u00a0x\nissue: y\n", 1, "a no-break space (U+00A0)"),
        ("title:\u3000x\nissue: y\n", 1, "an ideographic space (U+3000)"),
        ("title: x\nissue:\u202fy\n", 2, "a narrow no-break space (U+202F)"),
        ("title：x\nissue: y\n", 1, "a full-width colon (U+FF1A)"),
        ("title: x\nissue：y\n", 2, "a full-width colon (U+FF1A)"),
        ("title: x\r\nissue：y\r\n", 2, "a full-width colon (U+FF1A)"),
        ("title: x\nissue: y\nclassify: {topics：[a]}\n", 3, "a full-width colon (U+FF1A)"),
        ("title: x\nissue: y\nclassify:\n  topics：[a]\n", 4, "a full-width colon (U+FF1A)"),
        ("title: x\nissue: y\nclassify:\n  topics:\u00a0[a]\n  products: [b]\n", 4, "a no-break space (U+00A0)"),
        ("title: x\r\nissue: y\r\nclassify:\r\n  topics：a\r\n  products: [b]\r\n", 4, "a full-width colon (U+FF1A)"),
        ("title:\n  en：x\nissue: y\n", 2, "a full-width colon (U+FF1A)"),
        ("title: x\nissue: y\naliases:\n  -\u00a0one\n  -\u00a0two\n", 4, "a no-break space (U+00A0)"),
        ("title: x\nissue: y\napplies:\n\tvalid_from: 2025-01-01\n", 4, "a tab (U+0009)"),
        ("title: x\nissue: y\naliases:\n  - one\n\t- two\n", 5, "a tab (U+0009)"),
    ],
)
def test_a_character_that_resembles_yaml_syntax_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, name: str
) -> None:
    assert [at for _, at, message in mistakes(tmp_path, text) if message.startswith(name)] == [line]


@pytest.mark.parametrize("key", ["\u00a0\u00a0topics", "topics\u00a0"])
def test_an_unknown_key_with_such_a_character_has_a_hint_about_it(tmp_path: Path, key: str) -> None:
    (tmp_path / "a.yaml").write_text(HEAD + f"title: x\nissue: y\nclassify:\n{key}: [a]\n", "utf-8")
    (only,) = [each for each in read_folder(tmp_path).mistakes if each.rule == "unknown-key"]
    assert only.line == LINES + 4
    assert "no-break space (U+00A0)" in (only.hint or "")


@pytest.mark.parametrize("text", ["title: *Important* note\n", "title: * star\n", "a: *x\n"])
def test_an_alias_without_an_anchor_has_a_hint_about_quotes_and_anchors(text: str) -> None:
    with pytest.raises(YamlError) as error:
        compose_document(text)
    assert "begins with '*' in quotes" in (error.value.hint or "")


@pytest.mark.parametrize("text", ["注意：先", "Note\u00a0:\u00a0voilà", "a\u00a0b", "- – one", "https://x：y"])
def test_such_characters_inside_a_text_are_allowed(tmp_path: Path, text: str) -> None:
    assert mistakes(tmp_path, f"title: '{text}'\nissue:\n  {text if text[0] != '-' else 'x'}\n") == []


@pytest.mark.slow
def test_the_longest_allowed_line_is_checked_in_linear_time() -> None:
    for text in ("a" * 10**6, " " * 10**6, "a, " * 10**5, "a" + " " * 10**6, "-\u00a0" * 10**5, "- " * 10**5):
        lookalike(text)


@pytest.mark.parametrize("start", ["\ufeff", "\ufeff\ufeff", "\ufeff# note\n\ufeff", "\ufeff---\n\ufeff"])
def test_byte_order_marks_of_concatenated_files_are_ignored(tmp_path: Path, start: str) -> None:
    one = HEAD + "title: x\nissue: y\n"
    text = "---\n".join(start + one.replace("id: a", f"id: {name}") for name in "abc")
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    base = read_folder(tmp_path)
    assert ([each.id for each in base.entries], base.mistakes) == (["a", "b", "c"], ())
    assert len(list(compose_documents(read_text(tmp_path / "a.yaml")))) == 3


def test_errors_about_settings_name_such_characters(tmp_path: Path) -> None:
    (tmp_path / "ckm.yaml").write_text("currency: EUR\ntime_zone：Asia/Bangkok\n", "utf-8")
    with pytest.raises(UsageError, match=r"ckm\.yaml:2: a full-width colon"):
        load_config(tmp_path)
