"""Results of loading a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from ckm.errors import CkmError
    from ckm.store import Load, UndoneLoad


class Status(StrEnum):
    """Status of a file's ingest."""

    loaded = "loaded"
    unchanged = "unchanged"
    failed = "failed"


@dataclass(frozen=True)
class FileResult:
    """One file's ingest. ``rows`` is the sum of the counts after it and ``erased``, for every file that could be read.

    Attributes
    ----------
    encoding, delimiter, decimal, date_format
        The detected or given format; None if not applicable.
    accepted, updated, unchanged, duplicates, quarantined
        New rows; rows that replaced one with the same key; rows that were already stored; duplicates within the file;
        rows that failed validation or could not be parsed.
    erased
        Rows of erased persons, which were dropped; see :mod:`ckm.privacy`.
    reasons
        Count per ``column|rule`` of the quarantined rows, most frequent first.
    remarks
        Assumptions and repairs.
    details
        Details for ``--verbose``: unmapped columns.
    upkeep
        Maintenance of the store, such as compaction of small files.
    error
        The error of a failed file.
    """

    file: str
    table: str
    status: Status
    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    date_format: str | None = None
    rows: int = 0
    accepted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    quarantined: int = 0
    erased: int = 0
    load_id: str | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    upkeep: tuple[str, ...] = ()
    error: CkmError | None = None


SHORT = ("file", "table", "status", "rows", "accepted", "updated", "unchanged", "duplicates", "quarantined")
"""Columns shown on a terminal."""
COUNTS = (*SHORT[3:], "erased")
"""Columns of counts."""
SPARE = ("updated", "unchanged", "duplicates", "quarantined")
"""Columns that are hidden on a narrow terminal if they are zero."""
SHORT_HISTORY = ("load_id", "loaded_at", "kind", "table", "file", "rows", "accepted", "quarantined", "undone")
"""Columns of the history shown on a terminal."""


def results_table(results: list[FileResult]) -> pl.DataFrame:
    """Return one row per file; reasons as ``column|rule: count``."""
    schema: dict[str, pl.DataType] = {
        **dict.fromkeys(("file", "table", "status", "encoding", "delimiter", "decimal", "date_format"), pl.String()),
        **dict.fromkeys(COUNTS, pl.Int64()),
        "load_id": pl.String(),
        "reasons": pl.List(pl.String),
        "remarks": pl.List(pl.String),
        "error": pl.String(),
    }
    rows = [
        {
            **vars(result),
            "status": str(result.status),
            "reasons": [f"{reason}: {count}" for reason, count in result.reasons.items()],
            "remarks": list(result.remarks),
            "error": str(result.error) if result.error else None,
        }
        for result in results
    ]
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)


def history_table(loads: list[Load]) -> pl.DataFrame:
    """Return one row per load, oldest first."""
    schema: dict[str, pl.DataType] = {
        "load_id": pl.String(),
        "loaded_at": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("table", "kind", "file", "source"), pl.String()),
        **dict.fromkeys(COUNTS, pl.Int64()),
        "undone": pl.Boolean(),
        "undoes": pl.String(),
    }
    rows = [{**vars(load.facts), "loaded_at": load.loaded_at, "undone": load.undone} for load in loads]
    return pl.DataFrame([{name: row[name] for name in schema} for row in rows], schema=schema)


def undo_table(undone: list[UndoneLoad]) -> pl.DataFrame:
    """Return one row per undone load; ``removed`` is the number of rows deleted from its table."""
    schema: dict[str, pl.DataType] = {
        **dict.fromkeys(("load_id", "table", "kind", "file"), pl.String()),
        "removed": pl.Int64(),
        "load_again": pl.List(pl.String),
    }
    rows = [
        {
            **{name: getattr(load.load, name) for name in ("load_id", "table", "kind", "file")},
            "removed": load.rows,
            "load_again": list(load.load_again),
        }
        for load in undone
    ]
    return pl.DataFrame(rows, schema=schema)
