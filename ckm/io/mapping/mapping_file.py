"""Read mapping files; every error has its line, and suggests similar names."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import yaml

from ckm.errors import UnknownNameError, UsageError
from ckm.io.mapping.expressions import parse_sql
from ckm.io.mapping.mapping import (
    MEANINGS,
    SCHEMA,
    ColumnRule,
    Constant,
    Expression,
    FromColumn,
    FromColumns,
    Mapping,
    Meaning,
    RowRule,
    StatusRule,
)
from ckm.io.readers.hints import Hints
from ckm.schema import RESERVED_COLUMNS, TABLES
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Mapping as AnyMapping
    from pathlib import Path

    from ckm.schema import TableSchema
    from ckm.yamlfile import YamlEntry

KEYS = (
    *("schema", "name", "files", "table", "format", "time_zone", "key", "columns", "rules", "translate", "drop"),
    *("order_level", "status", "minor_units", "guest_ids", "whole_orders", "aside"),
    *("file_level", "time_zone_column", "payments"),
)
TEXT_HINTS = ("encoding", "delimiter", "quote", "decimal", "thousands", "dates", "sheet", "records")
LIST_HINTS = ("columns", "null_values")
ACTIONS = ("quarantine", "flag")
NEAR = 0.85
"""Similarity (0 to 1) to a schema column above which a name is a probable typing error; ``net_eur`` is below."""


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    UsageError
        The YAML or the SQL is invalid; a key, table, action, time zone or key column is unknown; a value has the wrong
        type; a target is a probable typing error. The error has file and line.
    """
    root = read_yaml(path)
    if root is None:
        raise UsageError(f"{path}:1: the file is empty", hint=f"start it with 'schema: {SCHEMA}'", where=f"{path}:1")
    entries = fields_of(root, KEYS)
    check_schema(root, entries, SCHEMA)
    return mapping_of(root, entries, default_name=path.stem)


def check_schema(root: YamlEntry, entries: AnyMapping[str, YamlEntry], schema: str) -> None:
    """Refuse a file that does not start with its format version."""
    if "schema" not in entries:
        raise mistake(root, "'schema' is missing", hint=f"start the file with 'schema: {schema}'")
    if entries["schema"].text() != schema:
        raise mistake(entries["schema"], "unsupported 'schema'", hint=f"write 'schema: {schema}'")


def mapping_of(root: YamlEntry, entries: AnyMapping[str, YamlEntry], *, default_name: str) -> Mapping:
    """Return the mapping from the entries of a file; keys other than :data:`KEYS` are ignored."""
    if "table" not in entries:
        raise mistake(root, "'table' is missing", hint=f"one of {', '.join(TABLES)}")
    name = entries["table"].text()
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES, where=entries["table"].where)
    table = TABLES[name]
    columns = _columns(entries["columns"], table) if "columns" in entries else {}
    return Mapping(
        name=entries["name"].text() if "name" in entries else default_name,
        table=name,
        files=texts(entries["files"]) if "files" in entries else (),
        hints=_hints(entries["format"]) if "format" in entries else Hints(),
        time_zone=_time_zone(entries["time_zone"]) if "time_zone" in entries else None,
        key=_key(entries["key"], table, columns) if "key" in entries else (),
        columns=columns,
        rules=_rules(entries["rules"]) if "rules" in entries else (),
        translate=_translate(entries["translate"]) if "translate" in entries else {},
        drop=texts(entries["drop"]) if "drop" in entries else (),
        order_level=texts(entries["order_level"]) if "order_level" in entries else (),
        status=_status(entries["status"]) if "status" in entries else (),
        minor_units=_minor_units(entries["minor_units"], table) if "minor_units" in entries else (),
        guest_ids=texts(entries["guest_ids"]) if "guest_ids" in entries else (),
        whole_orders=_yes(entries["whole_orders"]) if "whole_orders" in entries else False,
        aside=texts(entries["aside"]) if "aside" in entries else (),
        file_level=texts(entries["file_level"]) if "file_level" in entries else (),
        time_zone_column=entries["time_zone_column"].text() if "time_zone_column" in entries else None,
        payments=_yes(entries["payments"]) if "payments" in entries else False,
    )


def _yes(entry: YamlEntry) -> bool:
    text = entry.text().casefold()
    if text not in {"yes", "no", "true", "false"}:
        raise mistake(entry, "expected 'yes' or 'no'")
    return text in {"yes", "true"}


def _minor_units(entry: YamlEntry, table: TableSchema) -> tuple[str, ...]:
    for item in entry.items():
        if item.text() not in table.fillable:
            raise UnknownNameError("column for 'minor_units':", item.text(), table.fillable, where=item.where)
    return texts(entry)


def _status(entry: YamlEntry) -> tuple[StatusRule, ...]:
    return tuple(_status_rule(item) for item in (entry.items() if not entry.is_mapping else [entry]))


def _status_rule(entry: YamlEntry) -> StatusRule:
    signs = ("below_zero", "above_zero")
    found = fields_of(entry, ("column", "words", "filled", "blank", "other", *signs))
    if "column" not in found:
        raise mistake(entry, "a status without 'column'")
    if not found.keys() & {"words", "filled", "blank"}:
        raise mistake(entry, "a status needs one of 'words', 'filled' and 'blank'")
    words: dict[str, Meaning] = {}
    for meaning, listed in (found["words"].mapping() if "words" in found else {}).items():
        for word in listed.items():
            if word.text() in words:
                raise mistake(word, f"'{word.text()}' occurs twice in the words of a status")
            words[word.text()] = _meaning(meaning, listed.where)
    decided = {
        name: _meaning(found[name].text(), found[name].where) for name in ("filled", "blank", "other") if name in found
    }
    only_for = {name: found[name].text() for name in signs if name in found}
    if len(only_for) > 1:
        raise mistake(entry, "a status rule is for negative or for positive amounts, not both", hint="write two rules")
    rule = StatusRule(found["column"].text(), words, **decided)
    return replace(rule, below_zero=only_for.get("below_zero"), above_zero=only_for.get("above_zero"))


