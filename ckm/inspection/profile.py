"""Profile the columns of a file: types, formats and counts, without values of rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from ckm.errors import AmbiguousError
from ckm.io.values.dates import DateStyle, date_traits, dates_evidence, parse_dates
from ckm.io.values.distinct_texts import distinct_texts
from ckm.io.values.numbers import NumberStyle, is_number, numbers_evidence
from ckm.io.values.readers import DateReader, NumberReader, complete_reading
from ckm.io.values.style_detection import StyleDetector
from ckm.io.values.vocabulary import fold, null_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ckm.io.readers.format import Batch
    from ckm.io.readers.hints import Hints
    from ckm.io.values.readers import Reader

Type = Literal["text", "number", "integer", "date", "empty", "digits"]

MOSTLY = 0.9
"""Minimum share of numbers (or dates) among the distinct texts of a number (or date) column."""
SMALLEST_HASHES = 2_048
"""Hashes kept per column; the estimate of distinct values is off by 1/sqrt of this, about 2 %."""
HASH_SPACE = 2.0**64
COLUMNS_AT_ONCE = 500
"""Columns of a batch that are profiled in one query."""
BLANK = "blanks"
"""Label of values with spaces only among the null words."""
DIGIT = r"\p{N}"
"""Pattern of a digit in any script, which every date and number has."""
LEADING_ZERO = r"^[+-]?0\d"


@dataclass(frozen=True)
class ColumnProfile:
    """Profile of a column.

    Attributes
    ----------
    name
        The column.
    type
        ``text``, ``number``, ``integer``, ``date``, ``empty``, ``digits`` (whole numbers with leading zeros: ids), or
        the type of a Parquet column.
    nulls
        Records without a value.
    null_words
        Records with a null word (``NULL``, ``n/a``), by the folded word; ``blanks`` are spaces only.
    distinct
        Number of distinct values; above 2,048 an estimate, about 2 % off.
    decimal
        The decimal mark, ``ambiguous`` if undecided, None if not needed.
    dates
        The date format, ``ambiguous`` if day and month cannot be distinguished.
    parse_errors, parse_error_line
        Number of values that cannot be parsed as the type, and the line of the first.
    """

    name: str
    type: str
    nulls: int
    null_words: dict[str, int]
    distinct: int
    decimal: str | None = None
    dates: str | None = None
    parse_errors: int = 0
    parse_error_line: int | None = None


@dataclass
class ColumnProfiler:
    """Profile a column batch by batch."""

    name: str
    type: str
    reader: Reader | None = None
    decimal: str | None = None
    dates: str | None = None
    question: str | None = None
    """The ambiguity that the user must resolve; null if none."""
    _nulls: int = 0
    _words: dict[str, int] = field(default_factory=dict)
    _hashes: pl.Series = field(default_factory=lambda: pl.Series(dtype=pl.UInt64))
    _parse_errors: int = 0
    _parse_error_line: int | None = None

    def add(self, values: pl.Series, lines: pl.Series, results: _BatchResults, place: int) -> None:
        """Add the values of one batch; ``results`` has the results of the query for all columns."""
        self._nulls += results.nulls[place]
        hashes, quick, words = results.hashes[place], results.quick[place], results.words[place]
        if hashes is not None and len(hashes):
            both = pl.concat([self._hashes, hashes]) if len(self._hashes) else hashes
            self._hashes = both.unique().bottom_k(SMALLEST_HASHES) if len(self._hashes) else hashes
        if self.reader is not None and quick is not None:
            _, broken = complete_reading(values, quick, self.reader)
            if broken is not None:
                self._parse_errors += int(broken.sum())
                if self._parse_error_line is None:
                    self._parse_error_line = int(lines.filter(broken)[0])
        for word, times in Counter(words.to_list() if words is not None else ()).items():
            self._words[word or BLANK] = self._words.get(word or BLANK, 0) + times

    def profile(self) -> ColumnProfile:
        """Return the profile."""
        return ColumnProfile(
            self.name,
            self.type,
            self._nulls,
            dict(sorted(self._words.items())),
            self._distinct(),
            self.decimal,
            self.dates,
            self._parse_errors,
            self._parse_error_line,
        )

    def _distinct(self) -> int:
        """Estimate the number of distinct values by the k smallest hashes (Bar-Yossef et al. 2002)."""
        if len(self._hashes) < SMALLEST_HASHES:
            return len(self._hashes)
        largest = self._hashes.max()
        return round((SMALLEST_HASHES - 1) * HASH_SPACE / float(str(largest)))


def profilers(sample: pl.DataFrame, hints: Hints, more: Callable[[], Iterator[pl.DataFrame]]) -> list[ColumnProfiler]:
    """Determine the type and style of each column from the first records.

    Parameters
    ----------
    sample
        The first records.
    hints
        Hints of the user on decimal marks and dates.
    more
        Iterates the whole file; called only if the sample leaves a decimal mark or a date order ambiguous.
    """
    styles = StyleDetector(hints)
    texts = {name: sample[name] for name, dtype in sample.schema.items() if dtype == pl.String}
    types = column_types(texts)
    found = [ColumnProfiler(name, types.get(name, str(dtype))) for name, dtype in sample.schema.items()]
    numbers, dates = ({name: texts[name] for name in texts if types[name] == kind} for kind in ("number", "date"))
    styles.known_numbers = numbers_evidence(numbers)
    styles.known_dates = dates_evidence(dates)
    for _ in range(2):  # one column may decide for a previous one
        for column in found:
            if column.type in {"number", "date"} and column.reader is None and column.name in texts:
                _detect_style(column, texts[column.name], styles, more)
    return found


def add_batch(columns: Sequence[ColumnProfiler], batch: Batch) -> None:
    """Add the values of one batch to every profile; many columns are profiled in one query."""
    for at in range(0, len(columns), COLUMNS_AT_ONCE):
        some = columns[at : at + COLUMNS_AT_ONCE]
        values = batch.records.select(column.name for column in some)
        results = _BatchResults.of(some, values)
        for place, column in enumerate(some):
            column.add(values.to_series(place), batch.lines, results, place)


@dataclass(frozen=True)
class _BatchResults:
    """Results of one query over the columns of a batch, by column index.

    Attributes
    ----------
    nulls
        Number of nulls.
    hashes
        The smallest hashes of the distinct values; None for columns without values.
    quick
        Values parsed by the fast path; None for columns without a reader.
    words
        Null words among the values that the fast path did not parse; None if there are none.
    """

    nulls: tuple[int, ...]
    hashes: tuple[pl.Series | None, ...]
    quick: tuple[pl.Series | None, ...]
    words: tuple[pl.Series | None, ...]

    @classmethod
    def of(cls, columns: Sequence[ColumnProfiler], values: pl.DataFrame) -> _BatchResults:
        places = range(len(columns))
        values = values.rename(dict(zip(values.columns, map(str, places), strict=True)))
        flat = [place for place in places if not values.dtypes[place].is_nested()]
        texts = [place for place in flat if values.dtypes[place] == pl.String]
        read = {place: reader for place in texts if (reader := columns[place].reader) is not None}
        quick = (
            values.lazy().select(reader.quick(pl.col(str(at))).alias(str(at)) for at, reader in read.items()).collect()
        )
        hashed = values.lazy().select(
            pl.col(str(at)).drop_nulls().hash(seed=0).unique().bottom_k(SMALLEST_HASHES).implode() for at in flat
        )
        left = (
            values.lazy()
            .select(str(at) for at in texts)
            .collect()
            .hstack(quick.rename({name: f"quick {name}" for name in quick.columns}))
        )
        words = left.lazy().select(_word_in(pl.col(str(at)), f"quick {at}" if at in read else None) for at in texts)
        hashes, found = hashed.collect(), words.collect()
        return cls(
            tuple(values.null_count().row(0)) if columns else (),
            tuple(hashes[str(at)].item() if at in flat else None for at in places),
            tuple(quick[str(at)] if at in read else None for at in places),
            tuple(found[str(at)].item() if at in texts else None for at in places),
        )


def _word_in(values: pl.Expr, quick: str | None) -> pl.Expr:
    folded = values.str.strip_chars().str.to_lowercase()
    means_nothing = folded.is_in(["", *sorted(null_words())])
    unread = means_nothing if quick is None else means_nothing & pl.col(quick).is_null()
    return folded.filter(unread).implode()


def column_types(columns: Mapping[str, pl.Series]) -> dict[str, Type]:
    """Return the types of text columns; each distinct text is parsed once."""
    types: dict[str, Type] = dict.fromkeys(columns, "empty")
    for stacked in distinct_texts(columns):
        texts = stacked["text"].unique()
        meant = pl.Series([fold(text) not in null_words() and text.strip() != "" for text in texts], dtype=pl.Boolean)
        traits = _traits(texts.filter(meant))
        known = stacked.join(traits, on="text")
        times = pl.col("times")
        masks = ("digit", "number", "as_date")
        counts = known.group_by("column", maintain_order=True).agg(
            pl.len().alias("texts"),
            times.sum().alias("values"),
            *(pl.col(mask).sum() for mask in masks),
            *(times.filter(mask).sum().alias(f"values {mask}") for mask in masks),
            pl.col("is_date", "serial").sum(),
            pl.col("leading_zero", "mark").any(),
        )
        for row in counts.iter_rows(named=True):
            types[row["column"]] = _type(row)
    return types


def _traits(texts: pl.Series) -> pl.DataFrame:
    """Return a frame with ``text`` and a Boolean column for each possible type."""
    frame = texts.to_frame("text").with_columns(digit=pl.col("text").str.contains(DIGIT))
    some = frame.filter("digit")["text"]  # a table may have thousands of empty columns
    dates, _ = date_traits(some)
    day_first, month_first = (parse_dates(some, DateStyle(order=order))["local"] for order in ("dmy", "mdy"))
    found = pl.DataFrame(
        {
            "text": some,
            "number": is_number(some),
            "as_date": day_first.is_not_null() | month_first.is_not_null(),
            "is_date": dates.select(pl.any_horizontal("clear", "dmy", "mdy", "open", "same")).to_series(),
            "serial": dates["serial"],
            "leading_zero": some.str.contains(LEADING_ZERO),
            "mark": some.str.contains(r"[.,]"),
        }
    )
    return frame.join(found, on="text", how="left", maintain_order="left").with_columns(
        pl.col(pl.Boolean).fill_null(value=False)
    )


def _type(row: Mapping[str, Any]) -> Type:
    """Return the type of a column from the counts of its distinct texts and of its values."""
    if not _mostly(row, "digit"):
        return "text"
    if row["is_date"] and row["serial"] <= row["is_date"] and _mostly(row, "as_date"):
        return "date"
    if not _mostly(row, "number"):
        return "text"
    return "digits" if row["leading_zero"] and not row["mark"] else "number"


def _mostly(row: Mapping[str, Any], mask: str) -> bool:
    """Return whether at least 90 % of the distinct texts, or of the values, have a trait."""
    return bool(row[mask] >= MOSTLY * row["texts"] or row[f"values {mask}"] >= MOSTLY * row["values"])


def _detect_style(
    column: ColumnProfiler, texts: pl.Series, styles: StyleDetector, more: Callable[[], Iterator[pl.DataFrame]]
) -> None:
    name = column.name

    def rest() -> Iterator[dict[str, pl.Series]]:
        return ({name: records[name]} for records in more())

    try:
        if column.type == "number":
            styles.detect_numbers({name: texts}, rest, {name: name})
            _set_number_style(column, styles.numbers[name], texts)
        else:
            styles.detect_dates({name: texts}, rest, {name: name})
            style = styles.dates[name]
            column.dates, column.reader = style.label, DateReader(style, "UTC")
        column.question = None
    except AmbiguousError as error:
        column.question = f"{error}; {error.hint}"
        if column.type == "number":
            column.decimal = "ambiguous"
        else:
            column.dates = "ambiguous"


def _set_number_style(column: ColumnProfiler, style: NumberStyle, texts: pl.Series) -> None:
    column.reader = NumberReader(style)
    marks = texts.drop_nulls().str.contains(r"[.,]").any()
    column.decimal = (style.decimal or ".") if marks else None
    if not marks:
        column.type = "integer"
