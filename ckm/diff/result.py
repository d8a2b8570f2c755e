"""Differences of two exports: rows, columns and totals."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from ckm.result import Result

TOTAL_DIGITS = 6
"""Decimal digits of totals and of their differences."""


@dataclass(frozen=True)
class RowCounts:
    """Counts of matched rows of both files.

    Attributes
    ----------
    old, new
        Parsed rows of each file; ``old = unchanged + changed + missing``, ``new = unchanged + changed +
        added``.
    unchanged
        In both files, with the same values in all common columns.
    changed
        In both files by key, with different values.
    added, missing
        Only in the new file; only in the old file.
    rejected_old, rejected_new
        Records that could not be parsed, which are not compared.
    """

    old: int
    new: int
    unchanged: int
    changed: int
    added: int
    missing: int
    rejected_old: int = 0
    rejected_new: int = 0


@dataclass(frozen=True)
class ColumnChange:
    """A column that differs between the files.

    Attributes
    ----------
    name
        The column.
    old, new
        Its type and format (``text``, ``number decimal ,``, ``date %d.%m.%Y``); None if missing in the file.
    rows
        Number of matched rows with different values in it.
    """

    name: str
    old: str | None
    new: str | None
    rows: int = 0

    @property
    def status(self) -> str:
        """``new``, ``missing``, ``type`` (another type or format) or ``values``."""
        if self.old is None:
            return "new"
        if self.new is None:
            return "missing"
        return "values" if self.old == self.new else "type"


@dataclass(frozen=True)
class Total:
    """The total of an amount column in both files."""

    name: str
    old: float
    new: float


@dataclass(frozen=True)
class FileDiff(Result):
    """Differences of two exports.

    Attributes
    ----------
    key
        Key columns for matching rows; empty if whole rows are matched.
    rows
        Counts of rows.
    columns
        Columns that differ, in the order of the new file, missing ones last.
    totals
        Totals of common amount and quantity columns.
    changes
        One row per row that is new, changed or missing: ``status``, the key's columns, ``old_line``, ``new_line``
        (Int64, null if not in the file) and ``columns`` (List of String, the changed columns).
    remarks
        Remarks, as sentences.
    """

    key: tuple[str, ...]
    rows: RowCounts
    columns: tuple[ColumnChange, ...]
    totals: tuple[Total, ...]
    changes: pl.DataFrame
    remarks: tuple[str, ...]

    @property
    def summary(self) -> pl.DataFrame:
        """Counts of rows and totals of amounts."""
        return self.frame.filter(pl.col("part") != "columns").select("part", "name", "old", "new", "difference")

    @property
    def frame(self) -> pl.DataFrame:
        """One row per finding: part (rows, columns, totals), name, status, old, new, difference.

        ``old_type`` and ``new_type`` are column types; the ``difference`` of a column is its number of changed rows.
        """
        counted = (
            ("all", self.rows.old, self.rows.new),
            ("unchanged", self.rows.unchanged, self.rows.unchanged),
            ("changed", self.rows.changed, self.rows.changed),
            ("new", 0, self.rows.added),
            ("missing", self.rows.missing, 0),
            ("rejected", self.rows.rejected_old, self.rows.rejected_new),
        )
        found: list[tuple[object, ...]] = [
            ("rows", name, None, old, new, new - old, None, None) for name, old, new in counted
        ]
        found += [
            ("columns", each.name, each.status, None, None, each.rows, each.old, each.new) for each in self.columns
        ]
        found += [
            ("totals", each.name, None, each.old, each.new, round(each.new - each.old, TOTAL_DIGITS), None, None)
            for each in self.totals
        ]
        texts, numbers = dict.fromkeys(("part", "name", "status"), pl.String), ("old", "new", "difference")
        schema = texts | dict.fromkeys(numbers, pl.Float64) | dict.fromkeys(("old_type", "new_type"), pl.String)
        return pl.DataFrame(found, schema=schema, orient="row")
