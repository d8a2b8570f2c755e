"""Register of customer ids: a vectorised hash table that numbers ids in order of first appearance.

An integer id, or a text of at most eight bytes, is represented by a 64-bit word without loss. A longer text is
represented by a hash that differs from the words of all short texts. Long texts with equal hashes are compared, so that
two ids never get the same number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Words = NDArray[np.uint64]

SHORT = 8
"""Maximum bytes of a text that fits a word (64 bits)."""
LONG_MARK = np.uint64(0b11 << 62)
"""Bits set in the word of a long text. No UTF-8 text ends with a byte of 0xC0 or more, so no short text has them."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio, odd: multiplicative hashing (Knuth, TAOCP 3, 6.4)."""
SLOTS_PER_ID = 4
"""Fewest slots of the hash table per id, so that collisions are rare."""
FIRST_BITS = 16
EMPTY = -1


def id_words(ids: pl.Series) -> tuple[Words, NDArray[np.bool_] | None]:
    """Return a 64-bit word per id, and a mask of the words that are hashes of long texts (None: no word is).

    Parameters
    ----------
    ids
        Integers or text, without nulls.
    """
    if ids.dtype != pl.String or ids.is_empty():
        return ids.cast(pl.Int64).to_numpy().view(np.uint64), None
    array = ids.rechunk().to_arrow(compat_level=pl.CompatLevel.newest())
    # 16 bytes per text: its length, then the text padded with zeros if it has at most 12 bytes (Arrow, BinaryView).
    views = np.frombuffer(array.buffers()[1], dtype=np.uint8).reshape(-1, 16)[array.offset :][: len(ids)]
    length: NDArray[np.uint32] = np.ascontiguousarray(views[:, :4].view(np.uint32)).ravel()
    words: Words = np.ascontiguousarray(views[:, 4:12].view(np.uint64)).ravel()
    shortest, longest = int(length.min()), int(length.max())
    # A text that ends with a zero byte would equal the text without it.
    if 0 < shortest == longest <= SHORT:
        long = words >> np.uint64(8 * (longest - 1)) == 0
    else:
        last = words >> (np.clip(length, 1, SHORT) - 1).astype(np.uint64) * np.uint64(8) & np.uint64(255)
        long = (length > SHORT) | ((last == 0) & (length > 0))
    if not long.any():
        return words, None
    return np.where(long, ids.hash(seed=0).to_numpy() | LONG_MARK, words), long


class CustomerRegister:
    """Register that gives every id a number from 0.

    Parameters
    ----------
    dtype
        Type of the ids.
    """

    def __init__(self, dtype: pl.DataType) -> None:
        self._pieces: list[pl.Series] = [pl.Series("customer_id", [], dtype=dtype)]
        self._words: Words = np.zeros(0, dtype=np.uint64)
        self._slots: NDArray[np.int32] = np.full(2**FIRST_BITS, EMPTY, dtype=np.int32)
        self._count = 0
        self._collisions: dict[str, int] = {}

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> pl.Series:
        """All ids, by number."""
        if len(self._pieces) > 1:
            self._pieces = [pl.concat(self._pieces)]
        return self._pieces[0]

    def numbers(self, ids: pl.Series, words: Words, long: NDArray[np.bool_] | None) -> Numbers:
        """Return the number of each id; a new id gets the next number.

        Parameters
        ----------
        ids, words, long
            Ids, and the result of :func:`id_words` for them.
        """
        self._reserve(len(words))
        numbers: Numbers = np.empty(len(words), dtype=np.int64)
        rows, slots, wanted = np.arange(len(words)), self._home(words), words
        while len(rows):
            found = np.take(self._slots, slots)
            empty = np.flatnonzero(found == EMPTY)
            if len(empty):
                found[empty], new = self._assign_numbers(slots[empty])
                self._append(ids.gather(rows[empty[new]]), wanted[empty[new]])
            numbers[rows] = found
            taken = np.flatnonzero(np.take(self._words, found) != wanted)
            # Another id has the slot: try the next slot.
            rows, slots, wanted = rows[taken], self._next(slots[taken]), wanted[taken]
        if long is not None:
            self._resolve_collisions(ids, numbers, np.flatnonzero(long))
        return numbers

    def _home(self, words: Words) -> Numbers:
        bits = len(self._slots).bit_length() - 1
        return ((words * SPREAD) >> np.uint64(64 - bits)).view(np.int64)

    def _next(self, slots: Numbers) -> Numbers:
        return (slots + 1) & (len(self._slots) - 1)

    def _assign_numbers(self, slots: Numbers) -> tuple[NDArray[np.int32], Numbers]:
        """Assign the next numbers to empty slots; return the number in each slot, and the positions of new ones.

        If several ids have the same slot, the id that is written last gets it; the caller tries the next slot for the
        other ids.
        """
        claims = EMPTY - 1 - np.arange(len(slots), dtype=np.int32)
        self._slots[slots] = claims
        winners = np.flatnonzero(np.take(self._slots, slots) == claims)
        self._slots[slots[winners]] = np.arange(self._count, self._count + len(winners), dtype=np.int32)
        return np.take(self._slots, slots), winners

    def _append(self, ids: pl.Series, words: Words) -> None:
        self._pieces.append(ids)
        self._words[self._count : self._count + len(words)] = words
        self._count += len(words)

    def _reserve(self, more: int) -> None:
        """Enlarge the table, if necessary, so that ``more`` ids fit."""
        needed = self._count + more
        if len(self._words) < needed:
            self._words = np.concatenate([self._words, np.zeros(2 * needed - len(self._words), dtype=np.uint64)])
        if len(self._slots) >= SLOTS_PER_ID * needed:
            return
        self._slots = np.full(1 << (SLOTS_PER_ID * needed).bit_length(), EMPTY, dtype=np.int32)
        numbers = np.arange(self._count, dtype=np.int32)
        slots = self._home(self._words[: self._count])
        while len(numbers):
            free = np.flatnonzero(np.take(self._slots, slots) == EMPTY)
            self._slots[slots[free]] = numbers[free]
            displaced = np.flatnonzero(np.take(self._slots, slots) != numbers)
            numbers, slots = numbers[displaced], self._next(slots[displaced])

    def _resolve_collisions(self, ids: pl.Series, numbers: Numbers, rows: Numbers) -> None:
        """Write to ``numbers`` a separate number for each long text whose hash equals that of another text.

        ``rows`` are the positions of long texts. Equal hashes are so rare that a Python loop over them is fast enough.
        """
        texts = ids.gather(rows)
        differ = (texts != self.ids.gather(numbers[rows])).arg_true().to_numpy()
        for row, text in zip(rows[differ], texts.gather(differ), strict=True):
            if text not in self._collisions:
                self._reserve(1)
                self._collisions[text] = self._count
                self._append(pl.Series("customer_id", [text], dtype=pl.String), np.zeros(1, dtype=np.uint64))
            numbers[row] = self._collisions[text]
