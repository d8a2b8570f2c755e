"""Split converted rows into valid and invalid ones, with every rule that each invalid row violates."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, NamedTuple

import dataframely as dy
import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ckm.schema import TableSchema

ROW = "ckm:row"
CHECK_PREFIX = "check__"
SEPARATOR = "\n"
FEW_WORDS = 1000
"""Text columns with at most this many distinct values per batch are validated by distinct value, not by row."""


class ValidatedRows(NamedTuple):
    """The valid and the invalid rows of a frame.

    Attributes
    ----------
    good
        Rows that pass every rule.
    broken
        ``ckm:row`` (position in the input, UInt32) and ``reasons`` (List of ``column|rule``) of the invalid rows.
    """

    good: pl.DataFrame
    broken: pl.DataFrame


class SchemaValidator:
    """Validate frames that have at least the columns of a table.

    Parameters
    ----------
    table
        The table.
    unfilled
        Nullable columns that are null in all rows: single-column rules on them are skipped.
    """

    def __init__(self, table: TableSchema, unfilled: Iterable[str] = ()) -> None:
        self._table = table
        self._rules_need = list(table.dtypes)
        self._unfilled = frozenset(unfilled)
        self._schemas: dict[frozenset[str], type[dy.Schema]] = {}
        self._words = {
            name: _Words(column)
            for name, column in table.schema.columns().items()
            if has_vocabulary(column) and name not in self._unfilled
        }

    def sort(self, frame: pl.DataFrame, failures: pl.Series) -> ValidatedRows:
        """Split the rows of ``frame`` into valid and invalid ones.

        Parameters
        ----------
        frame
            The columns of the table with their types, and any others.
        failures
            List of ``column|rule`` per row from the conversion; null if it had no errors.
        """
        numbered = frame.select(*self._rules_need, pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW))
        failed = failures.is_not_null()
        schema = self._without(name for name, words in self._words.items() if words.are_valid(frame[name]))
        details = schema.filter(numbered.lazy()).failure.details()  # lazily: only the invalid rows are copied
        if details.is_empty() and not failed.any():
            return ValidatedRows(frame, pl.DataFrame(schema={ROW: pl.UInt32(), "reasons": pl.List(pl.String)}))
        converting = pl.LazyFrame({ROW: numbered[ROW].filter(failed), "conversion": failures.filter(failed)})
        converting = converting.with_columns(pl.col("conversion").list.join(SEPARATOR))
        rules = [name for name in details.columns if name not in numbered.columns]
        contract = details.lazy().select(ROW, _broken_rules(rules).alias("contract"))
        broken = converting.join(contract, on=ROW, how="full", coalesce=True).sort(ROW).fill_null("").collect()
        keep = np.ones(len(frame), dtype=bool)
        keep[broken[ROW].to_numpy()] = False
        return ValidatedRows(frame.filter(pl.Series(keep)), broken.select(ROW, _joined(broken).alias("reasons")))

    def _without(self, settled: Iterable[str]) -> type[dy.Schema]:
        """Return the schema without the single-column rules that need no evaluation by row."""
        free = self._unfilled.union(settled)
        if free not in self._schemas:
            columns = {name: dy.Any() for name in (*free, ROW)}
            self._schemas[free] = type(f"Numbered{self._table.schema.__name__}", (self._table.schema,), columns)
        return self._schemas[free]


def has_vocabulary(column: dy.Column | None) -> bool:
    """Return whether a schema column allows a fixed set of values only."""
    return isinstance(column, dy.String) and bool(column.regex or column.check)


def keeps(column: dy.Column, value: pl.Expr, *, settled: Collection[str] = ()) -> pl.Expr:
    """Return whether values pass the rules of a schema column, without the rules in ``settled``."""
    rules = [rule.fill_null(value=True) for name, rule in column.validation_rules(value).items() if name not in settled]
    return reduce(and_, rules, pl.lit(value=True))


class _Words:
    """Validate a column with few distinct values once per value instead of once per row."""

    def __init__(self, column: dy.Column) -> None:
        self._column = column
        self._fit: set[str | None] = set()

    def are_valid(self, values: pl.Series) -> bool:
        """Return whether every value passes the column's rules; False if there are too many values to check."""
        distinct = values.unique()
        if len(distinct) > FEW_WORDS:
            return False
        new = set(distinct) - self._fit
        word = pl.DataFrame({"word": pl.Series([*new], dtype=pl.String)})
        if new and word.select(keeps(self._column, pl.col("word")).all()).item():
            self._fit |= new
        return self._fit.issuperset(new)


def _broken_rules(rules: list[str]) -> pl.Expr:
    names = [pl.when(pl.col(rule) == "invalid").then(pl.lit(_readable(rule))) for rule in rules]
    return pl.concat_str(names, separator=SEPARATOR, ignore_nulls=True)


def _readable(rule: str) -> str:
    """Return ``column|rule``, or ``row|rule`` for a rule over several columns."""
    column, bar, name = rule.partition("|")
    return f"{column}|{name.removeprefix(CHECK_PREFIX)}" if bar else f"row|{rule}"


def _joined(broken: pl.DataFrame) -> pl.Series:
    """Join conversion errors and rule violations. A value with a conversion error is not reported as missing too.

    There are few distinct lists, so Python processes each of them once.
    """
    kinds = broken.select("conversion", "contract").unique()
    texts = []
    for conversion, contract in kinds.iter_rows():
        found = conversion.split(SEPARATOR) if conversion else []
        columns = {reason.partition("|")[0] for reason in found}
        more = [reason for reason in contract.split(SEPARATOR) if reason and reason.partition("|")[0] not in columns]
        texts.append([*found, *more])
    lists = kinds.with_columns(pl.Series("reasons", texts, dtype=pl.List(pl.String)))
    return broken.join(lists, on=["conversion", "contract"], how="left", maintain_order="left")["reasons"]
