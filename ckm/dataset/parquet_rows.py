"""Transactions of a Parquet file as a stream: a query reads only its columns, and only valid rows.

Text files must be searched for the decimal mark and the order of day and month; typed Parquet columns need no search.
Each column becomes an expression. The footer or its few distinct values prove that all values of a column are valid;
all other columns are validated in one pass.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl
import polars.selectors as cs

from ckm.dataset.footer import read_footer
from ckm.ingest.schema_validator import FEW_WORDS, has_vocabulary, keeps
from ckm.io.mapping.computed_columns import LINE_VALUE, TYPE_BY_SIGN
from ckm.io.mapping.expressions import exactly
from ckm.io.mapping.mapping import Expression, FromColumn, FromColumns
from ckm.io.parquet_file import scan_file
from ckm.io.readers.parquet_columns import farthest_of, polars_reads
from ckm.io.values.ids import IdReader, needs_cleaning
from ckm.io.values.readers import TextReader
from ckm.io.values.typed_columns import NativeReader
from ckm.paths import openable
from ckm.schema import EARLIEST, LATEST

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from ckm.dataset.footer import Bounds, Footer
    from ckm.ingest.failures import Failures
    from ckm.io.mapping.convert import Conversion

DOUBT = "ckm:doubt:"
"""Prefix of a helper column for a target: whether a row violates its rules."""
COMPUTED = (LINE_VALUE, TYPE_BY_SIGN)
READERS_RULES = {"nullability", "inf", "nan"}
"""Rules that typed columns cannot violate: infinite numbers are read as null, and nulls are checked separately."""
FIRST_VISIBLE, FIRST_BLANK_BEYOND_ASCII = "!", "\x85"
"""Text between these bounds does not begin with white space."""
SLACK = timedelta(days=2)
"""A time longer than any time zone's shift of a date."""


@dataclass(frozen=True)
class ValidRows:
    """Valid rows of a file, the numbers of invalid rows (``left_out``) and of all rows (``total``), and the failures.

    ``failures`` is None if the rows were not validated one by one.
    """

    rows: pl.LazyFrame
    left_out: int
    total: int
    failures: Failures | None = None


def scan_valid_rows(path: Path, conversion: Conversion, sample: pl.DataFrame) -> ValidRows | None:
    """Return the valid rows of a Parquet file as a lazy frame; None if a column must be parsed as text.

    The rows, and the number of excluded ones, equal those of :meth:`Conversion.apply` and
    :class:`ckm.ingest.schema_validator.SchemaValidator` for the whole file.

    Parameters
    ----------
    path
        The file.
    conversion
        Conversion of its columns to those of the schema.
    sample
        First records of the file, for which ``conversion`` was planned.

    Raises
    ------
    polars.exceptions.PolarsError
        The file is damaged.
    """
    if not _polars_reads(path):
        return None
    # dictionary columns are read as text
    source = scan_file(path).with_columns(cs.categorical().cast(pl.String), cs.enum().cast(pl.String))
    if not _is_plain(conversion, source.collect_schema(), sample):
        return None
    try:
        footer = read_footer(path)
    except UnicodeDecodeError:  # invalid UTF-8, which polars refuses to read
        return None
    if not _polars_prints(source, conversion, sample.schema, footer) or _has_odd_ids(source, conversion, sample.schema):
        return None
    columns = _Columns(conversion, sample.schema, footer)
    words = _few_words(source, columns.wordy())
    if words is None:
        return None
    converted, doubts = columns.converted(source, words)
    left_out = 0
    if doubts:
        counts = converted.select(
            pl.any_horizontal(doubts).sum().alias("ckm:rows"), *(pl.col(each).any() for each in doubts)
        )
        found = counts.collect(engine="streaming").row(0, named=True)
        left_out = found.pop("ckm:rows")
        there = [each for each in doubts if found[each]]
        converted = converted.filter(~pl.any_horizontal(there)) if there else converted
    present = converted.collect_schema()
    rows = converted.select(
        pl.col(name) if name in present else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in conversion.mapping.target.dtypes.items()
    )
    if _has_positive_returns(rows, conversion):
        return None
    return ValidRows(rows, left_out, footer.rows)


def _has_positive_returns(rows: pl.LazyFrame, conversion: Conversion) -> bool:
    """Return whether there are returns with a positive amount, whose sign :class:`Conversion` changes."""
    if conversion.mapping.columns.get("type", TYPE_BY_SIGN) == TYPE_BY_SIGN:
        return False
    positive = (pl.col("type") == "return") & (pl.col("net") > 0)
    return bool(rows.select(positive.any()).collect(engine="streaming").item())


