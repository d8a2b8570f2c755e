"""Which files can hold a row of the same identity, by the minima and maxima in the log.

Daily files have days of their own and mostly order numbers of their own: their rows need not be looked for everywhere.
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
    from ckm.store.delta import Table
    from ckm.store.identity import Identity

ROUNDING = timedelta(milliseconds=1)
"""Delta allows bounds of times that are cut to milliseconds."""


@dataclass(frozen=True)
class Reach:
    """Bounds of a file's rows, in columns that are equal wherever two rows have the same identity.

    Parameters
    ----------
    bounds
        Column to minimum and maximum; only columns without a null.
    """

    bounds: Mapping[str, tuple[Any, Any]]

    @classmethod
    def of(cls, file: DataFile, table: Table, identity: Identity) -> Self:
        """Return the reach of a new file.

        The key is part of what identifies a row, with a full key and without one; where a column of the key is missing
        throughout, so is the whole content.
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

    def meets(self, other: DataFile) -> bool:
        """Return False only where no row of ``other`` can have the identity of one of these."""
        for name, (low, high) in self.bounds.items():
            theirs = _bounds(other, name, times=isinstance(low, datetime))
            if theirs is not None and (theirs[1] < low or high < theirs[0]):
                return False
        return True


def _bounds(file: DataFile, column: str, *, times: bool) -> tuple[Any, Any] | None:
    """Return a column's bounds in a form that compares: texts, or times widened by what the log may have cut."""
    low, high = file.bounds(column)
    if not (isinstance(low, str) and isinstance(high, str)):
        return None
    if not times:
        return low, high
    parsed = [datetime.fromisoformat(value) for value in (low, high)]
    utc = [time.replace(tzinfo=UTC) if time.tzinfo is None else time for time in parsed]
    return utc[0] - ROUNDING, utc[1] + ROUNDING
