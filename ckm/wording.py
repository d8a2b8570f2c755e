"""Numbers as a reader wants them in a sentence."""

from __future__ import annotations


def share(part: float) -> str:
    """``0.2054`` as ``20.5 %``; what would round to nothing or to all keeps its difference from it."""
    percent = 100 * part
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %"


def rows(count: int) -> str:
    """``1`` as ``1 row``, ``2000`` as ``2,000 rows``."""
    return many(count, "row")


def many(count: int, noun: str) -> str:
    """A count with its noun, in the plural when it is not one."""
    return f"{count:,} {noun if count == 1 else noun + 's'}"


def are(count: int, noun: str, *, of: str = "") -> str:
    """``1`` as ``1 row is``, ``2000`` as ``2,000 rows are``, or ``2,000 rows of sales are``."""
    return f"{many(count, noun)}{f' of {of}' if of else ''} {'is' if count == 1 else 'are'}"
