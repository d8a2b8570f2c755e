"""Read Parquet files in batches, with the types of their columns."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError
from ckm.io.parquet_file import scan_file
from ckm.io.readers.format import Batch, FileFormat, rejected_frame
from ckm.io.readers.parquet_columns import ColumnForm, as_text_form, column_form, has_empty_arrays, is_text, limited
from ckm.paths import openable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from ckm.io.readers.archive import Archive
    from ckm.io.readers.remarks import Remarks

BATCH_ROWS = 125_000
"""Rows per batch, about as many as in a block of a CSV file: twice as many need 120 MB more."""
SAMPLE_ROWS = 10_000
LARGEST_GROUP = 2 << 20
"""Maximum rows of a row group for decoding by polars, which decodes a page of it from its start for every batch."""
MANY_ROWS = 10_000_000
"""Number of rows up to which a file is never refused."""
ROWS_PER_BYTE = 16
"""Maximum rows per byte of a larger file. Distinct records need bytes each; repeated ones need almost none, so a small
file could have billions of rows."""


@dataclass(frozen=True)
class ParquetTable:
    """A Parquet file, which can be read repeatedly.

    Attributes
    ----------
    forms
        Per column, its conversion.
    rows
        Number of rows, from the footer.
    largest_group
        Number of rows of the largest row group.
    selected
        The columns that are read, by their names in the file; None for all.
    """

    path: Path
    archive: Archive
    format: FileFormat
    forms: tuple[ColumnForm, ...]
    rows: int
    largest_group: int
    selected: list[str] | None = None
    remarks: list[tuple[int | None, str]] = field(default_factory=list)

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the records of the file in batches of at most :data:`BATCH_ROWS`; none is rejected."""
        for line, text in self.remarks:
            remarks.add(text, line)
        size = SAMPLE_ROWS if small else BATCH_ROWS
        done = 0
        for records in self._by_polars(size, remarks):
            yield _numbered(records, done)
            done += len(records)
        if done < self.rows and self.forms:
            for records in self._by_pyarrow(size, done, remarks):
                yield _numbered(records, done)
                done += len(records)

    def _by_polars(self, size: int, remarks: Remarks) -> Iterator[pl.DataFrame]:
        """Yield batches decoded by polars, in a third of pyarrow's time, if it reads every column as its form does.

        Ends at the first batch that polars refuses, such as one with invalid UTF-8.
        """
        expected = [form.polars_type for form in self.forms]
        if None in expected or self.selected is not None or self.largest_group > LARGEST_GROUP:
            return
        source = scan_file(self.path)
        with suppress(pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
            if [*source.collect_schema().items()] != [*zip(self.format.columns, expected, strict=True)]:
                return
            for first in range(0, self.rows, size):
                records = source.slice(first, size).collect()
                yield pl.DataFrame([limited(column, remarks.add) for column in records])

    def _by_pyarrow(self, size: int, skipped: int, remarks: Remarks) -> Iterator[pl.DataFrame]:
        """Yield batches decoded by pyarrow, without the first ``skipped`` rows, a multiple of ``size``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        done = 0
        try:
            with pq.ParquetFile(openable(self.path)) as file:
                for batch in file.iter_batches(size, columns=self.selected):
                    done += batch.num_rows
                    if not batch.num_rows or done <= skipped:
                        continue
                    columns = [
                        form.read(column, remarks.add).alias(name)
                        for name, form, column in zip(self.format.columns, self.forms, batch.columns, strict=True)
                    ]
                    yield pl.DataFrame(columns)
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.archive.name}: the Parquet file is damaged after row {done}") from error


def _numbered(records: pl.DataFrame, before: int) -> Batch:
    """Return records with their row numbers; ``before`` rows precede them in the file."""
    lines = pl.Series("line", range(before + 1, before + 1 + len(records)), dtype=pl.Int64)
    return Batch(records, lines, rejected_frame())


def open_parquet(path: Path, archive: Archive) -> ParquetTable:
    """Read the footer of a Parquet file, and detect binary columns that are text.

    Raises
    ------
    InputError
        The file is damaged, or has too many equal rows for its size.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from ckm.io.readers.header import repeated_names, unique_names

    try:
        with pq.ParquetFile(openable(path)) as file:
            rows = file.metadata.num_rows
            groups = [file.metadata.row_group(at).num_rows for at in range(file.metadata.num_row_groups)]
            if rows > max(MANY_ROWS, ROWS_PER_BYTE * path.stat().st_size):
                raise InputError(
                    f"{archive.name}: {rows:,} rows in {path.stat().st_size:,} bytes repeat the same rows",
                    hint="write the file without the repeated rows",
                )
            schema, left_out = _without_empty_arrays(file.schema_arrow, archive.name)
            names, renamed = unique_names(schema.names)
            forms = [column_form(name, dtype) for name, dtype in zip(names, schema.types, strict=True)]
            for place in _text_columns(file, schema, [place for place, form in enumerate(forms) if form.form == "hex"]):
                forms[place] = as_text_form(forms[place])
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{archive.name}: the Parquet file is damaged") from error
    found = FileFormat(
        kind="parquet",
        compression=archive.compression,
        columns=names,
        nested=tuple(name for name, form in zip(names, forms, strict=True) if form.is_nested),
        repeated=repeated_names(schema.names, names),
    )
    remarks = [*renamed, *left_out, *(form.remark for form in forms if form.remark)]
    selected = schema.names if left_out else None
    largest = max(groups, default=0)
    return ParquetTable(path, archive, found, tuple(forms), rows, largest, selected, [(None, text) for text in remarks])


def _without_empty_arrays(schema: pa.Schema, file: str) -> tuple[pa.Schema, list[str]]:
    """Return the columns that pyarrow can read, and a remark on each of the others.

    Raises
    ------
    InputError
        A column cannot be read, and the others cannot be selected by name, because names are duplicate or contain
        points.
    """
    import pyarrow as pa

    refused = [each for each in schema if has_empty_arrays(each.type)]
    if refused and not _are_plain(schema.names):
        raise InputError(
            f"{file}: column '{refused[0].name}' cannot be read: its type is {refused[0].type}",
            hint="write the file without this column",
        )
    kept = [each for each in schema if each not in refused]
    return pa.schema(kept), [f"column '{each.name}' was skipped: unsupported type {each.type}" for each in refused]


def _are_plain(names: list[str]) -> bool:
    """Return whether each name selects one column; duplicate names and names with points do not."""
    return len(set(names)) == len(names) and not any("." in name for name in names)


def _text_columns(file: pq.ParquetFile, schema: pa.Schema, places: list[int]) -> list[int]:
    """Return the indices of binary columns that contain only text, in one pass over them."""
    if not places:
        return []
    names = schema.names
    alone = _are_plain(names)
    left = {names[place] if alone else place: place for place in places}
    for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=list(left) if alone else None):
        left = {key: place for key, place in left.items() if is_text(batch.column(key))}
        if not left:
            break
    return list(left.values())
