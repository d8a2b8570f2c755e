"""Proposing a mapping for a file that has none, by the names of its columns."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import AmbiguousError, UnknownNameError, UsageError
from ckm.mapping.mapping import ColumnRule, Constant, Expression, FromColumn, Mapping
from ckm.mapping.sayable import is_known, listed, sayable, unknown_column
from ckm.mapping.shape import UNKNOWN, ColumnShapes
from ckm.mapping.synonyms import candidates, exports, in_another_unit, in_two_alphabets, normalise, synonyms
from ckm.schema import NO_CURRENCY, TABLES, VOCABULARIES
from ckm.sources.hints import Hints
from ckm.values.amounts import MONEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as AnyMapping

    import polars as pl

    from ckm.schema import Table

LINE_VALUE = Expression("quantity * unit_price")
"""Net of an order line that comes as quantity and unit price."""
TYPE_BY_SIGN = Expression("CASE WHEN net < 0 THEN 'return' ELSE 'sale' END")
"""Type of a transaction whose source has none: money that went back is a return."""

ANONYMOUS = ("transactions", "interactions")
"""Tables whose rows need no customer, which is remarked where none has one."""

ORDERED_BY = ("customer_id", "ordered_at")
"""Targets that say whose an order is, and when it was made."""
MOST_SUGGESTED = 3
NO_CURRENCY_COLUMN = "no currency column"
NUMBERED = re.compile(r"column_\d+")
"""What columns without names are called."""
COMPUTE = "What no column holds, a mapping can compute (docs/mapping.md)"


@dataclass(frozen=True)
class Proposal:
    """A mapping found by column names, and how.

    Attributes
    ----------
    mapping
        What to load the file with.
    matched
        ``(target, source column, how)``; how is ``option``, ``name``, ``synonym``, ``fallback`` or ``export NAME``.
    assumed
        What no column says, in sentences.
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
        As the file has them.
    table
        The table to fill.
    hints, name
        Become part of the mapping.
    overrides
        Target to source column, decided by a person (``--column TARGET=SOURCE``).
    default_currency
        Of amounts when no column names one.
    named
        Whether the columns' names are surely names, so that errors may show them.
    repeated
        Groups of columns that have one name in the file: none of them is taken by its name.
    amounts_needed
        Whether transactions without a column of amounts are refused; else each row counts 1, in no currency, unless a
        column is called nearly as amounts are.
    sample
        The file's first records: a column is suggested only if they have the shape of what it is suggested for.

    Raises
    ------
    UnknownNameError
        No such table, target or source column.
    AmbiguousError
        Two columns mean the same target.
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
        f"column '{column}' has none of the words of {target} and was not taken for it"
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
    """Return what a person decided (``--column TARGET=SOURCE``) if there are such targets and columns.

    Raises
    ------
    UnknownNameError
        There is no such target of the table, or no such column in the file.
    """
    for target, source in overrides.items():
        if target not in TABLES[table].fillable:
            raise UnknownNameError(f"column of {table}:", target, TABLES[table].fillable, where="--column")
        if source not in columns:
            raise unknown_column(source, columns, named=named, where=f"--column {target}=…")
    return overrides


def complete(
    rules: dict[str, ColumnRule],
    table: Table,
    default_currency: str,
    columns: Sequence[str],
    shapes: ColumnShapes = UNKNOWN,
) -> tuple[dict[str, ColumnRule], list[str]]:
    """Return the rules with what can be computed or assumed for absent columns, and sentences that say so.

    ``columns`` are those of the source, and ``shapes`` what they hold.
    """
    added: dict[str, ColumnRule] = {}
    assumed: list[str] = []
    needed = set(table.required) - set(rules)
    if "order_id" in needed and (order := order_of(rules, table, columns, shapes)):
        added["order_id"] = order
        assumed.append("no order number: all lines of a customer with one time stamp are one order")
    if "net" in needed and "gross" in rules:
        less = " - COALESCE(ABS(discount), 0)" if "discount" in rules else ""
        added["net"] = Expression(f"COALESCE(gross, 0){less}")
    elif "net" in needed and {"quantity", "unit_price"} <= set(rules):
        added["net"] = LINE_VALUE
        assumed.append("net is quantity × unit_price")
    elif "net" in needed and {"order_net", "order_gross"} & set(rules):
        added["net"] = Constant("0")  # what the lines lack of their order's goods is spread over them
    if "currency" in needed:
        added["currency"] = Constant(default_currency)
        assumed.append(f"{NO_CURRENCY_COLUMN}: every amount is in {default_currency}")
    if "type" in needed and table.name == "transactions":
        added["type"] = TYPE_BY_SIGN
        assumed.append("no type column: a negative net is a return, all else a sale")
    return {**rules, **added}, assumed


def without_amounts(rules: dict[str, ColumnRule], assumed: list[str]) -> tuple[dict[str, ColumnRule], list[str]]:
    """Return the rules for a source without amounts: each row counts 1, or -1 for a return, in no currency."""
    sign = "type = 'return'" if isinstance(rules.get("type"), FromColumn) else "quantity < 0"
    known = isinstance(rules.get("type"), FromColumn) or "quantity" in rules
    one: ColumnRule = Expression(f"CASE WHEN {sign} THEN -1 ELSE 1 END") if known else Constant("1")
    said = [each for each in assumed if not each.startswith(NO_CURRENCY_COLUMN)]
    said.append("no column of amounts: nothing is known of money; --column net=COLUMN names one")
    return {**rules, "net": one, "currency": Constant(NO_CURRENCY)}, said


