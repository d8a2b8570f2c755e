"""Read the bytes of a file, decompressed if it is gzip or a zip archive with one file.

Compressed files are decompressed as a stream on every pass, never as a whole, so that a small archive with a huge
content needs only time.
"""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import sys
import tempfile
import zipfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from ckm.errors import InputError, UsageError
from ckm.files import no_space, temporary_folder
from ckm.io.readers.open_document import is_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.format import Compression

GZIP_MAGIC = b"\x1f\x8b"
ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0"
"""Signature of Excel files before 2007."""
OPEN_DOCUMENT_MEMBER = "mimetype"
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"
"""Start of the first part of OpenDocument files."""
EXCEL_MEMBER = "xl/workbook"
"""A zip archive with a member of this name is an Excel file (``.xml`` in xlsx, ``.bin`` in xlsb)."""
HIDDEN_MEMBER = re.compile(r"^__MACOSX/|(?:^|/)\.")
"""Files that macOS and version control add to an archive, such as ``.DS_Store``."""
READ_BUFFER = 1 << 20
UNPACKING_ERRORS = (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, RuntimeError, NotImplementedError)


@dataclass(frozen=True)
class Archive:
    """A file on disk and its compression.

    Attributes
    ----------
    path
        Where the file is.
    name
        Its name in messages.
    compression
        The compression; None if uncompressed.
    """

    path: Path
    name: str
    compression: Compression | None

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the content for reading from its start; a damaged archive raises an InputError."""
        try:
            with self.path.open("rb") as raw:
                if self.compression == "gzip":
                    with io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)), READ_BUFFER) as content:
                        yield content
                elif self.compression == "zip":
                    with zipfile.ZipFile(raw) as archive, archive.open(_only_member(archive, self.name)) as member:
                        yield io.BufferedReader(cast("io.RawIOBase", member), READ_BUFFER)
                else:
                    yield raw
        except UNPACKING_ERRORS as error:
            raise InputError(f"{self.name}: the {self.compression or 'file'} is damaged or encrypted") from error
        except OSError as error:
            raise InputError(f"{self.name}: {error.strerror or 'cannot be read'}") from error

    def head(self, size: int) -> bytes:
        """Return the first ``size`` bytes of the content."""
        with self.open() as content:
            return content.read(size)


def open_archive(path: Path, name: str) -> Archive:
    """Detect the compression of ``path`` from its first bytes.

    Raises
    ------
    InputError
        The file cannot be read, or is an archive with several files.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or 'cannot be read'}") from error
    if magic.startswith(GZIP_MAGIC):
        return Archive(path, name, "gzip")
    if magic == ZIP_MAGIC and not is_workbook(path):
        archive = Archive(path, name, "zip")
        _refuse_open_document(path, name)
        with archive.open():
            return archive
    return Archive(path, name, None)


def _refuse_open_document(path: Path, name: str) -> None:
    """Refuse OpenDocument files without sheets, which are zip files but not archives of data files."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist()[:1] != [OPEN_DOCUMENT_MEMBER]:
                return
            with archive.open(OPEN_DOCUMENT_MEMBER) as kind:
                is_open_document = kind.read(len(OPEN_DOCUMENT)) == OPEN_DOCUMENT
    except UNPACKING_ERRORS:
        return
    if is_open_document:
        raise InputError(
            f"{name}: this OpenDocument file contains no sheets",
            hint="save its table as .ods, .xlsx or CSV",
        )


def is_workbook(path: Path) -> bool:
    """Return whether ``path`` is a spreadsheet: Excel (before or after 2007) or OpenDocument."""
    with path.open("rb") as file:
        if file.read(len(OLE_MAGIC)) == OLE_MAGIC:
            return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(member.startswith(EXCEL_MEMBER) for member in archive.namelist()) or is_spreadsheet(path)
    except zipfile.BadZipFile:
        return False


def spool_stdin() -> Path:
    """Copy standard input to a temporary file, to read it more than once; the caller removes the file.

    Raises
    ------
    UsageError
        Standard input is closed, or the disk is full.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed", hint="name a file, or pipe one: ckm ... - < FILE")
    return _spool(sys.stdin.buffer, "standard input")


def spool(archive: Archive, limit: int) -> Path:
    """Decompress ``archive`` into a temporary file for formats that need to seek; the caller removes the file.

    Raises
    ------
    InputError
        The content is larger than ``limit`` bytes.
    """
    with archive.open() as content:
        path = _spool(content, archive.name, limit)
    if path.stat().st_size > limit:
        path.unlink()
        raise InputError(f"{archive.name}: decompresses to more than {limit >> 20} MB", hint="unpack it first")
    return path


def _spool(content: IO[bytes], name: str, limit: int | None = None) -> Path:
    folder = temporary_folder()
    number, path = tempfile.mkstemp(prefix="spool-", dir=folder)
    left = sys.maxsize if limit is None else limit + 1
    try:
        with os.fdopen(number, "wb", READ_BUFFER) as file:
            while left > 0 and (piece := _read(content, min(READ_BUFFER, left), name)):
                _write(file, piece, folder)
                left -= len(piece)
            _write(file, b"", folder)
    except BaseException:
        Path(path).unlink(missing_ok=True)
        raise
    return Path(path)


def _read(content: IO[bytes], size: int, name: str) -> bytes:
    try:
        return content.read(size)
    except OSError as error:
        if isinstance(error, UNPACKING_ERRORS):
            raise
        why = "is closed" if error.errno == errno.EBADF else f"cannot be read: {error.strerror or error}"
        raise InputError(f"{name} {why}", hint="name a readable file") from error


def _write(file: IO[bytes], piece: bytes, folder: Path) -> None:
    """Write ``piece``, or flush without one, which detects a full disk."""
    try:
        file.write(piece) if piece else file.flush()
    except OSError as error:
        with suppress(OSError):
            file.close()  # closing may try to write again
        raise no_space(folder.parent, error) from error


def _only_member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    files = [member for member in archive.infolist() if not member.is_dir()]
    members = [file for file in files if not HIDDEN_MEMBER.search(file.filename)]
    if len(members) != 1:
        raise UsageError(f"{name}: the zip archive contains {len(members)} files", hint="unzip it and name the files")
    return members[0]
