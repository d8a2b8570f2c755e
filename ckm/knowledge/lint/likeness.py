"""Entries that say nearly the same, so that one of them is probably too many.

Titles and issues are folded and compared by rapidfuzz's ratio (1 minus the edit distance of insertions and deletions
over the length of both). Comparing all pairs of 10,000 entries would take fifty million of these: two texts are
compared only where they share one of their rarest runs of words or characters and go on alike after it.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from itertools import chain, pairwise
from typing import TYPE_CHECKING, TypeVar

from ckm.knowledge.lint.findings import Breach
from ckm.knowledge.lint.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckm.knowledge.entry import Entry
    from ckm.knowledge.lint.subject import Subject

T = TypeVar("T")

GRAM = 4
BRIEF = 30
"""Characters up to which a text has too few words to meet by; up to twice as many it meets by both."""
LONG_WORD = 20
"""Characters of a word, on average, from which the script writes no spaces."""
RAREST = 8
"""Runs of a text that are looked up, the rarest of those that another text has too."""
NEIGHBOURS = 6
"""Texts with the same run that one is compared with: those that go on most like it."""
LONGEST = 240
"""Characters of a text that are compared; a long issue that begins alike is alike."""
SHORTEST = 8
"""Characters below which texts are alike by chance."""
SAME = 0.97
"""Likeness of issues from which titles do not matter, and of titles from which issues need be only half alike."""
LITTLE = 0.5


Pair = tuple[int, int, float]
"""Two entries by their numbers, the earlier first, and how alike they are."""


def near_duplicate(subject: Subject) -> Iterator[Breach]:
    """No two entries of a kind say nearly the same, unless one supersedes the other or they are linked as related."""
    entries = [entry for entry in subject.by_id.values() if entry.state.confidence != "archived"]
    told: set[int] = set()
    for earlier, later, likeness in subject.kept("near", lambda: near_pairs(entries, subject.expected.alike)):
        one, other = entries[earlier], entries[later]
        if later not in told and not _linked(one, other):
            told.add(later)
            yield Breach(other, f"{likeness:.0%} like {subject.name(one)}".replace("%", " %"), ("title", "issue"))


def near_pairs(entries: Sequence[Entry], alike: float) -> list[Pair]:
    """Return pairs of entries whose texts are at least so much alike, by their numbers, in order.

    Numbers in the texts must agree: *size 42* and *size 43* are two entries.
    """
    titles = [_folded(entry.title.by_lang.values()) for entry in entries]
    issues = [_folded(entry.issue.by_lang.values()) for entry in entries]
    # Half of a mean: the other half is 1 at most.
    least = min(2 * alike - 1, SAME)
    found = []
    for one, other in sorted(_candidates(titles, least) | _candidates(issues, least)):
        if entries[one].kind == entries[other].kind:
            likeness = _likeness((titles[one], issues[one]), (titles[other], issues[other]))
            if likeness >= alike:
                found.append((one, other, round(likeness, 4)))
    return found


def _folded(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(folded for text in texts if len(folded := fold(text[: 2 * LONGEST])[:LONGEST]) >= SHORTEST)


def _candidates(texts: Sequence[tuple[str, ...]], least: float) -> set[tuple[int, int]]:
    """Return pairs of entries that have a text in common, nearly, by number."""
    owners: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(texts):
        for text in dict.fromkeys(each):
            owners[text].append(number)
    pairs = {pair for numbers in owners.values() for pair in _neighbours(numbers)}
    for one, other in _near(list(owners), least):
        first, second = sorted((owners[one][0], owners[other][0]))
        if first != second:
            pairs.add((first, second))
    return pairs


def _near(texts: list[str], least: float) -> Iterator[tuple[str, str]]:
    """Yield pairs of different texts that are at least so much alike, among those that are compared at all."""
    from rapidfuzz import fuzz

    grams = [_grams(text) for text in texts]
    common = Counter(chain.from_iterable(grams))
    sharing: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(grams):
        shared = [(common[gram], gram) for gram in each if common[gram] > 1]
        for _, gram in heapq.nsmallest(RAREST, shared):
            sharing[gram].append(number)
    compared: set[tuple[int, int]] = set()
    for gram, numbers in sharing.items():
        if len(numbers) > NEIGHBOURS:  # those that go on alike after the run stand together
            numbers.sort(key=lambda number: texts[number].partition(gram)[2])
        compared.update((min(pair), max(pair)) for pair in _neighbours(numbers))
    for one, other in sorted(compared):
        if fuzz.ratio(texts[one], texts[other], score_cutoff=100 * least):
            yield texts[one], texts[other]


def _grams(text: str) -> set[str]:
    """Return the runs by which a text meets others: pairs of words, and of characters where words are few or none."""
    words = text.split(" ")
    found = {f"{one} {other}" for one, other in pairwise(words)} if len(text) > BRIEF else set()
    if len(text) <= 2 * BRIEF or len(text) > LONG_WORD * len(words):
        found.update(text[place : place + GRAM] for place in range(len(text) - GRAM + 1))
    return found


def _neighbours(items: Sequence[T]) -> Iterator[tuple[T, T]]:
    for place, item in enumerate(items):
        for other in items[place + 1 : place + 1 + NEIGHBOURS]:
            yield item, other


def _likeness(one: tuple[tuple[str, ...], ...], other: tuple[tuple[str, ...], ...]) -> float:
    """Return how alike two entries are: the mean of titles and issues, or the one that says it all."""
    titles, issues = _best(one[0], other[0]), _best(one[1], other[1])
    if issues >= SAME or (titles >= SAME and issues >= LITTLE):
        return max(titles, issues)
    return (titles + issues) / 2


def _best(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Return the likeness of the two texts that are most alike and name the same numbers; 0 where there are none."""
    from rapidfuzz import fuzz

    likenesses = [fuzz.ratio(left, right) / 100 for left in one for right in other if _numbers(left) == _numbers(right)]
    return max(likenesses, default=0.0)


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _linked(one: Entry, other: Entry) -> bool:
    return any(
        second.id in (*first.links.supersedes, *first.links.related) for first, second in ((one, other), (other, one))
    )
