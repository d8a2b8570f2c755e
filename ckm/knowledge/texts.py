"""A text in one language or several, and the one a reader gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCRIPT_OF_REGION = {"zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}
"""Regions that stand for a script where Chinese is written (Unicode CLDR, likely subtags)."""


@dataclass(frozen=True)
class Texts:
    """One text, in one language or several.

    Attributes
    ----------
    by_lang
        The text by its language (BCP 47); under ``""`` where none is named.
    """

    by_lang: Mapping[str, str]

    def in_language(self, prefer: str = "") -> tuple[str, str]:
        """Return language and text as :func:`nearest_language` chooses; two empty texts where there is none."""
        lang = nearest_language(self.by_lang, prefer)
        return ("", "") if lang is None else (lang, self.by_lang[lang])


def nearest_language(there: Iterable[str], prefer: str) -> str | None:
    """Return the language of ``there`` for somebody who prefers another; None where there is none.

    The language itself; without it one that it is a special case of (``de`` for ``de-AT``), one of the same language
    (``zh-Hant`` for ``zh-Hans``), the text without a language, English, any.
    """
    by_tag = {tag.lower(): tag for tag in sorted(there)}
    wanted = prefer.lower()
    parts = wanted.split("-")
    general = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] if wanted else []
    script = SCRIPT_OF_REGION.get(wanted)
    same = [tag for tag in by_tag if wanted and tag.split("-")[0] == parts[0]]
    for tag in (*general[:1], *((script,) if script else ()), *general[1:], *same, "", "en"):
        if tag in by_tag:
            return by_tag[tag]
    return next(iter(by_tag.values()), None)
