"""Reader of the control totals of finance, ``controls.csv``."""

from __future__ import annotations

import csv
import re
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONTROLS_FILE = "controls.csv"
"""File name of the control totals in a workspace."""
REQUIRED = ("month", "currency", "net")
OPTIONAL = ("table", "rows", "source")
CONTROLS = {
    "month": pl.Date,
    "table": pl.String,
    "source": pl.String,
    "currency": pl.String,
    "net": pl.Float64,
    "rows": pl.Int64,
}
"""Result of :func:`read_controls`: ``month`` is the first day of the month; a null ``source`` or ``currency`` means
all."""
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_AMOUNT = re.compile(r"[+-]?\d+(\.\d+)?")
_CURRENCY = re.compile(r"[A-Z]{3}")


def read_controls(path: Path) -> pl.DataFrame:
    """Read ``controls.csv``: one line per month and currency, commas or semicolons, UTF-8.

    Columns: ``month`` (YYYY-MM), ``currency``, ``net`` (1234.56, no thousands marks), and optionally ``table`` (default
    transactions), ``rows`` and ``source`` (default: all of them). A line with ``rows`` may leave ``net`` empty.

    Raises
    ------
    UsageError
        The file cannot be read.
    InputError
        A line is invalid or a total is a duplicate; the error names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=_delimiter(file.readline()), strict=True)
            file.seek(0)
            return _parse(reader, path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8", hint="save it as UTF-8", file=str(path)) from None
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: {error}", file=str(path), line=reader.line_num) from None


def _delimiter(header: str) -> str:
    return ";" if ";" in header else ","


class _Lines:
    """Current position of the reader, for errors."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 1

    def wrong(self, message: str, hint: str | None = None) -> InputError:
        return InputError(f"{self.path}:{self.line}: {message}", hint=hint, file=str(self.path), line=self.line)


def _parse(reader: Iterator[list[str]], path: Path) -> pl.DataFrame:
    at = _Lines(path)
    header = [name.strip().lower() for name in next(reader, [])]
    for name in (*REQUIRED, *(name for name in header if name not in (*REQUIRED, *OPTIONAL))):
        if name not in header:
            raise at.wrong(f"no column '{name}'", f"the columns are {', '.join((*REQUIRED, *OPTIONAL))}")
        if name not in (*REQUIRED, *OPTIONAL):
            raise at.wrong(
                f"column {header.index(name) + 1} is unknown",
                f"the columns are {', '.join((*REQUIRED, *OPTIONAL))}",
            )
    if len(set(header)) < len(header):
        raise at.wrong("duplicate column")
    records: list[dict[str, object]] = []
    seen: dict[tuple[object, ...], int] = {}
    for cells in reader:
        at.line = reader.line_num  # type: ignore[attr-defined]  # a csv.reader
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise at.wrong(f"{len(cells)} fields, the header has {len(header)}")
        record = _record(dict(zip(header, (cell.strip() for cell in cells), strict=True)), at)
        place = tuple(record[name] for name in ("month", "table", "source", "currency"))
        if place in seen:
            raise at.wrong(
                f"duplicate of the total in line {seen[place]}", "give one total per month, currency and source"
            )
        seen[place] = at.line
        records.append(record)
    return pl.DataFrame(records, schema=CONTROLS)


def _record(cells: Mapping[str, str], at: _Lines) -> dict[str, object]:
    month = _MONTH.fullmatch(cells["month"])
    if month is None or not 1 <= int(month[2]) <= 12 or int(month[1]) < 1:
        raise at.wrong("month is not YYYY-MM", "write 2025-03 for March 2025")
    net, count, currency = cells["net"], cells.get("rows", ""), cells["currency"]
    if not net and not count:
        raise at.wrong("net is empty", "give a total, or a number in rows")
    if net and not _AMOUNT.fullmatch(net):
        raise at.wrong("net is not a number", "write 1234.56: a decimal point, no thousands marks, no currency sign")
    if count and not (count.isascii() and count.isdigit()):
        raise at.wrong("rows is not a whole number")
    if currency and not _CURRENCY.fullmatch(currency):
        raise at.wrong("currency is not three capital letters", "write EUR, THB, ...")
    if net and not currency:
        raise at.wrong("currency is empty", "amounts of two currencies are never added: name the one of net")
    return {
        "month": date(int(month[1]), int(month[2]), 1),
        "table": cells.get("table") or "transactions",
        "source": cells.get("source") or None,
        "currency": currency or None,
        "net": float(net) if net else None,
        "rows": int(count) if count else None,
    }
