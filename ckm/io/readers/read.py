"""Open a file of any supported format, and read its records."""

from __future__ import annotations

import codecs
import errno
import re
import stat
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import InputError, UsageError
from ckm.io.readers.archive import OLE_MAGIC, ZIP_MAGIC, Archive, is_workbook, open_archive, spool, spool_stdin
from ckm.io.readers.csv_table import open_csv
from ckm.io.readers.hints import Hints
from ckm.io.readers.json_records import looks_like_json, open_json
from ckm.io.readers.partition import PartitionedTable, TableReader, with_partition
from ckm.io.readers.remarks import Remarks
from ckm.paths import STDIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from ckm.io.readers.format import Batch, FileFormat

SAMPLE_ROWS = 10_000
UNPACKED = 8
"""Estimated ratio of a text file's size to that of its archive."""
REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*:/{1,2}", re.IGNORECASE)
MARKUP_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MARKUP = re.compile(
    rb"<(?:(?P<page>!doctype\s+html|html|head|meta|table|body|style|div)\b|\?xml\b|\?mso-|!--|!doctype|\w+[^<>\n]*\sxmlns)",
    re.IGNORECASE,
)
"""Start of HTML and XML files."""
FIX_LINK = "fix the link, or remove it"
SPOOL_LIMIT = 4 << 30
"""Maximum unpacked bytes of Parquet and Excel files in an archive, which must be unpacked before reading."""


@dataclass
class Source:
    """A file with known format, whose records can be read repeatedly.

    Every record of the file is in one of its batches, parsed or rejected.

    Attributes
    ----------
    path
        The path of the file; ``-`` for standard input.
    table
        The reader of the file's format.
    folder_remarks
        Remarks on columns from folder names, as ``(None, text)``.
    """

    path: Path
    table: TableReader
    _temporary: list[Path] = field(default_factory=list)
    _remarks: Remarks = field(default_factory=Remarks)
    folder_remarks: list[tuple[int | None, str]] = field(default_factory=list)

    @property
    def format(self) -> FileFormat:
        """The file format, detected or given."""
        return self.table.format

    @cached_property
    def sample(self) -> pl.DataFrame:
        """The first records, at most 10,000."""
        found: list[pl.DataFrame] = []
        height = 0
        for batch in self.table.batches(Remarks(), small=True):
            found.append(batch.records)
            height += batch.records.height
            if height >= SAMPLE_ROWS:
                break
        if not found:
            return pl.DataFrame(schema=dict.fromkeys(self.format.columns, pl.String()))
        return pl.concat(found).head(SAMPLE_ROWS)

    @cached_property
    def expected_rows(self) -> int:
        """Estimated number of records, by the size of the file and the length of its first records."""
        from ckm.io.readers.parquet import ParquetTable

        table = self.table.table if isinstance(self.table, PartitionedTable) else self.table
        if isinstance(table, ParquetTable):
            return table.rows
        if self.sample.is_empty() or not self.path.is_file():
            return self.sample.height
        texts = self.sample.select(pl.all().cast(pl.String).str.len_bytes().sum()).fill_null(0)
        per_record = sum(texts.row(0)) / self.sample.height + self.sample.width
        packed = UNPACKED if self.format.compression else 1
        return int(packed * self.path.stat().st_size / per_record)

    def batches(self) -> Iterator[Batch]:
        """Yield the records from the start of the file, in its order.

        Raises
        ------
        InputError
            The file turns out to be damaged.
        """
        self._remarks.clear()
        yield from self.table.batches(self._remarks)

    @property
    def problems(self) -> list[tuple[int | None, str]]:
        """Assumptions, repairs and problems: ``(first line, text)``; complete after all batches are read."""
        return [*self.folder_remarks, *self._remarks.listed()]

    def close(self) -> None:
        """Remove temporary files."""
        while self._temporary:
            self._temporary.pop().unlink(missing_ok=True)

    def __enter__(self) -> Source:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(path: Path, hints: Hints | None = None, *, name: str | None = None) -> Source:
    """Detect the format of a file, so that its records can be read.

    A text file is read once to detect its encoding, with bounded memory.

    Parameters
    ----------
    path
        A file, or ``-`` for standard input.
    hints
        Format hints, which override detection.
    name
        Its name in messages, if not its path.

    Raises
    ------
    InputError
        The file has an unsupported format or is damaged.
    UsageError
        The file does not exist or is not local, or a hint is invalid.
    """
    hints = hints or Hints()
    temporary: list[Path] = []
    try:
        if path == STDIN:
            temporary.append(spool_stdin())
            table = _open_table(open_archive(temporary[0], "standard input"), hints, temporary)
        else:
            refuse_absent(path)
            table = _open_table(open_archive(path, name or str(path)), hints, temporary)
    except BaseException:
        for file in temporary:
            file.unlink(missing_ok=True)
        raise
    if path == STDIN:
        return Source(path, table, temporary)
    placed = with_partition(table, path)
    source = Source(path, placed, temporary)
    if isinstance(placed, PartitionedTable):
        listed = ", ".join(f"'{column}'" for column in placed.partition)
        source.folder_remarks.append((None, f"columns from folder names: {listed}"))
    return source


