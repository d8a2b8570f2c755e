"""Lint rules for dates: reviews, validity and age of entries."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.lint.lint_context import LintContext


def review_overdue(context: LintContext) -> Iterator[Violation]:
    """Yield entries whose review is overdue; archived entries need no review."""
    for entry in context.entries:
        due = entry.review.due_on
        if due is not None and due < context.as_of and entry.state.confidence != "archived":
            late = (context.as_of - due).days
            yield Violation(
                entry,
                f"review was due on {due}, {late:,} {'day' if late == 1 else 'days'} ago",
                ("review.due", "review.last", "review"),
            )


def review_unplanned(context: LintContext) -> Iterator[Violation]:
    """Yield entries in use without a date of the next review."""
    for entry in context.entries:
        if entry.in_use and entry.review.due_on is None:
            yield Violation(entry, "no date of the next review", ("review",))


def expired(context: LintContext) -> Iterator[Violation]:
    """Yield entries in use whose validity has ended."""
    for entry in context.entries:
        end = entry.applies.valid_until
        if entry.in_use and end is not None and end < context.as_of:
            yield Violation(entry, f"valid until {end}", ("applies.valid_until",))


def validity_reversed(context: LintContext) -> Iterator[Violation]:
    """Yield entries whose validity ends before it begins."""
    for entry in context.entries:
        begin, end = entry.applies.valid_from, entry.applies.valid_until
        if begin is not None and end is not None and end < begin:
            yield Violation(entry, f"validity ends on {end}, before it begins on {begin}", ("applies.valid_until",))


def future_day(context: LintContext) -> Iterator[Violation]:
    """Yield entries with dates of past events after the date of the check."""
    for entry in context.entries:
        happened = {
            "provenance.collected_at": entry.provenance.collected_at,
            "authentic.at": entry.authentic.at,
            "review.last": entry.review.last,
        }
        for key, day in happened.items():
            if day is not None and day > context.as_of:
                yield Violation(entry, f"{key} is {day}, after {context.as_of}", (key,))


def stale(context: LintContext) -> Iterator[Violation]:
    """Yield entries in use that are older than the limit of their facet, counted from the last review."""
    for entry in context.entries:
        limit = context.options.freshness.get(entry.facet or "")
        if limit is None or not entry.in_use:
            continue
        days = (entry.review.last, entry.authentic.at, entry.provenance.collected_at)
        checked = max((day for day in days if day is not None and day <= context.as_of), default=None)
        keys = ("review.last", "authentic.at", "provenance.collected_at", "facet")
        if checked is None:
            message = f"unknown age; the limit for {entry.facet} is {limit.days:,} days"
            yield Violation(entry, message, ("review", "facet"), "write review.last", Severity.info)
        elif context.as_of - checked > max(limit, timedelta(days=limit.days)):
            age = (context.as_of - checked).days
            yield Violation(
                entry, f"last checked {age:,} days ago; the limit for {entry.facet} is {limit.days:,} days", keys
            )
