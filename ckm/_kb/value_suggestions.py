"""Suggestions for invalid values of an entry: dates, language tags and ids."""

from __future__ import annotations

import re
from datetime import date

from ckm._kb.entry_schema import patterns

SHOWN = 40
"""Characters of a word that a message shows."""
_OTHER_DAY = re.compile(
    r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})|(\d{1,2})[/.](\d{1,2})[/.](\d{4})|(\d{4}-\d{2}-\d{2})[T ].*"
)


def language_pattern() -> re.Pattern[str]:
    """Return the pattern of a language tag (BCP 47)."""
    return re.compile(patterns()["language"])


def suggested_language(name: str) -> str:
    """Return a hint with the probable language tag, such as ``zh-Hant`` for ``zh_Hant``."""
    near = name.replace("_", "-")
    if near != name and language_pattern().fullmatch(near):
        return f"did you mean '{near}'?"
    return "write a BCP 47 tag such as de, pt-BR or zh-Hant"


def is_day(text: str) -> bool:
    """Return whether a text is a date in ISO format."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def suggested_day(text: str) -> str:
    """Return a hint with the date if it is unambiguous: 31.12.2026, but not 01/02/2026."""
    found = _OTHER_DAY.fullmatch(text)
    if found is not None:
        year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
        near = found[7] or f"{year}-{int(month):02}-{int(day):02}"
        swapped = found[4] is not None and int(found[4]) <= 12 and "/" in text
        if not swapped and is_day(near):
            return f"did you mean {near}?"
    return "write it as 2026-12-31"


def suggested_id(text: str) -> str:
    """Return a valid id that is similar to a text."""
    near = re.sub(r"\s+", "-", "".join(sign if sign.isprintable() else " " for sign in text)).strip("-")
    return near[:SHOWN] or "a-name"
