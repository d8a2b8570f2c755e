"""Find the lines of a CSV block with numpy, and mark those that are regular records.

A line is regular when it has as many delimiters outside of quotes as the table, each of its quotes opens at the start
of a field and closes at its end, and it contains no NUL, no carriage return without line feed and no undecodable byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.io.readers.csv_records import MOST_LINES, separator
from ckm.io.readers.encoding import UNREADABLE_UTF8

if TYPE_CHECKING:
    import numpy.typing as npt

    from ckm.io.readers.dialect import Dialect

    Bytes = npt.NDArray[np.uint8]
    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

LF, CR = 10, 13
MANY_ODD_LINES = 200
"""Minimum lines with an odd number of quotes for pairing; with fewer, the careful path is as fast."""


@dataclass(frozen=True)
class BlockLines:
    """The lines of a block.

    Attributes
    ----------
    starts, ends
        Their start and end offsets in the block, without line ends.
    blank
        Mask of blank lines.
    regular
        Mask of regular records.
    joined
        First line and number of lines of regular multi-line records.
    """

    starts: Ints
    ends: Ints
    blank: Bools
    regular: Bools
    joined: dict[int, int]


class Scanner:
    """Find the structure of blocks of a table with known dialect and width."""

    def __init__(self, dialect: Dialect, width: int, *, clean: bool) -> None:
        self._delimiter = ord(separator(dialect))
        self._quote = dialect.quote
        self._width = width
        self._suspicious = [b"\x00"] + [b"\\"] * (dialect.escape == "\\") + [UNREADABLE_UTF8] * (not clean)

    def scan(self, block: bytes) -> BlockLines:
        """Find the lines of ``block``, which ends with a line feed, and mark the regular ones."""
        buffer = np.frombuffer(block, np.uint8)
        marks = np.flatnonzero((buffer == LF) | (buffer == self._delimiter))
        is_end = buffer[marks] == LF
        nth = np.flatnonzero(is_end)  # marks that end a line; the marks between two of them are delimiters
        ends = marks[nth]
        starts = np.empty_like(ends)
        starts[0] = 0
        starts[1:] = ends[:-1] + 1
        bare = ends
        if block.find(b"\r") >= 0:
            bare = ends - ((buffer[ends - 1] == CR) & (ends > starts))
        plain = self._plain(block, buffer, ends, bare)
        if not self._quote or block.find(self._quote.encode()) < 0:
            regular = plain & self._has_width(np.diff(nth, prepend=-1) - 1, starts, bare)
            return BlockLines(starts, bare, bare == starts, regular, {})
        delimiters = marks[~is_end]
        quotes = np.flatnonzero(buffer == ord(self._quote))
        regular, odd = self._check_quotes(buffer, quotes, starts, bare, delimiters)
        joined = self._joined(buffer, quotes, starts, bare, delimiters, np.flatnonzero(odd), plain)
        return BlockLines(starts, bare, bare == starts, regular & plain, joined)

    def _plain(self, block: bytes, buffer: Bytes, ends: Ints, bare: Ints) -> Bools:
        """Return a mask of lines without irregular bytes."""
        plain = np.ones(len(ends), dtype=bool)
        for text in self._suspicious:
            if block.find(text) >= 0:
                plain &= _per_line(_positions(block, buffer, text), ends) == 0
        if bare is not ends:
            plain &= _per_line(np.flatnonzero(buffer == CR), ends) == (bare != ends)
        return plain

    def _has_width(self, delimiters: Ints, starts: Ints, ends: Ints) -> Bools:
        """Return a mask of records with the right number of delimiters that do not consist of delimiters only."""
        fits: Bools = delimiters == self._width - 1
        if self._width > 1:
            fits &= ends - starts != delimiters
        return fits

    def _joined(
        self, buffer: Bytes, quotes: Ints, starts: Ints, ends: Ints, delimiters: Ints, odd: Ints, plain: Bools
    ) -> dict[int, int]:
        """Find multi-line records: from a line with an odd number of quotes to the next such line.

        Such a line may open or close a quote, so all adjacent pairs are tried: first those with an even start index,
        then those with an odd one, so that the records of one try do not overlap.
        """
        joined: dict[int, int] = {}
        if len(odd) < MANY_ODD_LINES:
            return joined
        for phase in (0, 1):
            first = odd[phase : len(odd) - 1 : 2]
            last = odd[phase + 1 :: 2]
            depth = np.zeros(len(starts) + 1, dtype=np.int64)
            depth[first + 1] += 1
            depth[last + 1] -= 1
            continues = np.cumsum(depth)[:-1] > 0  # a line that continues the record of the previous line
            goes_on = np.append(continues[1:], False)
            regular, _ = self._check_quotes(buffer, quotes, starts[~continues], ends[~goes_on], delimiters)
            whole = np.logical_and.reduceat(plain, np.flatnonzero(~continues))
            unit = np.cumsum(~continues) - 1
            good = (regular & whole)[unit[first]] & (last - first < MOST_LINES)
            joined.update(zip(first[good].tolist(), (last - first + 1)[good].tolist(), strict=True))
        return joined

    def _check_quotes(
        self, buffer: Bytes, quotes: Ints, starts: Ints, ends: Ints, delimiters: Ints
    ) -> tuple[Bools, Bools]:
        """Return masks of records with regular fields, and of those with an odd number of quotes.

        A record extends from one of ``starts`` to the next.
        """
        mark = buffer[quotes[0]] if len(quotes) else 0
        before = np.searchsorted(quotes, starts)
        per_record = np.diff(before, append=len(quotes))
        record_of = np.repeat(np.arange(len(starts)), per_record)
        opens = (np.arange(len(quotes)) - before[record_of]) % 2 == 0
        previous, following = buffer[quotes - 1], buffer[np.minimum(quotes + 1, len(buffer) - 1)]
        at_start = (quotes == starts[record_of]) | (previous == self._delimiter)
        at_end = (quotes + 1 == ends[record_of]) | (following == self._delimiter)
        doubled_before = (previous == mark) & (quotes > starts[record_of])
        fine = np.where(opens, at_start | doubled_before, at_end | (following == mark))
        odd = per_record % 2 == 1
        regular = ~odd
        regular[record_of[~fine]] = False
        record = np.searchsorted(starts, delimiters, side="right") - 1
        outside = (np.searchsorted(quotes, delimiters) - before[record]) % 2 == 0
        widths = np.bincount(record[outside], minlength=len(starts))
        return regular & self._has_width(widths, starts, ends), odd

    def without_padding(self, block: bytes) -> bytes:
        """Remove the space after each delimiter outside of quotes."""
        buffer = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(buffer == LF)
        starts = np.concatenate([[0], ends[:-1] + 1])
        delimiters = np.flatnonzero(buffer == self._delimiter)
        if self._quote:
            quotes = np.flatnonzero(buffer == ord(self._quote))
            line = np.searchsorted(starts, delimiters, side="right") - 1
            inside = (np.searchsorted(quotes, delimiters) - np.searchsorted(quotes, starts)[line]) % 2 == 1
            delimiters = delimiters[~inside]
        keep = np.ones(len(buffer), dtype=bool)
        keep[delimiters + 1] = buffer[delimiters + 1] != ord(" ")
        return buffer[keep].tobytes()


def _per_line(positions: Ints, ends: Ints) -> Ints:
    """Count ``positions`` (sorted) per line."""
    return np.diff(np.searchsorted(positions, ends), prepend=0)


def _positions(block: bytes, buffer: npt.NDArray[np.uint8], text: bytes) -> Ints:
    if len(text) == 1:
        return np.flatnonzero(buffer == text[0])
    return np.fromiter((found.start() for found in re.finditer(re.escape(text), block)), dtype=np.int64)
