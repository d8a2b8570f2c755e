"""Sums by integer key, collected from batches in any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

MOST_PENDING = 2**24
"""Number of collected entries at which equal keys are summed; 128 MB per column."""


class GroupedSums:
    """Sums of columns by key, and optionally by a second number.

    Parameters
    ----------
    columns
        Columns to sum.
    with_value
        Whether each key has a second number (``value``).
    """

    def __init__(self, columns: Sequence[str], *, with_value: bool = False) -> None:
        self._columns = tuple(columns)
        self._by = ("key", "value") if with_value else ("key",)
        self._kept: list[dict[str, NDArray[Any]]] = []
        self._pending = 0

    def add(self, key: Integers, sums: Mapping[str, NDArray[Any]], value: Integers | None = None) -> None:
        """Add entries in any order; keys may repeat."""
        entries: dict[str, NDArray[Any]] = {name: sums[name] for name in self._columns} | {"key": key}
        if value is not None and len(self._by) > 1:
            entries["value"] = value.astype(np.int32)
        self._kept.append(entries)
        self._pending += len(key)
        if self._pending >= MOST_PENDING:
            merged = self.collected()
            self._kept = [{name: merged[name].to_numpy() for name in merged.columns}]
            self._pending = 0

    def collected(self, recode: Callable[[Integers], Integers] | None = None) -> pl.DataFrame:
        """Return the sums, one row per key and sorted, and empty the collector.

        The columns are ``key``, ``value`` (only with ``with_value``) and the summed columns.

        Parameters
        ----------
        recode
            Function from keys to new keys, applied before the sums; None keeps the keys.
        """
        names = (*self._by, *self._columns)
        if not self._kept:
            return pl.DataFrame(schema=dict.fromkeys(names, pl.Int64))
        columns = {}
        for name in names:
            columns[name] = np.concatenate([each.pop(name) for each in self._kept])
        self._kept = []
        if recode is not None:
            columns["key"] = recode(columns["key"])
        entries = pl.DataFrame(columns)
        columns.clear()  # release the unsorted array to save memory
        entries = entries.sort(self._by)
        return _sum_equal_keys(entries, self._by)


class MergedSums(NamedTuple):
    """Merge of two ascending arrays of keys without common keys.

    Attributes
    ----------
    keys
        All keys, ascending.
    first
        Whether each key is from the first array.
    """

    keys: Integers
    first: NDArray[np.bool_]

    @classmethod
    def of(cls, keys: Integers, others: Integers) -> MergedSums:
        """Merge two ascending arrays of keys."""
        first = np.ones(len(keys) + len(others), dtype=bool)
        first[np.searchsorted(keys, others) + np.arange(len(others))] = False
        return cls(_put(first, keys, others), first)

    def put(self, values: Integers, others: Integers) -> Integers:
        """Return the values of the merged keys; ``values`` are of the first array of keys, ``others`` of the second."""
        return _put(self.first, values, others)


def _put(first: NDArray[np.bool_], values: Integers, others: Integers) -> Integers:
    both = np.empty(len(first), dtype=np.int64)
    both[first] = values
    both[~first] = others
    return both


def sum_by_key(entries: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return one row per distinct key, sorted by the columns ``by``; all other columns are summed."""
    return _sum_equal_keys(entries.sort(by), by)


def count_keys(keys: Integers) -> tuple[Integers, Mapping[str, Integers]]:
    """Return the distinct keys, ascending, and their counts as ``lines``, for :meth:`GroupedSums.add`."""
    keys = pl.Series(keys).sort().to_numpy()
    firsts = np.flatnonzero(np.diff(keys, prepend=keys[:1] - 1))
    return keys[firsts], {"lines": np.diff(firsts, append=len(keys))}


def _sum_equal_keys(entries: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    new = np.zeros(entries.height, dtype=bool)
    new[:1] = True
    for name in by:
        column = entries[name].to_numpy()
        new[1:] |= column[1:] != column[:-1]
    firsts = np.flatnonzero(new)
    if len(firsts) == entries.height:
        return entries
    sums = {name: entries[name].to_numpy() for name in entries.columns}
    return pl.DataFrame(
        {name: each[firsts] if name in by else np.add.reduceat(each, firsts) for name, each in sums.items()}
    )
