"""Parquet files read by polars, each path taken as it is: not as a pattern, not as an address, and in any bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.paths import openable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def scan_files(paths: Sequence[Path], schema: pl.Schema | None = None) -> pl.LazyFrame:
    """Return the rows of files, lazily, one file after the other.

    Parameters
    ----------
    paths
        The files. None is an error without ``schema``.
    schema
        The columns of the result: one that a file lacks is null, another one that it has is left out. Without it, the
        files have equal columns.
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
            # As pl.scan_delta has them: another program may have written a file.
            integer_cast="upcast",
            float_cast=["upcast", "downcast"],
            datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
            missing_struct_fields="insert",
            extra_struct_fields="ignore",
            categorical_to_string="allow",
        ),
    )


def scan_file(path: Path) -> pl.LazyFrame:
    """Return the rows of one file, lazily."""
    return scan_files([path])


def read_file(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Return these columns of a file."""
    return pl.read_parquet(openable(path), columns=list(columns), glob=False, hive_partitioning=False)
