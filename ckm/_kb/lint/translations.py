"""Lint rule for translations of an entry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._kb.lint.lint_report import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._kb.lint.lint_context import LintContext


def missing_translation(context: LintContext) -> Iterator[Violation]:
    """Yield entries whose title, issue, cause and resolution are not all in the same languages and ``kb.languages``."""
    for entry in context.entries:
        parts = {"title": entry.title, "issue": entry.issue, "cause": entry.cause, "resolution": entry.resolution}
        texts = {name: set(part.by_lang) for name, part in parts.items() if part is not None and part.by_lang}
        wanted = {lang for langs in texts.values() for lang in langs if lang} | set(context.options.languages)
        lacking = {name: sorted(wanted - langs) for name, langs in texts.items() if wanted - langs}
        if lacking and entry.state.confidence != "archived":
            missing = "; ".join(f"{name} in {', '.join(langs)}" for name, langs in lacking.items())
            yield Violation(entry, f"missing translations: {missing}", tuple(lacking))
