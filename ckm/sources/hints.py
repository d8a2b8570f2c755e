"""What a person or a mapping says of a file, so that it need not be detected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Hints:
    """Facts about a file that override detection; ``None`` means: detect.

    Attributes
    ----------
    encoding
        Name of the character set.
    delimiter
        One character, or ``"whitespace"`` for runs of blanks.
    quote
        The quote character; empty for none.
    header
        The 1-based line of the header, or ``"none"``.
    columns
        Names for a file without a header.
    decimal, thousands
        The marks in numbers.
    dates
        A strptime format, or ``dmy``, ``mdy``, ``ymd``.
    sheet
        The sheet of an Excel file.
    records
        The keys that lead to the list of records in a JSON object, with points between them.
    null_values
        Texts that mean "no value", in every column.
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
