"""A document as Markdown that is readable as plain text."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ckm.plaintext import markdown_line
from ckm.render.document import Facts, Figure, Items, ReportTable, Text

if TYPE_CHECKING:
    from ckm.render.document import Block, Document


SHORT = 8
"""Most rows of a table in Markdown."""


def render_markdown(document: Document, *, brief: bool = False) -> str:
    """Return a document as Markdown; of a figure its headline and its numbers, because there is no chart.

    Parameters
    ----------
    document
        The document.
    brief
        Leave out what a page folds away: folded tables, and the numbers of a figure
        where they are more than :data:`SHORT` rows; so are sections of which nothing is left.
    """
    parts = [f"# {markdown_line(document.title)}", markdown_line(document.lead)]
    if document.key_figures:
        lines = (
            f"- {markdown_line(each.label)}: **{markdown_line(each.value)}**"
            + (f" ({markdown_line(each.note)})" if each.note else "")
            for each in document.key_figures
        )
        parts.append("\n".join(lines))
    for section in document.sections:
        blocks = [block for block in section.blocks if not (brief and isinstance(block, ReportTable) and block.folded)]
        if brief and not any(isinstance(block, Figure | ReportTable | Facts | Items) for block in blocks):
            continue
        parts.append(f"## {markdown_line(section.title)}")
        parts += [_block(block, brief) for block in blocks]
    if document.footer:
        parts += ["---", markdown_line(document.footer)]
    return "\n\n".join(parts) + "\n"


def _block(block: Block, brief: bool) -> str:
    match block:
        case Text(text):
            return markdown_line(text)
        case Items(items):
            return "\n".join(f"- {markdown_line(item)}" for item in items)
        case Facts(facts):
            return "\n".join(f"- **{markdown_line(term)}**: {markdown_line(fact)}" for term, fact in facts)
        case ReportTable():
            return f"{markdown_line(block.caption)}\n\n{_table(block)}"
        case Figure() if brief and len(block.table.rows) > SHORT:
            return f"### {markdown_line(block.headline)}"
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
    # in columns of a terminal: a Chinese character takes two, a mark above a Thai one none
    return sum(
        0 if unicodedata.combining(each) or unicodedata.category(each) in {"Mn", "Me", "Cf"} else
        2 if unicodedata.east_asian_width(each) in {"W", "F"} else 1
        for each in text
    )  # fmt: skip
