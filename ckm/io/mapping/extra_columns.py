"""Name and type the unmapped columns of a file, which are kept as extra columns of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.io.mapping.expressions import exactly
from ckm.io.mapping.mapping import FromColumns, sources_of
from ckm.io.values.typed_columns import storable
from ckm.schema import RESERVED_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping as AnyMapping

    import polars as pl

    from ckm.io.mapping.mapping import ColumnRule, Mapping

UNNAMED = "unnamed"
"""Name of an extra column without a name, because the store does not allow empty names."""


def extra_columns(mapping: Mapping, schema: AnyMapping[str, pl.DataType]) -> tuple[pl.Expr, ...]:
    """Return the unmapped columns of a file with this schema, in file order, under names that are free in the store.

    Columns that the mapping drops are omitted. A name that the table already has gets ``_`` appended; Delta compares
    names without case.
    """
    mapped = {source for rule in mapping.columns.values() for source in _sources_kept(rule)}
    taken = {name.casefold() for name in (*mapping.target.dtypes, *mapping.columns, *RESERVED_COLUMNS)}
    kept: list[pl.Expr] = []
    for column, dtype in schema.items():
        if column in mapped or column in mapping.drop:
            continue
        name = column or UNNAMED
        while name.casefold() in taken:
            name += "_"
        taken.add(name.casefold())
        kept.append(storable(exactly(column), dtype).alias(name))
    return tuple(kept)


def _sources_kept(rule: ColumnRule) -> tuple[str, ...]:
    """Return the source columns whose values a rule keeps; for ``first`` (the first filled column) only its first."""
    sources = tuple(sources_of(rule))
    return sources[:1] if isinstance(rule, FromColumns) and rule.how == "first" else sources
