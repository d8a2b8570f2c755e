"""Parquet files: native types, one row group after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import polars as pl

from ckm.errors import InputError
from ckm.paths import openable
from ckm.sources.format import Batch, FileFormat, rejected_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.sources.archive import Archive
    from ckm.sources.remarks import Remarks

BATCH_ROWS = 250_000
SAMPLE_ROWS = 10_000


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file that can be read, any number of times."""

    path: Path
    archive: Archive
    format: FileFormat

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the records of the file in batches of at most :data:`BATCH_ROWS`; nothing in it is rejected."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        first = 1
        try:
            with pq.ParquetFile(openable(self.path)) as file:
                for table in file.iter_batches(batch_size=SAMPLE_ROWS if small else BATCH_ROWS):
                    records = cast("pl.DataFrame", pl.from_arrow(pa.Table.from_batches([table])))
                    records.columns = list(self.format.columns)
                    lines = pl.Series("line", range(first, first + records.height), dtype=pl.Int64)
                    first += records.height
                    if records.height:
                        yield Batch(records, lines, rejected_frame())
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.archive.name}: the Parquet file is damaged after row {first - 1}") from error


def open_parquet(path: Path, archive: Archive) -> ParquetTable:
    """Read the footer of a Parquet file.

    Raises
    ------
    InputError
        The file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ckm.sources.header import unique_names

    try:
        with pq.ParquetFile(openable(path)) as file:
            names, _ = unique_names(file.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{archive.name}: the Parquet file is damaged") from error
    return ParquetTable(path, archive, FileFormat(kind="parquet", compression=archive.compression, columns=names))
