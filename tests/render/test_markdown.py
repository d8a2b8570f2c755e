"""Markdown that is readable as plain text, and in which markup of names is escaped."""

from __future__ import annotations

import pytest

from ckm._churn.card_document import card_document
from ckm.render.document import Document, Facts, Figure, Items, ReportTable, Section, TableColumn, Text
from ckm.render.markdown import render_mail, render_markdown
from tests._churn.example_card import example_card


def table_lines(text: str) -> list[list[str]]:
    tables: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            tables[-1].append(line)
        elif tables[-1]:
            tables.append([])
    return [table for table in tables if table]


@pytest.mark.slow
def test_the_mail_has_the_texts_of_the_page() -> None:
    document = card_document(example_card())
    text = render_markdown(document)
    assert text.startswith(f"# {document.title}\n\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        f"## {section.title}" for section in document.sections
    ]
    assert "| **scorecard**" in text
    assert "ROC AUC of scorecard: **0.822** (0.810 by recency alone)" in text


@pytest.mark.slow
def test_columns_of_a_markdown_table_are_aligned_as_plain_text() -> None:
    for table in table_lines(render_markdown(card_document(example_card()))):
        assert len({len(line) for line in table}) == 1
        assert len({line.count("|") for line in table}) == 1


def test_a_mail_has_no_headline_that_is_only_a_title_beside_a_finding() -> None:
    table = ReportTable("Revenue by month", (TableColumn("Month"),), (("May",),))
    finding, title = (Figure(text, "", {}, table) for text in ("Revenue rose.", table.caption))
    both = render_mail(Document("T", "L", (Section("S", (title, finding)),)))
    assert "**S**: Revenue rose." in both
    assert table.caption not in both
    assert f"**S**: {table.caption}" in render_mail(Document("T", "L", (Section("S", (title,)),)))


def test_wide_characters_have_two_columns_and_combining_marks_none() -> None:
    table = ReportTable("Names", (TableColumn("Name"),), (("长期客户",), ("กี่",), ("12345678",)))
    lines = table_lines(render_markdown(Document("T", "L", (Section("S", (table,)),))))[0]
    assert lines[2:] == ["| 长期客户 |", "| กี่" + " " * 7 + " |", "| 12345678 |"]


def test_markup_in_a_name_is_escaped() -> None:
    name = "<b>*a*|_b_`c`\n[d](e) & \\"
    safe = r"&lt;b>\*a\*\|\_b\_\`c\` \[d\](e) & \\"
    blocks = (Text(name), Items((name,)), Facts(((name, name),)), ReportTable("T", (TableColumn(name),), ((name,),)))
    text = render_markdown(Document("T", "L", (Section("S", blocks),)))
    assert text.count(safe) == 6
    assert name not in text
