"""Determine the value types of columns, so that only columns of the right type are suggested for a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.values.amounts import are_percentages
from ckm.io.values.dates import date_evidence
from ckm.io.values.numbers import is_number
from ckm.io.values.vocabulary import contract_words, fold, null_words
from ckm.schema import VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckm.schema import TableSchema

MOSTLY = 0.9
"""Minimum share of numbers (or dates) among the texts of a number (or date) column."""
NEARLY_ALL = 0.95
"""Minimum share of filled rows in an id column, and of distinct values if each row has its own id."""
LOOKED_AT = 1_000
"""Maximum distinct texts of a column that are examined."""
FRACTION = r"\d[.,]\d"


@dataclass(frozen=True)
class ColumnShapes:
    """Value types of the columns of a file, from its first records; without records, every type matches."""

    sample: pl.DataFrame | None = None

    def fits(self, target: str, column: str, table: TableSchema, order_columns: Collection[str] = ()) -> bool:
        """Return whether the values of a column have the type of ``target``.

        ``order_columns`` are the customer and time columns; each order id must have one customer and one time.
        """
        if self.sample is None or column not in self.sample.columns or self.sample.is_empty():
            return True
        values = self.sample[column]
        if target in VOCABULARIES or target == "currency":
            return self.has_words(target, column)
        dtype = table.targets.get(target)
        if dtype is not None and dtype.is_numeric():
            return _are_numbers(values)
        if dtype is not None and dtype.is_temporal():
            return _are_dates(values)
        if target == "order_id":
            return self._can_be_order_ids(column, order_columns)
        if (target,) == table.key or target == "customer_id":
            return self._can_be_ids(values, is_key=(target,) == table.key)
        return True

    def has_words(self, target: str, column: str) -> bool:
        """Return whether any value of a column is a valid word of ``target``; true if there are no records."""
        if self.sample is None or column not in self.sample.columns or self.sample.is_empty():
            return True
        known = contract_words(target)
        return any(fold(text) in known for text in _texts(self.sample[column]))

    def _can_be_order_ids(self, column: str, order_columns: Collection[str]) -> bool:
        assert self.sample is not None
        values = self.sample[column]
        if not self._can_be_ids(values, is_key=False):
            return False
        known = [name for name in order_columns if name in self.sample.columns and name != column]
        distinct = values.n_unique()
        if not known:
            return distinct * 2 >= len(values)
        together = self.sample.select(column, *known).n_unique()
        return together * MOSTLY <= distinct

    def _can_be_ids(self, values: pl.Series, *, is_key: bool) -> bool:
        """Return whether the values can be ids.

        If ``is_key`` (the column is the whole key), nearly all values must also be filled and distinct.
        """
        if values.dtype.is_float() or values.dtype.is_temporal() or values.dtype.is_nested():
            return False
        filled = values.drop_nulls()
        if len(filled) < NEARLY_ALL * len(values) and is_key:
            return False
        if is_key and filled.n_unique() < NEARLY_ALL * len(filled):
            return False
        texts = _texts(values)
        return not texts.is_empty() and not texts.str.contains(FRACTION).all() and not _are_dates(texts)


UNKNOWN = ColumnShapes()
"""Types of a file without a sample: every column fits every target."""


def _texts(values: pl.Series) -> pl.Series:
    """Return the distinct texts of a column, without null words."""
    texts = values.drop_nulls().cast(pl.String, strict=False).unique(maintain_order=True).head(LOOKED_AT)
    meant = [text.strip() != "" and fold(text) not in null_words() for text in texts]
    return texts.filter(pl.Series(meant, dtype=pl.Boolean))


def _are_numbers(values: pl.Series) -> bool:
    if values.dtype.is_numeric():
        return True
    if values.dtype != pl.String:
        return False
    texts = _texts(values)
    return not texts.is_empty() and int(is_number(texts).sum()) >= MOSTLY * len(texts) and not are_percentages(values)


def _are_dates(values: pl.Series) -> bool:
    if values.dtype.is_temporal():
        return values.dtype != pl.Duration
    if values.dtype != pl.String:
        return False
    texts = _texts(values)
    return not texts.is_empty() and date_evidence(texts).dates >= MOSTLY * len(texts)
