"""Escaping: untrusted texts have no effect in Markdown, terminals, pages and workbooks."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ckm.plaintext import harmless, harmless_in_page, markdown_line, markdown_text, one_line, printable
from ckm.render.cells import markdown_table
from ckm.render.document import (
    Action,
    Actions,
    Document,
    Facts,
    Findings,
    Items,
    KeyFigure,
    ReportTable,
    Section,
    TableColumn,
    Text,
)
from ckm.render.markdown import render_markdown
from ckm.render.rows import ResultTable as Rows
from ckm.render.rows import render
from tests.markup import BAD, ODD, markup_in, shown_text

SYNTAX = (
    *ODD, "![", "](", "](javascript:x)", "<", ">", "<b>", "</b>", "<!--", "-->", "&", "&amp;", "&#60;", "\\", "`", "``",
    "```", "~~~", "~~", "*", "**", "_", "__", "a_b", "|", "|---|", "#", "## ", "- ", "+ ", "* ", "1. ", "1) ", "===",
    "---", "> ", "[ ]", "[^1]", "http", "://", "https://", "www", ".", "www.", "x@y.de", ":",
    "\n", "\r", "\t", " ", "  ",
    "     ", "é", "王", "ا", "0", "\x1b[2J", "\u202e", "\u2066", "\u2069", "\ud83d", "\x00", "\u00a0", "\u2003",
)  # fmt: skip
pieces = st.lists(st.one_of(st.sampled_from(SYNTAX), st.text(max_size=3)), max_size=8).map("".join)
anything = st.one_of(pieces, st.text(st.characters(), max_size=20))


@given(anything)
def test_escaped_markdown_is_rendered_as_the_original_text(text: str) -> None:
    for line in (
        markdown_line(text),
        f"x {markdown_text(text)} y",
        f"- {markdown_line(text)}",
        f"# {markdown_line(text)}",
    ):
        assert not markup_in(line), line
        assert "\n" not in line
    seen = harmless_in_page(re.sub(r"\s+", " ", text))
    assert shown_text(f"x {markdown_text(text)} y") == f"x {seen} y"


@given(anything, anything)
def test_an_escaped_text_stays_in_one_table_cell(text: str, name: str) -> None:
    for table in (
        markdown_table([name, "n"], [False, True], [[text, "1"], ["b", "2"]]),
        render(Rows({"a": str, f"{name}!": int}, [[text, 1], ["b", 2]]), ".md"),
    ):
        assert not markup_in(table), table
        lines = table.rstrip("\n").split("\n")
        assert len(lines) == 4
        assert not BAD.search(table)


@given(anything)
def test_a_mail_has_no_markup_from_texts(text: str) -> None:
    blocks = (Text(text), Items((text,)), Facts(((text, text),)), ReportTable(text, (TableColumn(text),), ((text,),)))
    document = Document(
        title=text,
        lead=text,
        sections=(Section(text, blocks),),
        subtitle=text,
        key_figures=(KeyFigure(text, text, text),),
        findings=Findings(text, (text,)),
        actions=Actions(text, (Action(text, text, text, text),), text),
        footer=text,
    )
    mail = render_markdown(document)
    assert not markup_in(mail), mail
    assert not BAD.search(mail)


@given(anything)
@example("\ud83d\x1b\u202e\ufffe")
def test_harmless_texts_have_no_control_characters_and_escaping_is_idempotent(text: str) -> None:
    for clean in (harmless, harmless_in_page):
        once = clean(text)
        assert not BAD.search(once)
        assert clean(once) == once
        assert once.encode().decode() == once
    assert "\n" not in one_line(text)
    assert printable(text).encode().decode() == printable(text)


@pytest.mark.parametrize(
    "text", ["Anna & Söhne", "ร้านกาแฟ", "می\u200cخواهم", "👩\u200d👧", "上海", "a_b", "5 * 3 = 15"]
)
def test_ordinary_text_is_not_changed(text: str) -> None:
    assert harmless(text) == text
    assert shown_text(markdown_line(text)) == text
