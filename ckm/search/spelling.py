"""Spelling suggestions: words of the index with a spelling similar to a word without hits. Words are not stemmed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckm.search.analysis import alphabets, arabic, thai
from ckm.search.analysis.normalization import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tantivy import Searcher

_MOST_WORDS = 10  # maximum number of words of a run of Thai that are corrected
_MOST_PIECES = 4  # maximum number of words into which the dictionary splits a misspelled word


def similar_words(word: str, searchers: Iterable[Searcher], limit: int) -> list[str]:
    """Return the words of the index at edit distance 2 at most (1 for words of up to five letters).

    Reads the whole vocabulary, about 10 ms for 100,000 words. Called only if a query has no hits.

    Parameters
    ----------
    word
        A word without hits, or Thai text without spaces. Case, accents and umlauts do not count as edits.
    searchers
        Searchers of the index.
    limit
        Largest number of words.

    Returns
    -------
    list of str
        Lower case; by edit distance, then by document frequency, then by the alphabet. For Thai the whole text with
        one word replaced; of equal distances the longest word first.
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
    """Yield, for each similar word of ``having`` (word to document frequency): edit distance, minus frequency, word."""
    wanted = _fold(word)
    allowed = 1 if len(wanted) <= 5 else 2
    for written, count in having.items():
        if abs(len(written) - len(wanted)) > allowed + 2:  # umlauts as two letters
            continue
        folded = _fold(written)
        if folded == wanted or abs(len(folded) - len(wanted)) > allowed or not _share(folded, wanted):
            continue
        mistakes = distance(wanted, folded, allowed)
        if mistakes <= allowed:
            yield mistakes, -count, written


def _fold(word: str) -> str:
    return arabic.fold(word) if "\u0620" <= word[:1] <= "\u08ff" else alphabets.fold(word)


def _is_thai(word: str) -> bool:
    return all("\u0e01" <= sign <= "\u0e4e" for sign in word) and bool(word)


def _pieces(run: str) -> Iterator[tuple[str, str, str]]:
    """Yield the parts of Thai text that may be one misspelled word, as (text before, part, text after).

    The dictionary splits a misspelled word into several words.
    """
    words = thai.words(thai.clusters(run))[:_MOST_WORDS]
    for start in range(len(words)):
        for end in range(start + 1, min(len(words), start + _MOST_PIECES) + 1):
            piece = "".join(words[start:end])
            if len(piece) >= thai.SHORTEST:
                before = "".join(words[:start])
                yield before, piece, run[len(before) + len(piece) :]


def _share(one: str, other: str) -> bool:
    """Return whether two words share their first or last letter: a filter before the slow comparison."""
    return one[:1] == other[:1] or one[-1:] == other[-1:]


def distance(one: str, other: str, most: int) -> int:
    """Return the optimal string alignment distance of two words (Damerau 1964); ``most + 1`` if it exceeds ``most``.

    It counts letters that are changed, deleted, inserted or swapped with their neighbour.
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
