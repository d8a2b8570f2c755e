"""Did you mean: words of the index near one that was not found. Words stand here as users write them, not as stems."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckm.search.analysis import arabic, spaced, thai
from ckm.search.analysis.text import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tantivy import Searcher

_MOST_WORDS = 10  # of a run of Thai that are looked at
_MOST_PIECES = 4  # of a word with a mistake


def near(word: str, searchers: Iterable[Searcher], limit: int) -> list[str]:
    """Return words of the index at most two mistakes away (one, for words up to five letters).

    Reads the whole vocabulary: some ten milliseconds for 100,000 words, spent only when nothing was found.

    Parameters
    ----------
    word
        A word that was not found, or Thai without a space. Case, accents and umlauts do not count as mistakes.
    searchers
        Of the index.
    limit
        How many words at most.

    Returns
    -------
    list of str
        Lower case, nearest first, then by how many texts have it, then by the alphabet. Of Thai the whole with one of
        its words exchanged, of equally near ones the longest word.
    """
    having: Counter[str] = Counter()
    for searcher in searchers:
        having.update(dict(searcher.terms_with_prefix("spelled", "")))
    written = normalise(word)
    if not _is_thai(written):
        return [found for *_, found in sorted(_near(written, having))[:limit]]
    known = Counter({each: count for each, count in having.items() if _is_thai(each)})
    corrected = {
        (mistakes, -len(piece), count, before + found + after)
        for before, piece, after in _pieces(written)
        if piece not in known
        for mistakes, count, found in _near(piece, known)
    }
    return list(dict.fromkeys(found for *_, found in sorted(corrected)))[:limit]


def _near(word: str, having: Mapping[str, int]) -> Iterator[tuple[int, int, str]]:
    """Yield the words near one, with the mistakes and how many texts have it, below zero."""
    wanted = _fold(word)
    allowed = 1 if len(wanted) <= 5 else 2
    for written, count in having.items():
        if abs(len(written) - len(wanted)) > allowed + 2:  # umlauts written out
            continue
        folded = _fold(written)
        if folded == wanted or abs(len(folded) - len(wanted)) > allowed or not _share(folded, wanted):
            continue
        mistakes = distance(wanted, folded, allowed)
        if mistakes <= allowed:
            yield mistakes, -count, written


def _fold(word: str) -> str:
    return arabic.fold(word) if "\u0620" <= word[:1] <= "\u08ff" else spaced.fold(word)


def _is_thai(word: str) -> bool:
    return all("\u0e01" <= sign <= "\u0e4e" for sign in word) and bool(word)


def _pieces(run: str) -> Iterator[tuple[str, str, str]]:
    """Yield what of Thai may be one word with a mistake: a cut by the dictionary parts such a word into some pieces."""
    words = thai.words(thai.clusters(run))[:_MOST_WORDS]
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _MOST_PIECES) + 1):
            piece = "".join(words[start:end])
            if len(piece) >= thai.SHORTEST:
                before = "".join(words[:start])
                yield before, piece, run[len(before) + len(piece) :]


def _share(one: str, other: str) -> bool:
    """Whether two words share their first or their last letter: a filter before the costly comparison."""
    return one[:1] == other[:1] or one[-1:] == other[-1:]


def distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be changed, left out, put in or swapped with a neighbour; ``most + 1`` if more.

    The optimal string alignment distance (Damerau 1964).
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last_but_one, before, row = before, row, [i]
        for j, sign in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != sign))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == sign:
                cost = min(cost, last_but_one[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)
