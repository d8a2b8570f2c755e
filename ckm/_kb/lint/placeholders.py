"""Lint rule for placeholders of a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.lint.lint_context import LintContext

TO_FILL_IN = "?"
"""Placeholder that ``ckm kb-new`` writes."""


def unfilled(context: LintContext) -> Iterator[Violation]:
    """Yield entries with texts that are still placeholders."""
    for entry in context.entries:
        open_keys = [
            key
            for key, value in entry.plain.items()
            if value == TO_FILL_IN or (isinstance(value, dict) and TO_FILL_IN in value.values())
        ]
        if open_keys:
            yield Violation(entry, f"placeholders to fill in: {', '.join(open_keys)}", tuple(open_keys))
