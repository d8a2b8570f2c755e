"""Lint rules for controlled vocabularies: topics, departments, segments and churn reasons."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.lint.lint_context import LintContext

KNOWN = 8
"""Number of words that a hint lists."""


def unknown_topic(context: LintContext) -> Iterator[Violation]:
    """Yield topics that are not in ``kb.topics``, if that is set."""
    words = context.options.topics
    for entry in context.entries if words else ():
        for word in entry.classify.topics:
            if word not in words:
                yield Violation(entry, f"unknown topic '{word}'", ("classify.topics",), _hint(word, words))


def unknown_department(context: LintContext) -> Iterator[Violation]:
    """Yield departments that are not in ``kb.departments``, if that is set."""
    words = context.options.departments
    for entry in context.entries if words else ():
        for word in entry.classify.departments:
            if word not in words:
                yield Violation(entry, f"unknown department '{word}'", ("classify.departments",), _hint(word, words))


def unknown_segment(context: LintContext) -> Iterator[Violation]:
    """Yield segments that neither the workspace nor ckm's methods define."""
    words = context.options.segments
    for entry in context.entries if words else ():
        for word in entry.classify.segments:
            if word not in words:
                yield Violation(entry, f"unknown segment '{word}'", ("classify.segments",), _hint(word, words))


def unknown_reason(context: LintContext) -> Iterator[Violation]:
    """Yield codes that are not churn reasons."""
    words = context.options.reasons
    for entry in context.entries if words else ():
        for word in entry.answers.reasons:
            if word not in words:
                yield Violation(entry, f"unknown churn reason '{word}'", ("answers.reasons",), _hint(word, words))


@cache
def _hint(word: str, words: frozenset[str]) -> str:
    folded = {each.casefold(): each for each in sorted(words)}
    near = get_close_matches(word.casefold()[:80], folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{folded[near[0]]}'?"
    more = ", ..." if len(words) > KNOWN else ""
    return f"known: {', '.join(sorted(words)[:KNOWN])}{more}"
