"""Who says that it is true."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from ckm.knowledge.lint.findings import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.knowledge.entry import Entry
    from ckm.knowledge.lint.subject import Subject


def unverified(subject: Subject) -> Iterator[Breach]:
    """A validated entry names who verified it, and its verification is neither open nor disputed."""
    for entry in subject.entries:
        if entry.state.confidence != "validated":
            continue
        keys = ("authentic.status", "authentic", "state.confidence")
        if entry.authentic.status in {"unverified", "disputed"}:
            yield Breach(entry, f"it is validated, and authentic.status says {entry.authentic.status}", keys)
        elif not _verifiers(entry):
            yield Breach(entry, "it is validated, and nobody is named who verified it", keys[1:])


def self_verified(subject: Subject) -> Iterator[Breach]:
    """Whoever verified an entry did not write it."""
    for entry in subject.entries:
        author = _person(entry.provenance.collected_by or "")
        if author and _verifiers(entry) == {author} and (entry.authentic.by or entry.state.confidence == "validated"):
            yield Breach(
                entry,
                "who verified it is who wrote it (provenance.collected_by)",
                ("authentic.by", "review.reviewers", "state.confidence"),
            )


def _verifiers(entry: Entry) -> set[str]:
    """Return who verified it: ``authentic.by``, and where nobody stands there the reviewers."""
    named = (entry.authentic.by,) if entry.authentic.by else entry.review.reviewers
    return {person for name in named if (person := _person(name))}


def _person(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
