"""What the columns of a file hold, told without showing a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from ckm.errors import AmbiguousError
from ckm.values.dates import DateStyle, parse_dates, weigh_dates
from ckm.values.numbers import NumberStyle, is_number
from ckm.values.readers import DateReader, NumberReader, complete_reading
from ckm.values.settling import StyleSettler
from ckm.values.vocabulary import fold, null_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.sources.hints import Hints
    from ckm.values.readers import Reader

Type = Literal["text", "number", "integer", "date", "empty", "digits"]

MOSTLY = 0.9
"""Share of a column's distinct texts that must be numbers (or dates) for it to be a column of these."""
SMALLEST_HASHES = 2_048
"""Hashes kept per column; the estimate of distinct values is off by 1/sqrt of this, about 2 %."""
HASH_SPACE = 2.0**64
BLANK = "blanks"
"""What a value of blanks only is called among the null words."""
DIGIT = r"\p{N}"
"""In every date and every number, in the digits of any script."""
LEADING_ZERO = r"^[+-]?0\d"


@dataclass(frozen=True)
class ColumnProfile:
    """What a column holds.

    Attributes
    ----------
    name
        The column.
    type
        ``text``, ``number``, ``integer``, ``date``, ``empty``, ``digits`` (whole numbers with leading zeros: ids), or
        the type that a Parquet file names.
    nulls
        Records without a value.
    null_words
        Records with a word for "no value" (``NULL``, ``n/a``), by the folded word; ``blanks`` are blanks only.
    distinct
        Number of distinct values; above 2,048 an estimate, about 2 % off.
    decimal
        The decimal mark, ``ambiguous`` where nothing settles it, null where none is needed.
    dates
        The layout of dates, ``ambiguous`` where day and month can be swapped throughout.
    misfits, misfit_line
        Values that are none of the type, and the line of the first.
    """

    name: str
    type: str
    nulls: int
    null_words: dict[str, int]
    distinct: int
    decimal: str | None = None
    dates: str | None = None
    misfits: int = 0
    misfit_line: int | None = None


@dataclass
class ColumnProfiler:
    """Sees a column batch by batch, and says in the end what it holds."""

    name: str
    type: str
    reader: Reader | None = None
    decimal: str | None = None
    dates: str | None = None
    question: str | None = None
    """What a person must settle, and how; null if nothing."""
    _nulls: int = 0
    _words: dict[str, int] = field(default_factory=dict)
    _hashes: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))
    _misfits: int = 0
    _misfit_line: int | None = None

    def see(self, values: pl.Series, lines: pl.Series) -> None:
        """Count the values of one batch."""
        self._nulls += values.null_count()
        if values.dtype.is_nested():
            return
        self._sketch(values)
        if values.dtype != pl.String:
            return
        unread = values
        if self.reader is not None:
            quick = values.to_frame("value").with_columns(self.reader.quick(pl.col("value")).alias("value"))["value"]
            unread = values.filter(quick.is_null())
            _, broken = complete_reading(values, quick, self.reader)
            if broken is not None:
                self._misfits += int(broken.sum())
                if self._misfit_line is None:
                    self._misfit_line = int(lines.filter(broken)[0])
        folded = unread.str.strip_chars().str.to_lowercase()
        for word, times in folded.filter(folded.is_in(["", *null_words()])).value_counts().iter_rows():
            self._words[word or BLANK] = self._words.get(word or BLANK, 0) + times

    def _sketch(self, values: pl.Series) -> None:
        """Keep the smallest hashes of all distinct values seen."""
        hashes = values.drop_nulls().hash(seed=0)
        if len(self._hashes) == SMALLEST_HASHES:
            hashes = hashes.filter(hashes < self._hashes.max())
        if len(hashes):
            self._hashes = pl.concat([self._hashes, hashes]).unique().bottom_k(SMALLEST_HASHES)

    def profile(self) -> ColumnProfile:
        """Return what was seen."""
        return ColumnProfile(
            self.name,
            self.type,
            self._nulls,
            dict(sorted(self._words.items())),
            self._distinct(),
            self.decimal,
            self.dates,
            self._misfits,
            self._misfit_line,
        )

    def _distinct(self) -> int:
        """Estimate the number of distinct values by the k smallest hashes (Bar-Yossef et al. 2002)."""
        if len(self._hashes) < SMALLEST_HASHES:
            return len(self._hashes)
        largest = self._hashes.max()
        return round((SMALLEST_HASHES - 1) * HASH_SPACE / float(str(largest)))


