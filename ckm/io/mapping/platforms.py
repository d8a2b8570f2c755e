"""Exports of common platforms, described in ``ckm/data/platforms`` and recognised by their columns.

The format of the files is documented in ``docs/reference/platforms.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.io.mapping.expressions import outside_quotes
from ckm.io.mapping.mapping import ColumnRule, Expression, FromColumn, FromColumns, Mapping, StatusRule, sources_of
from ckm.io.mapping.mapping_file import KEYS, check_schema, fields_of, mapping_of, mistake, texts
from ckm.io.mapping.proposal import TYPE_BY_SIGN
from ckm.io.mapping.synonyms import normalise, synonyms
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from collections.abc import Mapping as AnyMapping

    import polars as pl

    from ckm.yamlfile import YamlEntry

SCHEMA = "ckm.platform/1"
"""The version of the file format."""
FOLDER = "data/platforms"
OWN_KEYS = ("title", "documentation", "recognise", "headers", "by_name")
"""Keys of a platform file in addition to those of a mapping."""
USUAL_SHARE = 0.75
"""Default share of fingerprint columns needed for recognition."""
ASSUMED = ("currency", "type")
"""Required columns for which :func:`ckm.io.mapping.proposal.complete` has an assumption, with a remark."""
NONE = "none"
"""``--platform none``: columns are mapped by name only."""
NAMEABLE = frozenset(
    {
        *("order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price", "currency"),
        *("interaction_id", "at", "email", "display_name", "created_on"),
    }
)
"""Targets that a column name in any language can fill, once the platform is known."""
LACKED = {
    "customer_id": "sales have no customer; name the column with --column customer_id=COLUMN",
    "discount": "line discounts are unknown",
    "refund": "refunds are unknown",
    "order_refund": "refunds are unknown",
    "order_discount": "order discounts are unknown",
    "order_gross": "refunded shipping cannot be distinguished from refunded goods",
    "order_net": "refunds and discounts of shipping cannot be distinguished from those of goods",
}
"""Consequences of missing columns, by target."""
CONFUSED = {
    "ignore": "records other than sales may count as sales",
    "return": "refunds and transfers may count as sales, or be confused",
    "refunded": "refunds cannot be recognised by their status",
    "cancel": "cancelled orders may count as sales",
}
"""Consequence of a missing status column, by the meaning of a status; of several meanings, the last one here is
reported."""
NOTHING: AnyMapping[str, str] = {}
_NAME = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class Fingerprint:
    """Fingerprint by which an export is recognised.

    Attributes
    ----------
    columns
        Columns that distinguish it from other exports.
    least
        Minimum number of these columns.
    without
        Columns that the export never has.
    values
        Per column, a regular expression that all its values in the sample match.
    """

    columns: tuple[str, ...]
    least: int
    without: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """An export of a platform.

    Attributes
    ----------
    name
        Name for ``--platform``; the stem of its file.
    title
        Title: system and export.
    documentation
        URLs of the documentation of its columns.
    fingerprint
        The fingerprint of its columns.
    headers
        Per column, its names in other languages and versions.
    mapping
        Its mapping to a table.
    by_name
        Targets that other columns may fill by name, for exports with user-defined columns.
    """

    name: str
    title: str
    documentation: tuple[str, ...]
    fingerprint: Fingerprint
    headers: dict[str, tuple[str, ...]]
    mapping: Mapping
    by_name: tuple[str, ...] = ()

    def share(self, columns: Sequence[str], sample: pl.DataFrame | None = None) -> float:
        """Return the share of fingerprint columns in a file; 0 if it is another export."""
        names = self._names(columns)
        print_ = self.fingerprint
        found = [column for column in print_.columns if column in names]
        if len(found) < print_.least or any(column in names for column in print_.without):
            return 0.0
        if sample is not None and not all(_matches(sample, names.get(c), regex) for c, regex in print_.values.items()):
            return 0.0
        return len(found) / len(print_.columns)

    def mapping_for(self, columns: Sequence[str], taken: AnyMapping[str, str] = NOTHING) -> Mapping:
        """Return the mapping for a file, with the file's own column names and without missing columns.

        Parameters
        ----------
        columns
            The columns of the file.
        taken
            Target to column, set by the user.

        Raises
        ------
        UsageError
            A required column is missing.
        """
        names = self._names(columns)
        mapping = _InFile(names | self._translated(columns, names), self.mapping).mapping()
        mapping = mapping.with_columns(**{target: FromColumn(source) for target, source in taken.items()})
        mapping = mapping.with_columns(**self._by_name(mapping, columns))
        if mapping.status and mapping.table == "transactions" and "type" not in mapping.columns:
            mapping = mapping.with_columns(type=TYPE_BY_SIGN)
        needed = [name for name in self.mapping.target.required if name not in ASSUMED]
        missing = [name for name in needed if name in self.mapping.columns and name not in mapping.columns]
        if missing:
            wanted = sorted({source for name in missing for source in sources_of(self.mapping.columns[name])})
            raise UsageError(
                f"recognised as an export of {self.title}, but no column for {', '.join(missing)}",
                hint=f"its columns {', '.join(map(repr, wanted))} are missing; --platform none maps columns by name",
                missing=missing,
            )
        return mapping

    def _translated(self, columns: Sequence[str], names: AnyMapping[str, str]) -> dict[str, str]:
        """Return columns of the file that match missing platform columns by names in other languages.

        Ambiguous matches and amounts are excluded, because an order total is not a line amount.
        """
        free = [column for column in columns if column not in set(names.values())]
        found: dict[str, str] = {}
        for target in (name for name in self.mapping.columns if name in NAMEABLE):
            wanted = list(_sources(self.mapping.columns[target]))
            if not wanted or any(column in names for column in wanted):
                continue
            known = synonyms(self.mapping.table).of(target)
            matching = [column for column in free if normalise(column) in known and column not in found.values()]
            if len(matching) == 1:
                found[wanted[0]] = matching[0]
        return found

    def lacks(self, columns: Sequence[str], taken: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return the missing amount and status columns of an export, with the consequence of each.

        Alternatives of an existing column are not missing, nor are columns of a target that is ``taken`` from another
        column.
        """
        names, sales = self._names(columns), self.mapping.table == "transactions"
        names |= self._translated(columns, names)
        without = [rule for rule in self.mapping.status if sales and rule.words and rule.source not in names]
        found = [
            (repr(source), CONFUSED[max(meanings & CONFUSED.keys(), key=list(CONFUSED).index)])
            for source in dict.fromkeys(rule.source for rule in without)
            for meanings in [{meaning for rule in without if rule.source == source for meaning in rule.words.values()}]
            if meanings & CONFUSED.keys()
        ]
        found += [(repr(column), "its amount is not subtracted from the amounts") for column in self._taken_off(names)]
        for target, consequence in LACKED.items():
            sources = _sources(self.mapping.columns[target]) if target in self.mapping.columns else ()
            listed = list(dict.fromkeys(sources))
            if "refund" in target and any(
                not {"refunded", "return"}.isdisjoint(rule.words.values()) for rule in self.mapping.status
            ):
                consequence = "only the status shows refunds; partial refunds are unknown"
            if sales and listed and target not in taken and not any(source in names for source in listed):
                found.append((" or ".join(map(repr, listed)), consequence))
        return found

    def _taken_off(self, names: Collection[str]) -> list[str]:
        """Return the missing columns that the mapping subtracts from the order total."""
        net = self.mapping.columns.get("net")
        if not isinstance(net, Expression):
            return []
        named = quoted_names(net.sql)
        if "order_shipping" in outside_quotes(net.sql) and "order_shipping" in self.mapping.columns:
            named += _sources(self.mapping.columns["order_shipping"])
        return [name for name in named if name not in names]

    def _by_name(self, mapping: Mapping, columns: Sequence[str]) -> dict[str, ColumnRule]:
        """Return targets that exactly one other column matches by name."""
        known = set(self._names(columns).values())
        free = [column for column in columns if column not in known]
        found: dict[str, ColumnRule] = {}
        for target in self.by_name:
            names = synonyms(mapping.table).of(target)
            matching = [column for column in free if normalise(column) in names]
            if target not in mapping.columns and len(matching) == 1:
                found[target] = FromColumn(matching[0])
        return found

    def _names(self, columns: Sequence[str]) -> dict[str, str]:
        """Return the names in the file of the platform's columns, for those that exist."""
        here, exact = _header(tuple(columns))
        names = {}
        for column in self.columns:
            aliases = (column, *self.headers.get(column, ()))
            found = next((alias for alias in aliases if alias in exact), None)
            if found is None:
                found = next((here[normalise(alias)] for alias in aliases if normalise(alias) in here), None)
            if found is not None:
                names[column] = found
        return names

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in the description of the export."""
        mapping = self.mapping
        named = [source for rule in mapping.columns.values() for source in _sources(rule)]
        named += [*mapping.drop, *mapping.order_level, *mapping.aside]
        named += [source for rule in mapping.status for source in rule.sources]
        named += [*mapping.file_level, *filter(None, [mapping.time_zone_column])]
        named += [*self.fingerprint.columns, *self.fingerprint.without, *self.fingerprint.values, *self.headers]
        return tuple(dict.fromkeys(named))


@lru_cache(maxsize=4)
def _header(columns: tuple[str, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """Return the columns of a file by normalised name, and as a set (cached for all platforms)."""
    here: dict[str, str] = {}
    for column in columns:
        here.setdefault(normalise(column), column)
    return here, frozenset(columns)


def recognise(columns: Sequence[str], sample: pl.DataFrame | None = None, table: str | None = None) -> Platform | None:
    """Return the platform whose fingerprint matches these columns; None if none matches, or two equally well.

    Parameters
    ----------
    columns
        Those of a file.
    sample
        Its first records, for platforms that are recognised by column values.
    table
        Restrict to platforms of this table.
    """
    shares = [
        (platform.share(columns, sample), len(platform.fingerprint.columns), platform)
        for platform in platforms().values()
        if table is None or platform.mapping.table == table
    ]
    ranked = sorted((each for each in shares if each[0]), key=lambda each: each[:2], reverse=True)
    if not ranked or (len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]):
        return None
    return ranked[0][2]


def known_platform(
    columns: Sequence[str], sample: pl.DataFrame | None = None, *, table: str | None = None, said: str | None = None
) -> Platform | None:
    """Return the platform named by the user, else the recognised one; None for none.

    Parameters
    ----------
    columns, sample
        Columns and first records of the file.
    table
        The table to fill; None for any.
    said
        Name of a platform, or :data:`NONE`; None means recognition by the columns.

    Raises
    ------
    UnknownNameError
        The platform is unknown.
    UsageError
        It fills another table.
    """
    if said == NONE:
        return None
    if said is None:
        return recognise(columns, sample, table)
    platform = platform_named(said)
    if table is not None and platform.mapping.table != table:
        raise UsageError(
            f"{platform.title} fills {platform.mapping.table}, not {table}",
            hint=f"--platform {NONE}, or name another platform",
        )
    return platform


def platform_named(name: str) -> Platform:
    """Return a platform by its name.

    Raises
    ------
    UnknownNameError
        The platform is unknown.
    """
    if name not in platforms():
        raise UnknownNameError("platform", name, [*platforms(), NONE], where="--platform")
    return platforms()[name]


def platform_file(name: str) -> Path | None:
    """Return the description file of a platform; None if it is unknown."""
    path = Path(str(files("ckm").joinpath(FOLDER))) / f"{name}.yaml"
    return path if name.replace("-", "").isalnum() and path.is_file() else None


@cache
def platforms() -> dict[str, Platform]:
    """Return the platforms that come with ckm, by name."""
    folder = Path(str(files("ckm").joinpath(FOLDER)))
    found = [read_platform(path) for path in sorted(folder.glob("*.yaml"))]
    return {platform.name: platform for platform in found}


def read_platform(path: Path) -> Platform:
    """Read the description of a platform.

    Raises
    ------
    UsageError
        A key is unknown or missing, or a value has the wrong type; the error has file and line.
    """
    root = read_yaml(path)
    if root is None:
        raise UsageError(f"{path}:1: the file is empty", hint=f"start it with 'schema: {SCHEMA}'", where=f"{path}:1")
    entries = fields_of(root, (*(key for key in KEYS if key != "files"), *OWN_KEYS))
    check_schema(root, entries, SCHEMA)
    for needed in ("name", *OWN_KEYS[:3], "columns"):
        if needed not in entries:
            raise mistake(root, f"no '{needed}'")
    name = entries["name"].text()
    if name != path.stem:
        raise mistake(entries["name"], f"the file is named '{path.stem}', but its platform '{name}'")
    headers = entries["headers"].mapping() if "headers" in entries else {}
    return Platform(
        name=name,
        title=entries["title"].text(),
        documentation=texts(entries["documentation"]),
        fingerprint=_fingerprint(entries["recognise"]),
        headers={column: texts(others) for column, others in headers.items()},
        mapping=mapping_of(root, entries, default_name=name),
        by_name=texts(entries["by_name"]) if "by_name" in entries else (),
    )


def _fingerprint(entry: YamlEntry) -> Fingerprint:
    found = fields_of(entry, ("columns", "least", "without", "values"))
    columns = texts(found["columns"]) if "columns" in found else ()
    if not columns:
        raise mistake(entry, "no columns to recognise it by", hint="list 'columns' that no other export has")
    least = found["least"].whole() if "least" in found else -int(-USUAL_SHARE * len(columns) // 1)
    if not 1 <= least <= len(columns):
        raise mistake(found["least"], f"'least' is a number from 1 to {len(columns)}, the columns of the fingerprint")
    values = found["values"].mapping() if "values" in found else {}
    return Fingerprint(
        columns,
        least,
        texts(found["without"]) if "without" in found else (),
        {column: _regex(regex) for column, regex in values.items()},
    )


def _regex(entry: YamlEntry) -> str:
    try:
        re.compile(entry.text())
    except re.error as error:
        raise mistake(entry, f"invalid regular expression: {error}") from None
    return entry.text()


def _matches(sample: pl.DataFrame, column: str | None, regex: str) -> bool:
    """Return whether a column has values in the sample and all of them match."""
    if column is None:
        return False
    texts_there = [text for text in sample[column].drop_nulls().to_list() if isinstance(text, str) and text.strip()]
    return bool(texts_there) and all(re.fullmatch(regex, text.strip()) for text in texts_there)


def _sources(rule: ColumnRule) -> Iterable[str]:
    """Return the source columns of a platform's rule; in an expression they are in double quotes."""
    return quoted_names(rule.sql) if isinstance(rule, Expression) else sources_of(rule)


