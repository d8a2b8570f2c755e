"""Hits as a list on a terminal, as Markdown, and as a table for machine formats."""

from __future__ import annotations

import os
import sys
from datetime import date
from typing import TYPE_CHECKING

from ckm.plaintext import markdown_text
from ckm.render.line_breaks import width, wrapped
from ckm.render.rows import ResultTable, safe
from ckm.render.screen import window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.kb import Hit, SearchResult

    Highlights = Sequence[tuple[int, int]]

COLUMNS = {
    "id": str, "title": str, "lang": str, "title_highlights": list, "snippet": str, "snippet_lang": str,
    "snippet_field": str, "highlights": list, "kind": str, "facet": str, "state": str, "warnings": list,
    "checked": date, "age_days": int, "due": date, "valid_from": date, "valid_until": date, "score": float,
    "match": float, "penalties": dict, "parts": dict, "topics": list, "departments": list, "products": list,
    "segments": list, "reasons": list, "languages": list, "owner": str, "path": str, "line": int,
    "meaning": float, "coverage": float,
}  # fmt: skip
INDENT = "    "
WIDEST = 120
"""Maximum line length in columns; longer lines are hard to read."""
PLAIN_WIDTH, UNLIMITED = 100, 100_000
"""Maximum line lengths in a pipe, in columns: of snippets, and of lines of facts."""
BOLD, DIM, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[0m"


def table(result: SearchResult) -> ResultTable:
    """Return the hits as rows with all their attributes."""
    rows = []
    for hit in result.hits:
        cells = (getattr(hit, name) for name in COLUMNS)
        rows.append([list(cell) if isinstance(cell, tuple) else cell for cell in cells])
    return ResultTable(COLUMNS, rows)


def draw(result: SearchResult, *, explain: bool) -> None:
    """Print the hits to stdout as a list of title, snippet and warnings; matching words are bold on a terminal."""
    style = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    wide = min(window() or PLAIN_WIDTH, WIDEST)
    facts_wide = UNLIMITED if window() is None else wide - len(INDENT)
    lines: list[str] = []
    for hit in result.hits:
        lines += _title(hit, wide, style)
        lines += _wrapped(hit.snippet, hit.highlights, wide - len(INDENT), style)
        for facts in wrapped(" · ".join(_facts(hit, explain=explain)), facts_wide):
            lines.append(INDENT + (f"{DIM}{facts}{PLAIN}" if style else facts))
        for warning in hit.warnings:
            lines += wrapped(safe(warning), wide, mark=f"{INDENT}! ")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _title(hit: Hit, wide: int, style: bool) -> list[str]:
    """Return the id and the title of a hit, on lines of their own if they are too wide for one."""
    if width(safe(hit.id)) + 2 + width(safe(hit.title)) <= wide:
        return [f"{safe(hit.id)}  {_highlighted(hit.title, hit.title_highlights, BOLD, PLAIN, style)}"]
    return [*wrapped(safe(hit.id), wide), *_wrapped(hit.title, hit.title_highlights, wide - len(INDENT), style)]


def markdown(result: SearchResult, *, explain: bool) -> str:
    """Return the hits as a Markdown list with matching words between ``**``; empty without hits."""
    items = []
    for hit in result.hits:
        title = _highlighted(hit.title, hit.title_highlights, "**", "**", True, markdown_text)
        snippet = _highlighted(hit.snippet, hit.highlights, "**", "**", True, markdown_text)
        parts = [f"{title} ({markdown_text(safe(hit.id))})", snippet]
        parts.append(markdown_text(" · ".join(_facts(hit, explain=explain))))
        parts += [f"*{markdown_text(safe(warning))}*" for warning in hit.warnings]
        items.append("- " + "\\\n  ".join(part for part in parts if part) + "\n")
    return "".join(items)


def analysis_lines(result: SearchResult) -> list[str]:
    """Return the analysis of the query as lines."""
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
        facts += [] if hit.coverage is None else [f"coverage {hit.coverage:.2f}"]
    return [safe(fact) for fact in facts if fact]


def _highlighted(text: str, highlights: Highlights, before: str, after: str, style: bool, show: object = None) -> str:
    """Return a text with markup around its highlights and without control characters."""
    pieces, end = [], 0
    for start, stop in highlights:
        pieces += [_shown(text[end:start], show)]
        inner = _shown(text[start:stop], show)
        pieces.append(f"{before}{inner}{after}" if style else inner)
        end = stop
    return "".join((*pieces, _shown(text[end:], show)))


def _shown(text: str, show: object) -> str:
    return show(safe(text)) if callable(show) else safe(text)


def _wrapped(text: str, highlights: Highlights, wide: int, style: bool) -> list[str]:
    """Return a snippet as terminal lines, broken between words."""
    text, highlights = _safe_highlights(text, highlights)
    lines, start = [], 0
    for line in wrapped(text, max(wide, 20)):
        end = start
        for _ in line.replace(" ", ""):
            end = next(at for at in range(end, len(text)) if text[at] != " ") + 1
        inside = [(max(a, start) - start, min(b, end) - start) for a, b in highlights if a < end and b > start]
        lines.append(INDENT + _highlighted(text[start:end].rstrip(), inside, BOLD, PLAIN, style))
        start = end
        while start < len(text) and text[start] == " ":
            start += 1
    return lines


def _safe_highlights(text: str, highlights: Highlights) -> tuple[str, Highlights]:
    """Return a text with control characters escaped, and the positions of its highlights in the escaped text."""
    safe_text, found, end = "", [], 0
    for start, stop in highlights:
        safe_text += safe(text[end:start])
        found.append((len(safe_text), len(safe_text) + len(safe(text[start:stop]))))
        safe_text += safe(text[start:stop])
        end = stop
    return safe_text + safe(text[end:]), found
