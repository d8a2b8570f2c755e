"""Propose a mapping for a file by its column names."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import AmbiguousError, UnknownNameError, UsageError
from ckm.io.mapping.column_types import UNKNOWN, ColumnShapes
from ckm.io.mapping.mapping import ColumnRule, Constant, Expression, FromColumn, Mapping
from ckm.io.mapping.shown_columns import is_known, listed, shown_columns, unknown_column
from ckm.io.mapping.synonyms import candidates, exports, in_another_unit, in_two_alphabets, normalise, synonyms
from ckm.io.readers.hints import Hints
from ckm.io.values.amounts import MONEY
from ckm.remark import assumption, doubt
from ckm.schema import NO_CURRENCY, TABLES, VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as AnyMapping

    import polars as pl

    from ckm.schema import TableSchema

LINE_VALUE = Expression("quantity * unit_price")
"""Net of an order line with quantity and unit price."""
TYPE_BY_SIGN = Expression("CASE WHEN net < 0 THEN 'return' ELSE 'sale' END")
"""Default type of a transaction: a negative net is a return."""

ANONYMOUS = ("transactions", "interactions")
"""Tables whose rows need no customer; a missing customer column gives a remark."""

ORDERED_BY = ("customer_id", "ordered_at")
"""Targets of the customer and time of an order."""
MOST_SUGGESTED = 3
NO_CURRENCY_COLUMN = "no currency column"
NUMBERED = re.compile(r"column_\d+")
"""Pattern of the names of numbered columns."""
COMPUTE = "A mapping can compute missing columns: see 'ckm help mapping'"


@dataclass(frozen=True)
class Proposal:
    """A proposed mapping, with column matches and assumptions.

    Attributes
    ----------
    mapping
        The proposed mapping.
    matched
        ``(target, source column, how)``; how is ``option``, ``name``, ``synonym``, ``fallback`` or ``export NAME``.
    assumed
        Assumptions for missing columns, as sentences.
    """

    mapping: Mapping
    matched: tuple[tuple[str, str, str], ...]
    assumed: tuple[str, ...]


def propose_mapping(
    source_columns: Sequence[str],
    table: str,
    *,
    hints: Hints | None = None,
    name: str = "",
    overrides: AnyMapping[str, str] | None = None,
    default_currency: str = "EUR",
    named: bool = True,
    repeated: Sequence[Sequence[str]] = (),
    amounts_needed: bool = True,
    sample: pl.DataFrame | None = None,
) -> Proposal:
    """Map the columns of a source to a table by their names.

    Parameters
    ----------
    source_columns
        The columns of the file.
    table
        The table to fill.
    hints, name
        Format hints and name of the mapping.
    overrides
        Target to source column, set by the user (``--column TARGET=SOURCE``).
    default_currency
        Currency of amounts without a currency column.
    named
        Whether the header is certain, so that errors may show column names.
    repeated
        Groups of columns with equal names in the file: these are not mapped by name.
    amounts_needed
        Whether transactions without an amount column are refused; else each row counts 1, without a currency, unless a
        column has a name similar to an amount.
    sample
        The file's first records: a column is suggested only if its values have the type of the target.

    Raises
    ------
    UnknownNameError
        No such table, target or source column.
    AmbiguousError
        Two columns match the same target.
    UsageError
        A required column is missing; the hint names the closest.
    """
    if table not in TABLES:
        raise UnknownNameError("table", table, TABLES)
    shapes = ColumnShapes(sample)
    matcher = _Matcher(TABLES[table], list(source_columns), shapes, named=named)
    matcher.take_overrides(overrides or {})
    matcher.take_export()
    matcher.take_names()
    rules: dict[str, ColumnRule] = {
        target: FromColumn(matcher.chosen[target][0]) for target in TABLES[table].fillable if target in matcher.chosen
    }
    matcher.refuse_repeated(repeated)
    rules, assumed = complete(rules, TABLES[table], default_currency, source_columns, shapes)
    assumed += [
        f"column '{column}' has none of the values of {target} and was not mapped to it"
        for target, column in dict.fromkeys(matcher.wordless)
    ]
    near = _Suggestions(TABLES[table], source_columns, rules, shapes, named=named)
    if not amounts_needed and "net" not in rules and not near.of("net"):
        rules, assumed = without_amounts(rules, assumed)
    if table in ANONYMOUS and "customer_id" not in rules:
        assumed.append(_no_customer(near.of("customer_id")))
    missing = [target for target in TABLES[table].required if target not in rules]
    if missing:
        raise missing_columns(missing, table, source_columns, rules, shapes, named=named)
    return Proposal(
        Mapping(name=name, table=table, hints=hints or Hints(), columns=rules),
        tuple((target, *matcher.chosen[target]) for target in rules if target in matcher.chosen),
        tuple(assumed),
    )


def checked_overrides(
    overrides: AnyMapping[str, str], table: str, columns: Sequence[str], *, named: bool
) -> AnyMapping[str, str]:
    """Validate the user's columns (``--column TARGET=SOURCE``).

    Raises
    ------
    UnknownNameError
        The target or the column is unknown.
    """
    for target, source in overrides.items():
        if target not in TABLES[table].fillable:
            raise UnknownNameError(f"column of {table}:", target, TABLES[table].fillable, where="--column")
        if source not in columns:
            raise unknown_column(source, columns, named=named, where=f"--column {target}=…")
    return overrides


def complete(
    rules: dict[str, ColumnRule],
    table: TableSchema,
    default_currency: str,
    columns: Sequence[str],
    shapes: ColumnShapes = UNKNOWN,
) -> tuple[dict[str, ColumnRule], list[str]]:
    """Add computed values and assumptions for missing columns, and return remarks on them.

    ``columns`` are the source columns, and ``shapes`` their value types.
    """
    added: dict[str, ColumnRule] = {}
    assumed: list[str] = []
    needed = set(table.required) - set(rules)
    if "order_id" in needed and (order := order_of(rules, table, columns, shapes)):
        added["order_id"] = order
        assumed.append(assumption("no order number: lines of a customer with the same timestamp are one order"))
    if "net" in needed and "gross" in rules:
        less = " - COALESCE(ABS(discount), 0)" if "discount" in rules else ""
        added["net"] = Expression(f"COALESCE(gross, 0){less}")
    elif "net" in needed and {"quantity", "unit_price"} <= set(rules):
        added["net"] = LINE_VALUE
        assumed.append("net is quantity × unit_price")
    elif "net" in needed and {"order_net", "order_gross"} & set(rules):
        added["net"] = Constant("0")  # an order-level discount is spread over the lines
    if "currency" in needed:
        added["currency"] = Constant(default_currency)
        assumed.append(f"{NO_CURRENCY_COLUMN}: every amount is in {default_currency}")
    if "type" in needed and table.name == "transactions":
        added["type"] = TYPE_BY_SIGN
        assumed.append("no type column: a negative net is a return, any other a sale")
    return {**rules, **added}, assumed


def without_amounts(rules: dict[str, ColumnRule], assumed: list[str]) -> tuple[dict[str, ColumnRule], list[str]]:
    """Return the rules for a source without amounts: each row counts 1, or -1 for a return, without a currency."""
    sign = "type = 'return'" if isinstance(rules.get("type"), FromColumn) else "quantity < 0"
    known = isinstance(rules.get("type"), FromColumn) or "quantity" in rules
    one: ColumnRule = Expression(f"CASE WHEN {sign} THEN -1 ELSE 1 END") if known else Constant("1")
    said = [each for each in assumed if not each.startswith(NO_CURRENCY_COLUMN)]
    said.append("no column of amounts; name it with --column net=COLUMN")
    return {**rules, "net": one, "currency": Constant(NO_CURRENCY)}, said


def order_of(
    rules: AnyMapping[str, ColumnRule], table: TableSchema, columns: Sequence[str], shapes: ColumnShapes
) -> Expression | None:
    """Return the derived order id of a line without an order number: customer and timestamp.

    Return None if one of these columns is missing, or if an unmapped column may contain order numbers, which the user
    then has to confirm.
    """
    order = _customer_and_time(rules)
    if order is None or _Suggestions(table, columns, rules, shapes, named=True).of("order_id"):
        return None
    return order


def _customer_and_time(rules: AnyMapping[str, ColumnRule]) -> Expression | None:
    sources = _sources(rules, ORDERED_BY)
    if len(sources) < len(ORDERED_BY):
        return None
    quoted = (source.replace('"', '""') for source in sources)
    who, when = (f"COALESCE(CAST(\"{source}\" AS VARCHAR), '')" for source in quoted)
    return Expression(f"{who} || ' ' || {when}")


def is_assumed_order(rules: AnyMapping[str, ColumnRule]) -> bool:
    """Return whether the order id is derived by :func:`order_of`."""
    return "order_id" in rules and rules["order_id"] == _customer_and_time(rules)


def _sources(rules: AnyMapping[str, ColumnRule], targets: Iterable[str]) -> list[str]:
    found = (rules.get(target) for target in targets)
    return [rule.source for rule in found if isinstance(rule, FromColumn)]


class _Suggestions:
    """Unmapped columns with a name similar to a target and values of its type."""

    def __init__(
        self,
        table: TableSchema,
        columns: Sequence[str],
        rules: AnyMapping[str, ColumnRule],
        shapes: ColumnShapes,
        *,
        named: bool,
    ) -> None:
        used = set(_sources(rules, rules))
        self.table = table
        self.shapes = shapes
        self.free = [column for column in shown_columns(columns, named=named) if column not in used]
        if shapes.sample is not None and shapes.sample.height == 1:
            self.free = _without_repeated_fields(self.free)
        self.beside = _sources(rules, ORDERED_BY)

    def of(self, target: str) -> list[str]:
        """Return the suggestions, most similar first; for a date without any similar name, unknown date columns."""
        near = candidates(target, self.table.name, self.free, limit=len(self.free))
        if not near and self.table.targets[target].is_temporal() and self.shapes.sample is not None:
            near = [column for column in self.free if not is_known(column)]
        return [column for column in near if self.shapes.fits(target, column, self.table, self.beside)][:MOST_SUGGESTED]


def _without_repeated_fields(columns: list[str]) -> list[str]:
    """Return the columns of a file with one record, without the fields of record lists in it.

    The records of such a list are the actual rows; the columns of the outer record would be misleading.
    """
    fields = Counter(column.rpartition(".")[2] for column in columns if "." in column)
    return [column for column in columns if "." not in column or fields[column.rpartition(".")[2]] == 1]


def _to_name(missing: list[str], rules: AnyMapping[str, ColumnRule], suggested: _Suggestions) -> list[str]:
    """Return the missing targets that the user must map; with customer and date, the order id is derived.

    The order id is among them if a column may contain it, or if no column may contain customers.
    """
    absent = [target for target in ORDERED_BY if target not in rules]
    if "order_id" not in missing or not absent or suggested.of("order_id"):
        return missing
    if "customer_id" in absent and not suggested.of("customer_id"):
        return missing
    return [*absent, *(target for target in missing if target not in {"order_id", *absent})]


def _no_customer(near: list[str]) -> str:
    closest = f"; closest: {', '.join(map(repr, near))}; map with --column customer_id='{near[0]}'" if near else ""
    return doubt(f"no customer column: every row is without a customer{closest}")


class _Matcher:
    """Assign each target at most one source column, and each source column at most one target."""

    def __init__(self, table: TableSchema, columns: list[str], shapes: ColumnShapes, *, named: bool) -> None:
        self.table = table
        self.shapes = shapes
        self.wordless: list[tuple[str, str]] = []
        self.named = named
        self.columns = columns
        self.columns_by_name: dict[str, list[str]] = {}
        for column in columns:
            self.columns_by_name.setdefault(normalise(column), []).append(column)
        self.known = synonyms(table.name)
        self.chosen: dict[str, tuple[str, str]] = {}
        self.fixed: set[str] = set()

    def take_overrides(self, overrides: AnyMapping[str, str]) -> None:
        checked = checked_overrides(overrides, self.table.name, self.columns, named=self.named)
        for target, source in checked.items():
            self.chosen[target] = (source, "option")
            self.fixed.add(target)

    def take_export(self) -> None:
        names = {name: columns[0] for name, columns in self.columns_by_name.items()}
        for export in exports():
            if export.table != self.table.name or not export.signature <= names.keys():
                continue
            for target, wanted in export.columns.items():
                found = [names[name] for name in wanted if name in names and self._is_free(names[name])]
                if target not in self.chosen and found:
                    self.chosen[target] = (found[0], f"export {export.name}")
            # Other columns of such a file (such as order totals in every line) are misread by name matching.
            self.fixed = set(self.table.targets) - {"order_id", "ordered_at", "customer_id"} | set(self.chosen)
            return

    def take_names(self) -> None:
        for target in self._open():
            self._take(target, self.known.own[target], "synonym")
        for target, tiers in self.known.fallback.items():
            for tier in tiers:
                if target in self._open():
                    self._take(target, tier, "fallback", also_from_optional=True)
        computable = {"net"} if {"quantity", "unit_price"} <= self.chosen.keys() else set()
        for target, tiers in self.known.last_resort.items():
            for tier in tiers:
                if target in set(self._open()) - computable:
                    self._take(target, tier, "fallback")

    def refuse_repeated(self, groups: Sequence[Sequence[str]]) -> None:
        """Refuse a column that was matched by a duplicate name."""
        for target, (source, how) in self.chosen.items():
            group = next((group for group in groups if source in group), None)
            if group is not None and how != "option":
                both = " and ".join(f"'{column}'" for column in group)
                raise AmbiguousError(
                    f"{len(group)} columns have the name '{group[0]}' and match {target}; they are numbered as {both}",
                    hint=f"choose with --column {target}='{group[0]}'",
                    target=target,
                    columns=list(group),
                )

    def _take(self, target: str, names: frozenset[str], how: str, *, also_from_optional: bool = False) -> None:
        known = {column for name in names for column in self.columns_by_name.get(name, ())}
        found = [column for column in self.columns if column in known] if known else []
        if also_from_optional:
            self._release({owner for owner in self.chosen if self._may_lose(owner, found)})
        found = [column for column in found if self._is_free(column) and self._has_words(target, column)]
        if target in MONEY:
            found = [column for column in found if not in_another_unit(column)]
        if not found:
            return
        own = [column for column in found if column == target] or [
            column for column in found if normalise(column) == normalise(target)
        ]
        if len(own) == 1:
            self.chosen[target] = (own[0], "name")
        elif len(found) == 1:
            self.chosen[target] = (found[0], how)
        else:
            both = " and ".join(f"'{column}'" for column in found)
            fit = [column for column in found if self.shapes.fits(target, column, self.table)] or found
            raise AmbiguousError(
                f"{both} all match {target}" if len(found) > 2 else f"{both} both match {target}",
                hint=f"choose with --column {target}='{fit[0]}'",
                target=target,
                columns=found,
            )

    def _has_words(self, target: str, column: str) -> bool:
        """Return whether a column for a target with fixed values has any of these values."""
        if target not in VOCABULARIES or self.shapes.has_words(target, column):
            return True
        self.wordless.append((target, column))
        return False

    def _may_lose(self, owner: str, found: list[str]) -> bool:
        source, how = self.chosen[owner]
        return source in found and how == "synonym" and owner == "invoice_id"

    def _release(self, owners: set[str]) -> None:
        for owner in owners:
            del self.chosen[owner]

    def _open(self) -> list[str]:
        return [target for target in self.table.targets if target not in self.chosen and target not in self.fixed]

    def _is_free(self, column: str) -> bool:
        return all(column != source for source, _ in self.chosen.values())


def missing_columns(
    missing: list[str],
    table: str,
    columns: Sequence[str],
    rules: AnyMapping[str, ColumnRule],
    shapes: ColumnShapes = UNKNOWN,
    *,
    named: bool = True,
) -> UsageError:
    """Return the error for required targets without a column, with the most similar columns.

    Column names are shown only if ``named``; see :mod:`ckm.io.mapping.shown_columns`.
    """
    suggested = _Suggestions(TABLES[table], columns, rules, shapes, named=named)
    missing = _to_name(missing, rules, suggested)
    beside = [target for target in ORDERED_BY if target in TABLES[table].targets and target not in rules]
    close = {target: suggested.of(target) for target in dict.fromkeys([*missing, *beside])}
    options = [f"--column {target}='{near[0]}'" for target, near in close.items() if near]
    nearest = "; ".join(f"closest to {target}: {', '.join(map(repr, near))}" for target, near in close.items() if near)
    hint = f"{nearest}. Map with {' '.join(options)}" if options else f"the file has: {listed(columns, named=named)}"
    if mixed := [column for column in shown_columns(columns, named=named) if in_two_alphabets(column)]:
        hint = f"{hint}. Letters of different alphabets that look alike occur in {', '.join(map(repr, mixed))}"
    hint = f"{hint}. {COMPUTE}" if columns else "the file is empty"
    if columns and all(map(NUMBERED.fullmatch, columns)):
        hint = (
            f"no header found for the {len(columns)} columns of the file: name them with --columns A,B,…, "
            "or give the line of the header with --header LINE"
        )
    return UsageError(
        f"no column for {', '.join(missing)} of {table}", hint=hint, missing=missing, candidates=close, table=table
    )