def profilers(sample: pl.DataFrame, hints: Hints, more: Callable[[], Iterator[pl.DataFrame]]) -> list[ColumnProfiler]:
    """Settle from the first records how each column is to be judged.

    Parameters
    ----------
    sample
        The first records.
    hints
        What a person says of decimal marks and dates.
    more
        Iterates the whole file; called only where the sample leaves a decimal mark or a date order open.
    """
    settler = StyleSettler(hints)
    found = [_profiler(sample[name]) for name in sample.columns]
    for _ in range(2):  # what one column settles may settle another above it
        for column in found:
            if column.type in {"number", "date"} and column.reader is None and sample[column.name].dtype == pl.String:
                _settle(column, sample[column.name], settler, more)
    return found


def _profiler(values: pl.Series) -> ColumnProfiler:
    if values.dtype != pl.String:
        return ColumnProfiler(values.name, str(values.dtype))
    counts = values.drop_nulls().value_counts(name="times")
    texts = counts.to_series(0)
    meant = counts.filter(
        pl.Series([fold(text) not in null_words() and text.strip() != "" for text in texts], dtype=pl.Boolean)
    )
    texts, times = meant.to_series(0), meant["times"]
    if texts.is_empty():
        return ColumnProfiler(values.name, "empty")
    if not _mostly(texts.str.contains(DIGIT), times):  # a table may have thousands of such columns
        return ColumnProfiler(values.name, "text")
    if _mostly(_date_like(texts), times):
        return ColumnProfiler(values.name, "date")
    if not _mostly(is_number(texts), times):
        return ColumnProfiler(values.name, "text")
    if texts.str.contains(LEADING_ZERO).any() and not texts.str.contains(r"[.,]").any():
        return ColumnProfiler(values.name, "digits")
    return ColumnProfiler(values.name, "number")


def _mostly(mask: pl.Series, times: pl.Series) -> bool:
    """Whether nearly all distinct texts are in ``mask``, or nearly all values are: a few words may come often."""
    return mask.sum() >= MOSTLY * len(mask) or int(times.filter(mask).sum()) >= MOSTLY * int(times.sum())


def _date_like(texts: pl.Series) -> pl.Series:
    """Return which texts are dates in one order or the other; none where most are plain numbers."""
    seen = weigh_dates(texts)
    if not seen.dates or seen.serial > seen.dates:
        return pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
    day_first, month_first = (parse_dates(texts, DateStyle(order=order))["local"] for order in ("dmy", "mdy"))
    return day_first.is_not_null() | month_first.is_not_null()


def _settle(
    column: ColumnProfiler, texts: pl.Series, settler: StyleSettler, more: Callable[[], Iterator[pl.DataFrame]]
) -> None:
    name = column.name

    def rest() -> Iterator[dict[str, pl.Series]]:
        return ({name: records[name]} for records in more())

    try:
        if column.type == "number":
            settler.settle_numbers({name: texts}, rest, {name: name})
            _settle_number(column, settler.numbers[name], texts)
        else:
            settler.settle_dates({name: texts}, rest, {name: name})
            style = settler.dates[name]
            column.dates, column.reader = style.label, DateReader(style, "UTC")
        column.question = None
    except AmbiguousError as error:
        column.question = f"{error}; {error.hint}"
        if column.type == "number":
            column.decimal = "ambiguous"
        else:
            column.dates = "ambiguous"


def _settle_number(column: ColumnProfiler, style: NumberStyle, texts: pl.Series) -> None:
    column.reader = NumberReader(style)
    marks = texts.drop_nulls().str.contains(r"[.,]").any()
    column.decimal = (style.decimal or ".") if marks else None
    if not marks:
        column.type = "integer"
