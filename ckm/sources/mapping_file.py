"""Reading mapping files: every mistake names its line, and the near miss."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ckm.errors import UnknownNameError
from ckm.schema import RESERVED_COLUMNS, TABLES
from ckm.sources.expressions import parse_sql
from ckm.sources.hints import Hints
from ckm.sources.mapping import SCHEMA, ColumnRule, Constant, Expression, FromColumn, Mapping, RowRule
from ckm.sources.yaml_nodes import Node, compose_file

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.schema import Table

KEYS = ("schema", "name", "files", "table", "format", "time_zone", "key", "columns", "rules", "translate", "drop")
TEXT_HINTS = ("encoding", "delimiter", "quote", "decimal", "thousands", "dates", "sheet")
LIST_HINTS = ("columns", "null_values")
ACTIONS = ("quarantine", "flag")
NEAR = 0.85
"""How alike (0 to 1) a column must be to one of the contract to pass for a typing error; ``net_eur`` must not."""


def read_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    UsageError
        Naming file and line: unreadable YAML, an unknown key, table, action, time zone or key column, a value of the
        wrong shape, SQL that does not parse, a target that nearly is a column of the table.
    """
    root = compose_file(path)
    entries = root.fields(KEYS)
    if "schema" not in entries:
        raise root.error("no 'schema'", hint=f"begin the file with 'schema: {SCHEMA}'")
    if entries["schema"].text() != SCHEMA:
        raise entries["schema"].error("is none that this version reads", hint=f"write 'schema: {SCHEMA}'")
    if "table" not in entries:
        raise root.error("no 'table'", hint=f"one of {', '.join(TABLES)}")
    name = entries["table"].text()
    if name not in TABLES:
        raise UnknownNameError("table", name, TABLES, where=entries["table"].where)
    table = TABLES[name]
    columns = _columns(entries["columns"], table) if "columns" in entries else {}
    return Mapping(
        name=entries["name"].text() if "name" in entries else path.stem,
        table=name,
        files=entries["files"].texts() if "files" in entries else (),
        hints=_hints(entries["format"]) if "format" in entries else Hints(),
        time_zone=_time_zone(entries["time_zone"]) if "time_zone" in entries else None,
        key=_key(entries["key"], table, columns) if "key" in entries else (),
        columns=columns,
        rules=_rules(entries["rules"]) if "rules" in entries else (),
        translate=_translate(entries["translate"]) if "translate" in entries else {},
        drop=entries["drop"].texts() if "drop" in entries else (),
    )


def _hints(node: Node) -> Hints:
    entries = node.fields((*TEXT_HINTS, *LIST_HINTS, "header"))
    found: dict[str, object] = {name: entries[name].text() for name in TEXT_HINTS if name in entries}
    for name in LIST_HINTS:
        if name in entries:
            found[name] = entries[name].texts()
    if "header" in entries:
        found["header"] = _header(entries["header"])
    return Hints(**found)  # type: ignore[arg-type]  # each value was read as its field's type


def _header(node: Node) -> int | Literal["none"]:
    text = node.text()
    if text == "none":
        return "none"
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise node.error("must be the line of the header, counted from 1, or 'none'")


def _time_zone(node: Node) -> str:
    name = node.text()
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "use a name such as Europe/Berlin or Asia/Bangkok"
        raise node.error(f"is no time zone: '{name}'", hint=hint) from None
    return name


def _columns(node: Node, table: Table) -> dict[str, ColumnRule]:
    rules: dict[str, ColumnRule] = {}
    for target, entry in node.pairs().items():
        if target in RESERVED_COLUMNS:
            raise entry.error("is a column that ckm fills itself", hint="choose another name")
        if target not in table.targets and (near := get_close_matches(target, table.targets, n=1, cutoff=NEAR)):
            raise UnknownNameError(f"column of {table.name}:", target, near, where=entry.where)
        if entry.is_null:
            continue
        rules[target] = _column_rule(entry)
    return rules


def _column_rule(node: Node) -> ColumnRule:
    if not node.is_mapping:
        return FromColumn(node.text())
    entries = node.fields(("value", "expr"))
    if len(entries) != 1:
        raise node.error("needs one of 'value' and 'expr'")
    if "value" in entries:
        return Constant(entries["value"].text())
    return Expression(_sql(entries["expr"]))


def _sql(node: Node) -> str:
    text = node.text()
    parse_sql(text, where=node.where)
    return text


def _key(node: Node, table: Table, columns: dict[str, ColumnRule]) -> tuple[str, ...]:
    known = [*table.targets, *(name for name in columns if name not in table.targets)]
    for item in node.items():
        if item.text() not in known:
            raise UnknownNameError("column for the key:", item.text(), known, where=item.where)
    return node.texts()


def _rules(node: Node) -> tuple[RowRule, ...]:
    rules: list[RowRule] = []
    for item in node.items():
        entries = item.fields(("name", "expr", "action"))
        for needed in ("name", "expr"):
            if needed not in entries:
                raise item.error(f"has a rule without '{needed}'")
        name = entries["name"].text()
        if any(rule.name == name for rule in rules):
            raise entries["name"].error(f"is taken by an earlier rule: '{name}'")
        action = entries["action"].text() if "action" in entries else "quarantine"
        if action not in ACTIONS:
            raise UnknownNameError("action", action, ACTIONS, where=entries["action"].where)
        rules.append(RowRule(name, _sql(entries["expr"]), cast("Literal['quarantine', 'flag']", action)))
    return tuple(rules)


def _translate(node: Node) -> dict[str, dict[str, str]]:
    return {column: {word: to.text() for word, to in words.pairs().items()} for column, words in node.pairs().items()}
