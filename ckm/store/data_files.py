"""Parquet files of a table: written clustered by customer, read and rewritten in bounded memory.

A large load is split into files with disjoint ranges of customer ids, so that one customer's rows are in few files:
readers prune by the minimum and maximum in the Delta log, and erasing a customer rewrites one file.
"""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from ckm.io.parquet_file import read_file, scan_file
from ckm.pseudonym import is_contact
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

CLUSTER_COLUMN = "customer_id"
ROWS_PER_FILE = 2_000_000
"""Target number of rows per file: rewritten in two seconds, and 20 million rows make 10 files."""
DICTIONARY_SHARE = 0.01
"""Largest share of distinct values of a dictionary-encoded column; trying the encoding on ids would only cost time."""
STATISTICS = (*dict.fromkeys(name for table in TABLES.values() for name in table.logged), "load_id")
"""Columns whose minimum and maximum go into the log, for pruning; never names, addresses or texts."""
LONGEST_STATISTIC = 64
WRITERS = 2
COMPRESSION: Final = "snappy"
"""Compression: files are twice the size of zstd's lowest level, for a third less CPU time; every reader supports it."""
ROWS_PER_GROUP = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS = "Timestamp(isAdjustedToUTC=true, timeUnit=microseconds"
"""Start of Parquet's name of the type of timestamps in the store."""
POSITION = "ckm:position"
PLACE = "ckm:place"
"""Helper column: number of the customer range of a row."""


