"""Careful path of the CSV parser: single irregular records, which the fast path cannot parse.

It may be slow, because few lines are irregular; see :mod:`ckm.io.readers.csv_blocks`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from ckm.io.readers.format import NO_VALUES, WHITESPACE
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.io.readers.dialect import Dialect

MOST_LINES = 2_000
"""Maximum lines of a record; the search for a closing quote ends there."""
MOST_CHARACTERS = 4 << 20
LEADING_QUOTE = 1.0
"""Penalty of a quote that starts or ends a field and has no counterpart."""
STRAY_QUOTE = 0.4
"""Penalty of an unescaped quote within a quoted field."""
INNER_QUOTE = 0.25
"""Penalty of a quote within an unquoted field, such as an inch mark."""
PENALTY_LIMIT = 1.0
"""Maximum penalty of a repaired record: one stray quote, or two quotes within a quoted field."""
MOST_TOKENS = 500
SINGLE = "\x1f"
"""Placeholder delimiter of single-column files: the ASCII unit separator."""


class ParsedRecord(NamedTuple):
    """A record parsed on the careful path.

    Attributes
    ----------
    fields
        The values, null if empty; None if the record is rejected.
    reason
        Reason of the rejection, or description of the repair; None without either.
    lines
        Number of lines of the record.
    """

    fields: list[str | None] | None
    reason: str | None
    lines: int


class NeedMoreLinesError(Exception):
    """A quote is open at the end of the given lines, and the file continues."""


@dataclass(frozen=True)
class _Split:
    """The fields of a line; ``clean``: all its quotes are valid; ``is_open``: a quoted field is not closed."""

    fields: list[str]
    clean: bool
    is_open: bool


class RecordReader:
    """Parse single records of a table with known dialect and number of columns."""

    def __init__(self, dialect: Dialect, width: int) -> None:
        self.dialect = dialect
        self.width = width
        self._delimiter = separator(dialect)
        self._quote = dialect.quote
        self._backslash = dialect.escape == "\\"

    def read(self, lines: Sequence[str], at: int, *, final: bool) -> ParsedRecord:
        """Parse the record that starts at a line.

        Parameters
        ----------
        lines
            Lines without line feed, possibly with a carriage return.
        at
            Index of the first line of the record.
        final
            Whether the file ends with the last of ``lines``.

        Raises
        ------
        NeedMoreLinesError
            A quote is open at the end of ``lines`` and the file continues.
        """
        line = lines[at].removesuffix("\r")
        if self._is_short(line):
            return ParsedRecord(None, f"{_fields(line.count(self._delimiter) + 1)}, {self.width} expected", 1)
        split = self.split(line)
        if split.is_open and (joined := self._join(lines, at, final=final)) is not None:
            return joined
        return self._parse_line(line, split)

    def whole_records(self, lines: Sequence[str]) -> int:
        """Return the number of valid records of ``lines`` minus the number of invalid ones."""
        at = balance = 0
        while at < len(lines):
            reading = self.read(lines, at, final=True)
            balance += 1 if reading.fields is not None and reading.reason is None else -1
            at += reading.lines
        return balance

    def _is_short(self, line: str) -> bool:
        """Return whether a line has too few fields, the most frequent error, and nothing that could be repaired."""
        return (
            line.count(self._delimiter) + 1 < self.width
            and not (self._quote and self._quote in line)
            and self.dialect.delimiter != WHITESPACE
            and not any(mark in line for mark in ("\x00", "\r", "\\"))
        )

    def split(self, text: str) -> _Split:
        """Split ``text`` by RFC 4180; ``clean`` is whether all quotes in it are valid."""
        if self.dialect.delimiter == WHITESPACE:
            return _Split(text.split(), clean=True, is_open=False)
        tokens = text.split(self._delimiter)
        if not self._quote or (self._quote not in text and not (self._backslash and "\\" in text)):
            if self.dialect.padded:
                tokens = [self._start(tokens, at) for at in range(len(tokens))]
            return _Split(tokens, clean=True, is_open=False)
        return self._split_quoted(tokens)

    def _split_quoted(self, tokens: list[str]) -> _Split:
        quote, fields, clean, at = str(self._quote), [], True, 0
        whole = _quoted_field(quote, self._backslash)
        while at < len(tokens):
            token = self._start(tokens, at)
            if not token.startswith(quote):
                if self._backslash:
                    token, at = self._bare(tokens, at)
                clean = clean and self._quotes(token) == 0
                fields.append(self._unescaped(token) if self._backslash else token)
                at += 1
                continue
            end, quotes = at, self._quotes(token)
            while quotes % 2 == 1 and end + 1 < len(tokens):
                end += 1
                quotes += self._quotes(tokens[end])
            group = self._delimiter.join([token, *tokens[at + 1 : end + 1]])
            if quotes % 2 == 1:
                return _Split([*fields, group], clean=False, is_open=True)
            if whole.fullmatch(group):
                fields.append(self._unescaped(group[1:-1]))
                at = end + 1
            else:
                clean = False
                fields.append(token)
                at += 1
        return _Split(fields, clean, is_open=False)

    def _bare(self, tokens: list[str], at: int) -> tuple[str, int]:
        """Return the unquoted field that starts at token ``at``, and the index of its last token.

        A backslash before a delimiter makes it a part of the field.
        """
        token = self._start(tokens, at)
        while (len(token) - len(token.rstrip("\\"))) % 2 == 1 and at + 1 < len(tokens):
            at += 1
            token = token[:-1] + self._delimiter + tokens[at]
        return token, at

    def _start(self, tokens: list[str], at: int) -> str:
        """Return the start token of a field, without its padding space."""
        return tokens[at].removeprefix(" ") if self.dialect.padded and at else tokens[at]

    def _join(self, lines: Sequence[str], at: int, *, final: bool) -> ParsedRecord | None:
        """Parse a record of several lines: it ends at the first line with which its number of quotes is even.

        Return None without such a line, or if the record is invalid.
        """
        open_quotes = self._quotes(lines[at])
        size = len(lines[at])
        for end in range(at + 1, min(len(lines), at + MOST_LINES)):
            quotes = self._quotes(lines[end])
            open_quotes += quotes
            size += len(lines[end])
            if size > MOST_CHARACTERS:
                return None
            if quotes and open_quotes % 2 == 0:
                split = self.split("\n".join(lines[at : end + 1]).removesuffix("\r"))
                if not split.clean:
                    return None
                fields, reason = self._fitted(split.fields)
                return None if fields is None else ParsedRecord(fields, reason, end - at + 1)
        if not final and len(lines) - at < MOST_LINES and size <= MOST_CHARACTERS:
            raise NeedMoreLinesError
        return None

    def _parse_line(self, line: str, split: _Split) -> ParsedRecord:
        """Parse a single-line record, and repair it if there is exactly one plausible way."""
        if "\x00" in line:
            return self._without_nul(line)
        if split.clean:
            fields, reason = self._fitted(split.fields)
            if fields is None and "\r" in line and (parts := self._at_returns(line)) is not None:
                return parts
            return ParsedRecord(fields, reason, 1)
        repaired = self._repaired(line)
        if repaired is not None:
            return ParsedRecord(_nulls(repaired), "unmatched quotes were read literally", 1)
        if split.is_open:
            return ParsedRecord(None, "unclosed quote", 1)
        return ParsedRecord(None, f"{_fields(len(split.fields))} with unmatched quotes, {self.width} expected", 1)

    def _fitted(self, fields: list[str]) -> tuple[list[str | None] | None, str | None]:
        """Return ``fields`` if their number matches the columns.

        Extra fields at the end are removed only if they are empty and no other field is: another empty field may be
        the surplus one, and then all values after it would be in the wrong column.
        """
        if len(fields) == self.width:
            if len(fields) > 1 and not any(fields):
                return None, NO_VALUES
            return _nulls(fields), None
        if len(fields) > self.width and not any(fields[self.width :]) and all(fields[: self.width]):
            return _nulls(fields[: self.width]), "empty fields after the last column were removed"
        return None, f"{_fields(len(fields))}, {self.width} expected"

    def _without_nul(self, line: str) -> ParsedRecord:
        """Parse a line with NUL bytes: before a quote they escape it, elsewhere they are removed."""
        quote = self._quote or '"'
        cleaned = line.replace("\x00" + quote, quote + quote).replace("\x00", "")
        reading = self._parse_line(cleaned, self.split(cleaned))
        return reading if reading.fields is None else reading._replace(reason="NUL bytes were removed")

    def _at_returns(self, line: str) -> ParsedRecord | None:
        """Refuse a line in which carriage returns separate several complete records, which is ambiguous."""
        widths = {len(self.split(part).fields) for part in line.split("\r")}
        if widths == {self.width}:
            return ParsedRecord(None, f"{line.count(chr(13)) + 1} records separated by carriage returns only", 1)
        return None

    def _repaired(self, line: str) -> list[str] | None:
        """Group the tokens of ``line`` into one field per column, with the lowest penalty.

        Return None if that is impossible or ambiguous, or if the penalty is too high.
        """
        tokens = line.split(self._delimiter)
        if not self.width <= len(tokens) <= MOST_TOKENS:
            return None
        # best[k] = (penalty, number of ways, fields) of the tokens so far as k fields
        best: list[dict[int, tuple[float, int, list[str]]]] = [{} for _ in range(len(tokens) + 1)]
        best[0][0] = (0.0, 1, [])
        for start in range(len(tokens)):
            if not best[start]:
                continue
            for end, (penalty, value) in self._groups(tokens, start):
                for count, (so_far, ways, fields) in best[start].items():
                    total = so_far + penalty
                    if total > PENALTY_LIMIT or count + 1 > self.width:
                        continue
                    known = best[end].get(count + 1)
                    if known is None or total < known[0] - 1e-9:
                        best[end][count + 1] = (total, ways, [*fields, value])
                    elif abs(total - known[0]) <= 1e-9:
                        best[end][count + 1] = (known[0], known[1] + ways, known[2])
        found = best[-1].get(self.width)
        return found[2] if found and found[1] == 1 else None

    def _groups(self, tokens: list[str], start: int) -> list[tuple[int, tuple[float, str]]]:
        """Return ``(end, (penalty, value))`` of every field that may start at token ``start``."""
        quote = str(self._quote)
        token = self._start(tokens, start)
        found: list[tuple[int, tuple[float, str]]] = []
        if not token.startswith(quote):
            found.append((start + 1, (self._literal_penalty(token), token)))
            return found
        group = ""
        for end in range(start, len(tokens)):
            group = token if end == start else group + self._delimiter + tokens[end]
            if len(group) > 1 and group.endswith(quote):
                inner = group[1:-1]
                strays = self._quotes(inner.replace(quote + quote, ""))
                found.append((end + 1, (STRAY_QUOTE * strays, self._unescaped(inner))))
        if not any(end == start + 1 and penalty == 0 for end, (penalty, _) in found):
            found.append((start + 1, (LEADING_QUOTE, token)))
        return found

    def _literal_penalty(self, token: str) -> float:
        quote = str(self._quote)
        if quote not in token:
            return 0.0
        closes = token.endswith(quote) and not token[:-1].endswith(tuple("0123456789"))
        return LEADING_QUOTE if closes else INNER_QUOTE

    def _quotes(self, text: str) -> int:
        quote = str(self._quote)
        return text.count(quote) - (text.count("\\" + quote) if self._backslash else 0)

    def _unescaped(self, inner: str) -> str:
        quote = str(self._quote)
        if self._backslash:
            return re.sub(r"\\([\\" + re.escape(quote) + "])", r"\1", inner).replace(quote + quote, quote)
        return inner.replace(quote + quote, quote)


def separator(dialect: Dialect) -> str:
    """Return the delimiter character; a placeholder for single-column files and runs of spaces."""
    if dialect.delimiter is None:
        return SINGLE
    return " " if dialect.delimiter == WHITESPACE else dialect.delimiter


@lru_cache(maxsize=8)
def _quoted_field(quote: str, backslash: bool) -> re.Pattern[str]:
    q = re.escape(quote)
    inner = rf"(?:[^{q}\\]|{q}{q}|\\.)*" if backslash else rf"(?:[^{q}]|{q}{q})*"
    return re.compile(f"{q}{inner}{q}", re.DOTALL)


def _nulls(fields: list[str]) -> list[str | None]:
    return [field or None for field in fields]


def _fields(count: int) -> str:
    return counted(count, "field")
