"""File formats of records that a test makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm.io.readers.format import FileFormat

if TYPE_CHECKING:
    import polars as pl


def format_of(records: pl.DataFrame, **options: Any) -> FileFormat:
    """Return the format of a CSV file with these records."""
    return FileFormat("csv", tuple(records.columns), **options)
