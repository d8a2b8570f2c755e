"""Rows that failed validation: the rules, the counts, the first row numbers, and the options that fix them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import polars as pl

from ckm.io.mapping.mapping import FromColumn, sources_of
from ckm.io.mapping.order_rules import NO_FIRST_LINE
from ckm.io.mapping.shown_columns import shown_columns
from ckm.io.readers.format import NO_DATA
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.io.mapping.mapping import ColumnRule, Mapping
    from ckm.io.readers.format import FileFormat

ROWS_NAMED = 5
"""Row numbers listed per rule."""
SPARED = 0.1
"""If a larger share of a file failed, no hint suggests to load the other rows."""
RECORD, ROW = "record", "row"
"""Used instead of a column name: the record could not be parsed; the rule has several columns."""
FAULTS = {
    "nullability": "missing value",
    "min_length": "missing value",
    "number": "invalid number",
    "integer": "invalid integer",
    "date": "invalid date",
    "truth": "invalid yes/no value",
    "vocabulary": "unknown value",
    "regex": "invalid code",
    "plausible": "implausible date",
}
"""Description of the error by violated rule."""
WRITTEN = {
    "number": "--decimal and --thousands set the number format",
    "date": "--dates sets the date format",
    "plausible": "--dates sets the date format",
    "vocabulary": "translate these values in a mapping (--map)",
}
"""Options that may fix the error, by violated rule."""
NUMBERS = ("number", "integer")
SIDES = r"(?i)\d\s*(?:cr|dr|c|d|credit|debit|soll|haben|s|h)\.?\s*$"
"""Credit or debit mark after an amount."""
EMPTY = ("nullability", "min_length")
FIRST_LINES = "load the file with the first lines of these orders first (the previous page of a paged export)"
CORRECT = "correct these rows in the file"
OF_RECORDS = {
    "csv": "--delimiter, --quote, --header and --encoding set the file format",
    "excel": "--sheet and --header set where the table is",
}
"""What may fix records that cannot be parsed, by kind of file; JSON and Parquet have no such options."""


class Sampled(Protocol):
    """A file with its format and its first records."""

    @property
    def format(self) -> FileFormat:
        """The file format."""
        ...

    @property
    def sample(self) -> pl.DataFrame:
        """The first records."""
        ...


@dataclass
class Failures:
    """Validation failures, counted by rule.

    Attributes
    ----------
    rows
        Number of failed rows.
    counts
        Rows per ``column|rule``.
    first
        The first row numbers of each.
    """

    rows: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, list[int]] = field(default_factory=dict)

    def add(self, failed: pl.DataFrame) -> None:
        """Count rows: ``source_row`` (number in the file) and ``reasons`` (List of ``column|rule``)."""
        if failed.is_empty():
            return
        self.rows += failed.height
        broken = failed.lazy().select("source_row", "reasons").explode("reasons").drop_nulls("reasons")
        for reason, count, rows in (
            broken.group_by("reasons", maintain_order=True)
            .agg(pl.len(), pl.col("source_row").head(ROWS_NAMED).alias("first"))
            .collect()
            .iter_rows()
        ):
            self.counts[reason] += count
            named = self.first.setdefault(reason, [])
            named += rows[: ROWS_NAMED - len(named)]

    def sentences(self, mapping: Mapping, found: FileFormat) -> list[str]:
        """Return one sentence per rule, most frequent first; column names are shown only if the header is certain."""
        return [f"{_fault(reason, mapping, found)} in {self._where(reason, count)}" for reason, count in self.faults()]

    def ordered(self) -> list[tuple[str, int]]:
        """Return the reasons and their row counts, most frequent first."""
        return sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))

    def faults(self) -> list[tuple[str, int]]:
        """Return the reasons without non-record lines (blank lines, totals, footers)."""
        return [(reason, count) for reason, count in self.ordered() if not _is_no_data(reason)]

    @property
    def no_data(self) -> int:
        """Return the number of non-record lines among the rows."""
        return sum(count for reason, count in self.counts.items() if _is_no_data(reason))

    @property
    def failed(self) -> int:
        """Return the number of records that violate a rule."""
        return self.rows - self.no_data

    def _where(self, reason: str, count: int) -> str:
        numbers = ", ".join(map(str, self.first[reason])) + (", …" if count > len(self.first[reason]) else "")
        return f"row {numbers}" if count == 1 else f"{counted(count, 'row')} ({numbers})"

    def are_too_many(self, rows: int, limit: float) -> bool:
        """Return whether more than the share ``limit`` of the records among ``rows`` violate a rule."""
        return self.failed > limit * (rows - self.no_data)

    def options(self, mapping: Mapping, source: Sampled, *, rows: int, loads: bool) -> str:
        """Return the options that may fix the failures, most frequent rule first.

        ``rows`` is the row count of the file; ``loads`` is whether the command can load the other rows.
        """
        hints = [_option(reason, mapping, source) for reason, _ in self.faults()]
        rows -= self.no_data
        if loads and self.failed <= SPARED * rows:
            hints.append(f"--max-rejects {math.ceil(100 * self.failed / rows)}% loads the other rows")
        return "; ".join(dict.fromkeys(hints))

    def refusal(self, label: str, mapping: Mapping, found: FileFormat, *, rows: int, limit: float) -> str:
        """Return the error message for a file of which more than the share ``limit`` failed."""
        rows -= self.no_data
        share = f"{self.failed / rows:.1%}, at most {limit:.1%}"
        broken = "; ".join(self.sentences(mapping, found))
        return f"{label}: {self.failed:,} of {counted(rows, 'row')} failed validation ({share}): {broken}"


def _is_no_data(reason: str) -> bool:
    column, _, rule = reason.partition("|")
    return column == RECORD and rule in NO_DATA


def _fault(reason: str, mapping: Mapping, found: FileFormat) -> str:
    column, _, rule = reason.partition("|")
    if column == RECORD:
        return rule
    if reason == NO_FIRST_LINE:
        return "the first line of the order is missing"
    if column == ROW:
        return f"rule '{rule}' failed"
    filled_by = mapping.columns.get(column)
    source = filled_by.source if isinstance(filled_by, FromColumn) else column
    named = (
        f"{column} (column '{source}')"
        if source != column and source in shown_columns([source], named=found.named)
        else column
    )
    return f"{named}: {FAULTS.get(rule, f'rule {rule} failed')}"


def _option(reason: str, mapping: Mapping, source: Sampled) -> str:
    column, _, rule = reason.partition("|")
    if column == RECORD:
        return OF_RECORDS.get(source.format.kind, CORRECT)
    if reason == NO_FIRST_LINE or _is_of_first_line(column, rule, mapping):
        return FIRST_LINES
    if column == ROW:
        return f"see the rule '{rule}' " + (
            "in the mapping" if mapping.rules else "of the table: 'ckm help explanation/ingest'"
        )
    if column == "status":
        return "--save-map FILE writes the mapping: translate the value under its status and pass it with --map"
    if column == "currency" and rule in EMPTY:
        return "--currency CODE sets the currency of rows without one"
    if rule in NUMBERS:
        return _number_option(column, mapping.columns.get(column), source)
    return WRITTEN.get(rule, f"--column {column}=COLUMN names another column for {column}")


def _number_option(column: str, filled_by: ColumnRule | None, source: Sampled) -> str:
    """Return what may fix invalid numbers: credit and debit marks, percentages and typed cells have no option."""
    if not isinstance(filled_by, FromColumn) or source.sample.schema.get(filled_by.source) != pl.String:
        return WRITTEN["number"]
    texts = source.sample[filled_by.source].drop_nulls()
    if texts.str.contains(SIDES).any():
        return (
            "CR and DR beside the amounts carry no sign: define in a mapping (--map) which one is negative, with an "
            f"expression for {column}: see 'ckm help mapping'"
        )
    if texts.str.contains("%", literal=True).any():
        return f"a percentage is no amount: {CORRECT}, or --column {column}=COLUMN names another column"
    return CORRECT if filled_by.source in source.format.numeric else WRITTEN["number"]


def _is_of_first_line(column: str, rule: str, mapping: Mapping) -> bool:
    """Return whether the missing value occurs only on the first line of an order."""
    return rule in EMPTY and not set(mapping.order_level).isdisjoint(sources_of(mapping.columns.get(column)))
