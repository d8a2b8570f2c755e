"""Read JSON files of objects as records: lines, an array, or a list inside of an object."""

from __future__ import annotations

import codecs
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import AmbiguousError, InputError
from ckm.io.readers.encoding import detect_encoding
from ckm.io.readers.format import NATIVE_SUFFIX, Batch, FileFormat, rejected_frame, text_schema
from ckm.io.readers.header import unique_names
from ckm.io.readers.json_elements import elements
from ckm.io.readers.json_layout import detect_layout
from ckm.io.readers.json_values import Field, Nested, Numeral
from ckm.io.readers.json_wrapper import lists_of_records

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.io.readers.archive import Archive
    from ckm.io.readers.encoding import TextEncoding
    from ckm.io.readers.hints import Hints
    from ckm.io.readers.json_elements import JsonLayout
    from ckm.io.readers.json_values import Record
    from ckm.io.readers.remarks import Remarks

BATCH_RECORDS = 50_000
MOST_COLUMNS = 10_000
MOST_FIELDS = 50
"""Maximum fields of a nested record that become columns; a record with more is kept as JSON text."""


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
        for line, found in elements(self.archive, self.encoding, self.layout):
            if isinstance(found, dict):
                row = [found.get(key) for key in self.keys]
                for place in self.mixed:
                    row[place] = _with_marked_number(row[place])
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


def _with_marked_number(cell: str | None) -> str | None:
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
    AmbiguousError
        The file is one object with several lists of records.
    """
    encoding = detect_encoding(archive, hints.encoding)
    layout = detect_layout(archive, encoding, hints.records)
    keys = _Keys()
    records, first_is_object, first = 0, False, dict[str, str | None]()
    reasons: Counter[str] = Counter()
    for at, (_, found) in enumerate(elements(archive, encoding, layout)):
        if isinstance(found, dict):
            records += 1
            first = first if records > 1 else found
            first_is_object = first_is_object or at == 0
            keys.add(found)
            if len(keys.names) > MOST_COLUMNS:
                raise InputError(f"{archive.name}: the objects have more than {MOST_COLUMNS:,} distinct keys")
        else:
            reasons[found[0]] += 1
    is_lines = layout.kind == "lines"
    if is_lines and not first_is_object and 0 < records < reasons.total():
        raise InputError(
            f"{archive.name}: most lines are not JSON objects, and the file is not an array of objects",
            hint="for a table that starts with a brace, give its --delimiter",
        )
    if records == 0 and reasons:
        raise _no_record(archive.name, reasons, is_lines=is_lines)
    lists = lists_of_records(first) if records == 1 and not reasons else []
    if len(lists) > 1:
        raise AmbiguousError(
            f"{archive.name}: one object contains several record lists: {', '.join(map(repr, lists))}",
            hint=f"choose one: {' or '.join(f'--records {path}' for path in lists)}",
            option="--records",
        )
    names = keys.flat()
    columns, _ = unique_names(names)
    found_format = FileFormat(
        kind="jsonl" if is_lines else "json",
        columns=columns,
        compression=archive.compression,
        encoding=encoding.name,
        line_end="\n",
        numeric=tuple(column for column, key in zip(columns, names, strict=True) if keys.is_numeric(key)),
        nested=tuple(column for column, key in zip(columns, names, strict=True) if keys.is_nested(key)),
    )
    mixed = tuple(at for at, key in enumerate(names) if keys.is_mixed(key))
    return JsonTable(archive, encoding, found_format, layout, names, mixed, lists[0] if lists else None)


def _no_record(name: str, reasons: Counter[str], *, is_lines: bool) -> InputError:
    """Return the error for a file without any object."""
    counts = ", ".join(f"{reason}: {count:,}" for reason, count in reasons.most_common())
    other = "; for a table that starts with a brace, give its --delimiter" if is_lines else ""
    return InputError(
        f"{name}: none of the {reasons.total():,} records can be read ({counts})",
        hint=f"write each record as a JSON object; Infinity is not valid JSON, null is{other}",
    )


@dataclass
class _Keys:
    """Keys of the objects of a file, with the types of their values.

    Attributes
    ----------
    names
        Keys of the objects, in the order of their first appearance.
    fields
        Paths of the values in nested records, by the key of the record; at most one more than :data:`MOST_FIELDS`.
    numbers, nested, texts
        Number of values of each type, by key or path: numbers, lists and records, other values.
    """

    names: dict[str, None] = field(default_factory=dict)
    fields: dict[str, dict[str, None]] = field(default_factory=dict)
    numbers: Counter[str] = field(default_factory=Counter)
    nested: Counter[str] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Count the values of an object."""
        counts = {Numeral: self.numbers, Nested: self.nested, str: self.texts}
        for key, cell in record.items():
            if cell is not None:
                counts[type(cell)][key] += 1
            if not isinstance(key, Field):
                self.names[key] = None
            elif len(paths := self.fields.setdefault(key.parent, {})) <= MOST_FIELDS:
                paths[key] = None

    def flat(self) -> tuple[str, ...]:
        """Return the keys of all objects, with a record replaced by the paths of its fields.

        A record is not replaced if other values of its key are not records, or if it has more than :data:`MOST_FIELDS`
        fields, such as an amount per product; then its values are JSON text.
        """
        flat: dict[str, None] = {}
        for key in self.names:
            paths = self.fields.get(key, {})
            has_few = 0 < len(paths) <= MOST_FIELDS and self.names.keys().isdisjoint(paths)
            flat.update(paths if has_few and not self.numbers[key] + self.texts[key] else {key: None})
        return tuple(flat if len(flat) <= MOST_COLUMNS else self.names)

    def is_numeric(self, key: str) -> bool:
        """Return whether all values of a key are numbers."""
        return bool(self.numbers[key] and not self.texts[key] and not self.nested[key])

    def is_nested(self, key: str) -> bool:
        """Return whether most values of a key are lists or records."""
        return self.nested[key] > self.numbers[key] + self.texts[key]

    def is_mixed(self, key: str) -> bool:
        """Return whether a key has both numbers and texts as values."""
        return bool(self.numbers[key] and self.texts[key])
