"""Parse JSON lines and JSON arrays of objects, with every value as written."""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias, overload

import polars as pl

from ckm.errors import AmbiguousError, InputError, UsageError
from ckm.io.readers.csv_blocks import RAW_LIMIT, line_blocks
from ckm.io.readers.encoding import UNREADABLE, detect_encoding, utf8_pieces
from ckm.io.readers.format import NATIVE_SUFFIX, Batch, FileFormat, rejected_frame, text_schema
from ckm.io.readers.header import unique_names
from ckm.io.readers.json_wrapper import find_list, is_end, list_at, lists_of_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.archive import Archive
    from ckm.io.readers.encoding import TextEncoding
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.remarks import Remarks

BLOCK = 8 << 20
BATCH_RECORDS = 50_000
ELEMENT_LIMIT = 64 << 20
"""Maximum characters of an array element."""
MOST_COLUMNS = 10_000
MOST_FIELDS = 50
"""Maximum fields of a nested record that become columns; a record with more is kept as JSON text."""
_GAP = re.compile(r"[\s,]+")
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\],]', re.DOTALL)
"""Pattern of strings, also unclosed ones, and of the characters between values."""
_MEMBER = re.compile(r'\s*(?P<key>"(?:[^"\\]|\\.)*+")\s*:\s*', re.DOTALL)
_OBJECT_OF_OBJECTS = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*+"\s*:\s*\{', re.DOTALL)
KEY = "key"
"""The column of keys for an object of records."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


Element: TypeAlias = "dict[str, str | None] | tuple[str, str]"
"""An object with its values as text; for elements that are not objects, the reason and the raw text."""


class Numeral(str):
    """A number as it was written, so that ``1.10`` and 20-digit ids survive."""

    __slots__ = ()


class Nested(str):
    """A list or a record, as JSON text."""

    __slots__ = ()


class Field(str):
    """The path of a value within a nested record, such as ``customer.id``; ``parent`` is the key of the record."""

    parent: str


class _NotJsonError(ValueError):
    """Infinity, which Python accepts but JSON does not allow."""


class _RepeatedKeyError(ValueError):
    """An object with a duplicate key, which is ambiguous."""


def _constant(name: str) -> None:
    """Return null for NaN, which pandas writes for missing values; Infinity is an error."""
    if name != "NaN":
        raise _NotJsonError(name)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RepeatedKeyError
    return found


_decoder = json.JSONDecoder(parse_float=Numeral, parse_int=Numeral, parse_constant=_constant, object_pairs_hook=_object)


def as_text(value: object) -> str | None:
    """Return a JSON value as text: strings and numbers unchanged, objects and lists as JSON, ``null`` as None."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return Nested(_as_json(value))


def _fields(parent: str, path: str, record: dict[str, object]) -> Iterator[tuple[Field, str | None]]:
    """Yield the values of a record with their paths, including those of nested records."""
    for key, cell in record.items():
        field = Field(f"{path}.{key}")
        field.parent = parent
        if isinstance(cell, dict):
            yield from _fields(parent, field, cell)
        else:
            yield field, as_text(cell)


def _flat(value: dict[str, object]) -> dict[str, str | None]:
    """Return an object's values as text, with the values of nested records under their paths."""
    found = {key: as_text(cell) for key, cell in value.items()}
    for parent, cell in value.items():
        if isinstance(cell, dict):
            for field, text in _fields(parent, parent, cell):
                found.setdefault(field, text)
    return found


