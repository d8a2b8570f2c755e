"""What every export has in common: its facts for the truth, and how broken rows get in."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ckm.example.dice import Dice

Row = TypeVar("Row")


@dataclass(frozen=True)
class ChannelExport:
    """What is true of one file.

    Attributes
    ----------
    file
        Relative to the shop's folder.
    table
        The table that its mapping fills.
    encoding, delimiter
        None where the format has none.
    records
        Physical records after the header, blank rows left out.
    rejected
        Records that a reader should refuse, by what is wrong with them: fields too many, a total row, no JSON.
    broken
        Records that read well and break the table's contract, by what is wrong with them.
    doubled
        Records that stand in the file twice by mistake, the second time of each.
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
        """Records that belong in the table."""
        return self.records - sum(self.rejected.values()) - sum(self.broken.values()) - self.doubled


def with_spoilt_copies(
    rows: Sequence[Row], spoilers: Sequence[tuple[Callable[[Row, Dice], Row], int]], dice: Dice
) -> list[Row]:
    """Return the rows with spoilt copies of some, each right before the row that it is a copy of.

    An export that failed halfway and went on. Because the good row follows, what is lost with a spoilt one is
    nothing, and finance's totals stay those of the good rows.
    """
    places = dice.shuffled(range(len(rows)))
    spoilt: dict[int, Row] = {}
    for spoil, wanted in spoilers:
        for _ in range(wanted):
            place = places.pop()
            spoilt[place] = spoil(rows[place], dice)
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
    """Return cents as an amount with two places, in a country's marks."""
    whole, rest = divmod(abs(cents), 100)
    text = f"{whole:,}".replace(",", thousands)
    return f"{'-' if cents < 0 else ''}{text}{decimal}{rest:02d}"
