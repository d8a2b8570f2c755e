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
    asked: dict[str, list[Entry]] = defaultdict(list)
    for entry in subject.by_id.values():
        if entry.state.confidence != "validated" or entry.id in subject.superseded_by:
            continue
        if entry.applies.valid_until is not None and entry.applies.valid_until < subject.as_of:
            continue
        for question in _questions(entry):
            asked[question].append(entry)
    told: set[str] = set()
    for entries in asked.values():
        for number, entry in enumerate(entries[1:], start=1):
            if entry.id in told:
                continue
            for other in entries[max(0, number - COMPARED) : number]:
                if _same_case(entry, other):
                    told.add(entry.id)
                    yield Breach(
                        entry, f"it answers the same question as {subject.place(other)} for the same case",
                        ("answers.questions", "issue"),
                    )  # fmt: skip
                    break


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
