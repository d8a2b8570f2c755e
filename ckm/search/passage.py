"""The piece of a text that matched, and what to mark in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.search.analysis import analyse

if TYPE_CHECKING:
    from ckm.search.analysis import Analysis

_SENTENCE_ENDS = frozenset(".!?。！？؟\n")
_BACK = 40  # characters that a passage may begin before its first mark, to begin at a sentence or a word


def passage(
    text: str, query: Analysis, width: int = 160, lang: str = "", *, alike: bool = True
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Return the window of a text that holds most of a query's words, and the places to mark in it.

    Parameters
    ----------
    text
        The text of a hit.
    query
        The query's analysis (:meth:`ckm.search.index.Index.analyse`).
    width
        Characters of the window; words are not cut unless one is longer.
    lang
        The text's language, as for :func:`ckm.search.analysis.analyse`.
    alike
        Whether, where no word matches, words count that share most of their grams; looking for them takes thrice as
        long.

    Returns
    -------
    tuple
        The window, without line breaks, and (start, end) positions in it, in order and apart. A text that matches by
        its grams only has the words marked that share most of them. Nothing matched: the beginning of the text.
    """
    places = _matching(analyse(text, lang, in_full=False), query)
    if alike and not places:
        places = _alike(analyse(text, lang), query)
    start = _begin(text, _best_start(places, width), width) if len(text) > width else 0
    end = min(len(text), start + width)
    if end < len(text):
        cut = text.rfind(" ", start + width // 2, end + 1)
        end = cut if cut > start else end
    window = "".join(" " if character in "\r\n\t\v\f" else character for character in text[start:end])
    return window, _joined([(a - start, b - start) for a, b, _ in places if a >= start and b <= end])


def _matching(analysis: Analysis, query: Analysis) -> list[tuple[int, int, str]]:
    """Return the places of words that match, with what of the query each matches."""
    words = {token.term for token in (*query.words, *query.compounds)} or {token.term for token in query.exact}
    tokens = (*analysis.words, *analysis.compounds) if query.words or query.compounds else analysis.exact
    return sorted((token.start, token.end, token.term) for token in tokens if token.term in words)


def _alike(analysis: Analysis, query: Analysis) -> list[tuple[int, int, str]]:
    """Return the places that share half of their grams with the query."""
    grams = {token.term for token in query.grams}
    shared: dict[tuple[int, int], list[bool]] = {}
    for token in analysis.grams:
        shared.setdefault((token.start, token.end), []).append(token.term in grams)
    return [(start, end, str(start)) for (start, end), same in shared.items() if sum(same) * 2 >= len(same)]


def _best_start(places: list[tuple[int, int, str]], width: int) -> int:
    """Return where the window begins that holds most different matches, then most matches; the first of equals."""
    best, begin = (0, 0), 0
    held: dict[str, int] = {}
    last = 0
    for first, (start, _, term) in enumerate(places):
        while last < len(places) and places[last][1] <= start + width - min(_BACK, width // 4):
            held[places[last][2]] = held.get(places[last][2], 0) + 1
            last += 1
        worth = (len(held), last - first)
        if worth > best:
            best, begin = worth, start
        if last > first:
            held[term] -= 1
            if not held[term]:
                del held[term]
        else:
            last = first + 1
    return begin


def _begin(text: str, mark: int, width: int) -> int:
    """Return a good place to begin a window at or shortly before a mark: a sentence, else a word."""
    earliest = max(0, mark - min(_BACK, width // 4))
    if earliest == 0 or mark == 0:
        return 0
    for place in range(mark, earliest, -1):
        if text[place - 1] in _SENTENCE_ENDS:
            while place < mark and text[place].isspace():
                place += 1
            return place
    space = text.find(" ", earliest, mark)
    return space + 1 if space >= 0 else earliest


def _joined(places: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return places in order with those that touch or overlap made one."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