def _as_json(value: object) -> str:
    if isinstance(value, Numeral):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {_as_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class JsonTable:
    """A file of JSON objects, which can be read repeatedly."""

    archive: Archive
    encoding: TextEncoding
    format: FileFormat
    layout: JsonLayout
    keys: tuple[str, ...]
    """The keys in the order of their first appearance; the columns are these, made unique."""
    mixed: tuple[int, ...] = ()
    """Indices of columns that contain both numbers and texts."""
    inside: str | None = None
    """Path of a record list in the only record of the file."""

    def batches(self, remarks: Remarks, *, small: bool = False) -> Iterator[Batch]:
        """Yield the records of the file in order; elements that are not objects are rejected with their line."""
        if self.encoding.remark:
            remarks.add(self.encoding.remark[1], self.encoding.remark[0])
        good: list[list[str | None]] = []
        lines: list[int] = []
        bad: list[tuple[int, str, str]] = []
        if self.layout.remark:
            remarks.add(self.layout.remark)
        if self.inside is not None:
            remarks.add(f"the file is one record; --records {self.inside} reads the list of records in it instead")
        for line, found in _elements(self.archive, self.encoding, self.layout):
            if isinstance(found, dict):
                row = [found.get(key) for key in self.keys]
                for place in self.mixed:
                    row[place] = _with_its_point(row[place])
                good.append(row)
                lines.append(line)
            else:
                bad.append((line, *found))
            if len(good) + len(bad) >= (BATCH_RECORDS // 5 if small else BATCH_RECORDS):
                yield self._batch(good, lines, bad)
                good, lines, bad = [], [], []
        if good or bad:
            yield self._batch(good, lines, bad)

    def _batch(self, good: list[list[str | None]], lines: list[int], bad: list[tuple[int, str, str]]) -> Batch:
        records = pl.DataFrame(good, schema=text_schema(self.format.columns), orient="row")
        return Batch(records, pl.Series("line", lines, dtype=pl.Int64), rejected_frame(bad))


def _with_its_point(cell: str | None) -> str | None:
    """Mark the decimal point of a JSON number, because texts in the same column may have decimal commas."""
    if isinstance(cell, Numeral) and "." in cell and "e" not in cell.lower():
        return cell + NATIVE_SUFFIX
    return cell


def looks_like_json(archive: Archive, hints: Hints) -> bool:
    """Return whether the file starts with a JSON object or array, and not with a table that starts with a bracket."""
    if hints.delimiter is not None or hints.columns is not None or hints.header is not None:
        return False
    head = archive.head(4096)
    for mark in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        head = head.removeprefix(mark)
    text = head.replace(b"\x00", b"").lstrip()  # brackets are the same in every encoding; wide encodings add NUL bytes
    return text.startswith(b"{") or (text.startswith(b"[") and text[1:].lstrip()[:1] in {b"{", b"]"})


def open_json(archive: Archive, hints: Hints) -> JsonTable:
    """Collect the keys of all objects of the file, in one pass over it.

    Raises
    ------
    InputError
        The file is not text, no record can be parsed, most lines are not objects, or the objects have more
        distinct keys than a table can have columns.
    """
    encoding = detect_encoding(archive, hints.encoding)
    layout = _layout(archive, encoding, hints.records)
    kind = "jsonl" if layout.kind == "lines" else "json"
    keys: dict[str, None] = {}
    parents: dict[str, dict[str, None]] = {}
    forms: dict[type, Counter[str]] = {Numeral: Counter(), Nested: Counter(), str: Counter()}
    readable, begins, only = 0, False, dict[str, str | None]()
    reasons: Counter[str] = Counter()
    for place, (_, found) in enumerate(_elements(archive, encoding, layout)):
        if isinstance(found, dict):
            readable += 1
            only = found if readable == 1 else {}
            for key, cell in found.items():
                if cell is not None:
                    forms[type(cell)][key] += 1
            begins = begins or place == 0
            for key in found:
                if not isinstance(key, Field):
                    keys[key] = None
                elif len(inside := parents.setdefault(key.parent, {})) <= MOST_FIELDS:
                    inside[key] = None
            if len(keys) > MOST_COLUMNS:
                raise InputError(f"{archive.name}: the objects have more than {MOST_COLUMNS:,} distinct keys")
        else:
            reasons[found[0]] += 1
    if kind == "jsonl" and not begins and 0 < readable < reasons.total():
        raise InputError(
            f"{archive.name}: most lines are not JSON objects, and the file is not an array of objects",
            hint="for a table that starts with a brace, give its --delimiter",
        )
    if readable == 0 and reasons:
        told = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common())
        other = "; for a table that starts with a brace, give its --delimiter" if kind == "jsonl" else ""
        raise InputError(
            f"{archive.name}: none of the {reasons.total():,} records can be read ({told})",
            hint=f"write each record as a JSON object; Infinity is not valid JSON, null is{other}",
        )
    lists = lists_of_records(only) if readable == 1 and not reasons else []
    if len(lists) > 1:
        raise AmbiguousError(
            f"{archive.name}: one object contains several record lists: {', '.join(map(repr, lists))}",
            hint=f"choose one: {' or '.join(f'--records {path}' for path in lists)}",
            option="--records",
        )
    numbers, nested, texts = forms.values()
    keys = _with_fields(keys, parents, numbers + texts)
    columns, _ = unique_names(tuple(keys))
    named = dict(zip(keys, columns, strict=True))
    found_format = FileFormat(
        kind="json" if kind == "json" else "jsonl",
        columns=columns,
        compression=archive.compression,
        encoding=encoding.name,
        line_end="\n",
        numeric=tuple(named[key] for key in keys if numbers[key] and not texts[key] and not nested[key]),
        nested=tuple(named[key] for key in keys if nested[key] > numbers[key] + texts[key]),
    )
    mixed = tuple(place for place, key in enumerate(keys) if numbers[key] and texts[key])
    return JsonTable(archive, encoding, found_format, layout, tuple(keys), mixed, lists[0] if lists else None)


def _with_fields(keys: dict[str, None], parents: dict[str, dict[str, None]], single: Counter[str]) -> dict[str, None]:
    """Return the keys with records replaced by their fields, if these are few and all values are records.

    A record with a field per item (an amount by product) has too many fields and stays JSON text.
    """
    flat: dict[str, None] = {}
    for key in keys:
        fields = parents.get(key, {})
        is_record = 0 < len(fields) <= MOST_FIELDS and not single[key] and keys.keys().isdisjoint(fields)
        flat.update(fields if is_record else {key: None})
    return flat if len(flat) <= MOST_COLUMNS else keys


@dataclass(frozen=True)
class JsonLayout:
    """Layout of the objects in the file.

    Attributes
    ----------
    kind
        ``lines``: one object per line; ``array``: an array of objects; ``stream``: objects one after the other, across
        line ends; ``wrapped``: an array in an object whose other values are metadata; ``keyed``: the values of one
        object.
    path
        The path of keys to the array of ``wrapped``.
    is_given
        Whether the user gave the path; then the rest of the file is ignored.
    """

    kind: Literal["lines", "array", "stream", "wrapped", "keyed"]
    path: tuple[str, ...] = ()
    is_given: bool = False

    @property
    def remark(self) -> str | None:
        """Return a remark for the user; None if none."""
        if self.kind == "wrapped":
            only = "" if self.is_given else ", the only one in the file's object"
            return f"the records are read from the list '{'.'.join(self.path)}'{only}"
        if self.kind == "keyed":
            return f"the records are the values of one object; its keys are the column '{KEY}'"
        return "the records are concatenated JSON objects over several lines" if self.kind == "stream" else None


def _layout(archive: Archive, encoding: TextEncoding, records: str | None) -> JsonLayout:
    """Detect the layout from the first object and, for a wrapping object, from its end."""
    head = ""
    for piece in utf8_pieces(archive, encoding, BLOCK):
        head = piece.decode(errors="ignore").lstrip()
        if head:
            break
    if records is not None:
        path = tuple(records.strip("/").split("/") if records.startswith("/") else records.split("."))
        if list_at(head, path) is None:
            raise UsageError(
                f"{archive.name}: the file's object has no list '{records}'",
                hint="--records needs the path of keys, such as data.orders",
            )
        return JsonLayout("wrapped", path, is_given=True)
    if head.startswith("["):
        return JsonLayout("array")
    if (found := find_list(head)) and _is_closed_by_wrapper(archive, encoding, found.path):
        return JsonLayout("wrapped", found.path)
    if _OBJECT_OF_OBJECTS.match(head) and _holds_records(archive, encoding):
        return JsonLayout("keyed")
    line = head.partition("\n")[0].strip()
    return JsonLayout("stream" if not _is_complete(line) and _begins_with_object(head) else "lines")


def _is_closed_by_wrapper(archive: Archive, encoding: TextEncoding, path: tuple[str, ...]) -> bool:
    """Return whether only the end of the wrapping objects and metadata of the array follow the array."""
    last, pieces = "", utf8_pieces(archive, encoding, BLOCK)
    for _, found in _array_elements(pieces, archive.name, JsonLayout("wrapped", path), closed=False):
        last = found[1] if isinstance(found, tuple) else ""
    return is_end(last, path)


def _holds_records(archive: Archive, encoding: TextEncoding) -> bool:
    """Return whether the file is one object whose values are several similar objects: records by key.

    Objects with different keys (a customer and an address) are the parts of one record instead.
    """
    first: set[str] = set()
    count = 0
    pieces = utf8_pieces(archive, encoding, BLOCK)
    for _, found in _array_elements(pieces, archive.name, JsonLayout("keyed"), closed=False):
        if not isinstance(found, dict):
            return False
        own = {key for key in found if not isinstance(key, Field)} - {KEY}
        first = first or own
        if 2 * len(own & first) < max(1, min(len(own), len(first))):
            return False
        count += 1
    return count > 1


def _is_complete(text: str) -> bool:
    try:
        _decoder.decode(text)
    except _RepeatedKeyError:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _begins_with_object(text: str) -> bool:
    try:
        found, _ = _decoder.raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict)


