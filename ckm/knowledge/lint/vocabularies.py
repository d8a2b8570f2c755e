"""Words that the team, the workspace or ckm have agreed on."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from ckm.knowledge.lint.findings import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.knowledge.lint.subject import Subject

KNOWN = 8
"""Words that a hint lists."""


def unknown_topic(subject: Subject) -> Iterator[Breach]:
    """Topics are those of ``kb.topics``, where that is set."""
    words = subject.expected.topics
    for entry in subject.entries if words else ():
        for word in entry.classify.topics:
            if word not in words:
                yield Breach(entry, f"no topic '{word}'", ("classify.topics",), _hint(word, words))


def unknown_department(subject: Subject) -> Iterator[Breach]:
    """Departments are those of ``kb.departments``, where that is set."""
    words = subject.expected.departments
    for entry in subject.entries if words else ():
        for word in entry.classify.departments:
            if word not in words:
                yield Breach(entry, f"no department '{word}'", ("classify.departments",), _hint(word, words))


def unknown_segment(subject: Subject) -> Iterator[Breach]:
    """Segments are those of the workspace's definitions or of ckm's methods."""
    words = subject.expected.segments
    for entry in subject.entries if words else ():
        for word in entry.classify.segments:
            if word not in words:
                yield Breach(entry, f"no segment '{word}'", ("classify.segments",), _hint(word, words))


def unknown_reason(subject: Subject) -> Iterator[Breach]:
    """Reasons are those of churn warnings."""
    words = subject.expected.reasons
    for entry in subject.entries if words else ():
        for word in entry.answers.reasons:
            if word not in words:
                yield Breach(entry, f"no churn reason '{word}'", ("answers.reasons",), _hint(word, words))


@cache
def _hint(word: str, words: frozenset[str]) -> str:
    folded = {each.casefold(): each for each in sorted(words)}
    near = get_close_matches(word.casefold()[:80], folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    more = ", ..." if len(words) > KNOWN else ""
    return f"known: {', '.join(sorted(words)[:KNOWN])}{more}"