def order_of(
    rules: AnyMapping[str, ColumnRule], table: Table, columns: Sequence[str], shapes: ColumnShapes
) -> Expression | None:
    """Return what stands for the order of a line without an order number: customer and time stamp, as they are written.

    None where no columns hold both, for then nothing says whether two lines belong together; and where a free column is
    called nearly as an order number is and may hold some, for then a person must say whether it does.
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
    """Whether the order of a line is what :func:`order_of` puts together, and no number of the source's."""
    return "order_id" in rules and rules["order_id"] == _customer_and_time(rules)


def _sources(rules: AnyMapping[str, ColumnRule], targets: Iterable[str]) -> list[str]:
    found = (rules.get(target) for target in targets)
    return [rule.source for rule in found if isinstance(rule, FromColumn)]


class _Suggestions:
    """Free columns of a file that are called nearly as a target is, and hold what it is of."""

    def __init__(
        self,
        table: Table,
        columns: Sequence[str],
        rules: AnyMapping[str, ColumnRule],
        shapes: ColumnShapes,
        *,
        named: bool,
    ) -> None:
        used = set(_sources(rules, rules))
        self.table = table
        self.shapes = shapes
        self.free = [column for column in sayable(columns, named=named) if column not in used]
        if shapes.sample is not None and shapes.sample.height == 1:
            self.free = _without_repeated_fields(self.free)
        self.beside = _sources(rules, ORDERED_BY)

    def of(self, target: str) -> list[str]:
        """Return them, the likest first; for a date, where none is called so, columns of dates without a known name."""
        near = candidates(target, self.table.name, self.free, limit=len(self.free))
        if not near and self.table.targets[target].is_temporal() and self.shapes.sample is not None:
            near = [column for column in self.free if not is_known(column)]
        return [column for column in near if self.shapes.fits(target, column, self.table, self.beside)][:MOST_SUGGESTED]


def _without_repeated_fields(columns: list[str]) -> list[str]:
    """Return the columns of a file of one record without fields that several records in it have.

    Such records are the rows that a person means, and a column of one of them would be one row of many.
    """
    fields = Counter(column.rpartition(".")[2] for column in columns if "." in column)
    return [column for column in columns if "." not in column or fields[column.rpartition(".")[2]] == 1]


def _to_name(missing: list[str], rules: AnyMapping[str, ColumnRule], suggested: _Suggestions) -> list[str]:
    """Return the missing targets that a person must name: where customer and date are named, no order number is.

    An order number is one of them where a column may hold it, and where no column may be the customer's.
    """
    absent = [target for target in ORDERED_BY if target not in rules]
    if "order_id" not in missing or not absent or suggested.of("order_id"):
        return missing
    if "customer_id" in absent and not suggested.of("customer_id"):
        return missing
    return [*absent, *(target for target in missing if target not in {"order_id", *absent})]


def _no_customer(near: list[str]) -> str:
    closest = f"; closest: {', '.join(map(repr, near))}, taken with --column customer_id='{near[0]}'" if near else ""
    return f"no customer column: every row is without a customer{closest}"


class _Matcher:
    """Gives each target at most one source column, and each source column at most one target."""

    def __init__(self, table: Table, columns: list[str], shapes: ColumnShapes, *, named: bool) -> None:
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
            # What else such a file has (order totals in every line, say) is misread by name alone.
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
        """Refuse a column that was taken by a name that others have too."""
        for target, (source, how) in self.chosen.items():
            group = next((group for group in groups if source in group), None)
            if group is not None and how != "option":
                both = " and ".join(f"'{column}'" for column in group)
                raise AmbiguousError(
                    f"{len(group)} columns are called '{group[0]}' and can be {target}; here they are {both}",
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
                f"{both} can all be {target}" if len(found) > 2 else f"{both} can both be {target}",
                hint=f"choose with --column {target}='{fit[0]}'",
                target=target,
                columns=found,
            )

    def _has_words(self, target: str, column: str) -> bool:
        """Whether a column for a target of certain words has any of them: a ``Type`` of other words is no type."""
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
    """Return the error for required targets that nothing fills, with the columns that are closest and fit.

    Columns are not shown unless they are surely ``named``; see :mod:`ckm.mapping.sayable`.
    """
    suggested = _Suggestions(TABLES[table], columns, rules, shapes, named=named)
    missing = _to_name(missing, rules, suggested)
    beside = [target for target in ORDERED_BY if target in TABLES[table].targets and target not in rules]
    close = {target: suggested.of(target) for target in dict.fromkeys([*missing, *beside])}
    options = [f"--column {target}='{near[0]}'" for target, near in close.items() if near]
    nearest = "; ".join(f"closest to {target}: {', '.join(map(repr, near))}" for target, near in close.items() if near)
    hint = f"{nearest}. Map with {' '.join(options)}" if options else f"the file has: {listed(columns, named=named)}"
    if mixed := [column for column in sayable(columns, named=named) if in_two_alphabets(column)]:
        hint = f"{hint}. Letters of two alphabets that look alike are in {', '.join(map(repr, mixed))}"
    hint = f"{hint}. {COMPUTE}" if columns else "the file is empty"
    if columns and all(map(NUMBERED.fullmatch, columns)):
        hint = (
            f"no header fits the {len(columns)} columns of the file: name them with --columns A,B,…, "
            "and say with --header LINE which line holds other names"
        )
    return UsageError(
        f"no column for {', '.join(missing)} of {table}", hint=hint, missing=missing, candidates=close, table=table
    )