def quoted_names(sql: str) -> list[str]:
    """Return the names in double quotes of an expression."""
    return [name.replace('""', '"') for name in _NAME.findall(re.sub(r"'(?:[^']|'')*'", "''", sql))]


class _InFile:
    """A platform's mapping with the column names of one file, without missing columns."""

    def __init__(self, names: dict[str, str], mapping: Mapping) -> None:
        self.names = names
        self.given = mapping

    def mapping(self) -> Mapping:
        """Return the mapping without rules for missing columns."""
        columns = {target: found for target, rule in self.given.columns.items() if (found := self._rule(rule))}
        columns = self._without_absent_targets(columns)
        return replace(
            self.given,
            columns=columns,
            translate={self.names.get(column, column): words for column, words in self.given.translate.items()},
            drop=self._present(self.given.drop),
            order_level=self._present(self.given.order_level),
            status=tuple(
                self._status(rule) for rule in self.given.status if all(name in self.names for name in rule.sources)
            ),
            minor_units=tuple(target for target in self.given.minor_units if target in columns),
            aside=self._present(self.given.aside),
            file_level=self._present(self.given.file_level),
            time_zone_column=self.names.get(self.given.time_zone_column or ""),
        )

    def _status(self, rule: StatusRule) -> StatusRule:
        below, above = (self.names.get(name or "") for name in (rule.below_zero, rule.above_zero))
        return replace(rule, source=self.names[rule.source], below_zero=below, above_zero=above)

    def _present(self, columns: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.names[column] for column in columns if column in self.names)

    def _rule(self, rule: ColumnRule) -> ColumnRule | None:
        match rule:
            case FromColumn(source):
                return FromColumn(self.names[source]) if source in self.names else None
            case FromColumns(sources, how):
                here = self._present(sources)
                return (FromColumn(here[0]) if len(here) == 1 else FromColumns(here, how)) if here else None
            case Expression(sql, where):
                named = quoted_names(sql)
                if named and not any(name in self.names for name in named):
                    return None
                return Expression(self._renamed(sql), where)
        return rule

    def _renamed(self, sql: str) -> str:
        """Return an expression with the column names of the file; missing columns are null."""

        def name(found: re.Match[str]) -> str:
            here = self.names.get(found[1].replace('""', '"'))
            return "CAST(NULL AS VARCHAR)" if here is None else '"' + here.replace('"', '""') + '"'

        texts_kept = re.split(r"('(?:[^']|'')*')", sql)
        return "".join(part if part.startswith("'") else _NAME.sub(name, part) for part in texts_kept)

    def _without_absent_targets(self, columns: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        """Return rules with expressions in which unmapped targets are null."""
        absent = [target for target in self.given.columns if target not in columns]
        if not absent:
            return columns
        word = re.compile(rf"\b(?:{'|'.join(map(re.escape, absent))})\b")
        return {
            target: Expression(_outside_quotes_replaced(word, rule.sql), rule.where)
            if isinstance(rule, Expression) and word.search(outside_quotes(rule.sql))
            else rule
            for target, rule in columns.items()
        }


def _outside_quotes_replaced(word: re.Pattern[str], sql: str) -> str:
    parts = re.split(r"('(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")", sql)
    return "".join(part if part[:1] in {"'", '"'} else word.sub("CAST(NULL AS DOUBLE)", part) for part in parts)
