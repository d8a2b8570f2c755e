"""Data files of the newest version of a Delta table that another program wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from ckm.errors import InputError, UsageError
from ckm.paths import openable

if TYPE_CHECKING:
    from pathlib import Path

    from deltalake import DeltaTable

LOG = "_delta_log"
"""Folder in a Delta table with its commits."""
OTHERWISE = "let the program that wrote the table write its rows to a Parquet file"


def is_delta(folder: Path) -> bool:
    """Return whether a folder is a Delta table, that is, has a folder ``_delta_log`` with a commit or checkpoint."""
    return any(path.name[:1].isdigit() for path in (folder / LOG).glob("*.*"))


def delta_files(folder: Path) -> list[Path]:
    """Return the data files of the newest version of a Delta table, sorted by name.

    Raises
    ------
    InputError
        The log cannot be read.
    UsageError
        The table has no rows, or its rows cannot be read from its data files alone: the table uses deletion vectors,
        column mapping (other column names than in the files), or files outside of its folder (a shallow clone).
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    try:
        table = DeltaTable(str(openable(folder)))
        feature = _feature_beyond_files(table)
        names = [str(name) for name in table.get_add_actions(flatten=True).column("path").to_pylist()]
    except (DeltaError, OSError) as error:
        raise InputError(f"{folder}: the log of the Delta table cannot be read", hint=OTHERWISE) from error
    if any("://" in name for name in names):
        feature = "files elsewhere"
    if feature is not None:
        raise UsageError(
            f"{folder}: the Delta table uses {feature}, so that its Parquet files are not its rows", hint=OTHERWISE
        )
    if not names:
        raise UsageError(f"{folder}: the Delta table has no rows")
    return sorted(folder / unquote(name) for name in names)


def _feature_beyond_files(table: DeltaTable) -> str | None:
    """Return the feature by which the rows of a table differ from the rows in its data files; None without one."""
    if (table.metadata().configuration or {}).get("delta.columnMapping.mode", "none") != "none":
        return "column mapping"
    has_vectors = "deletionVectors" in (table.protocol().reader_features or ())
    if has_vectors and any(batch.num_rows for batch in table.deletion_vectors()):
        return "deletion vectors"
    return None