def _open_table(archive: Archive, hints: Hints, temporary: list[Path]) -> TableReader:
    head = archive.head(64)
    if head.startswith(b"PAR1"):
        from ckm.io.readers.parquet import open_parquet

        return open_parquet(_seekable(archive, temporary), archive)
    if head.startswith((OLE_MAGIC, ZIP_MAGIC)) and is_workbook(path := _seekable(archive, temporary)):
        from ckm.io.readers.excel import open_excel

        return open_excel(path, archive, hints)
    refuse_markup(archive, head, hints)
    if looks_like_json(archive, hints):
        return open_json(archive, hints)
    return open_csv(archive, hints)


def refuse_markup(archive: Archive, head: bytes, hints: Hints) -> None:
    """Refuse HTML and XML files, which many programs write with the suffix of a workbook.

    Raises
    ------
    InputError
        The file is markup; the error names its kind. Read as a text table, its cells would appear in messages.
    """
    if hints.delimiter is not None or hints.columns is not None or hints.header is not None:
        return
    for mark in MARKUP_MARKS:
        head = head.removeprefix(mark)
    found = MARKUP.match(head.replace(b"\x00", b"").lstrip())
    if found is None:
        return
    kind = "HTML, a web page" if found.lastgroup == "page" or b"html" in archive.head(4096).lower() else "XML"
    raise InputError(
        f"{archive.name}: this is {kind}, unlike its name suffix",
        hint="open it in a spreadsheet program and save it as .xlsx or CSV",
    )


def _seekable(archive: Archive, temporary: list[Path]) -> Path:
    if archive.compression is None:
        return archive.path
    temporary.append(spool(archive, SPOOL_LIMIT))
    return temporary[-1]


def refuse_absent(path: Path) -> None:
    """Raise an error unless there is a readable regular file at ``path``; see :func:`open_source`."""
    name = str(path)
    if REMOTE.match(name):
        raise UsageError(f"{name}: ckm reads local files only", hint="download it first")
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise InputError(f"{name} is a link to a missing file", hint=FIX_LINK) from None
        near = get_close_matches(path.name, _names_beside(path), n=1, cutoff=0.6)
        hint = f"did you mean '{path.parent / near[0]}'?" if near else None
        raise UsageError(f"file not found: {name}", hint=hint) from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{name} is a circular link", hint=FIX_LINK) from None
        hint = f"grant read permission for {name}" if isinstance(error, PermissionError) else None
        raise InputError(f"{name}: {error.strerror or 'cannot be read'}", hint=hint) from None
    if stat.S_ISDIR(mode):
        raise UsageError(f"{name} is a folder", hint="name the files in it")
    if not stat.S_ISREG(mode):
        raise InputError(f"{name} is not a regular file", hint="use - to read from a pipe")


def _names_beside(path: Path) -> list[str]:
    try:
        return [file.name for file in path.parent.iterdir()]
    except OSError:
        return []