@dataclass(frozen=True)
class DataFile:
    """One Parquet file of a table.

    Attributes
    ----------
    name
        File name inside the table's folder.
    rows
        Number of rows.
    size
        Bytes.
    statistics
        Delta's JSON of row count, minima, maxima and null counts.
    digest
        SHA-256 of a new file; empty for a file from the log (see :meth:`ckm.store.delta.StoredTable.digests`).
    modified
        Modification time that the log records, in ms since 1970; 0 for a file that is not in the log yet.
    """

    name: str
    rows: int
    size: int
    statistics: str
    digest: str = ""
    modified: int = 0

    def may_hold(self, column: str, value: str) -> bool:
        """Return whether the statistics allow ``value`` in a column."""
        low, high = self.bounds(column)
        return low is None or high is None or low <= value <= high

    def bounds(self, column: str) -> tuple[Any, Any]:
        """Return the minimum and maximum of a column from the statistics in the log; None if unknown."""
        facts = self.facts
        return facts.get("minValues", {}).get(column), facts.get("maxValues", {}).get(column)

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The statistics, parsed."""
        return dict(json.loads(self.statistics)) if self.statistics else {}


class DataFileWriter:
    """Write frames of one schema into new Parquet files of ``folder``.

    Parameters
    ----------
    folder
        The table's folder; created with the first frame. Files in it belong to the table only when they are committed.
    prefix
        Start of every file name, by which recovery after a crash finds uncommitted files.
    expected_rows
        Estimated number of rows; determines the number of customer ranges.
    constants
        Columns with the same text in every row; added on writing.
    statistics
        Columns whose minimum and maximum go into the log.

    Attributes
    ----------
    rows
        Number of rows so far.
    """

    def __init__(
        self,
        folder: Path,
        prefix: str,
        *,
        expected_rows: int = 0,
        constants: Mapping[str, str] | None = None,
        statistics: Collection[str] = STATISTICS,
    ) -> None:
        self.folder = folder
        self.prefix = prefix
        self.expected_rows = expected_rows
        self.constants = dict(constants or {})
        self.statistics = statistics
        self.rows = 0
        self._edges: list[str] | None = None
        self._dictionary: list[str] = []
        self._open: dict[int, tuple[Path, pq.ParquetWriter, int]] = {}
        self._paths: list[Path] = []
        self._pool = ThreadPoolExecutor(WRITERS)
        self._pending: list[Future[None]] = []

    def write(self, frame: pl.DataFrame) -> None:
        """Append ``frame``; every frame has the columns and types of the first."""
        if frame.is_empty():
            return
        self.rows += len(frame)
        if self._edges is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._edges = self._range_edges(frame)
            self._dictionary = [*_low_cardinality(frame), *self.constants]
        parts = self._by_range(frame)
        self._drain()
        self._pending = [self._pool.submit(self._append, number, part) for number, part in parts]

    def close(self) -> list[DataFile]:
        """Finish all files and return their descriptions in the order in which they were begun."""
        self._drain()
        for _, writer, _ in self._open.values():
            writer.close()
        self._open.clear()
        described = list(self._pool.map(lambda path: describe(path, self.statistics), self._paths))
        self._pool.shutdown()
        return described

    def abandon(self) -> None:
        """Stop writing; :func:`ckm.store.journal.sweep` deletes the files."""
        from pyarrow import ArrowException

        wait(self._pending)
        for _, writer, _ in self._open.values():
            with suppress(OSError, ArrowException):  # a full disk; the file is deleted later
                writer.close()
        self._open.clear()
        self._pool.shutdown()

    def _drain(self) -> None:
        for future in self._pending:
            future.result()
        self._pending = []

    def _range_edges(self, frame: pl.DataFrame) -> list[str]:
        ranges = -(-self.expected_rows // ROWS_PER_FILE)
        if ranges < 2 or CLUSTER_COLUMN not in frame.columns:
            return []
        ids = frame[CLUSTER_COLUMN].drop_nulls().sort()
        edges = {ids[len(ids) * part // ranges] for part in range(1, ranges)} if len(ids) else set()
        return sorted(edges)

    def _by_range(self, frame: pl.DataFrame) -> list[tuple[int, pl.DataFrame]]:
        if not self._edges:
            return [(0, frame)]
        ids = frame[CLUSTER_COLUMN]
        place = pl.Series(self._edges).search_sorted(ids, side="right").alias(PLACE)  # 0 for null
        ordered = frame.with_columns(place).sort(PLACE, maintain_order=True)  # thrice as fast as `frame[order]`
        counts = np.bincount(ordered[PLACE].to_numpy(), minlength=len(self._edges) + 1).tolist()
        starts = [0, *accumulate(counts)]
        parts = ordered.drop(PLACE)
        return [(number, parts.slice(starts[number], count)) for number, count in enumerate(counts) if count]

    def _append(self, number: int, part: pl.DataFrame) -> None:
        table = part.to_arrow(compat_level=pl.CompatLevel.newest())  # use the texts in memory without a copy
        for name, value in self.constants.items():
            table = table.append_column(name, _repeated(value, len(part)))
        path, writer, rows = self._open.get(number) or self._begin(number, table.schema)
        writer.write_table(table)
        if rows + len(part) >= 2 * ROWS_PER_FILE:
            writer.close()
            del self._open[number]
        else:
            self._open[number] = (path, writer, rows + len(part))

    def _begin(self, number: int, schema: pa.Schema) -> tuple[Path, pq.ParquetWriter, int]:
        path = self.folder / f"{self.prefix}-{number:04d}-{len(self._paths):04d}.parquet"
        self._paths.append(path)
        return path, _parquet_writer(path, schema, self._dictionary, self.statistics), 0


def describe(path: Path, statistics: Collection[str] = STATISTICS) -> DataFile:
    """Return the description of a new Parquet file, read from its footer, with bounds of the columns ``statistics``."""
    from pyarrow.parquet import read_metadata  # imported late: reading a table needs no pyarrow

    footer = read_metadata(path)
    groups = [footer.row_group(index) for index in range(footer.num_row_groups)]
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    for index, name in enumerate(footer.schema.names):
        if name not in statistics:
            continue
        chunks = [group.column(index).statistics for group in groups if group.num_rows]
        if not chunks or any(chunk is None for chunk in chunks):
            continue
        nulls[name] = sum(chunk.null_count for chunk in chunks)
        bounded = [chunk for chunk in chunks if chunk.has_min_max]
        if bounded:
            low[name] = _as_json(min(_bound(chunk, "min") for chunk in bounded))
            high[name] = _as_json(max(_bound(chunk, "max") for chunk in bounded))
    unfit = {name for name in low if low[name] is None or high[name] is None}
    facts = {
        "numRecords": footer.num_rows,
        "minValues": {name: value for name, value in low.items() if name not in unfit},
        "maxValues": {name: value for name, value in high.items() if name not in unfit},
        "nullCount": nulls,
    }
    facts_json = json.dumps(facts, ensure_ascii=False)
    return DataFile(path.name, footer.num_rows, path.stat().st_size, facts_json, digest_of(path))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; with hardware support no other digest in Python is faster."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_rows(path: Path, positions: np.ndarray[Any, np.dtype[np.int64]]) -> pl.DataFrame:
    """Return the rows of the file ``path`` at ``positions``, in the order of the file."""
    return scan_file(path).with_row_index(POSITION).filter(_at(positions)).drop(POSITION).collect()


def without_rows(
    path: Path,
    positions: np.ndarray[Any, np.dtype[np.int64]],
    to: Path,
    statistics: Collection[str] = STATISTICS,
) -> DataFile | None:
    """Write the rows of ``path`` except those at ``positions`` to ``to``; return None if no row is left."""
    from pyarrow.parquet import read_metadata

    if len(positions) == read_metadata(path).num_rows:
        return None
    rest = scan_file(path).with_row_index(POSITION).filter(~_at(positions)).drop(POSITION)
    rest.sink_parquet(to, compression=COMPRESSION, row_group_size=ROWS_PER_GROUP, engine="streaming")
    return describe(to, statistics)


def rows_of_loads(path: Path, load_ids: Collection[str]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the positions of the rows of ``path`` that are from the loads with these ids."""
    ids = read_file(path, ["load_id"])["load_id"]
    return np.flatnonzero(ids.is_in(list(load_ids)).fill_null(value=False).to_numpy())


