"""Rows that failed validation: which rules they broke, how many, the first of them, and which option settles it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.mapping.mapping import FromColumn, sources_of
from ckm.mapping.order_rules import NO_FIRST_LINE
from ckm.mapping.sayable import sayable
from ckm.sources.format import NO_DATA
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm.mapping.mapping import ColumnRule, Mapping
    from ckm.sources.format import FileFormat

ROWS_NAMED = 5
"""Rows that are named for each rule."""
SPARED = 0.1
"""No hint suggests to load the rest of a file of which more than this share failed."""
RECORD, ROW = "record", "row"
"""In place of a column: the record could not be read; a rule over several columns."""
FAULTS = {
    "nullability": "no value",
    "min_length": "no value",
    "number": "no number",
    "integer": "no whole number",
    "date": "no date",
    "truth": "neither yes nor no",
    "vocabulary": "an unknown word",
    "regex": "no such code",
    "plausible": "an implausible date",
}
"""What is wrong with a value, by the rule that it broke."""
WRITTEN = {
    "number": "--decimal and --thousands say how numbers are written",
    "integer": "--decimal and --thousands say how numbers are written",
    "date": "--dates says how dates are written",
    "plausible": "--dates says how dates are written",
    "vocabulary": "a mapping (--map) says under translate what the words mean",
}
"""What may settle it, by the rule."""
SIDES = r"(?i)\d\s*(?:cr|dr|c|d|credit|debit|soll|haben|s|h)\.?\s*$"
"""A side of an account after an amount."""
EMPTY = ("nullability", "min_length")
FIRST_LINES = "load the file that has the first lines of these orders before it: of an export in pages, the page before"
OF_RECORDS = "--delimiter, --quote, --header and --encoding say how the file is written"


@dataclass
class Failures:
    """What broke the rules so far.

    Attributes
    ----------
    rows
        How many rows failed.
    counts
        Rows per ``column|rule``.
    first
        The numbers of the first rows of each.
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
        """Return one sentence per rule, the most frequent first; columns are named where they surely are names."""
        return [f"{_fault(reason, mapping, found)} in {self._where(reason, count)}" for reason, count in self.faults()]

    def ordered(self) -> list[tuple[str, int]]:
        """Return why rows are not loaded and how many, the most frequent first."""
        return sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))

    def faults(self) -> list[tuple[str, int]]:
        """Return the same without lines that are no records, which are nobody's fault: blank ones, totals, footers."""
        return [(reason, count) for reason, count in self.ordered() if not _is_no_data(reason)]

    @property
    def no_data(self) -> int:
        """How many of the rows are lines that are no records."""
        return sum(count for reason, count in self.counts.items() if _is_no_data(reason))

    @property
    def failed(self) -> int:
        """How many of the rows are records that broke a rule."""
        return self.rows - self.no_data

    def _where(self, reason: str, count: int) -> str:
        numbers = ", ".join(map(str, self.first[reason])) + (", …" if count > len(self.first[reason]) else "")
        return f"row {numbers}" if count == 1 else f"{counted(count, 'row')} ({numbers})"

    def are_too_many(self, rows: int, limit: float) -> bool:
        """Whether more than a share of a file's ``rows``, lines that are no records aside, broke a rule."""
        return self.failed > limit * (rows - self.no_data)

    def options(self, mapping: Mapping, *, rows: int, loads: bool, sample: pl.DataFrame | None = None) -> str:
        """Return what may settle it, the most frequent rule's first.

        ``rows`` are all of the file's; ``loads`` says whether the command can load the rest of them; the ``sample`` of
        its records says what the values look like.
        """
        said = [_option(reason, mapping, sample) for reason, _ in self.faults()]
        rows -= self.no_data
        if loads and self.failed <= SPARED * rows:
            said.append(f"--max-rejects {math.ceil(100 * self.failed / rows)}% loads the others")
        return "; ".join(dict.fromkeys(said))

    def refusal(self, label: str, mapping: Mapping, found: FileFormat, *, rows: int, limit: float) -> str:
        """Return why a file is refused of whose ``rows`` more than the share ``limit`` failed."""
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
        return f"the rule '{rule}' is broken"
    filled_by = mapping.columns.get(column)
    source = filled_by.source if isinstance(filled_by, FromColumn) else column
    named = (
        f"{column} (column '{source}')"
        if source != column and source in sayable([source], named=found.named)
        else column
    )
    return f"{named}: {FAULTS.get(rule, f'the rule {rule} is broken')}"


def _option(reason: str, mapping: Mapping, sample: pl.DataFrame | None) -> str:
    column, _, rule = reason.partition("|")
    if column == RECORD:
        return OF_RECORDS
    if reason == NO_FIRST_LINE or _is_of_first_line(column, rule, mapping):
        return FIRST_LINES
    if column == ROW:
        return f"look at the rule '{rule}' " + ("in the mapping" if mapping.rules else "of the table (docs/ingest.md)")
    if column == "status":
        return "--save-map FILE writes the mapping: say under its status what the word means, and give it with --map"
    if column == "currency" and rule in EMPTY:
        return "--currency CODE is that of the rows without one"
    if rule == "number" and _have_sides(mapping.columns.get(column), sample):
        return (
            "CR and DR beside the amounts are no sign: say in a mapping (--map) which is below zero, with an "
            f"expression for {column} (docs/mapping.md)"
        )
    return WRITTEN.get(rule, f"--column {column}=COLUMN names another column for {column}")


def _is_of_first_line(column: str, rule: str, mapping: Mapping) -> bool:
    """Whether a value is missing that stands on the first line of an order alone."""
    return rule in EMPTY and not set(mapping.order_level).isdisjoint(sources_of(mapping.columns.get(column)))


def _have_sides(rule: ColumnRule | None, sample: pl.DataFrame | None) -> bool:
    """Whether most amounts have the side of the account beside them, credit or debit, in place of a sign."""
    if sample is None or not isinstance(rule, FromColumn) or sample.schema.get(rule.source) != pl.String:
        return False
    texts = sample[rule.source].drop_nulls()
    return 2 * int(texts.str.contains(SIDES).sum()) > len(texts) > 0
