"""Integer codes for the values of a text column, in order of first appearance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.register import CustomerRegister, id_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int64]


class ValueCodes:
    """Register that numbers the values of a column from 1; null has the number 0."""

    def __init__(self) -> None:
        self._register = CustomerRegister(pl.String())

    def numbers(self, values: pl.Series) -> Integers:
        """Return the number (int64) of each value, which is a text or null; a new value gets the next number."""
        nulls = values.null_count()
        if not nulls:
            return self._register.numbers(values, *id_words(values)) + 1
        if nulls == len(values):
            return np.zeros(nulls, dtype=np.int64)
        some = values.drop_nulls()
        numbers = np.zeros(len(values), dtype=np.int64)
        numbers[values.is_not_null().to_numpy()] = self._register.numbers(some, *id_words(some)) + 1
        return numbers

    @property
    def names(self) -> pl.Series:
        """The values by number; the first is null."""
        return pl.concat([pl.Series("value", [None], dtype=pl.String), self._register.ids.alias("value")])


def positions(codes: NDArray[np.uint32], values: NDArray[np.uint32]) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
    """Return which of ``values`` are in ``codes`` (ascending), shape (values,), and the positions of these."""
    if not len(codes):
        return np.zeros(len(values), dtype=np.bool_), np.zeros(0, dtype=np.uint32)
    at = np.searchsorted(codes, values).clip(max=len(codes) - 1)
    there = codes[at] == values
    return there, at[there].astype(np.uint32)
