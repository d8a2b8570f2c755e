"""Counts in sentences."""

from __future__ import annotations


def counted(count: int, noun: str, one: str = "", many: str = "") -> str:
    """Return a count with its noun, and with the verb that goes with ``one`` or with ``many`` where it has one.

    >>> counted(1, "row"), counted(1234, "row"), counted(1, "order", "is", "are"), counted(2, "order", "is", "are")
    ('1 row', '1,234 rows', '1 order is', '2 orders are')
    """
    verb = one if count == 1 else many
    return f"{count:,} {noun}{'' if count == 1 else 's'}{f' {verb}' if verb else ''}"
