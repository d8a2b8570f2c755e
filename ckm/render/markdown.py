"""A document as Markdown that is readable as plain text."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ckm.plaintext import markdown_line
from ckm.render.document import Facts, Figure, Items, ReportTable, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckm.render.document import Action, Block, Document


SHORT = 8
"""Maximum rows of a table in a mail, and maximum findings of a section in a mail."""
MOST_FINDINGS = 2


def render_markdown(document: Document) -> str:
    """Return a document as Markdown; a figure becomes its headline and its table."""
    parts = [*_first_page(document)]
    for section in document.sections:
        parts.append(f"## {markdown_line(section.title)}")
        parts += [_block(block, section.title) for block in section.blocks]
    return _joined(parts, document)


def render_mail(document: Document) -> str:
    """Return the first page of a document and the first findings of each section as Markdown of at most 60 lines.

    A headline that is only the title of its table is left out if the section has a finding. A section without findings
    shows a table of at most eight rows, or its first text. Folded sections are left out.
    """
    parts = [*_first_page(document)]
    lines: list[str] = []
    tables: list[str] = []
    for section in document.sections:
        if section.folded:
            continue
        figures = [block for block in section.blocks if isinstance(block, Figure)]
        sentences = [block.headline for block in figures if block.headline != block.table.caption]
        headlines = (sentences or [block.headline for block in figures])[:MOST_FINDINGS]
        found = headlines or list(_texts(section.blocks))[:1]
        short = [block for block in section.blocks if isinstance(block, ReportTable) and not block.folded]
        if not headlines and short and len(short[0].rows) <= SHORT and not tables:
            tables.append(_block(short[0]))
        elif found:
            lines.append(f"- **{markdown_line(section.title)}**: {' '.join(markdown_line(each) for each in found)}")
    parts += ["\n".join(lines)] if lines else []
    return _joined([*parts, *tables], document)


def _joined(parts: list[str], document: Document) -> str:
    if document.footer:
        parts += ["---", markdown_line(document.footer)]
    return "\n\n".join(parts) + "\n"


def _first_page(document: Document) -> Iterator[str]:
    yield f"# {markdown_line(document.title)}"
    yield from (markdown_line(each) for each in (document.subtitle, document.lead) if each)
    if document.key_figures:
        yield "\n".join(
            f"- {markdown_line(each.label)}: **{markdown_line(each.value)}**"
            + (f" ({markdown_line(each.note)})" if each.note else "")
            for each in document.key_figures
        )
    if document.findings is not None:
        yield f"## {markdown_line(document.findings.title)}"
        yield "\n".join(f"- {markdown_line(each)}" for each in document.findings.sentences)
    if document.actions is not None:
        yield f"## {markdown_line(document.actions.title)}"
        yield "\n".join(f"- {_action(each)}" for each in document.actions.actions)
        if document.actions.note:
            yield markdown_line(document.actions.note)


def _texts(blocks: Sequence[Block]) -> Iterator[str]:
    """Yield the paragraphs that do not introduce a list."""
    for block, following in zip(blocks, (*blocks[1:], None), strict=True):
        if isinstance(block, Text) and not isinstance(following, Items):
            yield block.text


def _action(action: Action) -> str:
    command = f" {markdown_line(action.command)}" if action.command else ""
    return f"**{markdown_line(action.amount)}** {markdown_line(action.text)} {markdown_line(action.reason)}{command}"


def _block(block: Block, heading: str = "") -> str:
    """Return a block as Markdown; a table without its caption where the caption repeats the section's title."""
    match block:
        case Text(text):
            return markdown_line(text)
        case Items(items):
            return "\n".join(f"- {markdown_line(item)}" for item in items)
        case Facts(facts):
            return "\n".join(f"- **{markdown_line(term)}**: {markdown_line(fact)}" for term, fact in facts)
        case ReportTable(caption) if caption == heading:
            return _table(block)
        case ReportTable():
            return f"{markdown_line(block.caption)}\n\n{_table(block)}"
        case Figure():
            return f"### {markdown_line(block.headline)}\n\n{_table(block.table)}"


def _table(table: ReportTable) -> str:
    titles = [markdown_line(column.title) for column in table.columns]
    rows = [[markdown_line(cell) for cell in row] for row in table.rows]
    for position in table.marked:
        rows[position][0] = f"**{rows[position][0]}**"
    widths = [max(3, *(_width(cell) for cell in cells)) for cells in zip(titles, *rows, strict=True)]
    right = [column.numeric for column in table.columns]
    rule = ["-" * (width - 1) + ":" if numeric else "-" * width for width, numeric in zip(widths, right, strict=True)]
    padded = [[_padded(*each) for each in zip(cells, widths, right, strict=True)] for cells in (titles, *rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (padded[0], rule, *padded[1:]))


def _padded(text: str, width: int, right: bool) -> str:
    gap = " " * (width - _width(text))
    return gap + text if right else text + gap


def _width(text: str) -> int:
    # in columns of a terminal: a Chinese character has two, a Thai vowel sign none
    return sum(
        0 if unicodedata.combining(each) or unicodedata.category(each) in {"Mn", "Me", "Cf"} else
        2 if unicodedata.east_asian_width(each) in {"W", "F"} else 1
        for each in text
    )  # fmt: skip
