"""What was probably meant by a value of an entry that is none: a day, a language, an id."""

from __future__ import annotations

import re
from datetime import date

from ckm.knowledge.schema import patterns

SHOWN = 40
"""Characters of a word of the file that a message shows."""
_OTHER_DAY = re.compile(
    r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})|(\d{1,2})[/.](\d{1,2})[/.](\d{4})|(\d{4}-\d{2}-\d{2})[T ].*"
)


def language_pattern() -> re.Pattern[str]:
    """Return what a tag of a language looks like (BCP 47)."""
    return re.compile(patterns()["language"])


def suggested_language(name: str) -> str:
    """Suggest the tag that was meant: ``zh_Hant`` and ``pt_br`` are often written so."""
    near = name.replace("_", "-")
    if near != name and language_pattern().fullmatch(near):
        return f"did you mean '{near}'?"
    return "write a BCP 47 tag such as de, pt-BR or zh-Hant"


def is_day(text: str) -> bool:
    """Whether a text is a day as entries write it."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def suggested_day(text: str) -> str:
    """Suggest the day that was meant where only one can be: 31.12.2026, but not 01/02/2026."""
    found = _OTHER_DAY.fullmatch(text)
    if found is not None:
        year, month, day = (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
        near = found[7] or f"{year}-{int(month):02}-{int(day):02}"
        swapped = found[4] is not None and int(found[4]) <= 12 and "/" in text
        if not swapped and is_day(near):
            return f"did you mean {near}?"
    return "write it as 2026-12-31"


def suggested_id(text: str) -> str:
    """Return an id that is near a text."""
    near = re.sub(r"\s+", "-", "".join(sign if sign.isprintable() else " " for sign in text)).strip("-")
    return near[:SHOWN] or "a-name"
