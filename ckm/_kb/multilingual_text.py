"""A text in one or several languages, and the choice of a language for a reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SCRIPT_OF_REGION = {"zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}
"""Scripts of Chinese by region (Unicode CLDR, likely subtags)."""


@dataclass(frozen=True)
class MultilingualText:
    """One text in one or several languages.

    Attributes
    ----------
    by_lang
        Text by language (BCP 47); ``""`` for an unknown language.
    """

    by_lang: Mapping[str, str]

    def in_language(self, prefer: str = "") -> tuple[str, str]:
        """Return language and text as chosen by :func:`nearest_language`; two empty texts if there is no text."""
        lang = nearest_language(self.by_lang, prefer)
        return ("", "") if lang is None else (lang, self.by_lang[lang])


def nearest_language(available: Iterable[str], prefer: str) -> str | None:
    """Return the language of ``available`` that is nearest to a preferred one; None if there are none.

    In this order: the language itself, a more general tag (``de`` for ``de-AT``), another tag of the same language
    (``zh-Hant`` for ``zh-Hans``), the text without a language, English, any.
    """
    by_tag = {tag.lower(): tag for tag in sorted(available)}
    wanted = prefer.lower()
    parts = wanted.split("-")
    general = ["-".join(parts[:length]) for length in range(len(parts), 0, -1)] if wanted else []
    script = SCRIPT_OF_REGION.get(wanted)
    same = [tag for tag in by_tag if wanted and tag.split("-")[0] == parts[0]]
    for tag in (*general[:1], *((script,) if script else ()), *general[1:], *same, "", "en"):
        if tag in by_tag:
            return by_tag[tag]
    return next(iter(by_tag.values()), None)
