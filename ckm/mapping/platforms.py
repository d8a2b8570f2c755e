"""Exports of widely used systems, each described by a file of ``ckm/data/platforms``: recognised by their columns.

The format of the files is documented in ``docs/platforms.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.mapping.expressions import outside_quotes
from ckm.mapping.mapping import ColumnRule, Expression, FromColumn, FromColumns, Mapping, StatusRule, sources_of
from ckm.mapping.mapping_file import KEYS, check_schema, fields_of, mapping_of, mistake, texts
from ckm.mapping.proposal import TYPE_BY_SIGN
from ckm.mapping.synonyms import normalise, synonyms
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
"""Keys of a platform beside those of a mapping."""
USUAL_SHARE = 0.75
"""Of the columns of a fingerprint, where the file does not say how many make it."""
ASSUMED = ("currency", "type")
"""Required columns for which :func:`ckm.mapping.proposal.complete` has an assumption, which is said."""
NONE = "none"
"""``--platform none``: the columns are taken by their names alone."""
NAMEABLE = frozenset(
    {
        *("order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price", "currency"),
        *("interaction_id", "at", "email", "display_name", "created_on"),
    }
)
"""Targets for which a name in any language is enough, once the platform is known."""
LACKED = {
    "customer_id": "no sale is of a known customer; --column customer_id=COLUMN names one",
    "discount": "discounts of lines are not known",
    "refund": "refunds are not known",
    "order_refund": "refunds are not known",
    "order_discount": "discounts of an order are not known",
    "order_gross": "what is paid back of shipping cannot be told from goods",
    "order_net": "what is paid back of shipping, and discounts on it, cannot be told from goods",
}
"""What cannot be known without the columns of a target, in words for who reads the result."""
CONFUSED = {
    "ignore": "records that are no sales may count as sales",
    "return": "refunds and transfers may be taken for sales, or for each other",
    "refunded": "refunds are not known by their status",
    "cancel": "cancelled orders may count as sales",
}
"""What may be confused without a column of statuses, by the last of these meanings that it can have."""
NOTHING: AnyMapping[str, str] = {}
_NAME = re.compile(r'"((?:[^"]|"")*)"')


@dataclass(frozen=True)
class Fingerprint:
    """By what an export is recognised.

    Attributes
    ----------
    columns
        Columns that tell it from other exports.
    least
        So many of them make it this export.
    without
        Columns that it never has.
    values
        Per column, what its texts look like: all in the sample match this regular expression.
    """

    columns: tuple[str, ...]
    least: int
    without: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """One export of one system.

    Attributes
    ----------
    name
        What ``--platform`` takes; the stem of its file.
    title
        System and export, for readers.
    documentation
        Addresses at which its columns are documented.
    fingerprint
        By what it is recognised.
    headers
        Per column, its names in other languages and versions.
    mapping
        How it fills a table; its source columns are those of ``headers`` and their like.
    by_name
        Targets that columns beside may fill by their names: an export whose columns a person makes up.
    """

    name: str
    title: str
    documentation: tuple[str, ...]
    fingerprint: Fingerprint
    headers: dict[str, tuple[str, ...]]
    mapping: Mapping
    by_name: tuple[str, ...] = ()

    def share(self, columns: Sequence[str], sample: pl.DataFrame | None = None) -> float:
        """Return the share of the fingerprint that a file with these columns has; 0 where it is another export."""
        names = self._names(columns)
        print_ = self.fingerprint
        found = [column for column in print_.columns if column in names]
        if len(found) < print_.least or any(column in names for column in print_.without):
            return 0.0
        if sample is not None and not all(_matches(sample, names.get(c), regex) for c, regex in print_.values.items()):
            return 0.0
        return len(found) / len(print_.columns)

    def mapping_for(self, columns: Sequence[str], taken: AnyMapping[str, str] = NOTHING) -> Mapping:
        """Return the mapping for a file with these columns: under the names that they have there, without absent ones.

        Parameters
        ----------
        columns
            Those of the file.
        taken
            Target to column, decided by a person.

        Raises
        ------
        UsageError
            A column that the table requires is absent.
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
                f"taken for an export of {self.title}, but nothing fills {', '.join(missing)}",
                hint=f"its columns {', '.join(map(repr, wanted))} are missing; --platform none takes columns by name",
                missing=missing,
            )
        return mapping

    def _translated(self, columns: Sequence[str], names: AnyMapping[str, str]) -> dict[str, str]:
        """Return what columns that are not found are called in other languages, by the targets that they fill.

        Of several columns that can be one, and of amounts, none is taken: an order's total is no line's.
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
        """Return the columns of money and status that an export can have and a file has not, and what follows.

        A column that stands in for another that is there is none of them, and neither is one of a target that is
        ``taken`` from another column.
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
        found += [(repr(column), "what it takes off stays in the amounts") for column in self._taken_off(names)]
        for target, consequence in LACKED.items():
            sources = _sources(self.mapping.columns[target]) if target in self.mapping.columns else ()
            listed = list(dict.fromkeys(sources))
            if "refund" in target and any(
                not {"refunded", "return"}.isdisjoint(rule.words.values()) for rule in self.mapping.status
            ):
                consequence = "refunds are known by the status alone, and those of a part are not"
            if sales and listed and target not in taken and not any(source in names for source in listed):
                found.append((" or ".join(map(repr, listed)), consequence))
        return found

    def _taken_off(self, names: Collection[str]) -> list[str]:
        """Return the columns that a file lacks of those that are taken off an order's total to get at its goods."""
        net = self.mapping.columns.get("net")
        if not isinstance(net, Expression):
            return []
        named = quoted_names(net.sql)
        if "order_shipping" in outside_quotes(net.sql) and "order_shipping" in self.mapping.columns:
            named += _sources(self.mapping.columns["order_shipping"])
        return [name for name in named if name not in names]

    def _by_name(self, mapping: Mapping, columns: Sequence[str]) -> dict[str, ColumnRule]:
        """Return the targets for which just one column that the platform does not know has a known name."""
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
        """Return what the columns of the platform are called in a file, for those that it has."""
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
        """All columns of the export that its description names."""
        mapping = self.mapping
        named = [source for rule in mapping.columns.values() for source in _sources(rule)]
        named += [*mapping.drop, *mapping.order_level, *mapping.aside]
        named += [source for rule in mapping.status for source in rule.sources]
        named += [*mapping.file_level, *filter(None, [mapping.time_zone_column])]
        named += [*self.fingerprint.columns, *self.fingerprint.without, *self.fingerprint.values, *self.headers]
        return tuple(dict.fromkeys(named))