def _meaning(word: str, where: str) -> Meaning:
    if word not in MEANINGS:
        raise UnknownNameError("meaning of a status:", word, MEANINGS, where=where)
    return word


def _hints(entry: YamlEntry) -> Hints:
    entries = fields_of(entry, (*TEXT_HINTS, *LIST_HINTS, "header"))
    found: dict[str, object] = {name: entries[name].text() for name in TEXT_HINTS if name in entries}
    for name in LIST_HINTS:
        if name in entries:
            found[name] = texts(entries[name])
    if "header" in entries:
        found["header"] = _header(entries["header"])
    return Hints(**found)  # type: ignore[arg-type]  # each value was read as its field's type


def _header(entry: YamlEntry) -> int | Literal["none"]:
    text = entry.text()
    if text == "none":
        return "none"
    if re.fullmatch("[0-9]{1,9}", text) and int(text) > 0:
        return int(text)
    raise mistake(entry, "'header' must be a line number from 1, or 'none'")


def _time_zone(entry: YamlEntry) -> str:
    name = entry.text()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "use a name such as Europe/Berlin or Asia/Bangkok"
        raise mistake(entry, f"unknown time zone '{name}'", hint=hint) from None
    return name


def _columns(entry: YamlEntry, table: TableSchema) -> dict[str, ColumnRule]:
    rules: dict[str, ColumnRule] = {}
    for target, origin in entry.mapping().items():
        if target in RESERVED_COLUMNS:
            raise mistake(origin, f"'{target}' is a reserved column name", hint="choose another name")
        if "\0" in target:
            raise mistake(origin, "a column name contains a NUL character", hint="choose another name")
        if target not in table.fillable and (near := get_close_matches(target, table.fillable, n=1, cutoff=NEAR)):
            raise UnknownNameError(f"column of {table.name}:", target, near, where=origin.where)
        if not origin.is_null:
            rules[target] = _column_rule(origin, target)
    return rules


def _column_rule(entry: YamlEntry, target: str) -> ColumnRule:
    if not isinstance(entry.node, yaml.MappingNode):
        return FromColumn(entry.text())
    found = fields_of(entry, ("value", "expr", "first", "columns"))
    if len(found) != 1:
        raise mistake(entry, f"'{target}' needs one of 'value', 'expr', 'first' and 'columns'")
    if "first" in found:
        return FromColumns(texts(found["first"]), "first")
    if "columns" in found:
        return FromColumns(texts(found["columns"]), "columns")
    if "value" in found:
        return Constant(found["value"].text())
    return Expression(_sql(found["expr"]), found["expr"].where)


def _sql(entry: YamlEntry) -> str:
    text = entry.text()
    parse_sql(text, where=entry.where)
    return text


def _key(entry: YamlEntry, table: TableSchema, columns: dict[str, ColumnRule]) -> tuple[str, ...]:
    known = [*table.fillable, *(name for name in columns if name not in table.fillable)]
    key: list[str] = []
    for item in entry.items():
        if item.text() not in known:
            raise UnknownNameError("column for the key:", item.text(), known, where=item.where)
        if item.text() in key:
            raise mistake(item, f"'{item.text()}' occurs twice in the key", hint="remove one of them")
        key.append(item.text())
    return tuple(key)


def _rules(entry: YamlEntry) -> tuple[RowRule, ...]:
    rules: list[RowRule] = []
    for item in entry.items():
        found = fields_of(item, ("name", "expr", "action"))
        for needed in ("name", "expr"):
            if needed not in found:
                raise mistake(item, f"a rule without '{needed}'")
        name = found["name"].text()
        if any(rule.name == name for rule in rules):
            raise mistake(found["name"], f"two rules have the name '{name}'")
        action = found["action"].text() if "action" in found else "quarantine"
        if action not in ACTIONS:
            raise UnknownNameError("action", action, ACTIONS, where=found["action"].where)
        sql = found["expr"]
        rules.append(RowRule(name, _sql(sql), cast("Literal['quarantine', 'flag']", action), sql.where))
    return tuple(rules)


def _translate(entry: YamlEntry) -> dict[str, dict[str, str]]:
    return {
        column: {word: meaning.text() for word, meaning in words.mapping().items()}
        for column, words in entry.mapping().items()
    }


def fields_of(entry: YamlEntry, known: Iterable[str]) -> dict[str, YamlEntry]:
    """Return the entries of a mapping with fixed keys, without empty ones."""
    names = list(known)
    found = entry.mapping()
    for name, value in found.items():
        if name not in names:
            raise UnknownNameError("key", name, names, where=value.where)
    return {name: value for name, value in found.items() if not value.is_null}


def texts(entry: YamlEntry) -> tuple[str, ...]:
    """Return the values of a list of texts."""
    return tuple(item.text() for item in entry.items())


def mistake(entry: YamlEntry, message: str, *, hint: str | None = None) -> UsageError:
    """Return the error for an entry, with its file and line."""
    return UsageError(f"{entry.where}: {message}", hint=hint, where=entry.where)
