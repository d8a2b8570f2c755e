"""What entries answer, and whether two answer the same."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ckm.findings import Severity
from ckm.knowledge.lint.findings import Breach
from ckm.knowledge.lint.folding import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.knowledge.entry import Entry
    from ckm.knowledge.lint.subject import Subject

COMPARED = 20
"""Entries with the same question that one is compared with; a base where more have it has one finding each anyway."""


def answers_nothing(subject: Subject) -> Iterator[Breach]:
    """An entry has a resolution, or names reasons or questions that it answers; a validated one ``for`` has the former.

    A draft may be without any: the question is written down before somebody knows the answer.
    """
    for entry in subject.entries:
        if entry.state.confidence == "archived" or entry.resolution is not None:
            continue
        if not entry.answers.reasons and not any(entry.answers.questions.values()):
            severity = Severity.info if entry.state.confidence == "wip" else None
            yield Breach(
                entry, "it has no resolution, and names no reasons or questions that it answers", (), None, severity
            )
        elif entry.kind == "for" and entry.state.confidence == "validated":
            yield Breach(
                entry,
                "it is validated, names what it answers, and has no resolution",
                ("answers", "state.confidence"),
                "write under resolution what to say or do",
            )


def same_answer(subject: Subject) -> Iterator[Breach]:
    """No two validated entries answer the same question for the same case: a reader would not know whom to believe.

    The question is one of ``answers.questions`` or the issue, folded. The case is the kind, the audience, and what
    ``applies`` and ``classify`` say of products, segments, channels, regions and days; what is not named is any.
    """
    entries = [entry for entry in subject.by_id.values() if entry.state.confidence == "validated"]
    told: set[int] = set()
    for earlier, later in subject.kept("same", lambda: _same_pairs(entries)):
        one, other = entries[earlier], entries[later]
        if later not in told and _holds(one, subject) and _holds(other, subject):
            told.add(later)
            message = f"it answers the same question as {subject.name(one)} for the same case"
            yield Breach(other, message, ("answers.questions", "issue"))


def _holds(entry: Entry, subject: Subject) -> bool:
    """Whether it is not at its end by the day, nor replaced."""
    end = entry.applies.valid_until
    return entry.id not in subject.superseded_by and (end is None or end >= subject.as_of)


def _same_pairs(entries: list[Entry]) -> list[tuple[int, int]]:
    """Return pairs of entries with a question and a case in common, on any day, by number."""
    asked: dict[str, list[int]] = defaultdict(list)
    for number, entry in enumerate(entries):
        for question in _questions(entry):
            asked[question].append(number)
    return sorted(
        {
            (other, number)
            for numbers in asked.values()
            for place, number in enumerate(numbers)
            for other in numbers[max(0, place - COMPARED) : place]
            if _same_case(entries[number], entries[other])
        }
    )


def _questions(entry: Entry) -> set[str]:
    texts = [text for each in entry.answers.questions.values() for text in each]
    texts += entry.issue.by_lang.values()
    return {folded for text in texts if (folded := fold(text))}


def _same_case(one: Entry, other: Entry) -> bool:
    """Whether there is a case for which both hold."""
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


def _environment(entry: Entry) -> frozenset[str]:
    return frozenset(fold(text) for text in entry.environment.by_lang.values()) if entry.environment else frozenset()
