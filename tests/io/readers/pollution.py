"""Typical faults of customer files: each function returns a clean table with a fault, and the records to be read.

The families are those of the Pollock benchmark and of exports that we have seen; the table is our own.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ["order_id", "ordered_at", "customer", "note", "quantity", "amount", "email"]
CUSTOMERS = ["Meier, Anna", "O'Neill", 'Bob "the Rod" Ray', "Łucja Żak", "สมชาย", "王小明", "Groß; Co", "Smith"]
NOTES = ["", "left at the door, ring twice", "8'9\" long", "gift", "call: 555 12 34", "fragile - glass", "ok", ""]
ROWS = [
    [
        f"{number:06}",
        f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}",
        CUSTOMERS[number % 8],
        NOTES[number * 3 % 8],
        str(number % 9 + 1),
        f"{number * 3.25:.2f}",
        f"c{number}@example.com",
    ]
    for number in range(1, 61)
]


@dataclass(frozen=True)
class Polluted:
    """A faulty file, and the result of reading it.

    Attributes
    ----------
    data
        Its bytes.
    names, rows
        Column names and records to be read.
    rejected
        Number of records to be rejected.
    """

    data: bytes
    names: list[str]
    rows: list[list[str]]
    rejected: int = 0


def written(
    rows: list[list[str]],
    *,
    delimiter: str = ",",
    quote: str = '"',
    escape: str | None = None,
    end: str = "\r\n",
    everything: bool = False,
) -> str:
    """Write ``rows`` as the csv module does; ``escape`` instead of doubled quotes."""
    out = io.StringIO()
    csv.writer(
        out,
        delimiter=delimiter,
        quotechar=quote,
        doublequote=escape is None,
        escapechar=escape,
        lineterminator=end,
        quoting=csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL,
    ).writerows(rows)
    return out.getvalue()


TABLE = [NAMES, *ROWS]


def with_line(number: int, line: str) -> bytes:
    """Return the clean file with line ``number`` (0 is the header) replaced."""
    lines = written(TABLE, end="\n").split("\n")
    lines[number] = line
    return "\n".join(lines).encode()


def without(number: int) -> list[list[str]]:
    """Return the rows without the one at line ``number``."""
    return [row for at, row in enumerate(ROWS, start=1) if at != number]


def dialects() -> Iterator[tuple[str, Polluted]]:
    for delimiter in ",;\t|^~:¦":
        for quote in "\"'":
            text = written(TABLE, delimiter=delimiter, quote=quote)
            if delimiter == "¦" and quote == "'":
                continue
            yield f"delimiter {delimiter!r} quote {quote}", Polluted(text.encode(), NAMES, ROWS)
    yield "delimiter blank", Polluted(written(TABLE, delimiter=" ", everything=True).encode(), NAMES, ROWS)
    padded = written([[c.replace(", ", ",") for c in row] for row in TABLE], everything=True).replace('","', '", "')
    yield (
        "comma and blank",
        Polluted(padded.encode(), NAMES, [[c.replace(", ", ",") for c in row] for row in ROWS]),
    )
    for end in ("\n", "\r\n", "\r"):
        yield f"line end {end!r}", Polluted(written(TABLE, end=end).encode(), NAMES, ROWS)
    mixed = written(TABLE, end="\n").split("\n")
    ends = ["\n", "\r\n", "\r"]
    data = "".join(line + ends[at % 3] for at, line in enumerate(mixed[:-1]))
    yield "mixed line ends", Polluted(data.encode(), NAMES, ROWS)
    yield "backslash escapes", Polluted(written(TABLE, escape="\\").encode(), NAMES, ROWS)
    naive = "\n".join(",".join(f'"{cell}"' if "," in cell or '"' in cell else cell for cell in row) for row in TABLE)
    yield "quotes not escaped", Polluted(naive.encode(), NAMES, ROWS)
    yield "no line end at the end", Polluted(written(TABLE).removesuffix("\r\n").encode(), NAMES, ROWS)
    yield "everything quoted", Polluted(written(TABLE, everything=True).encode(), NAMES, ROWS)
    yield "utf-16 with tabs", Polluted(written(TABLE, delimiter="\t").encode("utf-16"), NAMES, ROWS)


def structures() -> Iterator[tuple[str, Polluted]]:
    body = written(TABLE)
    semicolons = written(TABLE, delimiter=";")
    yield "sep line", Polluted(b"sep=;\r\n" + semicolons.encode(), NAMES, ROWS)
    yield "preamble of text", Polluted(f"Orders of 2025\r\nPrinted by hand\r\n\r\n{body}".encode(), NAMES, ROWS)
    yield "preamble with delimiters", Polluted(f"REPORT,,,,,,\r\n,,,,,,\r\n{body}".encode(), NAMES, ROWS)
    yield "preamble of pairs", Polluted(f"from,2025-01-01\r\nto,2025-12-31\r\n\r\n{body}".encode(), NAMES, ROWS)
    blank = body.replace("\r\n", "\r\n\r\n")
    yield "blank lines", Polluted(blank.encode(), NAMES, ROWS)
    numbered = [f"column_{place}" for place in range(1, 8)]
    yield "no header", Polluted(written(ROWS).encode(), numbered, ROWS)
    double = [f"{name} {name}" for name in NAMES]
    yield "header of two rows", Polluted(written([NAMES, *TABLE]).encode(), double, ROWS)
    units = ["", "", "", "", "pieces", "EUR", ""]
    joined = [f"{name} {unit}".strip() for name, unit in zip(NAMES, units, strict=True)]
    yield "header with a row of units", Polluted(written([NAMES, units, *ROWS]).encode(), joined, ROWS)
    yield "header only", Polluted(written([NAMES]).encode(), NAMES, [])
    yield "one row", Polluted(written(TABLE[:2]).encode(), NAMES, ROWS[:1])
    yield "empty", Polluted(b"", [], [])
    trailing = written([[*row, ""] for row in ROWS])
    unnamed = [*NAMES, "column_8"]
    data = written([NAMES]) + trailing
    yield "delimiters at the end of the rows", Polluted(data.encode(), unnamed, [[*row, ""] for row in ROWS])
    twice = ["id", "id", "", "note", "quantity", "amount", "id"]
    fixed = ["id", "id_2", "column_3", "note", "quantity", "amount", "id_3"]
    yield "names twice and none", Polluted(written([twice, *ROWS]).encode(), fixed, ROWS)
    other = written([["x", "y"], ["1", "2"], ["3", "4"]])
    yield "a narrower table below", Polluted((body + other).encode(), NAMES, ROWS, 3)
    wider = written([[*row, "more", "and more"] for row in ROWS[:3]])
    yield "a wider table below", Polluted((body + wider).encode(), NAMES, ROWS, 3)
    yield "repeated header line", Polluted((body + written(TABLE[:3])).encode(), NAMES, [*ROWS, *ROWS[:2]])
    yield "a note below", Polluted(f"{body}\r\nEnd of report\r\n".encode(), NAMES, ROWS, 1)
    yield "a total below", Polluted(f"{body}Total,,,,300,5947.50,\r\n".encode(), NAMES, ROWS, 1)
    yield "a note below with delimiters", Polluted(f"{body}Provisional figures,,,,,,\r\n".encode(), NAMES, ROWS, 1)
    yield (
        "totals and a note",
        Polluted(f"{body}Subtotal,,,,30,1,\r\nTotal:,,,,30,1,\r\nEnd,,,,,,\r\n".encode(), NAMES, ROWS, 3),
    )
    lone = [["000061", "", "", "", "", "", ""]]
    yield "a sparse record at the end", Polluted(written([*TABLE, *lone]).encode(), NAMES, [*ROWS, *lone])
    yield "Excel's empty rows below", Polluted((body + ",,,,,,\r\n" * 3).encode(), NAMES, ROWS, 3)
    nul = body.encode().replace(b"gift", b"gift\x00\x00")
    yield "NUL bytes", Polluted(nul, NAMES, ROWS)
    cells = [[cell.replace("gift", "gift\nfor\n\nyou") for cell in row] for row in ROWS]
    yield "line feeds within quotes", Polluted(written([NAMES, *cells], end="\n").encode(), NAMES, cells)


def single_rows() -> Iterator[tuple[str, Polluted]]:
    for number in (1, 2, 7, 30, 60):
        row = ROWS[number - 1]
        line = written([row], end="")
        for place in range(1, 7):
            short = [*row[: place - 1], row[place - 1] + row[place], *row[place + 1 :]]
            data = with_line(number, written([short], end=""))
            yield f"row {number} less {place}", Polluted(data, NAMES, without(number), 1)
            long = [*row[:place], "", *row[place:]]
            data = with_line(number, written([long], end=""))
            yield f"row {number} more {place}", Polluted(data, NAMES, without(number), 1)
        data = with_line(number, line + ",,")
        yield f"row {number} empty fields more", Polluted(data, NAMES, ROWS)
        for place in range(7):
            kept = [written([[cell]], end="") for cell in row]
            bare = f'"{row[place]}'
            if kept[place].startswith('"'):
                kept[place] = '"' + kept[place]
                if '""' in row[place] or '"' in row[place]:
                    continue
            elif row[place] == "" or '"' in ",".join(kept):
                continue
            else:
                kept[place] = bare
            rows = [list(r) for r in ROWS]
            rows[number - 1][place] = bare
            yield f"row {number} quote {place}", Polluted(with_line(number, ",".join(kept)), NAMES, rows)
    data = with_line(60, '000060,2026-01-01,"never closed,x,3,1.00,a@b.de')
    rows = [*ROWS[:-1], ["000060", "2026-01-01", '"never closed', "x", "3", "1.00", "a@b.de"]]
    yield "unclosed quote in the last row", Polluted(data, NAMES, rows)
    data = with_line(5, '000005,2026-01-01,"never closed')
    yield "unclosed quote in a short row", Polluted(data, NAMES, without(5), 1)
    data = with_line(0, "order_id,,ordered_at,customer,note,quantity,amount,email")
    yield "an empty name too much", Polluted(data, NAMES, ROWS)
    data = with_line(0, "order_idordered_at,customer,note,quantity,amount,email")
    yield "a name too few", Polluted(data, [f"column_{place}" for place in range(1, 8)], ROWS)
    data = with_line(0, "order_id ordered_at customer note quantity amount email")
    yield "header with another delimiter", Polluted(data, NAMES, ROWS)
    data = with_line(9, " ".join(ROWS[8]))
    yield "row with another delimiter", Polluted(data, NAMES, without(9), 1)
