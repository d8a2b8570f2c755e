"""Lint rules for the verification of entries."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.lint.lint_context import LintContext


def unverified(context: LintContext) -> Iterator[Violation]:
    """Yield validated entries without a verifier, or whose verification is open or disputed."""
    for entry in context.entries:
        if entry.state.confidence != "validated":
            continue
        keys = ("authentic.status", "authentic", "state.confidence")
        if entry.authentic.status in {"unverified", "disputed"}:
            yield Violation(entry, f"validated, but authentic.status is {entry.authentic.status}", keys)
        elif not _verifiers(entry):
            yield Violation(entry, "validated without a verifier", keys[1:])


def self_verified(context: LintContext) -> Iterator[Violation]:
    """Yield entries that were verified by their author."""
    for entry in context.entries:
        author = _person(entry.provenance.collected_by or "")
        if author and _verifiers(entry) == {author} and (entry.authentic.by or entry.state.confidence == "validated"):
            yield Violation(
                entry,
                "verified by its author (provenance.collected_by)",
                ("authentic.by", "review.reviewers", "state.confidence"),
            )


def _verifiers(entry: KnowledgeEntry) -> set[str]:
    """Return the verifiers: ``authentic.by``, else the reviewers."""
    named = (entry.authentic.by,) if entry.authentic.by else entry.review.reviewers
    return {person for name in named if (person := _person(name))}


def _person(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
