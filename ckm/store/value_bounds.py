"""Ranges of values in files, which show what files can contain a row of the same identity.

The ranges are the minima and maxima in the log. Daily files have distinct days and mostly distinct order numbers, so
only few files need to be searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import polars as pl

from ckm.io.parquet_file import scan_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.store.data_files import DataFile
    from ckm.store.delta import StoredTable
    from ckm.store.row_identity import Identity

ROUNDING = timedelta(milliseconds=1)
"""Largest rounding error of a time in the bounds of a column: Delta may cut times to milliseconds."""


@dataclass(frozen=True)
class IdentityBounds:
    """Bounds of a file's rows, in columns that are equal for all rows of one identity.

    Parameters
    ----------
    bounds
        Minimum and maximum by column; only columns without nulls.
    """

    bounds: Mapping[str, tuple[Any, Any]]

    @classmethod
    def of(cls, file: DataFile, table: StoredTable, identity: Identity) -> Self:
        """Return the bounds of a new file in the columns that identify its rows.

        These are the key columns; if a key column is null in all rows, the content columns instead.
        """
        present = scan_file(table.folder / file.name).collect_schema()
        nulls = file.facts.get("nullCount", {})
        keyless = any(name not in present or nulls.get(name) == file.rows for name in identity.key)
        columns = identity.content if keyless or not identity.key else identity.key
        whole = [
            name
            for name in columns
            if nulls.get(name) == 0 and present[name] == table.schema.get(name)
            if isinstance(present[name], pl.String | pl.Datetime | pl.Date)
        ]
        bounds = {name: _bounds(file, name, times=present[name] != pl.String) for name in whole}
        return cls({name: bound for name, bound in bounds.items() if bound is not None})

    def overlaps(self, other: DataFile) -> bool:
        """Return whether a row of the file ``other`` can have the same identity as a row of this file."""
        for name, (low, high) in self.bounds.items():
            theirs = _bounds(other, name, times=isinstance(low, datetime))
            if theirs is not None and (theirs[1] < low or high < theirs[0]):
                return False
        return True


def _bounds(file: DataFile, column: str, *, times: bool) -> tuple[Any, Any] | None:
    """Return minimum and maximum of a column; times are widened by the rounding of the log."""
    low, high = file.bounds(column)
    if not (isinstance(low, str) and isinstance(high, str)):
        return None
    if not times:
        return low, high
    parsed = [datetime.fromisoformat(value) for value in (low, high)]
    utc = [time.replace(tzinfo=UTC) if time.tzinfo is None else time for time in parsed]
    return utc[0] - ROUNDING, utc[1] + ROUNDING
