"""An export of a platform: how it is recognised, and its mapping."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.io.mapping.computed_columns import TYPE_BY_SIGN
from ckm.io.mapping.mapping import ColumnRule, Expression, FromColumn, Mapping, columns_read, sources_of
from ckm.io.mapping.platform_columns import FileColumns
from ckm.io.mapping.sql_text import outside_quotes, quoted_names
from ckm.io.mapping.synonyms import normalise, synonyms

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from collections.abc import Mapping as AnyMapping

    import polars as pl

ASSUMED = ("currency", "type")
"""Required columns for which :func:`ckm.io.mapping.computed_columns.complete` has an assumption, with a remark."""
NAMEABLE = frozenset(
    {
        *("order_id", "customer_id", "ordered_at", "product_id", "quantity", "unit_price", "currency"),
        *("interaction_id", "at", "email", "display_name", "created_on"),
    }
)
"""Targets that a column name in any language can fill, once the platform is known."""
AMOUNT_CONSEQUENCES = {
    "customer_id": "sales have no customer; name the column with --column customer_id=COLUMN",
    "discount": "line discounts are unknown",
    "refund": "refunds are unknown",
    "order_refund": "refunds are unknown",
    "order_discount": "order discounts are unknown",
    "order_gross": "refunded shipping cannot be distinguished from refunded goods",
    "order_net": "refunds and discounts of shipping cannot be distinguished from those of goods",
}
"""Consequences of missing columns, by target."""
STATUS_CONSEQUENCES = {
    "ignore": "records other than sales may count as sales",
    "return": "refunds and transfers may count as sales, or be confused",
    "refunded": "refunds cannot be recognised by their status",
    "cancel": "cancelled orders may count as sales",
}
"""Consequence of a missing status column, by the meaning of a status; of several meanings, the last one here is
reported."""
NOTHING: AnyMapping[str, str] = {}


@dataclass(frozen=True)
class Fingerprint:
    """Columns and values from which an export is recognised.

    Attributes
    ----------
    columns
        Columns that distinguish the export from other exports.
    least
        Minimum number of these columns.
    without
        Columns that the export never has.
    values
        Per column, a regular expression that all values of the column in the sample match.
    """

    columns: tuple[str, ...]
    least: int
    without: tuple[str, ...] = ()
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Platform:
    """The export of a platform: its fingerprint, column names and mapping.

    Attributes
    ----------
    name
        Name for ``--platform``; the stem of the file with the description.
    title
        Title: system and export.
    documentation
        URLs of the documentation of the export's columns.
    fingerprint
        Columns and values from which the export is recognised.
    headers
        Per column, its names in other languages and versions.
    mapping
        Mapping of the export to a table.
    by_name
        Targets that further columns may fill if their name is a synonym, for exports with user-defined columns.
    """

    name: str
    title: str
    documentation: tuple[str, ...]
    fingerprint: Fingerprint
    headers: dict[str, tuple[str, ...]]
    mapping: Mapping
    by_name: tuple[str, ...] = ()

    def share(self, columns: Sequence[str], sample: pl.DataFrame | None = None) -> float:
        """Return the share of the fingerprint's columns that a file has; 0 if the file is not this export."""
        names = self._names(columns)
        fingerprint = self.fingerprint
        found = [column for column in fingerprint.columns if column in names]
        if len(found) < fingerprint.least or any(column in names for column in fingerprint.without):
            return 0.0
        patterns = fingerprint.values.items()
        if sample is not None and not all(_matches(sample, names.get(column), regex) for column, regex in patterns):
            return 0.0
        return len(found) / len(fingerprint.columns)

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
        mapping = FileColumns(names | self._by_synonyms(columns, names)).mapping(self.mapping)
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

    def _by_synonyms(self, columns: Sequence[str], names: AnyMapping[str, str]) -> dict[str, str]:
        """Return platform column to file column, for platform columns that the file has only under a synonym.

        Ambiguous matches and amounts are excluded, because an order total is not a line amount.
        """
        free = [column for column in columns if column not in set(names.values())]
        found: dict[str, str] = {}
        for target in (name for name in self.mapping.columns if name in NAMEABLE):
            wanted = list(columns_read(self.mapping.columns[target]))
            if not wanted or any(column in names for column in wanted):
                continue
            known = synonyms(self.mapping.table).of(target)
            matching = [column for column in free if normalise(column) in known and column not in found.values()]
            if len(matching) == 1:
                found[wanted[0]] = matching[0]
        return found

    def missing_amounts(self, columns: Sequence[str], taken: Collection[str] = ()) -> list[tuple[str, str]]:
        """Return the missing amount and status columns of an export, with the consequence of each.

        A column is not missing if the file has an alternative column, or if the user mapped the target (``taken``).
        """
        names, sales = self._names(columns), self.mapping.table == "transactions"
        names |= self._by_synonyms(columns, names)
        by_order = list(STATUS_CONSEQUENCES).index
        without = [rule for rule in self.mapping.status if sales and rule.words and rule.source not in names]
        found = [
            (repr(source), STATUS_CONSEQUENCES[max(meanings & STATUS_CONSEQUENCES.keys(), key=by_order)])
            for source in dict.fromkeys(rule.source for rule in without)
            for meanings in [{meaning for rule in without if rule.source == source for meaning in rule.words.values()}]
            if meanings & STATUS_CONSEQUENCES.keys()
        ]
        subtracted = self._missing_subtracted(names)
        found += [(repr(column), "its amount is not subtracted from the amounts") for column in subtracted]
        for target, consequence in AMOUNT_CONSEQUENCES.items():
            sources = columns_read(self.mapping.columns[target]) if target in self.mapping.columns else ()
            listed = list(dict.fromkeys(sources))
            if "refund" in target and any(
                not {"refunded", "return"}.isdisjoint(rule.words.values()) for rule in self.mapping.status
            ):
                consequence = "only the status shows refunds; partial refunds are unknown"
            if sales and listed and target not in taken and not any(source in names for source in listed):
                found.append((" or ".join(map(repr, listed)), consequence))
        return found

    def _missing_subtracted(self, names: Collection[str]) -> list[str]:
        """Return the columns that the mapping subtracts from the order total and that the file lacks."""
        net = self.mapping.columns.get("net")
        if not isinstance(net, Expression):
            return []
        named = quoted_names(net.sql)
        if "order_shipping" in outside_quotes(net.sql) and "order_shipping" in self.mapping.columns:
            named += columns_read(self.mapping.columns["order_shipping"])
        return [name for name in named if name not in names]

    def _by_name(self, mapping: Mapping, columns: Sequence[str]) -> dict[str, ColumnRule]:
        """Return rules for the targets of ``by_name`` with exactly one synonym among the file's undescribed columns."""
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
        """Return platform column to file column, for the columns of the platform that the file has."""
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
        named = [source for rule in mapping.columns.values() for source in columns_read(rule)]
        named += [*mapping.drop, *mapping.order_level, *mapping.aside]
        named += [source for rule in mapping.status for source in rule.sources]
        named += [*mapping.file_level, *filter(None, [mapping.time_zone_column])]
        named += [*self.fingerprint.columns, *self.fingerprint.without, *self.fingerprint.values, *self.headers]
        return tuple(dict.fromkeys(named))


@lru_cache(maxsize=4)
def _header(columns: tuple[str, ...]) -> tuple[dict[str, str], frozenset[str]]:
    """Return normalised name to column of a file, and the set of its columns (cached for all platforms)."""
    here: dict[str, str] = {}
    for column in columns:
        here.setdefault(normalise(column), column)
    return here, frozenset(columns)


def _matches(sample: pl.DataFrame, column: str | None, regex: str) -> bool:
    """Return whether ``column`` has values in the sample and all of them match ``regex``."""
    if column is None:
        return False
    texts_there = [text for text in sample[column].drop_nulls().to_list() if isinstance(text, str) and text.strip()]
    return bool(texts_there) and all(re.fullmatch(regex, text.strip()) for text in texts_there)
