"""Input of an analysis: a path, an open dataset, or a table in memory."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from ckm.dataset import AS_FOUND, Dataset, open_dataset
from ckm.errors import UsageError

if TYPE_CHECKING:
    from ckm.ingest.options import IngestOptions

Source: TypeAlias = "str | os.PathLike[str] | Dataset | Any | None"
"""Source of an analysis: a path; a :class:`ckm.dataset.Dataset`; a table with the Arrow interface (polars, pandas,
pyarrow, DuckDB); or None for the workspace around the current folder."""


def dataset_of(source: Source, options: IngestOptions = AS_FOUND, *, by_customer: bool = False) -> Dataset:
    """Return the dataset of a source.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, by its path; a table of transactions; a dataset, which is
        returned unchanged; None for the workspace around the current folder.
    options
        Mapping options for a file or a table, as for ``ckm ingest``.
    by_customer
        Whether to refuse a file without a customer column.

    Raises
    ------
    UsageError
        The source has another type, or :func:`ckm.dataset.open_dataset` refuses it.
    InputError
        The source is damaged, or too many of its rows are invalid.
    """
    if isinstance(source, Dataset):
        return source
    if source is None or isinstance(source, str | os.PathLike):
        return open_dataset(None if source is None else Path(source), None, options, by_customer=by_customer)
    return _of_table(_as_polars(source), options, by_customer=by_customer)


def _as_polars(table: Any) -> pl.DataFrame:
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, pl.DataFrame):
        return table
    if hasattr(table, "__arrow_c_stream__"):
        return pl.DataFrame(table)
    raise UsageError(
        f"{type(table).__name__} is neither a path nor a table",
        hint="give a path, or a table with the Arrow interface: polars, pandas 2.2 or newer, pyarrow, DuckDB",
    )


def _of_table(table: pl.DataFrame, options: IngestOptions, *, by_customer: bool) -> Dataset:
    """Read a table like a file: mapped by column names, and validated against the schema."""
    with TemporaryDirectory(prefix="ckm-") as folder:
        path = Path(folder) / "table.parquet"
        table.write_parquet(path)
        found = open_dataset(path, None, options, by_customer=by_customer)
        tables = {name: rows.collect().lazy() for name, rows in found.tables.items()}
    return replace(found, tables=tables, label="table")
