"""Names of extra columns that every reader of the store accepts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckm.schema import RESERVED_COLUMNS
from ckm.store import REPLACED_BY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl

    from ckm.schema import TableSchema

NOT_IN_DELTA = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Delta tables do not allow in column names."""


def stored_names(columns: Mapping[str, pl.DataType], table: TableSchema, stored: Iterable[str] = ()) -> dict[str, str]:
    """Return the stored name of every extra column.

    Characters that Delta does not allow become ``_``. Readers such as Spark and DuckDB ignore case in names. So a name
    that differs only in case from a stored extra column is that column, and a ``_`` is appended to one that clashes
    with a column of the schema or of the same file.

    Parameters
    ----------
    columns
        Names and types of the converted rows; columns of the schema and helper columns have their schema type.
    table
        The target table.
    stored
        Its current columns in the store.
    """
    targets = {**table.dtypes, **table.targets}
    taken = {name.casefold() for name in (*targets, *RESERVED_COLUMNS, REPLACED_BY)}
    known = {name.casefold(): name for name in stored if name.casefold() not in taken}
    names = {}
    for column, dtype in columns.items():
        if targets.get(column) == dtype:
            continue
        name = NOT_IN_DELTA.sub("_", column) or "_"
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        names[column] = known.get(name.casefold(), name)
    return names