def _elements(archive: Archive, encoding: TextEncoding, layout: JsonLayout) -> Iterator[tuple[int, Element]]:
    """Yield ``(line, object)``, or ``(line, (reason, raw))`` for elements that are not objects."""
    pieces = utf8_pieces(archive, encoding, BLOCK)
    if layout.kind == "lines":
        return _line_elements(pieces, archive.name)
    return _array_elements(pieces, archive.name, layout)


def _line_elements(pieces: Iterator[bytes], name: str) -> Iterator[tuple[int, Element]]:
    number = 0
    for block, _ in line_blocks(pieces, name, "\n"):
        for line in block.removesuffix(b"\n").split(b"\n") if block else ():
            number += 1
            text = line.decode().strip()
            if text:
                yield number, _parsed(text)


def _parsed(text: str) -> dict[str, str | None] | tuple[str, str]:
    if UNREADABLE in text:
        return "encoding", _raw(text)
    try:
        value = _decoder.decode(text)
        if isinstance(value, dict):
            flat = _flat(value)
            if _SURROGATE.search(text):
                return {_whole(key): _whole(cell) for key, cell in flat.items()}
            return flat
    except _RepeatedKeyError:
        return "duplicate key", _raw(text)
    except (ValueError, RecursionError):
        return "invalid JSON", _raw(text)
    return "not a JSON object", _raw(text)


