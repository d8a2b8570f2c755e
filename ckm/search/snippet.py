"""Snippet: the part of a text that matches a query, with the matching words to highlight."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ckm.search.analysis import analyse

if TYPE_CHECKING:
    from ckm.search.analysis import Analysis

_SENTENCE_ENDS = frozenset(".!?。！？؟\n")
_BEFORE = 40  # maximum characters of a snippet before its first match
_CUT = "…"
_MARKS = len(f"{_CUT} ") * 2  # maximum characters of the marks at both ends


def snippet(
    text: str, query: Analysis, width: int = 160, lang: str = "", *, similar: bool = True
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the part of a text with the most words of a query, and the positions to highlight.

    Parameters
    ----------
    text
        A text of a hit.
    query
        Analysis of the query (:meth:`ckm.search.index.Index.analyse`).
    width
        Maximum characters of the snippet. In scripts with spaces, a word is cut only if it is longer than that.
    lang
        Language of the text, as for :func:`ckm.search.analysis.analyse`.
    similar
        If no word matches, highlight words that share at least half of their grams with the query. This takes three
        times as long.

    Returns
    -------
    tuple
        The snippet with line breaks replaced by spaces and "…" at each end where text was left out, and its highlights
        as (start, end) positions in order and without overlaps. If nothing matches, the beginning of the text.
    """
    text = text.rstrip()
    places = _matching(analyse(text, lang, in_full=False), query)
    if similar and not places:
        places = _similar(analyse(text, lang), query)
    start, end = _window(text, places, width - _MARKS) if len(text) > width else (0, len(text))
    before, after = _cut_marks(text, start, end)
    window = "".join(" " if character in "\r\n\t\v\f" else character for character in text[start:end])
    shift = len(before) - start
    return f"{before}{window}{after}", _merged(
        [(a + shift, b + shift) for a, b, _ in places if a >= start and b <= end]
    )


def _window(text: str, places: list[tuple[int, int, str]], width: int) -> tuple[int, int]:
    """Return start and end of the part of a text with the most matches.

    It begins and ends between words or, in a text without spaces, between characters. Vowel signs and tone marks are
    not separated from their consonants.
    """
    start = _begin(text, _best_start(places, width), width)
    while start < len(text) and _is_mark(text[start]):
        start += 1
    end = min(len(text), start + width)
    if end < len(text):
        cut = text.rfind(" ", start + width // 2, end + 1)
        end = cut if cut > start else end
        while end < len(text) and end > start and _is_mark(text[end]):
            end -= 1
    return start, end


def _is_mark(character: str) -> bool:
    """Return whether a character combines with the preceding one: an accent, a vowel sign or a tone mark."""
    return unicodedata.category(character)[0] == "M"


def _cut_marks(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the ellipsis before and after a part of a text; "" at an end where no text was left out.

    If the text is cut at a space, a space is between ellipsis and text.
    """
    before, after = text[:start], text[end:]
    return (
        (f"{_CUT} " if before[-1].isspace() else _CUT) if before.strip() else "",
        (f" {_CUT}" if after[0].isspace() else _CUT) if after.strip() else "",
    )


def _matching(analysis: Analysis, query: Analysis) -> list[tuple[int, int, str]]:
    """Return start, end and term of each word that matches the query."""
    words = {token.term for token in (*query.words, *query.compounds)} or {token.term for token in query.exact}
    tokens = (*analysis.words, *analysis.compounds) if query.words or query.compounds else analysis.exact
    return sorted((token.start, token.end, token.term) for token in tokens if token.term in words)


def _similar(analysis: Analysis, query: Analysis) -> list[tuple[int, int, str]]:
    """Return start, end and a term of each word of which the query has at least half of the grams.

    The terms are different, so that each of these words counts as a match of its own.
    """
    grams = {token.term for token in query.grams}
    shared: dict[tuple[int, int], list[bool]] = {}
    for token in analysis.grams:
        shared.setdefault((token.start, token.end), []).append(token.term in grams)
    return [(start, end, str(start)) for (start, end), same in shared.items() if sum(same) * 2 >= len(same)]


def _best_start(places: list[tuple[int, int, str]], width: int) -> int:
    """Return the start of the best window: with the most different terms, then the most matches, then the first."""
    best, begin = (0, 0), 0
    counts: dict[str, int] = {}
    last = 0
    for first, (start, _, term) in enumerate(places):
        while last < len(places) and places[last][1] <= start + width - min(_BEFORE, width // 4):
            counts[places[last][2]] = counts.get(places[last][2], 0) + 1
            last += 1
        score = (len(counts), last - first)
        if score > best:
            best, begin = score, start
        if last > first:
            counts[term] -= 1
            if not counts[term]:
                del counts[term]
        else:
            last = first + 1
    return begin


def _begin(text: str, match: int, width: int) -> int:
    """Return the start of a window: where a sentence, else a word begins shortly before the position ``match``."""
    earliest = max(0, match - min(_BEFORE, width // 4))
    if earliest == 0 or match == 0:
        return 0
    for place in range(match, earliest, -1):
        if text[place - 1] in _SENTENCE_ENDS:
            while place < match and text[place].isspace():
                place += 1
            return place
    space = text.find(" ", earliest, match)
    return space + 1 if space >= 0 else earliest


def _merged(places: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return (start, end) positions in order; positions that touch or overlap are merged."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
