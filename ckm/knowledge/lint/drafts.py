"""Skeletons that nobody has filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.knowledge.lint.findings import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.knowledge.lint.subject import Subject

TO_FILL_IN = "?"
"""What ``ckm kb-new`` writes where a person has to."""


def unfilled(subject: Subject) -> Iterator[Breach]:
    """No text is still the question mark of the skeleton."""
    for entry in subject.entries:
        open_keys = [
            key
            for key, value in entry.plain.items()
            if value == TO_FILL_IN or (isinstance(value, dict) and TO_FILL_IN in value.values())
        ]
        if open_keys:
            yield Breach(entry, f"still to be filled in: {', '.join(open_keys)}", tuple(open_keys))