def _polars_reads(path: Path) -> bool:
    """Return whether polars can read the file: it panics on some column types, even in columns that are not needed."""
    import pyarrow.parquet as pq

    return all(polars_reads(dtype) for dtype in pq.read_schema(openable(path)).types)


def _polars_prints(source: pl.LazyFrame, conversion: Conversion, schema: pl.Schema, footer: Footer) -> bool:
    """Return whether all converted dates are in the range of polars, which panics on other dates."""
    used = [rule.source for rule in conversion.mapping.columns.values() if isinstance(rule, FromColumn)]
    unknown: list[pl.Expr] = []
    for name in dict.fromkeys(used):
        farthest = farthest_of(schema[name])
        if farthest is None:
            continue
        bounds = footer.bounds(name)
        if not isinstance(bounds.low, int) or not isinstance(bounds.high, int):
            unknown.append(exactly(name).to_physical().is_between(-farthest, farthest).all())
        elif not -farthest <= bounds.low <= bounds.high <= farthest:
            return False
    return not unknown or all(source.select(unknown).collect(engine="streaming").row(0))


def _is_plain(conversion: Conversion, schema: pl.Schema, sample: pl.DataFrame) -> bool:
    """Return whether every column can be read without parsing its texts one by one."""
    mapping = conversion.mapping
    if conversion.orders is not None or mapping.guest_ids or mapping.minor_units:
        return False
    if any(isinstance(rule, FromColumns) for rule in mapping.columns.values()):
        return False
    used = [rule.source for rule in mapping.columns.values() if isinstance(rule, FromColumn)]
    computed = [rule for rule in mapping.columns.values() if isinstance(rule, Expression)]
    return (
        not mapping.rules
        and all(rule in COMPUTED for rule in computed)
        and schema.names() == sample.columns
        and all(schema[name] == sample.schema[name] for name in used)
        and all(
            isinstance(reader, NativeReader) or (isinstance(reader, TextReader) and not reader.nulls)
            for reader in conversion.readers.values()
        )
    )


def _has_odd_ids(source: pl.LazyFrame, conversion: Conversion, schema: pl.Schema) -> bool:
    """Return whether any id needs more cleaning than stripping blanks."""
    ids = [
        rule.source
        for target, rule in conversion.mapping.columns.items()
        if isinstance(rule, FromColumn) and isinstance(conversion.readers[target], IdReader)
    ]
    odd = [needs_cleaning(exactly(name)).any().alias(name) for name in dict.fromkeys(ids) if schema[name] == pl.String]
    return bool(odd) and any(source.select(odd).collect(engine="streaming").row(0))


def _few_words(source: pl.LazyFrame, columns: dict[str, pl.Expr]) -> dict[str, pl.Series] | None:
    """Return the distinct values of each column; None if there are too many for a vocabulary."""
    if not columns:
        return {}
    distinct = [column.unique().implode().alias(target) for target, column in columns.items()]
    found = source.select(distinct).collect(engine="streaming")
    words = {target: found[target].explode() for target in columns}
    return None if any(len(each) > FEW_WORDS for each in words.values()) else words


