"""What time does to an entry: reviews that fall due, validity that ends, knowledge that goes stale."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ckm.findings import Severity
from ckm.knowledge.lint.findings import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.knowledge.lint.subject import Subject


def review_overdue(subject: Subject) -> Iterator[Breach]:
    """The day of the next review is not past; archived entries need none."""
    for entry in subject.entries:
        due = entry.review.due_on
        if due is not None and due < subject.as_of and entry.state.confidence != "archived":
            late = (subject.as_of - due).days
            yield Breach(
                entry,
                f"its review was due on {due}, {late:,} {'day' if late == 1 else 'days'} ago",
                ("review.due", "review.last", "review"),
            )


def review_unplanned(subject: Subject) -> Iterator[Breach]:
    """An entry in use says when it is reviewed next."""
    for entry in subject.entries:
        if entry.in_use and entry.review.due_on is None:
            yield Breach(entry, "nothing says when it is reviewed next", ("review",))


def expired(subject: Subject) -> Iterator[Breach]:
    """An entry in use has not ended."""
    for entry in subject.entries:
        end = entry.applies.valid_until
        if entry.in_use and end is not None and end < subject.as_of:
            yield Breach(entry, f"it was valid until {end}", ("applies.valid_until",))


def validity_reversed(subject: Subject) -> Iterator[Breach]:
    """Validity does not end before it begins."""
    for entry in subject.entries:
        begin, end = entry.applies.valid_from, entry.applies.valid_until
        if begin is not None and end is not None and end < begin:
            yield Breach(entry, f"it ends on {end}, before it begins on {begin}", ("applies.valid_until",))


def future_day(subject: Subject) -> Iterator[Breach]:
    """What is said to have happened has happened by the day of the check."""
    for entry in subject.entries:
        happened = {
            "provenance.collected_at": entry.provenance.collected_at,
            "authentic.at": entry.authentic.at,
            "review.last": entry.review.last,
        }
        for key, day in happened.items():
            if day is not None and day > subject.as_of:
                yield Breach(entry, f"{key} is {day}, after {subject.as_of}", (key,))


def stale(subject: Subject) -> Iterator[Breach]:
    """An entry in use is not older than its kind of information may be, counted from when it was last looked at."""
    for entry in subject.entries:
        limit = subject.expected.freshness.get(entry.facet or "")
        if limit is None or not entry.in_use:
            continue
        days = (entry.review.last, entry.authentic.at, entry.provenance.collected_at)
        looked_at = max((day for day in days if day is not None and day <= subject.as_of), default=None)
        keys = ("review.last", "authentic.at", "provenance.collected_at", "facet")
        if looked_at is None:
            message = f"no day says how old it is; {entry.facet} may be {limit.days:,} days old"
            yield Breach(entry, message, ("review", "facet"), "write review.last", Severity.info)
        elif subject.as_of - looked_at > max(limit, timedelta(days=limit.days)):
            age = (subject.as_of - looked_at).days
            yield Breach(entry, f"last looked at {age:,} days ago; {entry.facet} may be {limit.days:,} days old", keys)
