"""Rows at the end of a table that sum it up and are no records of it."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import polars as pl

from ckm.sources.cell_kinds import kind_of
from ckm.sources.format import Batch, rejected_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_ROWS = 5
"""A total stands in one of the last rows, with a grand total or notes after it at most."""
COMPARED_ROWS = 20
"""Rows above these that show what a record of the table looks like."""
TOTAL = "total row"
NOTE = "note below the table"
NOTE_COLUMNS = 4
"""In a narrower table a row with one value is no oddity."""


def without_totals(batch: Batch) -> Batch:
    """Move totals and notes from the end of a file's last batch to its rejected records.

    Only what is evident counts. A total's first value is a word for it, and more of its cells are empty than in any
    record above. A note is a single text without digits, in a column where no record above has one.
    """
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


def _not_a_record(row: Sequence[object], records: Sequence[Sequence[object]]) -> str | None:
    """Return why ``row`` is no record of the table; null if it is one."""
    if not records or _empty(row) <= max(map(_empty, records)):
        return None
    if _is_total(row):
        return TOTAL
    filled = [place for place, cell in enumerate(row) if cell is not None]
    if len(row) < NOTE_COLUMNS or len(filled) != 1 or not _is_words(row[filled[0]]):
        return None
    return None if any(_is_words(record[filled[0]]) for record in records) else NOTE


@lru_cache(maxsize=1)
def total_words() -> frozenset[str]:
    """Return the words that start a total row, in lower case."""
    text = resources.files("ckm").joinpath("data/total_words.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def _is_total(row: Sequence[object]) -> bool:
    first = next((cell for cell in row if cell is not None), None)
    return isinstance(first, str) and first.strip().rstrip(":").strip().lower() in total_words()


def _empty(row: Sequence[object]) -> int:
    return sum(cell is None for cell in row)


def _is_words(cell: object) -> bool:
    return isinstance(cell, str) and kind_of(cell) == "text" and not any(map(str.isdigit, cell))
