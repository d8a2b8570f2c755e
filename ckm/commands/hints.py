"""The options that say what a file's format is, for every command that reads files of strangers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ckm.errors import UsageError

if TYPE_CHECKING:
    from ckm.sources.hints import Hints

DATE_HELP = (
    "How dates are written: dmy, mdy or ymd, a format such as %d.%m.%Y, buddhist (Thai years) or jalali (Persian), "
    "serial or serial_1904 (Excel's day numbers), epoch_s or epoch_ms (since 1970)."
)
PANEL = "Format of the file (detected unless given)"

Encoding = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Character set, such as utf-8, cp1252, tis-620.", rich_help_panel=PANEL),
]
Delimiter = Annotated[
    str | None,
    typer.Option(metavar="CHAR", help="Between fields; 'tab', 'whitespace' for runs of blanks.", rich_help_panel=PANEL),
]
Quote = Annotated[str | None, typer.Option(metavar="CHAR", help="Around fields; 'none'.", rich_help_panel=PANEL)]
Header = Annotated[
    str | None, typer.Option(metavar="LINE", help="Line of the header, from 1; 'none'.", rich_help_panel=PANEL)
]
Columns = Annotated[
    str | None,
    typer.Option(metavar="A,B,C", help="Names of the columns, for a file without header.", rich_help_panel=PANEL),
]
Decimal = Annotated[str | None, typer.Option(metavar="MARK", help="Decimal mark: . or ,", rich_help_panel=PANEL)]
Thousands = Annotated[str | None, typer.Option(metavar="MARK", help="Thousands mark.", rich_help_panel=PANEL)]
DateOrder = Annotated[
    str | None,
    typer.Option(metavar="ORDER", help=DATE_HELP, rich_help_panel=PANEL),
]
Sheet = Annotated[str | None, typer.Option(metavar="NAME", help="Sheet of an Excel file.", rich_help_panel=PANEL)]
NullValues = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Words that mean 'no value', such as n/a,NULL.", rich_help_panel=PANEL),
]

DataDecimal = Annotated[
    str | None, typer.Option("--decimal", metavar="MARK", help="Decimal mark of a DATA file that leaves it open.")
]
DataDates = Annotated[
    str | None, typer.Option("--dates", metavar="ORDER", help=f"For a DATA file that leaves it open. {DATE_HELP}")
]

NAMED_CHARACTERS = {"tab": "\t", r"\t": "\t", "space": " ", "comma": ",", "semicolon": ";", "pipe": "|"}


def hints_from(
    *,
    encoding: str | None,
    delimiter: str | None,
    quote: str | None,
    header: str | None,
    columns: str | None,
    decimal: str | None,
    thousands: str | None,
    dates: str | None,
    sheet: str | None,
    null_values: str | None,
) -> Hints:
    """Return what the options say as :class:`ckm.sources.hints.Hints`.

    Raises
    ------
    UsageError
        ``--header`` is neither a line nor ``none``.
    """
    from ckm.sources.hints import Hints

    named: dict[str, Any] = {
        "encoding": encoding,
        "delimiter": NAMED_CHARACTERS.get(delimiter, delimiter) if delimiter else None,
        "quote": "" if quote == "none" else quote,
        "header": _header(header),
        "columns": _list(columns),
        "decimal": decimal,
        "thousands": thousands,
        "dates": dates,
        "sheet": sheet,
        "null_values": _list(null_values),
    }
    return Hints(**named)


def _header(text: str | None) -> int | str | None:
    if text is None or text == "none":
        return text
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise UsageError("--header takes a line number from 1, or none")
    return int(text)


def _list(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))