def _at(positions: np.ndarray[Any, np.dtype[np.int64]]) -> pl.Expr:
    return pl.col(POSITION).is_in(pl.Series(positions, dtype=pl.UInt32).implode())


def _parquet_writer(
    path: Path, schema: pa.Schema, dictionary: list[str], statistics: Collection[str]
) -> pq.ParquetWriter:
    from pyarrow.parquet import ParquetWriter

    # Without the Arrow schema in the footer a column that was dictionary encoded in memory reads back as plain text.
    return ParquetWriter(
        path,
        schema,
        compression=COMPRESSION,
        use_dictionary=dictionary,
        write_statistics=[name for name in statistics if name in schema.names],
        store_schema=False,
    )


def _repeated(value: str, times: int) -> pa.DictionaryArray:
    from pyarrow import DictionaryArray

    # built by polars, because pa.array imports pandas where it is installed, in a quarter of a second
    places = pl.zeros(times, dtype=pl.Int32, eager=True).to_arrow()
    return DictionaryArray.from_arrays(places, pl.Series([value]).to_arrow(compat_level=pl.CompatLevel.oldest()))


def _low_cardinality(frame: pl.DataFrame) -> list[str]:
    limit = max(1.0, len(frame) * DICTIONARY_SHARE)
    plain = [name for name, dtype in frame.schema.items() if not dtype.is_nested()]
    distinct = frame.select(pl.col(plain).approx_n_unique()).row(0)
    return [name for name, count in zip(plain, distinct, strict=True) if count <= limit]


def _bound(statistics: pq.Statistics, end: str) -> Any:
    """Return the minimum (``end`` is ``min``) or maximum of a chunk of a column."""
    if str(statistics.logical_type).startswith(MICROSECONDS):
        # pyarrow would import pandas, where it is installed, in a quarter of a second to convert it
        return EPOCH + timedelta(microseconds=getattr(statistics, f"{end}_raw"))
    return getattr(statistics, end)


def _as_json(value: Any) -> str | int | float | None:
    """Return a minimum or maximum of the footer in the format of Delta's JSON; None if the log must not contain it.

    The log outlives the rows, so an id that is an email address or a telephone number is left out; readers then open
    the file.
    """
    if isinstance(value, str):
        is_number = value.isdecimal() and not value.startswith("0")
        return value if len(value) <= LONGEST_STATISTIC and (is_number or not is_contact(value)) else None
    if hasattr(value, "isoformat"):
        return str(value.isoformat()).replace("+00:00", "Z")
    return value if isinstance(value, int | float) else None
