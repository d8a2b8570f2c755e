"""Distinct values of a field, with a fast upper bound on the similarity of two values."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Codes: TypeAlias = NDArray[np.int64]

LEAST_SIMILARITY = 0.5
"""Similarity (1 - edits / longer length) below which two values are different."""
CLASSES, MOST_COUNTED = 21, 3
"""Classes of characters, and most characters of a class that a signature counts: together at most 64 bits."""
AT_A_TIME = 200_000
"""Values whose signatures are made at a time, to bound memory."""


class Vocabulary:
    """Distinct values of a field, with signatures that bound the similarity of two values.

    Parameters
    ----------
    values
        Distinct values; String, shape (values,).

    Attributes
    ----------
    texts
        The values; shape (values,), objects.
    lengths
        Number of characters of each value; shape (values,).
    """

    def __init__(self, values: pl.Series) -> None:
        self.texts = np.array([*values.to_list(), ""], dtype=object)[:-1]  # "" keeps an empty array 1-D
        self.lengths = values.str.len_chars().to_numpy().astype(np.int64)
        pieces = [
            _signatures(values[start : start + AT_A_TIME], self.lengths[start : start + AT_A_TIME])
            for start in range(0, len(values), AT_A_TIME)
        ]
        self._signatures = np.concatenate([np.empty(0, dtype=np.uint64), *pieces])

    def __len__(self) -> int:
        """Return the number of values."""
        return len(self.texts)

    def may_be_similar(self, left: Codes, right: Codes) -> NDArray[np.bool_]:
        """Return which pairs of values may have a similarity of at least :data:`LEAST_SIMILARITY`; shape (pairs,).

        An edit removes at most one character of the first value and adds at most one of the second. So there are at
        least as many edits as characters that only the first value has, and as characters that only the second has.
        """
        one, other = self._signatures[left], self._signatures[right]
        edits = np.maximum(np.bitwise_count(one & ~other), np.bitwise_count(other & ~one))
        longer = np.maximum(self.lengths[left], self.lengths[right])
        return np.asarray(edits <= (1 - LEAST_SIMILARITY) * longer)


def _signatures(values: pl.Series, lengths: Codes) -> NDArray[np.uint64]:
    """Return the signature of each value: per class of characters as many bits as characters; shape (values,)."""
    characters = np.frombuffer("".join(values.to_list()).encode("utf-32-le"), dtype=np.uint32)
    place = np.repeat(np.arange(len(values)), lengths) * CLASSES + characters % CLASSES
    counts = np.bincount(place, minlength=len(values) * CLASSES).reshape(-1, CLASSES)
    bits = (1 << np.minimum(counts, MOST_COUNTED).astype(np.uint64)) - np.uint64(1)
    shifts = np.arange(CLASSES, dtype=np.uint64) * np.uint64(MOST_COUNTED)
    return np.asarray(np.bitwise_or.reduce(bits << shifts, axis=1), dtype=np.uint64)
