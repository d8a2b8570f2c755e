"""Whether a column holds what a target is of: a name alone makes no suggestion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.schema import VOCABULARIES
from ckm.values.amounts import are_percentages
from ckm.values.dates import weigh_dates
from ckm.values.numbers import is_number
from ckm.values.vocabulary import contract_words, fold, null_words

if TYPE_CHECKING:
    from collections.abc import Collection

    from ckm.schema import Table

MOSTLY = 0.9
"""Share of a column's texts that must be numbers (or dates) for it to be a column of these."""
NEARLY_ALL = 0.95
"""Share of the rows in which an id must be filled, and of distinct values where each row has its own."""
LOOKED_AT = 1_000
"""Distinct texts of a column that are looked at."""
FRACTION = r"\d[.,]\d"


@dataclass(frozen=True)
class ColumnShapes:
    """What the columns of a file hold, by its first records; without these nothing is known, and every column fits."""

    sample: pl.DataFrame | None = None

    def fits(self, target: str, column: str, table: Table, beside: Collection[str] = ()) -> bool:
        """Return whether a column has the shape of what ``target`` of a table holds.

        ``beside`` are columns that say whose an order is and when it was made: an order id is of one of these alone.
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
            return self._tells_orders(column, beside)
        if (target,) == table.key or target == "customer_id":
            return self._identifies(values, alone=(target,) == table.key)
        return True

    def has_words(self, target: str, column: str) -> bool:
        """Return whether any value of a column is a word that ``target`` can hold; true where nothing is known."""
        if self.sample is None or column not in self.sample.columns or self.sample.is_empty():
            return True
        known = contract_words(target)
        return any(fold(text) in known for text in _texts(self.sample[column]))

    def _tells_orders(self, column: str, beside: Collection[str]) -> bool:
        assert self.sample is not None
        values = self.sample[column]
        if not self._identifies(values, alone=False):
            return False
        known = [name for name in beside if name in self.sample.columns and name != column]
        distinct = values.n_unique()
        if not known:
            return distinct * 2 >= len(values)
        together = self.sample.select(column, *known).n_unique()
        return together * MOSTLY <= distinct

    def _identifies(self, values: pl.Series, *, alone: bool) -> bool:
        """Whether values can be ids; ``alone``: of one row each."""
        if values.dtype.is_float() or values.dtype.is_temporal() or values.dtype.is_nested():
            return False
        filled = values.drop_nulls()
        if len(filled) < NEARLY_ALL * len(values) and alone:
            return False
        if alone and filled.n_unique() < NEARLY_ALL * len(filled):
            return False
        texts = _texts(values)
        return not texts.is_empty() and not texts.str.contains(FRACTION).all() and not _are_dates(texts)


UNKNOWN = ColumnShapes()
"""Nothing is known of what the columns hold."""


def _texts(values: pl.Series) -> pl.Series:
    """Return distinct texts of a column, those that mean no value aside."""
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
    return not texts.is_empty() and weigh_dates(texts).dates >= MOSTLY * len(texts)
