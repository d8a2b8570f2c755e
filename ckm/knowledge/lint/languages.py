"""In which languages an entry can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.knowledge.lint.findings import Breach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.knowledge.lint.subject import Subject


def missing_translation(subject: Subject) -> Iterator[Breach]:
    """Title, issue, cause and resolution are in the same languages, and in those of ``kb.languages``."""
    for entry in subject.entries:
        parts = {"title": entry.title, "issue": entry.issue, "cause": entry.cause, "resolution": entry.resolution}
        texts = {name: set(part.by_lang) for name, part in parts.items() if part is not None and part.by_lang}
        wanted = {lang for langs in texts.values() for lang in langs if lang} | set(subject.expected.languages)
        lacking = {name: sorted(wanted - langs) for name, langs in texts.items() if wanted - langs}
        if lacking and entry.state.confidence != "archived":
            told = "; ".join(f"{name} in {', '.join(langs)}" for name, langs in lacking.items())
            yield Breach(entry, f"not written yet: {told}", tuple(lacking))
