"""Entries for tests: the smallest valid one, and one without findings."""

from __future__ import annotations

from datetime import date
from pathlib import Path

TODAY = date(2026, 6, 30)

SMALLEST = """\
schema: ckm.kb/1
id: {id}
kind: for
title: Late parcel
issue: The parcel has not come.
state: {{confidence: wip}}
review: {{}}
provenance: {{}}
"""

FULL = """\
schema: ckm.kb/1
id: {id}
kind: for
facet: policy
need: explicit
lang: en
title: {title}
issue: {issue}
resolution: Look up the parcel, then send another.
state: {{confidence: {confidence}, audience: customer, governance: experience_based}}
answers: {{reasons: [late_delivery], questions: [{question}]}}
applies: {{valid_from: 2026-01-01, valid_until: 2026-12-31}}
provenance: {{origin: question, collected_by: anna, collected_at: 2026-05-01}}
authentic: {{status: verified, by: ben, at: 2026-05-02, how: tried}}
review: {{owner: anna, interval_days: 180, last: 2026-05-02}}
seci: {{mode: externalise}}
{more}
"""

_ISSUES = (
    "The parcel has not come on the promised day and nobody called.",
    "A pair of shoes is too small and shall go back to the shop.",
    "Nobody received the invoice that bookkeeping is waiting for.",
    "Payment by card was declined although the account has money.",
)


def smallest(name: str = "late") -> str:
    return SMALLEST.format(id=name)


def full(name: str = "late", number: int = 0, *, more: str = "", confidence: str = "validated", **changes: str) -> str:
    """Return an entry without findings; entries with different numbers share no texts."""
    issue = changes.get("issue", _ISSUES[number])
    words = {"title": f"{' '.join(issue.split()[:4])} ({name})", "issue": issue, "question": f"What about {name}?"}
    return FULL.format(id=name, more=more, confidence=confidence, **{**words, **changes})


def write(folder: Path, *documents: str, name: str = "entries.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("---\n".join(documents), encoding="utf-8")
    return path
