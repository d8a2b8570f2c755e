"""Identity of rows: by key, or by content and position among equal rows.

Rows with the same complete key are the same row, whatever their file. A row without a complete key is identified by its
content and the number of equal rows before it in its file: a sale in two overlapping exports is one sale, and two equal
sales in one export are two.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm.files import no_space

if sys.platform != "win32":
    from mmap import MADV_DONTNEED

if TYPE_CHECKING:
    from collections.abc import Iterable

Hashes = np.ndarray[Any, np.dtype[np.uint64]]

REPEAT = "repeat_no"
KEY_SEED, CONTENT_SEED = 17, 71
BITS_PER_ROW = 24
BITS_SET = 3
"""Bits per hash: at most one look-up in 300 is a false positive, which costs a search but changes no result."""


@dataclass(frozen=True)
class Identity:
    """Columns that identify the rows of a table.

    Parameters
    ----------
    key
        Columns of the key. A row with a null in any of them has no complete key.
    content
        Columns of a row's content, without lineage.

    Notes
    -----
    Hashes are compared within one run and never stored: polars may change them between versions.
    Rows match only if hashes and columns are equal, so a collision loses no row.
    """

    key: tuple[str, ...]
    content: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Columns of the key and of the content."""
        return list(dict.fromkeys([*self.key, *self.content, REPEAT]))

    def has_key(self) -> pl.Expr:
        """Return an expression: whether a row has a complete key."""
        if not self.key:
            return pl.lit(False)
        return pl.all_horizontal(pl.col(name).is_not_null() for name in self.key)

    def key_or_content(self, frame: pl.DataFrame) -> tuple[Hashes, np.ndarray[Any, np.dtype[np.bool_]]]:
        """Return a hash per row (of its key, else of its content), and whether the row has a complete key."""
        keyed = frame.select(pl.repeat(False, pl.len()) if not self.key else self.has_key()).to_series()
        if not keyed.any():
            return frame.select(pl.struct(self.content).hash(CONTENT_SEED)).to_series().to_numpy(), keyed.to_numpy()
        hashes = frame.select(pl.struct(self.key).hash(KEY_SEED)).to_series()
        if not keyed.all():
            hashes = hashes.zip_with(keyed, frame.select(pl.struct(self.content).hash(CONTENT_SEED)).to_series())
        return hashes.to_numpy(), keyed.to_numpy()

    def of(self, frame: pl.DataFrame) -> Hashes:
        """Return the identity hash of every row of ``frame``, which has :data:`REPEAT`."""
        hashes, keyed = self.key_or_content(frame)
        return with_repeat(hashes, keyed, frame[REPEAT].to_numpy())

    def same(self, suffix: str) -> pl.Expr:
        """Return whether the two rows of a joined row have the same identity; the second has columns with ``suffix``.

        Rows with a complete key are compared by key, other rows by content and :data:`REPEAT`.
        """
        by_key = pl.all_horizontal(pl.col(name) == pl.col(f"{name}{suffix}") for name in self.key) if self.key else None
        by_content = pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(f"{name}{suffix}")) for name in [*self.content, REPEAT]
        )
        return by_content if by_key is None else pl.when(self.has_key()).then(by_key).otherwise(by_content)


def with_repeat(hashes: Hashes, keyed: np.ndarray[Any, np.dtype[np.bool_]], repeats: Any) -> Hashes:
    """Return the hashes, combined with the repeat number in rows without a complete key (``keyed`` is false)."""
    step = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads consecutive numbers (Knuth, TAOCP 6.4)
    folded = hashes + np.asarray(repeats, dtype=np.uint64) * step
    return np.where(keyed, hashes, folded)


