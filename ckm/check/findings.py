"""Findings of checks, and the report that contains them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.result import Result
from ckm.severity import Severity

if TYPE_CHECKING:
    from datetime import date

__all__ = ["CHECKS", "SCHEMA", "CheckReport", "Finding", "Severity", "Skipped"]


CHECKS = {
    "controls": "totals per month equal those of controls.csv",
    "contract": "every value passes the rules of its column",
    "uniqueness": "no key occurs twice",
    "emptied": "no column is much emptier in the last month than before",
    "freshness": "the newest row is recent enough",
    "stray_dates": "no row is dated far from all others",
    "future": "no row is dated after --as-of",
    "quarantine": "few rows were rejected at ingest",
    "references": "every customer id is known",
    "linked_customers": "customers of several sources are linked",
    "group_size": "no few customers have values of the quasi-identifiers of their own",
    "retention": "no row is older than the maximum age of its table",
    "no_customer": "most sales name their customer",
    "guest_ids": "no customer id is used for many customers",
    "duplicates": "few rows are complete duplicates",
    "same_sales": "no sale was loaded from two sources",
    "payments": "every order has a payment, and every payment an order",
    "partial_orders": "no file contained only some lines of a known order",
    "undated_returns": "returns have their own date",
    "calendar": "days that usually have sales have some",
    "channels": "no channel is silent for unusually long",
    "signs": "sales are not negative and returns are not positive",
    "outliers": "few amounts and quantities are outliers",
    "currencies": "one currency",
    "completeness": "required columns are filled; null shares of the others",
}
"""Every check by name, with its passing condition, in the order of findings of equal severity."""


@dataclass(frozen=True)
class Finding:
    """A data quality finding. It contains counts, column names, dates and labels, never a value of a row.

    Attributes
    ----------
    check
        A name of :data:`CHECKS`.
    table, column
        Location. ``column`` is None if the finding is about rows; several columns are joined with ``+``.
    part
        The part of the table (a month, a channel, a currency, a rule, a reason); None for the whole table.
    value, limit
        The measured value and its limit, in the unit of the message; ``limit`` is None for a check without a limit.
    count
        Number of affected rows (or days, months or columns, as the message says).
    message, hint
        The problem in one sentence, and what to do next.
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
        """Return the sort key: by severity, check, table, then by count, but months in time order."""
        rank = list(CHECKS).index(self.check)
        weight = 0 if self.check == "controls" else -self.count
        return (self.severity.rank, rank, self.table, weight, self.part or "", self.column or "")


@dataclass(frozen=True)
class Skipped:
    """A check that could not run on a table, and the reason."""

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
    """The findings of all checks, by severity.

    Attributes
    ----------
    as_of
        The reference date of the checks; None if no table has a date.
    rows
        Rows checked, by table.
    later
        Excluded rows dated after ``as_of``, by table.
    ran, skipped
        Every check that ran, as ``(check, table)``, and every skipped check with its reason.
    remarks
        Column matches, assumptions and skipped files while reading.
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
        """The findings by severity, errors first."""
        rows = [(str(severity), self.count(severity)) for severity in Severity]
        return pl.DataFrame(rows, schema={"severity": pl.String, "findings": pl.Int64}, orient="row")

    def count(self, severity: Severity) -> int:
        """Return the number of findings with exactly this severity."""
        return sum(finding.severity is severity for finding in self.findings)

    def reaches(self, severity: Severity) -> bool:
        """Return whether any finding has this severity or a higher one."""
        worst = Severity(severity).rank
        return any(finding.severity.rank <= worst for finding in self.findings)

    @property
    def frame(self) -> pl.DataFrame:
        """One row per finding, with the columns of :data:`SCHEMA`."""
        return pl.DataFrame([asdict(finding) for finding in self.findings], schema=SCHEMA)
