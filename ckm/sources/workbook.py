"""What a workbook of Excel says beside the values of its cells: in the XML of its parts, where it has any."""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from posixpath import join, normpath
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ckm.sources.workbook_size import column_number, pieces

if TYPE_CHECKING:
    from pathlib import Path

BOOK = "xl/workbook.xml"
RELATIONS = "xl/_rels/workbook.xml.rels"
STYLES = "xl/styles.xml"
MOST_MARKUP = 16 << 20
"""Bytes of a part that only describes; none that a program wrote is longer."""
MOST_MERGED = 10_000
"""Ranges of merged cells that are looked at."""
ZEROS = re.compile(r"^0{2,}$")
CURRENCY = re.compile(r"\[\$(?P<sign>[^\]-]+)(?:-[0-9A-Fa-f]+)?\]|(?P<plain>[€£¥฿$])")

_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^<>]*?ref=["']([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})["']""")
_NO_VALUE = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f\b[^<>]*/>)\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_CELL = re.compile(rb"""<(?:\w+:)?c\s((?:[^<>"']|"[^"]*"|'[^']*')*?)/?>""")
_PLACE = re.compile(rb"""\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_TYPE = re.compile(rb"""\bt=["'](\w+)["']""")
_STYLE = re.compile(rb"""\bs=["']([0-9]+)["']""")


@dataclass(frozen=True)
class Merged:
    """A range of cells that is one cell on the screen; 1-based, both ends included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int


@dataclass(frozen=True)
class SheetFacts:
    """What a sheet says beside its values.

    Attributes
    ----------
    counts_from_1904
        Whether its days are counted from 1904.
    merged
        Ranges of merged cells.
    without_value
        How many formulas have no value, as a program writes them that does not calculate.
    zeros, currencies
        The columns (1-based) whose number formats show leading zeros or a currency, with the currencies' signs.
    """

    counts_from_1904: bool = False
    merged: tuple[Merged, ...] = ()
    without_value: int = 0
    zeros: frozenset[int] = frozenset()
    currencies: frozenset[str] = frozenset()


def sheet_facts(path: Path, sheet: str, name: str) -> SheetFacts:
    """Return what a sheet of a workbook of XML says beside its values; nothing for other workbooks."""
    part = _part_of(path, sheet)
    if part is None:
        return SheetFacts()
    with zipfile.ZipFile(path) as book:
        zeros, signs = _telling_styles(book)
        merged: list[Merged] = []
        without_value = 0
        zero_columns: set[int] = set()
        currencies: set[str] = set()
        for piece in pieces(book, book.getinfo(part), name):
            without_value += len(_NO_VALUE.findall(piece))
            for first, top, last, bottom in _MERGED.findall(piece)[: MOST_MERGED - len(merged)]:
                merged.append(Merged(int(top), column_number(first), int(bottom), column_number(last)))
            if not zeros and not signs:
                continue
            for attributes in _CELL.findall(piece):
                style = _STYLE.search(attributes)
                if style is None or not (place := _PLACE.search(attributes)):
                    continue
                if style[1] in zeros:
                    zero_columns.add(column_number(place[1]))
                if style[1] in signs:
                    currencies.add(signs[style[1]])
        found = _xml(book, BOOK)
        properties = None if found is None else found.find("{*}workbookPr")
        from_1904 = properties is not None and properties.get("date1904") in {"1", "true"}
    return SheetFacts(from_1904, tuple(merged), without_value, frozenset(zero_columns), frozenset(currencies))


def numeric_cells(path: Path, sheet: str, name: str) -> dict[int, set[int]]:
    """Return the rows, per column (both 1-based), whose cells are numbers and no texts."""
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
    """Return the part that holds a sheet; None where the workbook is not of XML."""
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


def _telling_styles(book: zipfile.ZipFile) -> tuple[set[bytes], dict[bytes, str]]:
    """Return the styles whose number formats show leading zeros, and those that show a currency, with its sign."""
    styles = _xml(book, STYLES)
    if styles is None:
        return set(), {}
    formats = {each.get("numFmtId"): each.get("formatCode", "") for each in styles.iterfind("{*}numFmts/{*}numFmt")}
    zeros: set[bytes] = set()
    signs: dict[bytes, str] = {}
    for at, style in enumerate(styles.iterfind("{*}cellXfs/{*}xf")):
        code = formats.get(style.get("numFmtId"), "")
        if ZEROS.match(code):
            zeros.add(str(at).encode())
        elif found := CURRENCY.search(code):
            signs[str(at).encode()] = (found["sign"] or found["plain"]).strip()
    return zeros, signs


def _xml(book: zipfile.ZipFile, part: str) -> ElementTree.Element | None:
    try:
        if book.getinfo(part).file_size > MOST_MARKUP:
            return None
        return ElementTree.fromstring(book.read(part))
    except (KeyError, ElementTree.ParseError):
        return None
