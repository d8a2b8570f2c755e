"""Give short comments of no detectable language the language that is common among the others in their script."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST = 20
"""Minimum number of comments in the common language."""
COMMON = 0.8
"""Minimum share of the common language among the comments of its script."""
RARE = 0.02
"""Share below which the detected language of a short text is probably wrong: "super pissed" is not Romanian."""
SHORT = 40
"""Maximum number of characters of a short text."""
SCRIPTS = {
    "Latin": ("\u0041", "\u024f"),
    "Arabic": ("\u0600", "\u06ff"),
    "Thai": ("\u0e00", "\u0e7f"),
    "Han": ("\u3400", "\u9fff"),
}
"""First and last character by script."""


def with_common_language(langs: Sequence[str], texts: Sequence[str], declared: Sequence[str | None]) -> list[str]:
    """Return the languages, with the common one of the script for short texts of no or of a rare language.

    Parameters
    ----------
    langs
        Language of each comment; ``""`` if it is unknown.
    texts, declared
        Text of each comment, and the language that the source states, which is kept.
    """
    scripts = [script_of(text) for text in texts]
    counts: dict[str, Counter[str]] = {}
    for lang, script in zip(langs, scripts, strict=True):
        if lang:
            counts.setdefault(script, Counter())[lang] += 1
    common = {script: most for script, found in counts.items() if (most := _common(found))}
    settled = []
    for lang, script, text, stated in zip(langs, scripts, texts, declared, strict=True):
        expected = common.get(script)
        is_rare = lang != "" and counts[script][lang] < RARE * counts[script].total()
        doubtful = not lang or (is_rare and len(text) <= SHORT)
        settled.append(expected if expected and doubtful and not stated else lang)
    return settled


def script_of(text: str) -> str:
    """Return the script of most letters of a text; ``""`` without letters of a known script.

    >>> script_of("Great phone!"), script_of("สวัสดี"), script_of("123")
    ('Latin', 'Thai', '')
    """
    found = Counter(
        script for sign in text if sign.isalpha() for script, (first, last) in SCRIPTS.items() if first <= sign <= last
    )
    return found.most_common(1)[0][0] if found else ""


def _common(found: Counter[str]) -> str | None:
    lang, count = found.most_common(1)[0]
    return lang if count >= FEWEST and count >= COMMON * found.total() else None
