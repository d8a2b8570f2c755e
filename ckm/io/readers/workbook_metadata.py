"""Read metadata of Excel workbooks from their XML: merged cells, number formats and the date system."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from posixpath import join, normpath
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ckm.io.readers.workbook_size import column_number, pieces

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
STYLES = "xl/styles.xml"
MOST_MARKUP = 16 << 20
"""Maximum bytes of a metadata part of the workbook; programs write far less."""
MOST_MERGED = 10_000
"""Maximum number of merged ranges that are read."""
ZEROS = re.compile(r"^0{2,}$")
PERCENT_FORMATS = {"9": "0%", "10": "0.00%"}
"""Built-in number formats for percentages."""

_SPACE = re.compile(r"[_*].")
"""Parts of a number format that are not displayed: space of a character's width, and fill characters."""
_CURRENCY = re.compile(r"\[\$([^\]-]*)[^\]]*\]")
_WORD = re.compile(r'"([^"]*)"')
_CONDITION = re.compile(r"\[[^\]]*\]")
_SIGN = re.compile(r"[\u00a2-\u00a5\u0e3f\u20a0-\u20cf$﷼]")

_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']""")
_NO_VALUE = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_CELL = re.compile(rb"""<(?:\w+:)?c\s((?:[^<>"']|"[^"]*"|'[^']*')*?)/?>""")
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_TYPE = re.compile(rb"""\bt=["'](\w+)["']""")
_STYLE = re.compile(rb"""\bs=["']([0-9]+)["']""")


@dataclass(frozen=True)
class MergedCells:
    """A range of merged cells; 1-based, both ends included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True)
class SheetFacts:
    """Metadata of a sheet.

    Attributes
    ----------
    counts_from_1904
        Whether day numbers count from 1904.
    merged
        Ranges of merged cells.
    without_value
        Number of formulas without a stored value, as written by programs that do not calculate.
    zeros
        The columns (1-based) whose number formats show leading zeros.
    currencies
        Signs and words that number formats add to numbers, by column (1-based), each with its last row.
    percentages
        Rows with numbers displayed as percentages, by column (both 1-based).
    """

    counts_from_1904: bool = False
    merged: tuple[MergedCells, ...] = ()
    without_value: int = 0
    zeros: frozenset[int] = frozenset()
    currencies: dict[int, dict[str, int]] = field(default_factory=dict)
    percentages: dict[int, set[int]] = field(default_factory=dict)


def sheet_facts(path: Path, sheet: str, name: str) -> SheetFacts:
    """Return the metadata of a sheet in an XML workbook; empty for other workbooks."""
    part = _part_of(path, sheet)
    if part is None:
        return SheetFacts()
    with zipfile.ZipFile(path) as book:
        shown = _shown_by_styles(book)
        merged: list[MergedCells] = []
        without_value = 0
        zero_columns: set[int] = set()
        currencies: dict[int, dict[str, int]] = {}
        percentages: dict[int, set[int]] = {}
        for piece in pieces(book, book.getinfo(part), name):
            without_value += len(_NO_VALUE.findall(piece))
            for first, top, last, bottom in _MERGED.findall(piece)[: MOST_MERGED - len(merged)]:
                merged.append(MergedCells(int(top), column_number(first), int(bottom), column_number(last)))
            for column, row, marks in _shown_in(piece, shown) if shown else ():
                if marks.zeros:
                    zero_columns.add(column)
                if marks.percent:
                    percentages.setdefault(column, set()).add(row)
                for mark in marks.currencies:
                    currencies.setdefault(column, {})[mark] = row
        found = _xml(book, BOOK)
        properties = None if found is None else found.find("{*}workbookPr")
        from_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
    return SheetFacts(from_1904, tuple(merged), without_value, frozenset(zero_columns), currencies, percentages)


def numeric_cells(path: Path, sheet: str, name: str) -> dict[int, set[int]]:
    """Return the rows with numeric cells, by column (both 1-based)."""
    part = _part_of(path, sheet)
    if part is None:
        return {}
    found: dict[int, set[int]] = {}
    with zipfile.ZipFile(path) as book:
        for piece in pieces(book, book.getinfo(part), name):
            for attributes in _CELL.findall(piece):
                kind = _TYPE.search(attributes)
                if (kind is None or kind[1] == b"n") and (place := _PLACE.search(attributes)):
                    found.setdefault(column_number(place[1]), set()).add(int(place[2]))
    return found


def _part_of(path: Path, sheet: str) -> str | None:
    """Return the zip member of a sheet; None if the workbook is not XML."""
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as book:
        found, relations = _xml(book, BOOK), _xml(book, RELATIONS)
        if found is None or relations is None:
            return None
        targets = {each.get("Id"): each.get("Target", "") for each in relations}
        for each in found.iterfind("{*}sheets/{*}sheet"):
            link = next((value for key, value in each.attrib.items() if key.endswith("}id")), None)
            if each.get("name") == sheet and targets.get(link):
                target = targets[link]
                part = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
                return part if part in book.namelist() else None
    return None


@dataclass(frozen=True)
class _Shown:
    """What a number format adds to a number: leading zeros, a percent sign, currency signs and words."""

    zeros: bool
    percent: bool
    currencies: tuple[str, ...]

    @classmethod
    def by(cls, code: str) -> _Shown:
        """Return what a format code adds to a number; its words may be currencies or any other words."""
        code = _SPACE.sub("", code.replace("\\", ""))
        words = [*_CURRENCY.findall(code), *_WORD.findall(code)]
        rest = _CONDITION.sub("", _WORD.sub("", code))
        found = dict.fromkeys(word.strip(" .\u00a0\u202f") for word in [*words, *_SIGN.findall(rest)])
        return cls(ZEROS.match(code) is not None, "%" in rest, tuple(filter(None, found)))


def _shown_by_styles(book: zipfile.ZipFile) -> dict[bytes, _Shown]:
    """Return what number formats add, by style index; styles that add nothing are omitted."""
    styles = _xml(book, STYLES)
    if styles is None:
        return {}
    own = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iterfind("{*}numFmts/{*}numFmt")}
    formats = PERCENT_FORMATS | own
    shown = {
        str(at).encode(): _Shown.by(formats.get(style.get("numFmtId"), ""))
        for at, style in enumerate(styles.iterfind("{*}cellXfs/{*}xf"))
    }
    return {style: marks for style, marks in shown.items() if marks.zeros or marks.percent or marks.currencies}


def _shown_in(piece: bytes, shown: dict[bytes, _Shown]) -> Iterator[tuple[int, int, _Shown]]:
    """Yield column, row (both 1-based) and added text of each number with one of the styles ``shown``."""
    for cell in _CELL.finditer(piece):
        attributes = cell[1]
        style = _STYLE.search(attributes)
        if style is None or style[1] not in shown or cell[0].endswith(b"/>"):
            continue
        kind, place = _TYPE.search(attributes), _PLACE.search(attributes)
        if place is not None and (kind is None or kind[1] == b"n"):
            yield column_number(place[1]), int(place[2]), shown[style[1]]


def _xml(book: zipfile.ZipFile, part: str) -> ElementTree.Element | None:
    try:
        if book.getinfo(part).file_size > MOST_MARKUP:
            return None
        return ElementTree.fromstring(book.read(part))
    except (KeyError, ElementTree.ParseError):
        return None