@lru_cache(maxsize=4)
def _header(columns: tuple[str, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """Return the columns of a file by their normalised names, and as they are: each platform looks for its own."""
    here: dict[str, str] = {}
    for column in columns:
        here.setdefault(normalise(column), column)
    return here, frozenset(columns)


def recognise(columns: Sequence[str], sample: pl.DataFrame | None = None, table: str | None = None) -> Platform | None:
    """Return the platform whose export has these columns; null where none, or two equally well.

    Parameters
    ----------
    columns
        Those of a file.
    sample
        Its first records, for platforms that are told by what their columns hold.
    table
        Only exports that fill it.
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
    """Return the platform of a file: the one that a person names, else the one that is recognised; null for none.

    Parameters
    ----------
    columns, sample
        Of the file.
    table
        The table to fill; null for any.
    said
        The name of a platform, or :data:`NONE`; null leaves it to the columns.

    Raises
    ------
    UnknownNameError
        There is no platform of that name.
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
            f"{platform.title} fills {platform.mapping.table}, not {table}", hint=f"--platform {NONE}, or another one"
        )
    return platform


def platform_named(name: str) -> Platform:
    """Return a platform by its name.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    """
    if name not in platforms():
        raise UnknownNameError("platform", name, [*platforms(), NONE], where="--platform")
    return platforms()[name]


def platform_file(name: str) -> Path | None:
    """Return the file that describes a platform; null where none is called so."""
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
        Naming file and line: an unknown key, one that is missing, or a value of the wrong shape.
    """
    root = read_yaml(path)
    if root is None:
        raise UsageError(f"{path}:1: the file is empty", hint=f"begin it with 'schema: {SCHEMA}'", where=f"{path}:1")
    entries = fields_of(root, (*(key for key in KEYS if key != "files"), *OWN_KEYS))
    check_schema(root, entries, SCHEMA)
    for needed in ("name", *OWN_KEYS[:3], "columns"):
        if needed not in entries:
            raise mistake(root, f"no '{needed}'")
    name = entries["name"].text()
    if name != path.stem:
        raise mistake(entries["name"], f"the file is called '{path.stem}', and its platform '{name}'")
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
        raise mistake(entry, "nothing to recognise it by", hint="list 'columns' that other exports have not")
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
        raise mistake(entry, f"no regular expression: {error}") from None
    return entry.text()


def _matches(sample: pl.DataFrame, column: str | None, regex: str) -> bool:
    """Whether all texts of a column in the sample match, and there is one."""
    if column is None:
        return False
    texts_there = [text for text in sample[column].drop_nulls().to_list() if isinstance(text, str) and text.strip()]
    return bool(texts_there) and all(re.fullmatch(regex, text.strip()) for text in texts_there)


def _sources(rule: ColumnRule) -> Iterable[str]:
    """The source columns that a rule of a platform names; in an expression they stand in double quotes."""
    return quoted_names(rule.sql) if isinstance(rule, Expression) else sources_of(rule)


def quoted_names(sql: str) -> list[str]:
    """Return the names in double quotes of an expression."""
    return [name.replace('""', '"') for name in _NAME.findall(re.sub(r"'(?:[^']|'')*'", "''", sql))]


class _InFile:
    """A platform's mapping in the names of one file: what the file has not is left out."""

    def __init__(self, names: dict[str, str], mapping: Mapping) -> None:
        self.names = names
        self.given = mapping

    def mapping(self) -> Mapping:
        """Return the mapping with what is there."""
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
        """Return an expression in the names of the file; a column that it has not is null."""

        def name(found: re.Match[str]) -> str:
            here = self.names.get(found[1].replace('""', '"'))
            return "CAST(NULL AS VARCHAR)" if here is None else '"' + here.replace('"', '""') + '"'

        texts_kept = re.split(r"('(?:[^']|'')*')", sql)
        return "".join(part if part.startswith("'") else _NAME.sub(name, part) for part in texts_kept)

    def _without_absent_targets(self, columns: dict[str, ColumnRule]) -> dict[str, ColumnRule]:
        """Return rules whose expressions read no target that nothing fills: it is null in them."""
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
