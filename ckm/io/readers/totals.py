"""Detect totals, notes and footers at the end of a table, which are not records."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.readers.cell_kinds import kind_of
from ckm.io.readers.format import FOOTER, NOTE, TOTAL, Batch, rejected_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_ROWS = 5
"""Number of last rows that may contain a total, grand total or notes."""
COMPARED_ROWS = 20
"""Number of rows above the last ones that are compared with them as typical records."""
TOLERANCE = 0.005
"""Tolerance of a total per row that it sums: half a cent, because amounts may have been rounded."""
NOTE_COLUMNS = 4
"""Fewest columns for detecting notes; in a narrower table, a row with a single value is normal."""


def without_totals(batch: Batch) -> Batch:
    """Move totals and notes from the end of a file's last batch to its rejected records.

    Only unambiguous rows are moved. A total starts with a word for it and either has more empty cells than any record
    above, or has the word below dates, numbers or codes, or contains the sums of the columns above. A note is a single
    text without digits, in a column where no record above has such a text. A footer contains words that programs write
    below a table (``data/footer_words.txt``), and has more empty cells than records.
    """
    batch = _with_footers(batch)
    height = batch.records.height
    if height < 2 or batch.records.width < 2:
        return batch
    tail = batch.records.tail(LAST_ROWS + COMPARED_ROWS).rows()
    last = min(LAST_ROWS, len(tail) - 1)
    records = tail[:-last]
    found = {
        height - last + at: reason
        for at, row in enumerate(tail[-last:])
        if (reason := _not_a_record(row, [r for r in records if not _is_total(r)]))
        or (reason := _full_total(row, tail[: at - last], batch.records.head(height - last + at)))
    }
    if not found:
        return batch
    raw = batch.records[list(found)].rows()
    rejected = rejected_frame(
        (batch.lines[at], reason, ";".join("" if cell is None else str(cell) for cell in row))
        for (at, reason), row in zip(found.items(), raw, strict=True)
    )
    keep = pl.Series([at not in found for at in range(height)])
    return Batch(
        batch.records.filter(keep), batch.lines.filter(keep), pl.concat([batch.rejected, rejected]).sort("line")
    )


def _with_footers(batch: Batch) -> Batch:
    """Set the reason of rejected lines below the last record to footer, if they have footer words or are its titles."""
    last = batch.lines[-1] if len(batch.lines) else 0
    below = pl.col("line") > last
    words = pl.col("raw").str.to_lowercase().str.contains_any(list(footer_words()))
    titles = pl.col("reason").str.starts_with("1 field,") & (below & words).any()
    reason = pl.when(below & (words | titles)).then(pl.lit(FOOTER)).otherwise("reason")
    return batch._replace(rejected=batch.rejected.with_columns(reason.alias("reason")))


def _not_a_record(row: Sequence[object], records: Sequence[Sequence[object]]) -> str | None:
    """Return why ``row`` is not a record; None if it is one."""
    if not records or _empty(row) <= max(map(_empty, records)):
        return None
    if _is_total(row):
        return TOTAL
    if any(word in cell.lower() for cell in row if isinstance(cell, str) for word in footer_words()):
        return FOOTER
    filled = [place for place, cell in enumerate(row) if cell is not None]
    if len(row) < NOTE_COLUMNS or len(filled) != 1 or not _is_words(row[filled[0]]):
        return None
    return None if any(_is_words(record[filled[0]]) for record in records) else NOTE


def _full_total(row: Sequence[object], above: Sequence[Sequence[object]], records: pl.DataFrame) -> str | None:
    """Return the rejection reason of a row without empty cells that is a total; None if it is a record."""
    records_above = [record for record in above if not _is_total(record)]
    if not records_above or not _is_total(row) or row[0] is None:
        return None
    kinds = {kind_of(record[0]) for record in records_above if isinstance(record[0], str)}
    if kinds and "text" not in kinds:
        return TOTAL
    return TOTAL if _sums_up(row[1:], records) else None


def _sums_up(cells: Sequence[object], records: pl.DataFrame) -> bool:
    """Return whether a row has numbers, and all are sums of the numbers above, with or without other totals."""
    first = records.to_series(0).str.strip_chars().str.strip_suffix(":").str.to_lowercase()
    single = records.filter(~first.is_in(list(total_words())).fill_null(value=False))
    return _are_sums(cells, records) or _are_sums(cells, single)


def _are_sums(cells: Sequence[object], rows: pl.DataFrame) -> bool:
    sums = [(_digits(cell), rows.to_series(at)) for at, cell in enumerate(cells, start=1) if cell is not None]
    numbers = [(number, values) for number, values in sums if number is not None]
    return bool(numbers) and all(
        abs(float(_as_digits(values).sum()) - number) <= TOLERANCE * max(1, values.len()) for number, values in numbers
    )


def _digits(cell: object) -> float | None:
    """Return a number; its last point or comma is the decimal mark if one or two digits follow."""
    found = _as_digits(pl.Series([cell if isinstance(cell, str) else None], dtype=pl.String)).item()
    return None if found is None else float(found)


def _as_digits(values: pl.Series) -> pl.Series:
    bare = values.str.replace_all(r"[^\d.,+-]", "")
    pointed = (
        bare.str.replace(r"[.,](\d{1,2})$", "p$1").str.replace_all(r"[.,]", "").str.replace("p", ".", literal=True)
    )
    return pointed.cast(pl.Float64, strict=False)


@lru_cache(maxsize=1)
def total_words() -> frozenset[str]:
    """Return the words that start a total row, in lower case."""
    return _lines_of("total_words.txt")


@lru_cache(maxsize=1)
def footer_words() -> frozenset[str]:
    """Return words that programs write below a table, in lower case."""
    return _lines_of("footer_words.txt")


def _lines_of(name: str) -> frozenset[str]:
    text = resources.files("ckm").joinpath("data", name).read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _is_total(row: Sequence[object]) -> bool:
    first = next((cell for cell in row if cell is not None), None)
    return isinstance(first, str) and first.strip().rstrip(":").strip().lower() in total_words()


def _empty(row: Sequence[object]) -> int:
    return sum(cell is None for cell in row)


def _is_words(cell: object) -> bool:
    return isinstance(cell, str) and kind_of(cell) == "text" and not any(map(str.isdigit, cell))
