"""Mappings: how the columns of a source become the columns of a table.

The file format is documented in ``docs/reference/mapping.md``; :mod:`ckm.io.mapping.mapping_file` reads it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import yaml

from ckm.files import replacing
from ckm.io.mapping.sql_text import quoted_names
from ckm.io.readers.hints import Hints
from ckm.plaintext import unicode_text
from ckm.schema import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.schema import TableSchema

SCHEMA = "ckm.map/1"
"""The version of the file format."""


@dataclass(frozen=True)
class FromColumn:
    """The target is a source column."""

    source: str


@dataclass(frozen=True)
class Constant:
    """The target is a constant. The value is text, parsed like the values of a column."""

    value: str


@dataclass(frozen=True)
class Expression:
    """The target is computed by SQL over target columns (typed) and source columns (text).

    If a target and a source column have the same name, the target is used.

    Attributes
    ----------
    sql
        The expression.
    where
        ``file:line`` of the expression; empty if it is not from a file.
    """

    sql: str
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class FromColumns:
    """The target combines several source columns.

    Attributes
    ----------
    sources
        The columns, in their order.
    how
        ``first``: the first filled column; ``columns``: all filled columns, joined with a space.
    """

    sources: tuple[str, ...]
    how: Literal["first", "columns"]


ColumnRule = FromColumn | FromColumns | Constant | Expression
"""Rule that fills a target column."""

Meaning = Literal["sale", "refunded", "return", "cancel", "ignore", "next"]
"""Meaning of a status: a type of transaction, or no row; ``next`` means that the next rule decides."""
MEANINGS: tuple[Meaning, ...] = ("sale", "refunded", "return", "cancel", "ignore", "next")


@dataclass(frozen=True)
class StatusRule:
    """Rule that determines the type of a row from a status column.

    Attributes
    ----------
    source
        The column.
    words
        Meaning per word; words are compared without case and surrounding spaces.
    filled
        Meaning if the column is filled.
    blank
        Meaning if the column is empty.
    other
        Meaning of other words; None means that the next rule decides.
    below_zero, above_zero
        A source column of amounts: the rule applies only to rows with a negative amount, or with a positive one.
    """

    source: str
    words: dict[str, Meaning] = field(default_factory=dict)
    filled: Meaning | None = None
    blank: Meaning | None = None
    other: Meaning | None = None
    below_zero: str | None = None
    above_zero: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The source columns of the rule."""
        return (self.source, *filter(None, (self.below_zero, self.above_zero)))


