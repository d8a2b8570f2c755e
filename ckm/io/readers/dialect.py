"""Detect the dialect (delimiter and quotes) of a text table.

Each candidate is scored by the regularity and the cell types of its rows, after van den Burg, Nazábal and
Sutton, "Wrangling messy CSV files by detecting row and type patterns", Data Mining and Knowledge Discovery 33 (2019),
section 4: score = pattern score x type score.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from ckm.errors import UsageError
from ckm.io.readers.cell_kinds import kind_of
from ckm.io.readers.format import WHITESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ckm.io.readers.hints import Hints

COMMON = {",": 1.0, ";": 1.0, "\t": 1.0, "|": 1.0}
"""Weights of the most frequent delimiters."""
UNUSUAL_WEIGHT = 0.8
"""Weight of any other delimiter that is not in :data:`RARE`."""
RARE = {" ": 0.6, ":": 0.6, "-": 0.3, "/": 0.3, ".": 0.3, "_": 0.2, "=": 0.5, "&": 0.5, "+": 0.4, "*": 0.5}
"""Characters that are frequent within values and need a much higher score to be the delimiter."""
NEVER = frozenset("\"'\\\r\n\x00()[]{}<>$€£%@?\ufdd0\ufeff")
SAMPLE_LINES = 400
SAMPLE_CELLS = 40
"""Maximum rows for the type score; more rows do not change the result."""
PADDED_SHARE = 0.95
FIELD_LIMIT = 1 << 27
NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
SEP_LINE = re.compile(r"^sep=(.)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """Delimiter and quotes; :class:`ckm.io.readers.format.FileFormat` describes the attributes."""

    delimiter: str | None
    quote: str | None
    escape: str | None
    padded: bool = False


def detect_dialect(lines: Sequence[str], hints: Hints) -> Dialect:
    """Choose the dialect of ``lines``, the first of a file without their line ends.

    Hints take precedence, then a first line such as ``sep=;``.

    Raises
    ------
    UsageError
        A hint is not a single character.
    """
    delimiter = given_delimiter(hints.delimiter)
    if delimiter is None and lines and (found := SEP_LINE.match(lines[0])):
        delimiter, lines = found.group(1), lines[1:]
    quote = _given_quote(hints.quote)
    sample = [line for line in islice(lines, SAMPLE_LINES) if line.strip()]
    if delimiter == WHITESPACE:
        return Dialect(WHITESPACE, None, None)
    quotes = [quote] if quote is not None else ['"', "'"] if "'" in "".join(sample) else ['"']
    delimiters = [delimiter] if delimiter else _delimiters(sample)
    scored = [(score(sample, d, q) * _weight(d), d, q) for d in delimiters for q in quotes]
    best = max(scored, key=lambda s: s[0], default=(0.0, None, '"'))
    chosen, mark = best[1], best[2]
    if delimiter is None and best[0] <= single_column_score(sample):
        chosen, mark = None, quotes[0]
    if chosen == " " and delimiter is None and _blank_runs(sample):
        return Dialect(WHITESPACE, None, None)
    if quote is None:
        mark = "'" if len(quotes) > 1 and _encloses(sample, chosen, "'") else '"'
    dialect = Dialect(chosen, mark or None, mark or None, padded=_padded(sample, chosen, mark))
    return replace(dialect, escape=_escape(sample, dialect))


def given_delimiter(name: str | None) -> str | None:
    """Return the delimiter given by the user: a character, or its name."""
    if name is None or name == WHITESPACE:
        return name
    delimiter = NAMES.get(name.lower(), name)
    if len(delimiter) != 1 or delimiter in '\r\n"':
        raise UsageError(
            f"invalid delimiter '{name}': it must be one character",
            hint="or use one of: tab, whitespace, comma, semicolon, pipe",
        )
    return delimiter


def score(lines: Sequence[str], delimiter: str, quote: str) -> float:
    """Return pattern score x type score of ``lines`` under a dialect (van den Burg et al. 2019, eq. 2 to 4)."""
    rows = split_rows(lines, delimiter, quote, padded=delimiter != " ")
    if not rows:
        return 0.0
    widths = Counter(map(len, rows))
    pattern = sum(n * (width - 1) / width for width, n in widths.items()) / len(widths) / len(rows)
    return pattern * _type_share(rows, widths.most_common(1)[0][0])


def single_column_score(lines: Sequence[str]) -> float:
    """Return the score of the lines as a single column, which the score of a delimiter must exceed."""
    kinds = [kind_of(line) for line in islice(lines, SAMPLE_CELLS)]
    typed = sum(kind not in {"text"} for kind in kinds) / len(kinds) if kinds else 1.0
    return 0.12 + 0.25 * typed


def regularity(lines: Sequence[str], dialect: Dialect) -> float:
    """Return the share of rows with the most frequent number of fields."""
    if dialect.delimiter in {None, WHITESPACE}:
        return 0.0
    rows = split_rows(lines[:SAMPLE_LINES], str(dialect.delimiter), dialect.quote or "", padded=dialect.padded)
    return Counter(map(len, rows)).most_common(1)[0][1] / len(rows) if rows else 0.0


def split_rows(lines: Iterable[str], delimiter: str, quote: str, *, padded: bool = False) -> list[list[str]]:
    """Split ``lines`` with the lenient csv module; an unclosed quote affects one row, not the file."""
    csv.field_size_limit(FIELD_LIMIT)
    rows: list[list[str]] = []
    kept = [line.removesuffix("\r").replace("\x00", "").replace("\r", "\v") + "\n" for line in lines]
    reader = csv.reader(
        kept,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=padded,
    )
    try:
        rows.extend(row for row in reader if row)
    except csv.Error:
        return rows
    return rows


def _type_share(rows: list[list[str]], width: int) -> float:
    """Return the share of typed cells, over rows of the most frequent width."""
    usual = [row for row in rows if len(row) == width][:SAMPLE_CELLS]
    kinds = [kind_of(cell) for row in usual for cell in row[:200]]
    if not kinds:
        return 1e-10
    plain = sum(1.0 if kind != "text" else 0.5 for kind in kinds)
    return plain / len(kinds)


def _delimiters(sample: Sequence[str]) -> list[str]:
    """Return the candidate delimiters: characters in at least a tenth of the lines, without letters and digits."""
    found: Counter[str] = Counter()
    for line in sample:
        found.update({c for c in set(line[:20_000]) if not c.isalnum() and c not in NEVER and ord(c) < 0x2000})
    least = max(1, len(sample) // 10)
    return [c for c, lines in found.most_common() if lines >= least and (c.isprintable() or c in "\t\x01\x1e\x1f")][:16]


def _weight(delimiter: str | None) -> float:
    return COMMON.get(delimiter or "", RARE.get(delimiter or "", UNUSUAL_WEIGHT))


def _given_quote(quote: str | None) -> str | None:
    if quote is None or len(quote) <= 1:
        return quote
    if quote.lower() == "none":
        return ""
    raise UsageError(
        f"invalid quote '{quote}': it must be one character", hint="use --quote none for files without quotes"
    )


def _blank_runs(sample: Sequence[str]) -> bool:
    """Return whether columns are separated by runs of spaces: several in a row, or spaces before the first value."""
    runs = sum("  " in line.strip() or line.startswith(" ") for line in sample)
    return runs > 0.3 * len(sample) and not any('"' in line for line in sample)


def _encloses(sample: Sequence[str], delimiter: str | None, quote: str) -> bool:
    """Return whether ``quote`` encloses whole fields, and the double quote does not."""
    edge = re.escape(delimiter) if delimiter else "$"
    pattern = f"(?:^|{edge} ?){{q}}(?:[^{{q}}]|{{q}}{{q}})*{{q}}(?:$|{edge})"
    single = sum(bool(re.search(pattern.format(q="'"), line)) for line in sample)
    double = sum(bool(re.search(pattern.format(q='"'), line)) for line in sample)
    return single > 0 and single > double


def _escape(sample: Sequence[str], dialect: Dialect) -> str | None:
    """Detect backslash-escaped quotes; the default is doubled quotes (RFC 4180).

    A value may end with a backslash, so escapes are assumed only if they make more records complete.
    """
    from ckm.io.readers.csv_records import RecordReader

    quote = dialect.quote
    if not quote or not any("\\" + quote in line for line in sample):
        return quote
    rows = split_rows(sample, dialect.delimiter or "\x1f", quote, padded=dialect.padded)
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    doubled, slashed = (
        RecordReader(replace(dialect, escape=escape), width).whole_records(sample) for escape in (quote, "\\")
    )
    return "\\" if slashed > doubled else quote


def _padded(sample: Sequence[str], delimiter: str | None, quote: str | None) -> bool:
    """Return whether a space follows every delimiter outside of quotes, as in ``1, 2, "a,b"``."""
    if delimiter is None or delimiter.isspace():
        return False
    quoted = re.compile(f"{quote}[^{quote}]*{quote}" if quote else "$^")
    after: Counter[str] = Counter()
    for line in sample:
        bare = quoted.sub("", line[:2_000])
        after.update(bare[at + 1 : at + 2] for at, c in enumerate(bare) if c == delimiter)
    total = sum(n for c, n in after.items() if c)
    return total > 0 and after[" "] >= PADDED_SHARE * total