class _Columns:
    """Expressions for the columns of the schema over the columns of a file, and the conditions of invalid rows."""

    def __init__(self, conversion: Conversion, schema: pl.Schema, footer: Footer) -> None:
        self.conversion = conversion
        self.table = conversion.mapping.target
        self.rules = self.table.schema.columns()
        self.schema = schema
        self.footer = footer
        self._typed: dict[str, pl.Expr] = {}
        self._doubts: dict[str, pl.Expr] = {}

    def wordy(self) -> dict[str, pl.Expr]:
        """Return the text columns with a vocabulary whose values the footer does not show."""
        return {
            target: column
            for target, column in self.conversion.inputs.items()
            if self._has_words(target) and self._bounds(target).only is None
        }

    def converted(self, source: pl.LazyFrame, words: dict[str, pl.Series]) -> tuple[pl.LazyFrame, list[str]]:
        """Return a lazy frame of all targets, and the names of helper columns that mark invalid rows.

        ``words`` are the distinct values of the targets with a vocabulary.
        """
        self._take_inputs(words)
        frame = source.select(self._taken())
        for target, value in self.conversion.expressions.items():  # over the targets converted so far
            reader = self.conversion.readers[target]
            if isinstance(reader, NativeReader):
                self._take_native(target, reader, value)
            else:
                self._typed[target] = value
            frame = frame.with_columns(self._taken([target]))
        return frame, [DOUBT + target for target in self._doubts]

    def _taken(self, targets: Collection[str] | None = None) -> list[pl.Expr]:
        """Return the expressions of some targets (or of all so far), with their helper columns."""
        names = self._typed if targets is None else targets
        typed = [self._typed[name].alias(name) for name in names]
        return typed + [
            self._doubts[name].fill_null(value=False).alias(DOUBT + name) for name in names if name in self._doubts
        ]

    def _take_inputs(self, words: dict[str, pl.Series]) -> None:
        for target, reader in self.conversion.readers.items():
            if target not in self.conversion.inputs:
                continue
            if self._has_words(target):
                self._take_words(target, words.get(target))
            elif isinstance(reader, NativeReader):
                self._take_native(target, reader, self.conversion.inputs[target])
            elif isinstance(reader, TextReader):
                self._take_text(target, reader)
        for target, value in self.conversion.constants.items():
            self._typed[target] = pl.lit(value.item(), dtype=value.dtype)

    def _has_words(self, target: str) -> bool:
        is_text = isinstance(self.conversion.readers[target], TextReader)
        return is_text and (target in self.conversion.words or has_vocabulary(self.rules.get(target)))

    def _bounds(self, target: str) -> Bounds:
        return self.footer.bounds(self._source(target))

    def _source(self, target: str) -> str:
        rule = self.conversion.mapping.columns[target]
        assert isinstance(rule, FromColumn)
        return rule.source

    def _required(self, target: str) -> bool:
        return target in self.table.required

    def _take_words(self, target: str, words: pl.Series | None) -> None:
        column = self.conversion.inputs[target]
        only = self._bounds(target).only if words is None else None
        distinct = pl.Series(target, [only], dtype=pl.String) if words is None else words.alias(target)
        meant = self.conversion.translated(distinct)
        changed = meant.ne_missing(distinct)
        if only is not None:
            self._typed[target] = pl.lit(meant.item())
        elif changed.any():
            self._typed[target] = column.replace(distinct.filter(changed), meant.filter(changed))
        else:
            self._typed[target] = column
        if target not in self.rules:
            return
        fit = meant.to_frame().select(keeps(self.rules[target], pl.col(target))).to_series()
        if not fit.all():
            unfit = distinct.filter(~fit)
            self._doubts[target] = column.is_in(unfit.drop_nulls().implode())
            if unfit.null_count():
                self._doubts[target] |= column.is_null()

    def _take_text(self, target: str, reader: TextReader) -> None:
        column, dtype, bounds = self.conversion.inputs[target], self.schema[self._source(target)], self._bounds(target)
        is_text = not dtype.is_integer()
        may_be_blank = is_text and not (
            dtype == pl.String
            and isinstance(bounds.low, str)
            and bounds.low >= FIRST_VISIBLE
            and bounds.high < FIRST_BLANK_BEYOND_ASCII
        )
        if is_text:
            column = reader.quick(column, may_be_blank=may_be_blank)
        self._typed[target] = column
        is_never_null = bounds.nulls == 0 and not may_be_blank
        if self._required(target) and not is_never_null:
            self._doubts[target] = column.is_null()

    def _take_native(self, target: str, reader: NativeReader, value: pl.Expr) -> None:
        column = reader.quick(value)
        self._typed[target] = column
        is_source = target in self.conversion.inputs
        if is_source and _is_always_valid(self._bounds(target), reader, required=self._required(target)):
            return
        doubt = column.is_null() if self._required(target) else value.is_not_null() & column.is_null()
        if target in self.rules:
            doubt |= ~keeps(self.rules[target], column, settled=READERS_RULES)
        self._doubts[target] = doubt


def _is_always_valid(bounds: Bounds, reader: NativeReader, *, required: bool) -> bool:
    """Return whether no value of a typed column can violate the schema."""
    source = reader.source
    if required and (bounds.nulls != 0 or source.is_float()):  # NaN is never in the statistics
        return False
    if source.is_temporal():
        if not isinstance(bounds.low, int) or not isinstance(bounds.high, int):
            return False
        days = pl.Series([bounds.low, bounds.high]).cast(pl.Int32 if source == pl.Date else pl.Int64).cast(source)
        return bool(days.cast(pl.Date).is_between(EARLIEST + SLACK, LATEST - SLACK).all())
    if reader.dtype.is_integer():
        return False
    if source.is_float():
        return all(isinstance(bound, float) and math.isfinite(bound) for bound in (bounds.low, bounds.high))
    return True
