"""Format hints of the user or of a mapping, which override detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Hints:
    """Format hints that override detection; ``None`` means detection.

    Attributes
    ----------
    encoding
        The encoding.
    delimiter
        One character, or ``"whitespace"`` for runs of spaces.
    quote
        The quote character; empty for none.
    header
        The 1-based line of the header, or ``"none"``.
    columns
        Names for a file without a header.
    decimal, thousands
        Decimal mark and thousands separator.
    dates
        A strptime format, or ``dmy``, ``mdy``, ``ymd``.
    sheet
        The sheet of a workbook.
    records
        The path of keys to the record list in a JSON object, joined with points.
    null_values
        Null words in every column.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str | None = None
    header: int | Literal["none"] | None = None
    columns: tuple[str, ...] | None = None
    decimal: str | None = None
    thousands: str | None = None
    dates: str | None = None
    sheet: str | None = None
    null_values: tuple[str, ...] | None = None
    records: str | None = None
