"""Propose a mapping for a file from its column names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError
from ckm.io.mapping.amount_columns import map_order_amounts, map_refunds, with_discount_shares
from ckm.io.mapping.column_types import ColumnShapes
from ckm.io.mapping.computed_columns import complete, without_amounts
from ckm.io.mapping.mapping import ColumnRule, Constant, FromColumn, Mapping
from ckm.io.mapping.missing_columns import Suggestions, missing_columns
from ckm.io.mapping.name_matching import NameMatcher
from ckm.io.mapping.rating_scale import inferred_scale
from ckm.io.readers.hints import Hints
from ckm.remark import doubt
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping
    from collections.abc import Sequence

    import polars as pl

    from ckm.remark import Remark
    from ckm.schema import TableSchema

ANONYMOUS = ("transactions", "interactions")
"""Tables whose rows need no customer; a missing customer column gives a remark."""


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
    """Propose the mapping of a source to a table from the names of the source columns.

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
        Whether transactions without an amount column are refused. If not, each row counts 1 without a currency; a file
        with a column whose name is similar to an amount is still refused.
    sample
        The file's first records: a column is suggested only if its values have the type of the target.

    Raises
    ------
    UnknownNameError
        No such table, target or source column.
    AmbiguousError
        Two columns match the same target.
    UsageError
        A required column is missing; the hint names the most similar source columns. Or the amounts are totals of
        orders, repeated on their lines.
    """
    if table not in TABLES:
        raise UnknownNameError("table", table, TABLES)
    shapes = ColumnShapes(sample)
    matcher = NameMatcher(TABLES[table], list(source_columns), shapes, named=named)
    matcher.apply_overrides(overrides or {})
    matcher.match_export()
    matcher.match_names()
    order_remarks = map_order_amounts(matcher, sample)
    if table == "transactions" and not matcher.is_export:
        map_refunds(matcher, sample)
    rules: dict[str, ColumnRule] = {
        target: FromColumn(matcher.chosen[target][0]) for target in TABLES[table].fillable if target in matcher.chosen
    }
    matcher.refuse_repeated(repeated)
    rules, discount_remarks = with_discount_shares(rules, sample)
    rules, assumed = complete(rules, TABLES[table], default_currency, source_columns, shapes)
    assumed += [
        f"column '{column}' has none of the values of {target} and was not mapped to it"
        for target, column in dict.fromkeys(matcher.wordless)
    ]
    assumed += [*discount_remarks, *order_remarks]
    rules, scale_remarks = _with_scale(rules, TABLES[table], sample)
    assumed += scale_remarks
    near = Suggestions(TABLES[table], source_columns, rules, shapes, named=named)
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


def _with_scale(
    rules: dict[str, ColumnRule], table: TableSchema, sample: pl.DataFrame | None
) -> tuple[dict[str, ColumnRule], list[Remark]]:
    """Return the rules with the scale of the ratings, if the file has no column of scales, and the remark on it."""
    rating = rules.get("rating")
    if sample is None or "scale" not in table.targets or "scale" in rules or not isinstance(rating, FromColumn):
        return rules, []
    found = inferred_scale(rating.source, sample[rating.source]) if rating.source in sample.columns else None
    return ({**rules, "scale": Constant(found[0])}, [found[1]]) if found else (rules, [])


def _no_customer(near: list[str]) -> str:
    closest = f"; closest: {', '.join(map(repr, near))}; map with --column customer_id='{near[0]}'" if near else ""
    return doubt(f"no customer column: every row is without a customer{closest}")
