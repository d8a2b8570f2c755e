"""Refuse a workbook that is too large for memory, before it is read.

A sheet is read as a rectangle up to its last row and column and held in memory; texts need twice their size. A workbook
of 5 kB can have one value in the last possible cell, or refer a million times to one long text.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING, NamedTuple

from ckm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MOST_CELLS = 25_000_000
"""Maximum cells of a sheet's rectangle, empty ones included: a million rows with 24 columns. The reader needs 24 bytes
per cell."""
MOST_TEXT = 400 << 20
"""Maximum bytes of all texts of a workbook; a shared text counts once per cell that refers to it."""
MARKUP = 120
"""Assumed bytes of a cell's XML without its text; the rest of a sheet's XML counts as text."""
MOST_UNPACKED = 4 << 30
"""Maximum bytes of a sheet's XML: about 50 million cells."""
LONGEST_TEXT = 1 << 20
"""Maximum bytes between two tags; an Excel cell holds 32,767 characters."""
PIECE = 1 << 20
SHEETS = re.compile(r"xl/(?:worksheets|macrosheets)/[^/]+\.(?:xml|bin)", re.IGNORECASE)
TEXTS = re.compile(r"xl/sharedStrings\.(?:xml|bin)", re.IGNORECASE)
_CELL = re.compile(rb"""<(?:\w+:)?c\s(?:[^<>]*?\s)?r=["']([A-Za-z]{1,3})([0-9]{1,7})["']""")
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([0-9]{1,7})"')
_ANY_CELL = re.compile(rb"<(?:\w+:)?(c|row)[\s/>]")
_ROW = re.compile(rb"""<(?:\w+:)?row\s(?:[^<>]*?\s)?r=["']([0-9]{1,7})["']""")
_REFERENCE = re.compile(
    rb"""<(?:\w+:)?c\s[^<>]*?\bt=["']s["'][^<>]*>\s*(?:<[^<>]*>\s*)*?<(?:\w+:)?v[^<>]*>\s*([0-9]{1,9})"""
)
_ITEM = re.compile(rb"<(?:\w+:)?si[\s>]")
_HINT = "save the sheet as CSV or Parquet, or delete cells far below or beside its table"


class _Extent(NamedTuple):
    """Last row, last column and number of cells of a sheet."""

    rows: int
    columns: int
    cells: int


def refuse_huge(path: Path, name: str) -> None:
    """Refuse a workbook that cannot be read in bounded memory.

    Only the 2007 format (``.xlsx``, ``.xlsm``) is checked: older sheets have at most 65,536 rows and 256 columns.

    Raises
    ------
    InputError
        A sheet has more than :data:`MOST_CELLS`, its texts are more than :data:`MOST_TEXT`, or the file is damaged.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as book:
            members = book.infolist()
            sheets = [member for member in members if SHEETS.fullmatch(member.filename)]
            texts = [member for member in members if TEXTS.fullmatch(member.filename)]
            for member in members:
                if member.file_size > MOST_UNPACKED:
                    raise too_large(name, f"decompresses to more than {MOST_UNPACKED >> 30} GB")
            shared = sum(member.file_size for member in texts)
            if shared > MOST_TEXT:
                raise too_large(name, f"contains more than {MOST_TEXT >> 20} MB of text")
            lengths = _lengths(book, texts, name)
            for sheet in sheets:
                _refuse_sheet(book, sheet, lengths, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise InputError(f"{name}: the Excel file is damaged or protected by a password") from error


def _refuse_sheet(book: zipfile.ZipFile, sheet: zipfile.ZipInfo, lengths: list[int], name: str) -> None:
    if sheet.filename.lower().endswith(".bin"):
        return
    extent, text = _read_sheet(book, sheet, name)
    if extent.rows * extent.columns > MOST_CELLS:
        reach = f"reaches to row {extent.rows:,} and column {extent.columns:,}"
        raise too_large(name, f"{reach}: more than {MOST_CELLS:,} cells in a sheet")
    if max(lengths, default=0) * extent.cells > MOST_TEXT:  # a second pass, over the few sheets that may be too large
        text = max(text, _referred(book, sheet, lengths, name))
    if text > MOST_TEXT:
        raise too_large(name, f"contains more than {MOST_TEXT >> 20} MB of text")


def _read_sheet(book: zipfile.ZipFile, sheet: zipfile.ZipInfo, name: str) -> tuple[_Extent, int]:
    """Return the extent of a sheet, and the bytes of its inline texts."""
    columns: set[bytes] = set()
    last_row = cells = rows = in_row = widest = size = 0
    for piece in pieces(book, sheet, name):
        size += len(piece)
        found = _PLAIN_CELL.findall(piece)
        here = piece.count(b"<c ")
        if here > len(found) or b"<c>" in piece or b":c" in piece:  # not as Excel writes it, or an inline text
            found = _CELL.findall(piece)
            marks = _ANY_CELL.findall(piece)
            here = marks.count(b"c")
            rows += len(marks) - here
            last_row = max(last_row, max(map(int, _ROW.findall(piece)), default=0))
            for mark in marks:  # cells without a reference follow one another in their row
                in_row = 0 if mark == b"row" else in_row + 1
                widest = max(widest, in_row)
        columns.update(column for column, _ in found)
        last_row = max(last_row, max((int(row) for _, row in found), default=0))
        cells += here
    last_column = max([widest, *map(column_number, columns)])
    return _Extent(max(last_row, rows), last_column, cells), size - MARKUP * cells


def _referred(book: zipfile.ZipFile, sheet: zipfile.ZipInfo, lengths: list[int], name: str) -> int:
    """Return the bytes of the shared texts of a sheet, each counted once per reference."""
    return sum(
        lengths[int(at)]
        for piece in pieces(book, sheet, name)
        for at in _REFERENCE.findall(piece)
        if int(at) < len(lengths)
    )


def _lengths(book: zipfile.ZipFile, texts: list[zipfile.ZipInfo], name: str) -> list[int]:
    """Return the bytes of each shared text, its tags included."""
    lengths: list[int] = []
    for member in texts:
        if member.filename.lower().endswith(".bin"):
            continue
        for piece in pieces(book, member, name):
            begins = [found.start() for found in _ITEM.finditer(piece)]
            ends = [*begins[1:], len(piece)]
            if lengths:
                lengths[-1] += begins[0] if begins else len(piece)
            lengths += [end - begin for begin, end in zip(begins, ends, strict=True)]
    return lengths


def pieces(book: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> Iterator[bytes]:
    """Yield the XML of a zip member in pieces, each cut before the tag of a cell, a row or a shared text."""
    rest = b""
    with book.open(member) as content:
        while piece := content.read(PIECE):
            rest += piece
            cut = max(rest.rfind(b"<" + tag) for tag in (b"c ", b"row", b"si", b"x:c ", b"x:row", b"x:si"))
            if cut > 0:
                yield rest[:cut]
                rest = rest[cut:]
            elif len(rest) > LONGEST_TEXT + 2 * PIECE and rest.rfind(b"<", len(rest) - LONGEST_TEXT) < 0:
                raise too_large(name, f"contains a text of more than {LONGEST_TEXT >> 20} MB")
            elif len(rest) > 32 * PIECE:
                yield rest
                rest = b""
    yield rest


def column_number(letters: bytes) -> int:
    """Return the number of a column name: ``A`` is 1, ``XFD`` is 16,384."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number


def too_large(name: str, what: str) -> InputError:
    """Return the error for a workbook with the problem ``what``."""
    return InputError(f"{name}: the workbook {what}", hint=_HINT)
