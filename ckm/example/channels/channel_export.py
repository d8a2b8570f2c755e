"""Functions that several exports use: facts of an exported file, corrupted rows, delimited text, amounts."""

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
    """Facts of an exported file, which ``truth.json`` has for tests of the loader.

    Attributes
    ----------
    file
        Path relative to the folder of the shop.
    table
        Table of the store into which the records are loaded.
    encoding, delimiter
        Encoding and delimiter of the text; None for formats without them, such as Parquet.
    records
        Number of records after the header, without blank rows.
    rejected
        Number of records that a reader should reject, by error: too many fields, a total row, invalid JSON.
    broken
        Number of records that can be parsed but fail validation, by error.
    doubled
        Number of records that are copies of an earlier record.
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
        """Number of records that the loaded table has: without rejected, broken and duplicate ones."""
        return self.records - sum(self.rejected.values()) - sum(self.broken.values()) - self.doubled


def with_spoilt_copies(
    rows: Sequence[Row], spoilers: Sequence[tuple[Callable[[Row, RandomStream], Row], int]], stream: RandomStream
) -> list[Row]:
    """Return the rows, with a corrupted copy inserted directly before some of them.

    This simulates an export that failed within a row and repeated it. Because each corrupted row is followed by its
    original, the valid rows are complete and agree with the control totals.

    Parameters
    ----------
    rows
        Valid rows.
    spoilers
        Functions that return a corrupted copy of a row, each with the number of rows to corrupt.
    stream
        Random numbers, by which the rows are chosen.
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
    """Return rows as delimited text with CRLF line ends; cells are quoted if they contain a delimiter or line break."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def amount(cents: int, decimal: str, thousands: str = "") -> str:
    """Return an amount in cents as text with two decimals, with the given decimal and thousands separators."""
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", thousands)
    return f"{'-' if cents < 0 else ''}{text}{decimal}{rest:02d}"
