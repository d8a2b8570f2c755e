"""Lint rule for entries with nearly the same texts.

Titles and issues are folded and compared by rapidfuzz's ratio (1 minus the distance of insertions and deletions
divided by the length of both). 10,000 entries have fifty million pairs. So two texts are compared only if they share
one of their rarest n-grams of words or characters, and continue similarly after it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import chain, pairwise
from typing import TYPE_CHECKING, TypeVar

from ckm._kb.lint.lint_report import Violation
from ckm.search.analysis.word_forms import fold_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.lint.lint_context import LintContext

T = TypeVar("T")

GRAM = 4
BRIEF = 30
"""Characters up to which a text is compared by character n-grams; up to twice as many also by word pairs."""
LONG_WORD = 20
"""Mean characters per word from which the script has no spaces."""
RAREST = 8
"""Number of n-grams of a text that are looked up: the rarest that another text contains."""
NEIGHBOURS = 6
"""Number of texts with the same n-gram that a text is compared with: those that continue most similarly."""
LONGEST = 240
"""Characters of a text that are compared."""
SHORTEST = 8
"""Characters below which texts are similar by chance."""
SAME = 0.97
"""Similarity of issues from which titles do not matter, and of titles from which issues need only :data:`LITTLE`."""
LITTLE = 0.5


Pair = tuple[int, int, float]
"""Numbers of two entries, the earlier first, and their similarity."""


def near_duplicate(context: LintContext) -> Iterator[Violation]:
    """Yield entries nearly the same as an earlier one of their kind, unless they are linked."""
    entries = [entry for entry in context.by_id.values() if entry.state.confidence != "archived"]
    reported: set[int] = set()
    for earlier, later, similarity in context.cached_value("near", lambda: near_pairs(entries, context.options.alike)):
        one, other = entries[earlier], entries[later]
        if later not in reported and not _linked(one, other):
            reported.add(later)
            yield Violation(
                other, f"{similarity:.0%} similar to {context.name(one)}".replace("%", " %"), ("title", "issue")
            )


def near_pairs(entries: Sequence[KnowledgeEntry], alike: float) -> list[Pair]:
    """Return the pairs of entries with at least this similarity, in order.

    Numbers in the texts must agree: *size 42* and *size 43* are different entries.
    """
    titles = [_folded(entry.title.by_lang.values()) for entry in entries]
    issues = [_folded(entry.issue.by_lang.values()) for entry in entries]
    # Half of a mean: the other half is 1 at most.
    least = min(2 * alike - 1, SAME)
    found = []
    for one, other in sorted(_candidates(titles, least) | _candidates(issues, least)):
        if entries[one].kind == entries[other].kind:
            similarity = _similarity((titles[one], issues[one]), (titles[other], issues[other]))
            if similarity >= alike:
                found.append((one, other, round(similarity, 4)))
    return found


def _folded(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(folded for text in texts if len(folded := fold_text(text[: 2 * LONGEST])[:LONGEST]) >= SHORTEST)


def _candidates(texts: Sequence[tuple[str, ...]], least: float) -> set[tuple[int, int]]:
    """Return the pairs of entry numbers, smaller first, whose texts include an equal or nearly equal one."""
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
    """Yield the compared pairs of different texts with at least this similarity, in no order."""
    from rapidfuzz import fuzz

    grams = [_grams(text) for text in texts]
    common = Counter(chain.from_iterable(grams))
    sharing: dict[str, list[int]] = defaultdict(list)
    for number, each in enumerate(grams):
        shared = [(common[gram], gram) for gram in each if common[gram] > 1]
        for _, gram in sorted(shared)[:RAREST]:
            sharing[gram].append(number)
    compared: set[tuple[int, int]] = set()
    for gram, numbers in sharing.items():
        if len(numbers) > NEIGHBOURS:  # texts that continue similarly after the n-gram become neighbours
            numbers.sort(key=lambda number: texts[number].partition(gram)[2])
        compared.update((min(pair), max(pair)) for pair in _neighbours(numbers))
    for one, other in compared:
        if fuzz.ratio(texts[one], texts[other], score_cutoff=100 * least):
            yield texts[one], texts[other]


def _grams(text: str) -> set[str]:
    """Return the n-grams of a text: pairs of words, and characters for short texts and scripts without spaces."""
    words = text.split(" ")
    found = {f"{one} {other}" for one, other in pairwise(words)} if len(text) > BRIEF else set()
    if len(text) <= 2 * BRIEF or len(text) > LONG_WORD * len(words):
        found.update(text[place : place + GRAM] for place in range(len(text) - GRAM + 1))
    return found


def _neighbours(items: Sequence[T]) -> Iterator[tuple[T, T]]:
    for place, item in enumerate(items):
        for other in items[place + 1 : place + 1 + NEIGHBOURS]:
            yield item, other


def _similarity(one: tuple[tuple[str, ...], ...], other: tuple[tuple[str, ...], ...]) -> float:
    """Return the similarity of two entries: the mean of titles and issues, or one of them if it is decisive."""
    titles, issues = _best(one[0], other[0]), _best(one[1], other[1])
    if issues >= SAME or (titles >= SAME and issues >= LITTLE):
        return max(titles, issues)
    return (titles + issues) / 2


def _best(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Return the highest similarity of two texts with the same numbers; 0 without such texts."""
    from rapidfuzz import fuzz

    similarities = [
        fuzz.ratio(left, right) / 100 for left in one for right in other if _numbers(left) == _numbers(right)
    ]
    return max(similarities, default=0.0)


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _linked(one: KnowledgeEntry, other: KnowledgeEntry) -> bool:
    return any(
        second.id in (*first.links.supersedes, *first.links.related) for first, second in ((one, other), (other, one))
    )