@dataclass(frozen=True)
class RowRule:
    """A condition that rows must meet; a condition that is null is met.

    Attributes
    ----------
    name
        Name of the rule; the quarantine shows ``row|NAME``.
    sql
        A Boolean expression over the target columns.
    action
        ``quarantine`` the row, or load it and ``flag`` it.
    where
        ``file:line`` of the expression; empty if it is not from a file.
    """

    name: str
    sql: str
    action: Literal["quarantine", "flag"] = "quarantine"
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Mapping:
    """Mapping of the files of one source to a table.

    Attributes
    ----------
    name
        The ``source`` of every row.
    table
        One of :data:`ckm.schema.TABLES`.
    files
        Patterns relative to the workspace.
    hints
        Format hints for the files.
    time_zone
        Time zone of timestamps without an offset from UTC; None means the zone that the file states, else the zone of
        the workspace.
    key
        Key columns; empty means the key of the table.
    columns
        Source of each target column.
    rules
        Conditions that rows must meet.
    translate
        Per column, translations of words.
    drop
        Source columns that are dropped.
    order_level
        Source columns of the whole order, which only the first line of an order fills; the other lines get its value.
    status
        Status rules for the type of a row; the first matching rule applies, else the table's ``type``.
    minor_units
        Targets with amounts in the smallest unit of the currency (cents; yen).
    guest_ids
        Customer ids of guests, read as missing.
    whole_orders
        Whether a file contains all lines of each of its orders.
    aside
        Source columns of amounts, status or refunds that are deliberately not mapped; no remark names them.
    file_level
        Source columns whose first value applies to all records of the file.
    time_zone_column
        The source column with the time zone of the timestamps.
    payments
        Whether the rows are payments for orders of other sources, which are reconciled with the orders and not added.
    """

    name: str
    table: str
    files: tuple[str, ...] = ()
    hints: Hints = field(default_factory=Hints)
    time_zone: str | None = None
    key: tuple[str, ...] = ()
    columns: dict[str, ColumnRule] = field(default_factory=dict)
    rules: tuple[RowRule, ...] = ()
    translate: dict[str, dict[str, str]] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    order_level: tuple[str, ...] = ()
    status: tuple[StatusRule, ...] = ()
    minor_units: tuple[str, ...] = ()
    guest_ids: tuple[str, ...] = ()
    whole_orders: bool = False
    aside: tuple[str, ...] = ()
    file_level: tuple[str, ...] = ()
    time_zone_column: str | None = None
    payments: bool = False

    @property
    def target(self) -> TableSchema:
        """The target table."""
        return TABLES[self.table]

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The key columns of the mapping, else the key columns of the table."""
        return self.key or self.target.key

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the mapping's content: equal mappings have equal fingerprints."""
        text = json.dumps(to_dict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def with_columns(self, **columns: ColumnRule) -> Mapping:
        """Return the mapping with more target columns."""
        return replace(self, columns={**self.columns, **columns})


def to_dict(mapping: Mapping) -> dict[str, Any]:
    """Return the mapping as the content of its file, without unset keys."""
    hints = {spec.name: getattr(mapping.hints, spec.name) for spec in fields(Hints)}
    entries: dict[str, Any] = {
        "schema": SCHEMA,
        "name": mapping.name,
        "files": list(mapping.files),
        "table": mapping.table,
        "format": {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in hints.items()
            if value is not None
        },
        "time_zone": mapping.time_zone,
        "key": list(mapping.key),
        "columns": {target: _rule_to_plain(rule) for target, rule in mapping.columns.items()},
        "rules": [{"name": rule.name, "expr": rule.sql, "action": rule.action} for rule in mapping.rules],
        "translate": {column: dict(words) for column, words in mapping.translate.items()},
        "drop": list(mapping.drop),
        "order_level": list(mapping.order_level),
        "status": [_status_to_plain(rule) for rule in mapping.status],
        "minor_units": list(mapping.minor_units),
        "guest_ids": list(mapping.guest_ids),
        "whole_orders": "yes" if mapping.whole_orders else None,
        "aside": list(mapping.aside),
        "file_level": list(mapping.file_level),
        "time_zone_column": mapping.time_zone_column,
        "payments": "yes" if mapping.payments else None,
    }
    return {name: value for name, value in entries.items() if value not in (None, [], {})}


def sources_of(rule: ColumnRule | None) -> tuple[str, ...]:
    """Return the source columns of a rule; none for constants and expressions."""
    match rule:
        case FromColumn(source):
            return (source,)
        case FromColumns(sources):
            return sources
    return ()


def columns_read(rule: ColumnRule) -> tuple[str, ...]:
    """Return the source columns of a rule, also those that an expression names in double quotes."""
    return tuple(dict.fromkeys(quoted_names(rule.sql))) if isinstance(rule, Expression) else sources_of(rule)


def _rule_to_plain(rule: ColumnRule) -> str | dict[str, Any]:
    match rule:
        case FromColumns(sources, how):
            return {how: list(sources)}
        case FromColumn(source):
            return source
        case Constant(value):
            return {"value": value}
        case Expression(sql):
            return {"expr": sql}


def _status_to_plain(rule: StatusRule) -> dict[str, Any]:
    words = {meaning: [word for word, its in rule.words.items() if its == meaning] for meaning in MEANINGS}
    entries = {
        "column": rule.source,
        "words": {meaning: found for meaning, found in words.items() if found},
        "filled": rule.filled,
        "blank": rule.blank,
        "other": rule.other,
        "below_zero": rule.below_zero,
        "above_zero": rule.above_zero,
    }
    return {name: value for name, value in entries.items() if value}


def dump_mapping(mapping: Mapping) -> str:
    """Return YAML that :func:`load_mapping` reads back equal."""
    plain = to_dict(mapping)
    text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120)
    # PyYAML writes these Unicode line breaks unescaped, and reads them back as spaces.
    if any(mark in text for mark in "\x85\u2028\u2029"):
        return yaml.safe_dump(plain, sort_keys=False, width=120)
    return text


def save_mapping(mapping: Mapping, path: Path, *, files: tuple[str, ...]) -> None:
    """Write a proposed mapping to a file for editing, with the name of the file as its name, and with ``files``."""
    text = dump_mapping(replace(mapping, name=unicode_text(path.stem), files=files))
    with replacing(path, shared=True) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")
