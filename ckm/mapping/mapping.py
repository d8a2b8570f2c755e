"""Mappings: how the columns of a source become the columns of a table.

The file format is documented in ``docs/mapping.md``; :mod:`ckm.mapping.mapping_file` reads it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import yaml

from ckm.files import replacing
from ckm.plaintext import unicode_text
from ckm.schema import TABLES
from ckm.sources.hints import Hints

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.schema import Table

SCHEMA = "ckm.map/1"
"""The version of the file format."""


@dataclass(frozen=True)
class FromColumn:
    """The target is what a source column holds."""

    source: str


@dataclass(frozen=True)
class Constant:
    """The target is the same in every row. The value is text, typed like a column's."""

    value: str


@dataclass(frozen=True)
class Expression:
    """The target is computed: SQL over target columns (typed) and source columns (text); targets win a name clash.

    Attributes
    ----------
    sql
        The expression.
    where
        ``file:line`` of it; empty where it comes from no file.
    """

    sql: str
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class FromColumns:
    """The target is what several source columns hold.

    Attributes
    ----------
    sources
        The columns, in their order.
    how
        ``first``: the first of them that is filled; ``columns``: all that are filled, with a blank between them.
    """

    sources: tuple[str, ...]
    how: Literal["first", "columns"]


ColumnRule = FromColumn | FromColumns | Constant | Expression
"""Where a target column comes from."""

Meaning = Literal["sale", "refunded", "return", "cancel", "ignore", "next"]
"""What a row of some status is: a type of transaction, or none; ``next`` leaves it to the next rule."""
MEANINGS: tuple[Meaning, ...] = ("sale", "refunded", "return", "cancel", "ignore", "next")


@dataclass(frozen=True)
class StatusRule:
    """What a row is by the word in a source column.

    Attributes
    ----------
    source
        The column.
    words
        Per word, what the row is; words are compared without case and surrounding blanks.
    filled
        What the row is if anything stands in the column.
    blank
        What the row is if nothing stands in the column.
    other
        What the row is if another word stands there; None leaves it to the next rule.
    below_zero, above_zero
        A source column of amounts: the rule is only for rows of which it is below zero, or above.
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
        """The source columns that it reads."""
        return (self.source, *filter(None, (self.below_zero, self.above_zero)))


@dataclass(frozen=True)
class RowRule:
    """What must hold for a row. A rule that gives null holds.

    Attributes
    ----------
    name
        Stands in the quarantine as ``row|NAME``.
    sql
        A yes-or-no expression over the finished columns.
    action
        ``quarantine`` the row, or load it and ``flag`` it.
    where
        ``file:line`` of the expression; empty where it comes from no file.
    """

    name: str
    sql: str
    action: Literal["quarantine", "flag"] = "quarantine"
    where: str = field(default="", compare=False)


@dataclass(frozen=True)
class Mapping:
    """How the files of one source become rows of a table.

    Attributes
    ----------
    name
        The ``source`` of every row.
    table
        One of :data:`ckm.schema.TABLES`.
    files
        Patterns relative to the workspace.
    hints
        What is known of the files' format.
    time_zone
        Of times without one; None leaves it to the workspace.
    key
        What tells rows apart; empty means the table's own key.
    columns
        Where each target column comes from.
    rules
        What must hold for a row.
    translate
        Per column, what a word becomes.
    drop
        Source columns that are not kept.
    order_level
        Source columns of the whole order: blank on its further lines, where the order's value holds too.
    status
        What a row is; the first rule that decides counts, and without one the table's own ``type``.
    minor_units
        Targets whose amounts are in the smallest unit of the currency (cents; yen).
    guest_ids
        Customer ids that mean nobody.
    whole_orders
        Whether a file holds all lines of each order that it names.
    aside
        Source columns of money, status and refunds that are known and fill nothing.
    file_level
        Source columns of the whole file: what stands on the first record that fills them holds on all.
    time_zone_column
        The source column that names the time zone of the file's times.
    payments
        Whether the rows are payments for orders of other sources: reconciled with these, and not added to them.
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
    def target(self) -> Table:
        """The table that is filled."""
        return TABLES[self.table]

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The key in force: the mapping's, else the table's."""
        return self.key or self.target.key

    @property
    def fingerprint(self) -> str:
        """The sha256 of all that the mapping says: equal mappings have equal fingerprints."""
        text = json.dumps(to_dict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def with_columns(self, **columns: ColumnRule) -> Mapping:
        """Return the mapping with more target columns."""
        return replace(self, columns={**self.columns, **columns})


def to_dict(mapping: Mapping) -> dict[str, Any]:
    """Return the mapping as it stands in its file; what is unset is left out."""
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
    """Return the source columns that a target is taken from as they are."""
    match rule:
        case FromColumn(source):
            return (source,)
        case FromColumns(sources):
            return sources
    return ()


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
    # PyYAML writes these line breaks of Unicode as they are, and reads them back as blanks.
    if any(mark in text for mark in "\x85\u2028\u2029"):
        return yaml.safe_dump(plain, sort_keys=False, width=120)
    return text


def save_mapping(mapping: Mapping, path: Path, *, files: tuple[str, ...]) -> None:
    """Write a mapping that was found to a file, to be changed: called as the file, and for ``files``."""
    text = dump_mapping(replace(mapping, name=unicode_text(path.stem), files=files))
    with replacing(path) as draft:
        draft.write_text(text, encoding="utf-8", newline="\n")


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file; see :func:`ckm.mapping.mapping_file.read_mapping`."""
    from ckm.mapping.mapping_file import read_mapping

    return read_mapping(path)