class SeenHashes:
    """Counter of earlier occurrences of each hash, over batches of one file.

    A Bloom filter answers "never" for most hashes; only the others are searched in the batches. All bits of a hash are
    in one word (a blocked filter, Putze, Sanders and Singler 2007), selected by its leading digits, so that sorted
    hashes access memory in order.

    Parameters
    ----------
    expected
        Estimated number of hashes; more hashes take longer but are still counted correctly.
    """

    def __init__(self, expected: int) -> None:
        digits = max(16, int(max(1, expected) * BITS_PER_ROW - 1).bit_length())
        self._shift = np.uint64(64 - digits + 6)
        self._words: np.ndarray[Any, np.dtype[np.uint64]] = np.zeros(1 << (digits - 6), dtype=np.uint64)
        self._batches: list[_Batch] = []

    def counts(self, hashes: Hashes) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return how often each hash occurred in earlier batches and earlier in ``hashes``; then add ``hashes``."""
        ordered = pl.Series(hashes).sort(multithreaded=False).to_numpy()  # faster than numpy
        counts = np.zeros(len(hashes), dtype=np.int64)
        if (ordered[1:] == ordered[:-1]).any():
            counts += _repeats_within(hashes)
        slots, bits = self._places(ordered)
        seen = self._earlier(ordered[(self._words[slots] & bits) == bits])
        if len(seen):
            again = pl.DataFrame({"hash": hashes}).join(seen, on="hash", how="left", maintain_order="left")
            counts += again["times"].fill_null(0).to_numpy()
        starts = np.flatnonzero(np.diff(slots, prepend=slots[0] + np.uint64(1)))
        self._words[slots[starts]] |= np.bitwise_or.reduceat(bits, starts)
        if len(ordered):
            self._batches.append(_Batch(ordered))
        return counts

    def _places(self, ordered: Hashes) -> tuple[Hashes, Hashes]:
        one, digits = np.uint64(1), np.uint64(63)
        bits = one << (ordered & digits)
        for shift in range(6, 6 * BITS_SET, 6):
            bits |= one << ((ordered >> np.uint64(shift)) & digits)
        return ordered >> self._shift, bits

    def _earlier(self, wanted: Hashes) -> pl.DataFrame:
        """Return the hashes of ``wanted`` that occurred in earlier batches, as ``hash`` and its number of ``times``."""
        wanted = np.unique(wanted)
        times = np.zeros(len(wanted), dtype=np.int64)
        for batch in self._batches if len(wanted) else []:
            times += batch.count(wanted)
        return pl.DataFrame({"hash": wanted, "times": times}).filter(pl.col("times") > 0)


class _Batch:
    """Sorted hashes of one batch in an unnamed temporary file, which need memory only while they are searched."""

    def __init__(self, ordered: Hashes) -> None:
        try:
            with TemporaryFile() as file:
                file.write(ordered.data)
                file.flush()
                self._pages = mmap(file.fileno(), 0, access=ACCESS_READ)
        except OSError as error:
            raise no_space(Path(gettempdir()), error) from error

    def count(self, wanted: Hashes) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return how often each hash of ``wanted`` occurs in the batch, shape (wanted,)."""
        ordered = np.frombuffer(self._pages, dtype=np.uint64)
        times = np.zeros(len(wanted), dtype=np.int64)
        first = np.searchsorted(ordered, wanted)
        hit = np.flatnonzero(ordered[np.minimum(first, len(ordered) - 1)] == wanted)
        times[hit] = np.searchsorted(ordered, wanted[hit], side="right") - first[hit]
        if sys.platform != "win32":
            self._pages.madvise(MADV_DONTNEED)
        return times


def _repeats_within(hashes: Hashes) -> np.ndarray[Any, np.dtype[np.int64]]:
    nth = pl.DataFrame({"hash": hashes}).select(pl.int_range(pl.len(), dtype=pl.Int64).over("hash"))
    return nth.to_series().to_numpy()


def members(hashes: Hashes, of: Iterable[Hashes]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the positions of those ``hashes`` that occur in any array of ``of``."""
    wanted = pl.Series(np.concatenate([*of, np.empty(0, dtype=np.uint64)])).unique()
    return np.flatnonzero(pl.Series(hashes).is_in(wanted.implode()).to_numpy())
