"""Format shares, and counts with their noun, for sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def share(part: float) -> str:
    """Format ``0.2054`` as ``20.5 %``; values near 0 or 1 are never rounded to 0 or 100 %."""
    percent = 100 * part
    if 0 < percent < 0.1:
        return "under 0.1 %"
    if 99.9 < percent < 100:
        return "over 99.9 %"
    return f"{percent:.1f} %"


def counted(count: int, noun: str, one: str = "", many: str = "") -> str:
    """Return a count with its noun, and with the verb for ``one`` or ``many``, if given.

    >>> counted(1, "row"), counted(1234, "row"), counted(1, "order", "is", "are"), counted(2, "order", "is", "are")
    ('1 row', '1,234 rows', '1 order is', '2 orders are')
    """
    verb = one if count == 1 else many
    return f"{count:,} {noun}{'' if count == 1 else 's'}{f' {verb}' if verb else ''}"


def some(names: Sequence[str], most: int) -> str:
    """Return the first ``most`` names, and the number of all others.

    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")