@overload
def _whole(text: str) -> str: ...
@overload
def _whole(text: None) -> None: ...
def _whole(text: str | None) -> str | None:
    """Replace unpaired surrogates (half an emoji) by U+FFFD, because UTF-8 cannot encode them."""
    if text is None or isinstance(text, Numeral):
        return text
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(text, Field):
        field = Field(whole)
        field.parent = _whole(text.parent)
        return field
    return Nested(whole) if isinstance(text, Nested) else whole


def _raw(text: str) -> str:
    return text[:RAW_LIMIT].replace("\x00", "\\x00").replace(UNREADABLE, "")


def _array_elements(
    pieces: Iterator[bytes], name: str, layout: JsonLayout, *, closed: bool = True
) -> Iterator[tuple[int, Element]]:
    """Parse an array element by element, so that it does not have to fit in memory.

    Text after the array is an unreadable element, except the end of the wrapping object if the array is ``closed``.
    """
    start = layout.kind
    decoder = codecs.getincrementaldecoder("utf-8")()  # a piece may end inside a character
    text, at, line = "", 0, 1
    opened, done = start == "stream", False
    for piece in chain(pieces, (None,)):
        final = piece is None
        text, at = text[at:] + decoder.decode(piece or b"", final), 0
        if len(text) > ELEMENT_LIMIT:
            raise InputError(f"{name}: an element of the array is longer than {ELEMENT_LIMIT >> 20} MB")
        while not done:
            gap = _GAP.match(text, at)
            end_of_gap = gap.end() if gap else at
            line += text.count("\n", at, end_of_gap)
            at = end_of_gap
            if at >= len(text):
                break
            if not opened:  # up to the bracket that starts the array
                wrapper = list_at(text, layout.path, at) if start == "wrapped" else None
                begin = wrapper.begin if wrapper else at + 1
                line += text.count("\n", at, begin)
                opened, at = True, begin
                continue
            if text[at] == ("}" if start == "keyed" else "]"):
                at, done = at + 1, True
                break
            member = _MEMBER.match(text, at) if start == "keyed" else None
            if start == "keyed" and member is None:  # the element is incomplete
                break
            begin = member.end() if member else at
            end = _element_end(text, begin, final=final)
            if end is None:
                break
            found = _parsed(text[begin:end])
            yield line, _under(member["key"], found) if member else found
            line += text.count("\n", at, end)
            at = end
        if done and len(text) - at > RAW_LIMIT:  # the rest is not searched
            break
    if layout.is_given and done:
        return
    if (rest := text[at:].strip()) and not (closed and start == "wrapped" and is_end(rest, layout.path)):
        yield line, ("invalid JSON", _raw(rest))


def _under(key: str, found: Element) -> Element:
    """Return a record with its key as a field, unless the record has a field of that name."""
    try:
        return {KEY: as_text(_decoder.decode(key)), **found} if isinstance(found, dict) else found
    except ValueError:
        return "invalid JSON", _raw(key)


def _element_end(text: str, at: int, *, final: bool) -> int | None:
    """Return the end of the element at ``at``; None if ``text`` does not contain it yet.

    A valid element is measured by parsing it. In an invalid one brackets are counted, so that only this element is
    lost.
    """
    try:
        end = _decoder.raw_decode(text, at)[1]
    except (ValueError, RecursionError):
        return _broken_end(text, at, final=final)
    return end if end < len(text) or final else None


def _broken_end(text: str, at: int, *, final: bool) -> int | None:
    depth = 0
    for token in _TOKENS.finditer(text, at):
        mark = token.group()
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth <= 0:
                return token.end() if depth == 0 or token.start() == at else token.start()
        elif mark == "," and depth == 0:
            return token.start()
    return len(text) if final else None
