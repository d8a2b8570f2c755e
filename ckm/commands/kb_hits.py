"""Hits as people and programs get them."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import date
from typing import TYPE_CHECKING

from ckm.plaintext import markdown_text
from ckm.rows import Table, safe, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.kb import Hit, SearchResult

    Marks = Sequence[tuple[int, int]]

COLUMNS = {
    "id": str, "title": str, "lang": str, "title_marks": list, "passage": str, "passage_lang": str,
    "passage_field": str, "marks": list, "kind": str, "facet": str, "state": str, "warnings": list, "checked": date,
    "age_days": int, "due": date, "valid_from": date, "valid_until": date, "score": float, "match": float,
    "penalties": dict, "parts": dict, "topics": list, "departments": list, "products": list, "segments": list,
    "reasons": list, "languages": list, "owner": str, "path": str, "line": int,
}  # fmt: skip
INDENT = "    "
WIDEST = 120
"""Columns of a terminal beyond which lines are no longer read easily."""
BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def table(result: SearchResult) -> Table:
    """Return the hits as rows with all that is known of them."""
    rows = []
    for hit in result.hits:
        cells = (getattr(hit, name) for name in COLUMNS)
        rows.append([list(cell) if isinstance(cell, tuple) else cell for cell in cells])
    return Table(COLUMNS, rows)


def draw(result: SearchResult, *, explain: bool) -> None:
    """Print the hits to stdout as a list: title, passage, warnings; what matched is bold on a terminal."""
    style = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    wide = min(shutil.get_terminal_size((100, 0)).columns, WIDEST)
    lines: list[str] = []
    for hit in result.hits:
        lines.append(f"{safe(hit.id)}  {_marked(hit.title, hit.title_marks, BOLD, PLAIN, style)}")
        lines += _wrapped(hit.passage, hit.marks, wide - len(INDENT), style)
        facts = " · ".join(_facts(hit, explain=explain))
        lines.append(INDENT + (f"{DIM}{facts}{PLAIN}" if style else facts))
        lines += [f"{INDENT}! {safe(warning)}" for warning in hit.warnings]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def markdown(result: SearchResult, *, explain: bool) -> str:
    """Return the hits as a list in Markdown, what matched between ``**``; nothing where nothing was found."""
    items = []
    for hit in result.hits:
        title = _marked(hit.title, hit.title_marks, "**", "**", True, markdown_text)
        passage = _marked(hit.passage, hit.marks, "**", "**", True, markdown_text)
        parts = [f"{title} ({markdown_text(safe(hit.id))})", passage]
        parts.append(markdown_text(" · ".join(_facts(hit, explain=explain))))
        parts += [f"*{markdown_text(safe(warning))}*" for warning in hit.warnings]
        items.append("- " + "\\\n  ".join(part for part in parts if part) + "\n")
    return "".join(items)


def analysis_lines(result: SearchResult) -> list[str]:
    """Return how the query was read, as lines."""
    analysis = result.analysis
    runs = ", ".join(
        f"{analysis.text[run.start : run.end]} ({run.script}{' ' if any(run.languages) else ''}"
        f"{'/'.join(each for each in run.languages if each)})"
        for run in analysis.runs
    )
    words = " ".join(dict.fromkeys(token.term for token in analysis.words))
    grams = " ".join(dict.fromkeys(token.term for token in analysis.grams))
    return [f"read as: {runs or 'nothing'}", f"words: {words or 'none'}", f"grams: {grams or 'none'}"]


def _facts(hit: Hit, *, explain: bool) -> list[str]:
    facts = [hit.kind, hit.state.replace("_", " ")]
    if hit.age_days is not None:
        facts.append("checked today" if hit.age_days == 0 else f"checked {hit.age_days:,} days ago")
    if hit.due is not None:
        facts.append(f"due {hit.due}")
    facts.append(f"score {hit.score:.2f}")
    if explain:
        parts = [f"{name} {value:.2f}" for name, value in hit.parts.items()]
        parts += [f"{fault} ×{factor:g}" for fault, factor in hit.penalties.items()]
        facts.append(f"match {hit.match:.2f}" + (f" ({', '.join(parts)})" if parts else ""))
    return [safe(fact) for fact in facts if fact]


def _marked(text: str, marks: Marks, before: str, after: str, style: bool, show: object = None) -> str:
    """Return a text, harmless to a terminal, with signs around what is marked."""
    pieces, end = [], 0
    for start, stop in marks:
        pieces += [_shown(text[end:start], show)]
        marked = _shown(text[start:stop], show)
        pieces.append(f"{before}{marked}{after}" if style else marked)
        end = stop
    return "".join((*pieces, _shown(text[end:], show)))


def _shown(text: str, show: object) -> str:
    return show(safe(text)) if callable(show) else safe(text)


def _wrapped(text: str, marks: Marks, wide: int, style: bool) -> list[str]:
    """Return a passage in lines of a terminal: broken at spaces, else where a line is full."""
    lines, start = [], 0
    while start < len(text):
        end = _line_end(text, start, max(wide, 20))
        inside = [(max(a, start) - start, min(b, end) - start) for a, b in marks if a < end and b > start]
        lines.append(INDENT + _marked(text[start:end].rstrip(), inside, BOLD, PLAIN, style))
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
    return lines


def _line_end(text: str, start: int, wide: int) -> int:
    taken, space = 0, 0
    for at in range(start, len(text)):
        taken += max(width(safe(text[at])), 0)
        if taken > wide:
            return space if space > start else max(at, start + 1)
        if text[at] == " ":
            space = at
    return len(text)
