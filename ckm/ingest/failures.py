"""Rows that failed validation: which rules they broke, how many, the first of them, and which option settles it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.mapping.mapping import FromColumn
from ckm.mapping.sayable import sayable

if TYPE_CHECKING:
    from ckm.mapping.mapping import Mapping
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
EMPTY = ("nullability", "min_length")
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
        return [f"{_fault(reason, mapping, found)} in {self._where(reason, count)}" for reason, count in self.ordered()]

    def ordered(self) -> list[tuple[str, int]]:
        """Return the broken rules and their rows, the most frequent first."""
        return sorted(self.counts.items(), key=lambda each: (-each[1], each[0]))

    def _where(self, reason: str, count: int) -> str:
        numbers = ", ".join(map(str, self.first[reason])) + (", …" if count > len(self.first[reason]) else "")
        return f"row {numbers}" if count == 1 else f"{count:,} rows ({numbers})"

    def options(self, mapping: Mapping, *, rows: int, loads: bool) -> str:
        """Return what may settle it, the most frequent rule's first.

        ``rows`` are all of the file's; ``loads`` says whether the command can load the rest of them.
        """
        said = [_option(reason, mapping) for reason, _ in self.ordered()]
        if loads and self.rows <= SPARED * rows:
            said.append(f"--max-rejects {math.ceil(100 * self.rows / rows)}% loads the others")
        return "; ".join(dict.fromkeys(said))

    def refusal(self, label: str, mapping: Mapping, found: FileFormat, *, rows: int, limit: float) -> str:
        """Return why a file is refused of whose ``rows`` more than the share ``limit`` failed."""
        share = f"{self.rows / rows:.1%}, at most {limit:.1%}"
        broken = "; ".join(self.sentences(mapping, found))
        return f"{label}: {self.rows:,} of {rows:,} rows failed validation ({share}): {broken}"


def _fault(reason: str, mapping: Mapping, found: FileFormat) -> str:
    column, _, rule = reason.partition("|")
    if column == RECORD:
        return rule
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


def _option(reason: str, mapping: Mapping) -> str:
    column, _, rule = reason.partition("|")
    if column == RECORD:
        return OF_RECORDS
    if column == ROW:
        return f"look at the rule '{rule}' " + ("in the mapping" if mapping.rules else "of the table (docs/ingest.md)")
    if column == "currency" and rule in EMPTY:
        return "--currency CODE is that of the rows without one"
    return WRITTEN.get(rule, f"--column {column}=COLUMN names another column for {column}")
