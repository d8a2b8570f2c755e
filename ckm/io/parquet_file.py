"""Read Parquet files with polars; each path is a literal file name, never a pattern or a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.paths import openable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def scan_files(paths: Sequence[Path], schema: pl.Schema | None = None) -> pl.LazyFrame:
    """Return the rows of files as a lazy frame, one file after the other.

    Parameters
    ----------
    paths
        The files. An empty list is an error without ``schema``.
    schema
        The columns of the result: missing columns are null, additional columns are dropped. Without a schema, all files
        must have the same columns.
    """
    if schema is None:
        return pl.scan_parquet([openable(path) for path in paths], glob=False, hive_partitioning=False)
    if not paths:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        [openable(path) for path in paths],
        glob=False,
        hive_partitioning=False,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(
            # As in pl.scan_delta: another program may have written a file.
            integer_cast="upcast",
            float_cast=["upcast", "downcast"],
            datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
            missing_struct_fields="insert",
            extra_struct_fields="ignore",
            categorical_to_string="allow",
        ),
    )


def scan_file(path: Path) -> pl.LazyFrame:
    """Return the rows of one file as a lazy frame."""
    return scan_files([path])


def read_file(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Return the given columns of a file."""
    return pl.read_parquet(openable(path), columns=list(columns), glob=False, hive_partitioning=False)
