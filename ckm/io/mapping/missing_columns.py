"""Suggest columns for required targets that a file lacks."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.io.mapping.column_types import UNKNOWN, ColumnShapes
from ckm.io.mapping.mapping import ColumnRule, FromColumn
from ckm.io.mapping.shown_columns import is_known, listed, shown_columns
from ckm.io.mapping.synonyms import candidates, in_two_alphabets
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as AnyMapping

    from ckm.schema import TableSchema

ORDERED_BY = ("customer_id", "ordered_at")
"""Targets of the customer and time of an order."""
MOST_SUGGESTED = 3
NUMBERED = re.compile(r"column_\d+")
"""Pattern of the names of numbered columns."""
COMPUTE = "A mapping can compute missing columns: see 'ckm help mapping'"


class Suggestions:
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
        used = set(mapped_columns(rules, rules))
        self.table = table
        self.shapes = shapes
        self.free = [column for column in shown_columns(columns, named=named) if column not in used]
        if shapes.sample is not None and shapes.sample.height == 1:
            self.free = _without_repeated_fields(self.free)
        self.order_columns = mapped_columns(rules, ORDERED_BY)

    def of(self, target: str) -> list[str]:
        """Return the suggested columns, most similar first.

        For a date without a column of a similar name, these are date columns without a known name.
        """
        near = candidates(target, self.table.name, self.free, limit=len(self.free))
        if not near and self.table.targets[target].is_temporal() and self.shapes.sample is not None:
            near = [column for column in self.free if not is_known(column)]
        return [column for column in near if self.shapes.fits(target, column, self.table, self.order_columns)][
            :MOST_SUGGESTED
        ]


def _without_repeated_fields(columns: list[str]) -> list[str]:
    """Return the columns of a file with one record, without the fields of lists of records in this record.

    The records of such a list are the actual rows; the columns of the outer record would be misleading.
    """
    fields = Counter(column.rpartition(".")[2] for column in columns if "." in column)
    return [column for column in columns if "." not in column or fields[column.rpartition(".")[2]] == 1]


def _to_name(missing: list[str], rules: AnyMapping[str, ColumnRule], suggested: Suggestions) -> list[str]:
    """Return the missing targets that the user must map.

    The order id can be derived from customer and date, so the user must map these instead of the order id. The order id
    itself is returned if a column may contain it, or if no column may contain customers.
    """
    absent = [target for target in ORDERED_BY if target not in rules]
    if "order_id" not in missing or not absent or suggested.of("order_id"):
        return missing
    if "customer_id" in absent and not suggested.of("customer_id"):
        return missing
    return [*absent, *(target for target in missing if target not in {"order_id", *absent})]


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
    suggested = Suggestions(TABLES[table], columns, rules, shapes, named=named)
    missing = _to_name(missing, rules, suggested)
    unmapped = [target for target in ORDERED_BY if target in TABLES[table].targets and target not in rules]
    close = {target: suggested.of(target) for target in dict.fromkeys([*missing, *unmapped])}
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


def mapped_columns(rules: AnyMapping[str, ColumnRule], targets: Iterable[str]) -> list[str]:
    """Return the columns that fill these targets unchanged."""
    found = (rules.get(target) for target in targets)
    return [rule.source for rule in found if isinstance(rule, FromColumn)]
