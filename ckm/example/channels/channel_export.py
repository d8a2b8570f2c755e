"""Functions for all exports: facts of a file for the truth, broken rows, delimited text."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ckm.example.random_stream import RandomStream

Row = TypeVar("Row")


@dataclass(frozen=True)
class ChannelExport:
    """Facts of an exported file.

    Attributes
    ----------
    file
        Path relative to the shop's folder.
    table
        The table that its mapping fills.
    encoding, delimiter
        Encoding and delimiter; None for formats without them.
    records
        Number of records after the header, without blank rows.
    rejected
        Number of records that a reader should reject, by error: too many fields, a total row, invalid JSON.
    broken
        Number of records that can be parsed but fail validation, by error.
    doubled
        Number of duplicate records, without the first of each.
    """

    file: str
    table: str
    encoding: str | None
    delimiter: str | None
    records: int
    rejected: dict[str, int] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    doubled: int = 0

    @property
    def good(self) -> int:
        """Number of records that belong in the table."""
        return self.records - sum(self.rejected.values()) - sum(self.broken.values()) - self.doubled


def with_spoilt_copies(
    rows: Sequence[Row], spoilers: Sequence[tuple[Callable[[Row, RandomStream], Row], int]], stream: RandomStream
) -> list[Row]:
    """Return the rows with corrupted copies of some, each right before its original.

    This simulates an export that failed and continued. The original row follows, so no data are lost with the corrupted
    copy, and finance's totals match the valid rows.
    """
    places = stream.shuffled(range(len(rows)))
    spoilt: dict[int, Row] = {}
    for spoil, wanted in spoilers:
        for _ in range(wanted):
            place = places.pop()
            spoilt[place] = spoil(rows[place], stream)
    out: list[Row] = []
    for place, row in enumerate(rows):
        out += [spoilt[place], row] if place in spoilt else [row]
    return out


def delimited(rows: Iterable[Sequence[str]], delimiter: str) -> str:
    """Return rows as delimited text with CRLF line ends, quoted where needed."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def amount(cents: int, decimal: str, thousands: str = "") -> str:
    """Return cents as an amount with two decimals, with a country's decimal and thousands marks."""
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", thousands)
    return f"{'-' if cents < 0 else ''}{text}{decimal}{rest:02d}"
