"""Lint rules for the questions that entries answer."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation
from ckm.search.analysis.word_forms import fold_text
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.lint.lint_context import LintContext

COMPARED = 20
"""Number of entries with the same question that an entry is compared with."""


def answers_nothing(context: LintContext) -> Iterator[Violation]:
    """Yield entries without an answer; archived entries are never reported.

    These have neither a resolution nor reasons or questions that they answer, or they are validated entries of the kind
    ``for`` (knowledge for customers) without a resolution.

    For a draft this is only information: it may record a question before the answer is known.
    """
    for entry in context.entries:
        if entry.state.confidence == "archived" or entry.resolution is not None:
            continue
        if not entry.answers.reasons and not any(entry.answers.questions.values()):
            severity = Severity.info if entry.state.confidence == "wip" else None
            yield Violation(entry, "no resolution, and no reasons or questions that it answers", (), None, severity)
        elif entry.kind == "for" and entry.state.confidence == "validated":
            yield Violation(
                entry,
                "validated without a resolution",
                ("answers", "state.confidence"),
                "write a resolution",
            )


def same_answer(context: LintContext) -> Iterator[Violation]:
    """Yield validated entries that answer the same question as an earlier one in the same case.

    Questions are ``answers.questions`` and the issue, folded. The case is kind, audience, products, segments, channels,
    regions and dates; a missing value means any.
    """
    entries = [entry for entry in context.by_id.values() if entry.state.confidence == "validated"]
    reported: set[int] = set()
    for earlier, later in context.cached_value("same", lambda: _same_pairs(entries)):
        one, other = entries[earlier], entries[later]
        if later not in reported and _is_valid(one, context) and _is_valid(other, context):
            reported.add(later)
            message = f"answers the same question as {context.name(one)} in the same case"
            yield Violation(other, message, ("answers.questions", "issue"))


def _is_valid(entry: KnowledgeEntry, context: LintContext) -> bool:
    """Return whether an entry has not expired and is not superseded."""
    end = entry.applies.valid_until
    return entry.id not in context.superseded_by and (end is None or end >= context.as_of)


def _same_pairs(entries: list[KnowledgeEntry]) -> list[tuple[int, int]]:
    """Return pairs of entries, by number, with the same question and an overlapping case on any date."""
    by_question: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        for question in _questions(entry):
            by_question[question].append(number)
    return sorted(
        {
            (other, number)
            for numbers in by_question.values()
            for place, number in enumerate(numbers)
            for other in numbers[max(0, place - COMPARED) : place]
            if _same_case(entries[number], entries[other])
        }
    )


def _questions(entry: KnowledgeEntry) -> set[str]:
    texts = [text for each in entry.answers.questions.values() for text in each]
    texts += entry.issue.by_lang.values()
    return {folded for text in texts if (folded := fold_text(text))}


def _same_case(one: KnowledgeEntry, other: KnowledgeEntry) -> bool:
    """Return whether the cases of two entries overlap."""
    if one.kind != other.kind or one.state.audience != other.state.audience:
        return False
    lists = (
        (one.applies.channels, other.applies.channels),
        (one.applies.regions, other.applies.regions),
        (one.classify.products, other.classify.products),
        (one.classify.segments, other.classify.segments),
    )
    if any(left and right and set(left).isdisjoint(right) for left, right in lists):
        return False
    if _environment(one) != _environment(other) and _environment(one) and _environment(other):
        return False
    first, second = one.applies, other.applies
    ends_before = first.valid_until and second.valid_from and first.valid_until < second.valid_from
    begins_after = second.valid_until and first.valid_from and second.valid_until < first.valid_from
    return not (ends_before or begins_after)


def _environment(entry: KnowledgeEntry) -> frozenset[str]:
    return (
        frozenset(fold_text(text) for text in entry.environment.by_lang.values()) if entry.environment else frozenset()
    )
