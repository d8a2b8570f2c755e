"""Write the parsed records of a file as a clean copy, and the rejected records to a second file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import polars as pl

from ckm.errors import UnknownNameError
from ckm.files import replacing
from ckm.io.readers.format import REJECTED_SCHEMA, Batch
from ckm.io.values.typed_columns import as_text
from ckm.paths import openable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    import pyarrow.parquet as pq

SUFFIXES = (".csv", ".parquet")
LINE_END = "\r\n"
"""Line end of RFC 4180, section 2.1."""


class CleanCopy:
    """Write records, all values as text, to ``path``, and rejected ones to ``path`` + ``.rejected`` + its suffix.

    Both files are created when the context ends without an error, else neither is. CSV is UTF-8 (RFC 4180) without
    byte order mark; values are written unchanged, even if a spreadsheet would run them as a formula, so that the
    copy has the same records.
    """

    def __init__(self, path: Path, columns: Iterable[str]) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise UnknownNameError("format for a clean copy", path.suffix or path.name, SUFFIXES)
        self.path = path
        self.rejected_path = Path(f"{path}.rejected{path.suffix}")
        self._columns = list(columns)
        self._stack = ExitStack()

    def __enter__(self) -> CleanCopy:
        with ExitStack() as stack:
            self._records = stack.enter_context(_writer(self.path, self._columns))
            self._rejected = stack.enter_context(_writer(self.rejected_path, list(REJECTED_SCHEMA)))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, batch: Batch) -> None:
        """Append the records of ``batch``."""
        self._records.write(as_texts(batch.records))
        self._rejected.write(batch.rejected.cast(pl.String))


def as_texts(records: pl.DataFrame) -> pl.DataFrame:
    """Return ``records`` with every value as text; lists and structs as JSON."""
    return records.select(
        pl.col(name).map_elements(_json, return_dtype=pl.String) if dtype.is_nested() else as_text(pl.col(name), dtype)
        for name, dtype in records.schema.items()
    )


def _json(value: object) -> str:
    import json

    plain = value.to_list() if isinstance(value, pl.Series) else value
    return json.dumps(plain, ensure_ascii=False, default=str)


class _Writer(Protocol):
    def __enter__(self) -> _Writer: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, records: pl.DataFrame) -> None: ...


def _writer(path: Path, columns: list[str]) -> _Writer:
    return _ParquetWriter(path, columns) if path.suffix.lower() == ".parquet" else _CsvWriter(path, columns)


class _CsvWriter:
    """Append records to a CSV file."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._stack = ExitStack()
        self._path = path
        self._columns = columns

    def __enter__(self) -> _CsvWriter:
        with ExitStack() as stack:
            self._file = stack.enter_context(stack.enter_context(replacing(self._path)).open("wb"))
            self._stack = stack.pop_all()
        if self._columns:
            self._append(pl.DataFrame(schema=dict.fromkeys(self._columns, pl.String())), header=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, records: pl.DataFrame) -> None:
        if records.width == 1:  # readers skip a line with a single null
            records = records.fill_null("")
        if records.height:
            self._append(records, header=False)

    def _append(self, records: pl.DataFrame, *, header: bool) -> None:
        records.write_csv(self._file, include_header=header, line_terminator=LINE_END)


class _ParquetWriter:
    """Append records to a Parquet file, one row group per batch."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._stack = ExitStack()
        self._path = path
        self._columns = columns

    def __enter__(self) -> _ParquetWriter:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema([(name, pa.large_string()) for name in self._columns])
        with ExitStack() as stack:
            draft = stack.enter_context(replacing(self._path))
            self._file: pq.ParquetWriter = stack.enter_context(
                pq.ParquetWriter(openable(draft), schema, compression="zstd")
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, records: pl.DataFrame) -> None:
        if records.height:
            self._file.write_table(records.to_arrow().cast(self._file.schema))
