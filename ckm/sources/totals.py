"""Rows at the end of a table that sum it up and are no records of it."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import polars as pl

from ckm.sources.format import Batch, rejected_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

LAST_ROWS = 3
"""A total stands in one of the last rows, with a grand total or a note after it at most."""
REASON = "total row"


def without_totals(batch: Batch) -> Batch:
    """Move total rows from the end of a file's last batch to its rejected records.

    A row counts as a total only when that is evident: its first value is a word for it, and more cells are empty
    than in any of the rows before.
    """
    height = batch.records.height
    if height < 2 or batch.records.width < 2:
        return batch
    tail = batch.records.tail(LAST_ROWS + 5).rows()
    usual = max((_empty(row) for row in tail[:-LAST_ROWS]), default=0) if len(tail) > LAST_ROWS else 0
    found = [
        height - 1 - back
        for back, row in enumerate(reversed(tail[-LAST_ROWS:]))
        if back < height - 1 and _is_total(row) and _empty(row) > usual
    ]
    if not found:
        return batch
    rows = batch.records[found]
    raw = [";".join("" if cell is None else str(cell) for cell in row) for row in rows.rows()]
    totals = rejected_frame((batch.lines[at], REASON, text) for at, text in zip(found, raw, strict=True))
    keep = pl.Series([at not in found for at in range(height)])
    return Batch(batch.records.filter(keep), batch.lines.filter(keep), pl.concat([batch.rejected, totals]).sort("line"))


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
