"""Fast path of the CSV parser: whole blocks at once.

A block is scanned with numpy for its structure. polars parses its regular lines, as
:mod:`ckm.io.readers.csv_structure` defines them; each other line is parsed on the careful path
(:mod:`ckm.io.readers.csv_records`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, overload

import numpy as np
import polars as pl

from ckm.errors import InputError
from ckm.io.readers.csv_records import SINGLE, NeedMoreLinesError, RecordReader, separator
from ckm.io.readers.csv_structure import BlockLines, Scanner
from ckm.io.readers.encoding import UNREADABLE
from ckm.io.readers.format import WHITESPACE, Batch, rejected_frame, text_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from ckm.io.readers.dialect import Dialect
    from ckm.io.readers.remarks import Remarks

    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

LONGEST_LINE = 256 << 20
"""Maximum bytes of a line; a longer line means that the file is not a table."""
RAW_LIMIT = 20_000
"""Maximum characters of a rejected record that are stored."""


class BlockReader:
    """Parse blocks of UTF-8 text that end at line ends.

    Parameters
    ----------
    dialect, columns
        The dialect and the column names.
    first_line
        1-based first line of the data; earlier lines are skipped.
    header
        The header values, for detecting repeated header lines.
    remarks
        Collects remarks on repairs.
    clean
        Whether the file is valid in its encoding, so that no line has an undecodable byte.
    """

    def __init__(
        self,
        dialect: Dialect,
        columns: tuple[str, ...],
        first_line: int,
        header: tuple[str, ...] | None,
        remarks: Remarks,
        *,
        clean: bool,
    ) -> None:
        self._substitute = _substitute(dialect)
        self.dialect = dialect if self._substitute is None else replace(dialect, delimiter=SINGLE)
        dialect = self.dialect
        self.columns = columns
        self.first_line = first_line
        self.line = 1
        self._header = [name or None for name in header] if header and any(header) else None
        self._remarks = remarks
        self._records = RecordReader(dialect, len(columns))
        self._scanner = Scanner(dialect, len(columns), clean=clean)

    def read(self, block: bytes, *, final: bool) -> tuple[Batch, bytes]:
        """Read the records of ``block``.

        Returns
        -------
        The records, and the end of the block with an incomplete record, which the caller puts before the next block;
        empty if ``final``.
        """
        if not block:
            return self._batch(pl.DataFrame(schema=text_schema(self.columns)), [], [], []), b""
        if not block.endswith(b"\n"):
            block += b"\n"
        if self.dialect.delimiter == WHITESPACE:
            block = re.sub(rb"(?m)^[ \t]+|[ \t]+(?=\r?$)", b"", re.sub(rb"[ \t]+", b" ", block))
        if self._substitute is not None:
            block = block.replace(self._substitute.encode(), SINGLE.encode())
        if self.dialect.padded:
            block = self._scanner.without_padding(block)
        lines = self._scanner.scan(block)
        skip = max(0, min(self.first_line - self.line, len(lines.starts)))
        taken = lines.regular & ~lines.blank
        taken[:skip] = False
        odd = np.flatnonzero(~lines.regular & ~lines.blank)
        careful = _Careful(self._records, block, lines, self.line, final)
        careful.read(odd[odd >= skip], taken, lines.joined)
        stop = len(lines.starts) if careful.stop is None else careful.stop
        taken[stop:] = False
        fast = self._parse(block, lines, taken, int(taken.sum()) - careful.continued)
        if fast is None:  # polars found other records than the scan: use the careful path for all
            careful = _Careful(self._records, block, lines, self.line, final)
            everything = np.flatnonzero(~lines.blank)
            taken[:] = False
            careful.read(everything[everything >= skip], taken, {})
            stop = len(lines.starts) if careful.stop is None else careful.stop
            fast = pl.DataFrame(schema=text_schema(self.columns))
        taken[careful.continuing] = False
        batch = self._batch(fast, np.flatnonzero(taken) + self.line, careful.accepted, careful.rejected)
        for line, remark in careful.repaired:
            self._remarks.add(remark, line)
        self.line += stop
        rest = block[int(lines.starts[stop]) :] if stop < len(lines.starts) else b""
        return batch, rest

    def _batch(
        self,
        fast: pl.DataFrame,
        fast_lines: Ints | list[int],
        accepted: list[tuple[int, list[str | None]]],
        rejected: list[tuple[int, str, str]],
    ) -> Batch:
        lines = pl.Series("line", fast_lines, dtype=pl.Int64)
        if accepted:
            repaired = pl.DataFrame([f for _, f in accepted], schema=text_schema(self.columns), orient="row")
            fast = pl.concat([fast, repaired])
            lines = pl.concat([lines, pl.Series("line", [line for line, _ in accepted], dtype=pl.Int64)])
            order = lines.arg_sort()
            fast, lines = fast[order], lines[order]
        if self._substitute is not None:  # the stand-in delimiter was also written into quoted cells: restore it there
            fast = fast.with_columns(pl.all().str.replace_all(SINGLE, self._substitute, literal=True))
            rejected = [(line, reason, raw.replace(SINGLE, self._substitute)) for line, reason, raw in rejected]
        if self._header and (again := self._same_as_header(fast)) is not None:
            for line in lines.filter(again):
                self._remarks.add("repeated header line skipped", line)
            fast, lines = fast.filter(~again), lines.filter(~again)
        return Batch(fast, lines, rejected_frame(sorted(rejected)))

    def _same_as_header(self, records: pl.DataFrame) -> pl.Series | None:
        """Return a mask of records that repeat the header; None if none does."""
        header = self._header or []
        first = next(place for place, name in enumerate(header) if name is not None)
        if not (records.to_series(first) == header[first]).any():
            return None
        same = pl.all_horizontal(
            pl.col(column).eq_missing(pl.lit(name, dtype=pl.String))
            for column, name in zip(self.columns, header, strict=True)
        )
        found = records.select(same=same).to_series()
        return found if found.any() else None

    def _parse(self, block: bytes, lines: BlockLines, taken: Bools, count: int) -> pl.DataFrame | None:
        """Parse the lines marked by ``taken`` with polars; None if the number of its records is not ``count``."""
        schema = text_schema(self.columns)
        if not count:
            return pl.DataFrame(schema=schema)
        text = block if taken.all() else _cut_out(block, lines, taken)
        quote = self.dialect.quote
        if quote and text.find(quote.encode()) < 0:
            quote = None  # without quotes polars parses faster
        try:
            records = pl.read_csv(
                text,
                has_header=False,
                schema=schema,
                separator=separator(self.dialect),
                quote_char=quote,
                empty_string_is_null=True,
            )
        except pl.exceptions.PolarsError:
            return None
        if records.height != count:
            return None
        if quote and text.find((quote + quote).encode()) >= 0:  # polars reads "" as empty text, ckm as missing
            records = records.with_columns(pl.all().replace("", None))
        return records


class _Careful:
    """Parse the irregular lines of a block on the careful path."""

    def __init__(self, records: RecordReader, block: bytes, lines: BlockLines, first_line: int, final: bool) -> None:
        self._records = records
        self._lines = _LazyLines(block, lines)
        self._line = first_line
        self._final = final
        self.accepted: list[tuple[int, list[str | None]]] = []
        self.rejected: list[tuple[int, str, str]] = []
        self.repaired: list[tuple[int, str]] = []
        self.continuing: list[int] = []
        self.stop: int | None = None

    @property
    def continued(self) -> int:
        """Return the number of lines on the fast path that continue the record of the previous line."""
        return len(self.continuing)

    def read(self, odd: Ints, taken: Bools, joined: dict[int, int]) -> None:
        """Parse the records that begin at the lines ``odd``, and unmark their lines in ``taken``.

        ``taken`` marks the lines of the fast path. Multi-line records in ``joined`` are marked too, so that polars
        parses them.
        """
        consumed = 0
        for at in odd.tolist():
            if at < consumed:
                continue
            if at in joined:
                consumed = at + joined[at]
                taken[at:consumed] = True
                self.continuing.extend(range(at + 1, consumed))
                continue
            try:
                consumed = at + self._read_at(at)
            except NeedMoreLinesError:
                self.stop = at
                return
            taken[at:consumed] = False

    def _read_at(self, at: int) -> int:
        number = self._line + at
        text = self._lines[at].removesuffix("\r")
        if UNREADABLE in text:
            raw = text.replace(UNREADABLE, "")
            self.rejected.append((number, "encoding", raw[:RAW_LIMIT]))
            return 1
        if not text.strip(" "):
            return 1
        reading = self._records.read(self._lines, at, final=self._final)
        if reading.fields is None:
            self.rejected.append((number, reading.reason or "unreadable", text[:RAW_LIMIT].replace("\x00", "\\x00")))
        else:
            self.accepted.append((number, reading.fields))
            if reading.reason:
                self.repaired.append((number, reading.reason))
        return reading.lines


class _LazyLines(Sequence[str]):
    """The lines of a block, decoded on demand."""

    def __init__(self, block: bytes, lines: BlockLines) -> None:
        self._block = block
        self._edges = np.append(lines.starts, len(block))

    def __len__(self) -> int:
        return len(self._edges) - 1

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        return self._block[int(self._edges[at]) : int(self._edges[at + 1]) - 1].decode()


def _substitute(dialect: Dialect) -> str | None:
    """Return a multi-byte delimiter, which is replaced by a single byte before parsing; None for other delimiters."""
    return (
        dialect.delimiter if dialect.delimiter not in {None, WHITESPACE} and not separator(dialect).isascii() else None
    )


def _cut_out(block: bytes, lines: BlockLines, taken: Bools) -> bytes:
    """Return the lines of ``block`` marked by ``taken``."""
    edges = np.flatnonzero(np.diff(taken, prepend=False, append=False))
    starts = lines.starts[edges[::2]]
    following = np.append(lines.starts, len(block))
    view = memoryview(block)
    return b"".join(view[a:b] for a, b in zip(starts.tolist(), following[edges[1::2]].tolist(), strict=True))


def line_blocks(pieces: Iterator[bytes], name: str, line_end: str) -> Iterator[tuple[bytes, bool]]:
    """Cut ``pieces`` of text at line ends; yield ``(block, whether it is the last)``.

    If ``line_end`` is a carriage return, a single one also ends a line and is replaced by a line feed.

    Raises
    ------
    InputError
        A line is longer than :data:`LONGEST_LINE`.
    """
    rest: list[bytes] = []
    waiting = b""
    for piece in pieces:
        block = piece
        if line_end == "\r":
            block = b"".join([*rest, piece])
            held = block[-1:] if block.endswith(b"\r") else b""  # this CR may be the first half of a CR LF
            block = block[: len(block) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            rest = []
            cut = block.rfind(b"\n") + 1
            block, tail = block[:cut], block[cut:] + held
        else:
            cut = block.rfind(b"\n") + 1
            block, tail = block[:cut], block[cut:]
        if cut:
            if waiting:
                yield waiting, False
            waiting = b"".join([*rest, block])
            rest = []
        if tail:
            rest.append(tail)
        if sum(map(len, rest)) > LONGEST_LINE:
            raise InputError(f"{name}: a line is longer than {LONGEST_LINE >> 20} MB")
    last = b"".join(rest)
    if last:
        if waiting:
            yield waiting, False
        waiting = last.replace(b"\r", b"\n") if line_end == "\r" else last
    yield waiting, True
