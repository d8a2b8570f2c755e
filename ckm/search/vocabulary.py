"""Did you mean: words of the index near one that was not found. Words stand here as users write them, not as stems."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ckm.search.analysis import spaced
from ckm.search.analysis.text import normalise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tantivy import Searcher


def near(word: str, searchers: Iterable[Searcher], limit: int) -> list[str]:
    """Return words of the index at most two mistakes away (one, for words up to five letters).

    Reads the whole vocabulary: some ten milliseconds for 100,000 words, spent only when nothing was found.

    Parameters
    ----------
    word
        A word that was not found. Case, accents and umlauts do not count as mistakes.
    searchers
        Of the index.
    limit
        How many words at most.

    Returns
    -------
    list of str
        Lower case, nearest first, then by how many texts have it, then by the alphabet.
    """
    wanted = spaced.fold(normalise(word))
    allowed = 1 if len(wanted) <= 5 else 2
    found = []
    having: Counter[str] = Counter()
    for searcher in searchers:
        having.update(dict(searcher.terms_with_prefix("spelled", "")))
    for written, count in having.items():
        if abs(len(written) - len(wanted)) > allowed + 2:  # umlauts written out
            continue
        folded = spaced.fold(written)
        if folded == wanted or abs(len(folded) - len(wanted)) > allowed or not _share(folded, wanted):
            continue
        mistakes = distance(wanted, folded, allowed)
        if mistakes <= allowed:
            found.append((mistakes, -count, written))
    return [written for *_, written in sorted(found)[:limit]]


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
