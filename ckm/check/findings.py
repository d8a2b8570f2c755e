"""What a check says: findings, and the report that holds them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.findings import Severity
from ckm.result import Result

if TYPE_CHECKING:
    from datetime import date

__all__ = ["CHECKS", "SCHEMA", "CheckReport", "Finding", "Severity", "Skipped"]


CHECKS = {
    "controls": "totals per month equal those of controls.csv",
    "contract": "every value keeps the rules of its column",
    "uniqueness": "no key occurs twice",
    "emptied": "no column is much emptier in the last month than before",
    "freshness": "the newest row is young enough",
    "stray_dates": "no row is dated far from all others",
    "future": "no row is dated after --as-of",
    "quarantine": "few rows were refused at ingest",
    "references": "every customer id is known",
    "no_customer": "most sales name their customer",
    "guest_ids": "no customer id stands for many",
    "duplicates": "few rows are equal in every column",
    "same_sales": "no sale comes from two sources",
    "payments": "every order is paid, and every payment is of an order",
    "partial_orders": "no file held a part of an order that was known with more",
    "undated_returns": "returns have a day of their own",
    "calendar": "no sales are missing on days that usually have some",
    "channels": "no channel is silent for unusually long",
    "signs": "sales are not negative and returns are not positive",
    "outliers": "few amounts and quantities are far from the usual",
    "currencies": "one currency",
    "completeness": "required columns are there and filled; how empty the others are",
}
"""Every check by name, in the order in which equally bad findings are listed, and what it promises."""


@dataclass(frozen=True)
class Finding:
    """One thing a check found. It holds counts, column names, dates and labels, never a value of a row.

    Attributes
    ----------
    check
        A name of :data:`CHECKS`.
    table, column
        Where. ``column`` is null when the finding is about rows; several columns are joined with ``+``.
    part
        The part of the table it is about (a month, a channel, a currency, a rule, a reason); null for all of it.
    value, limit
        What was measured and what was allowed, in the unit the message names; ``limit`` is null where
        nothing is forbidden.
    count
        Rows (days, months or columns where the message says so) concerned.
    message, hint
        What is wrong, in one sentence, and what to do next.
    """

    check: str
    severity: Severity
    table: str
    message: str
    count: int
    value: float
    column: str | None = None
    part: str | None = None
    limit: float | None = None
    hint: str | None = None

    @property
    def order(self) -> tuple[int, int, str, int, str, str]:
        """Sort key: worst first, then by check and table, then most rows first, but months as time went."""
        rank = list(CHECKS).index(self.check)
        weight = 0 if self.check == "controls" else -self.count
        return (self.severity.rank, rank, self.table, weight, self.part or "", self.column or "")


@dataclass(frozen=True)
class Skipped:
    """A check that could not be made on a table, and why."""

    check: str
    table: str
    reason: str


SCHEMA = {
    "severity": pl.String,
    "check": pl.String,
    "table": pl.String,
    "column": pl.String,
    "part": pl.String,
    "value": pl.Float64,
    "limit": pl.Float64,
    "count": pl.Int64,
    "message": pl.String,
    "hint": pl.String,
}
"""Columns of :meth:`CheckReport.frame`."""


@dataclass(frozen=True)
class CheckReport(Result):
    """The findings of all checks, worst first.

    Attributes
    ----------
    as_of
        The day the checks stand on; null when no table holds a date.
    rows
        Rows checked, by table.
    later
        Rows dated after ``as_of`` and therefore left out, by table.
    ran, skipped
        Every check made, as ``(check, table)``, and every one that could not be, with its reason.
    remarks
        What was matched, assumed and left out while reading.
    """

    findings: tuple[Finding, ...]
    as_of: date | None
    rows: dict[str, int]
    later: dict[str, int] = field(default_factory=dict)
    ran: tuple[tuple[str, str], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> pl.DataFrame:
        """Findings by severity, worst first."""
        rows = [(str(severity), self.count(severity)) for severity in Severity]
        return pl.DataFrame(rows, schema={"severity": pl.String, "findings": pl.Int64}, orient="row")

    def count(self, severity: Severity) -> int:
        """How many findings have exactly ``severity``."""
        return sum(finding.severity is severity for finding in self.findings)

    def reaches(self, severity: Severity) -> bool:
        """Whether a finding is as bad as ``severity`` or worse."""
        worst = Severity(severity).rank
        return any(finding.severity.rank <= worst for finding in self.findings)

    @property
    def frame(self) -> pl.DataFrame:
        """One row per finding, with the columns of :data:`SCHEMA`."""
        return pl.DataFrame([asdict(finding) for finding in self.findings], schema=SCHEMA)
