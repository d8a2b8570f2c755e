"""Lint rules for the evidence on entries: measured harm, and evidence that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._kb.evidence import HARMS, read_evidence, verdict_of
from ckm._kb.lint.lint_report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.lint.lint_context import LintContext

KEY = ("evidence",)


def measured_harm(context: LintContext) -> Iterator[Violation]:
    """Yield entries in use whose newest evidence on the date is a harm: the whole interval is on the bad side of 0."""
    for entry in context.entries:
        items = [each for each in read_evidence(entry.evidence) if each.date <= context.as_of]
        if not entry.in_use or verdict_of(items) != HARMS:
            continue
        newest = max(each.date for each in items)
        worst = next(each for each in items if each.date == newest and each.verdict == HARMS)
        yield Violation(
            entry,
            f"audience {worst.audience}: {worst.metric} {worst.effect:+.4g} ({worst.low:+.4g} to {worst.high:+.4g}) "
            "against the holdout",
            KEY,
        )


def unreadable_evidence(context: LintContext) -> Iterator[Violation]:
    """Yield entries with evidence that was not written by ``ckm outcome publish``, and is not used."""
    for entry in context.entries:
        written = entry.evidence
        if written and len(read_evidence(written)) < (len(written) if isinstance(written, list) else 1):
            yield Violation(entry, "evidence is not as ckm outcome publish writes it, and is not used", KEY)
