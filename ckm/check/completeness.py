"""How full the columns are, and whether one has lately run dry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured


def completeness(measured: Measured, limits: CheckLimits) -> Iterator[Finding]:
    """Required columns that are missing or have nulls (error), empty ones, and those emptier than ``null_share``."""
    subject = measured.subject
    if measured.rows == 0:
        yield Finding(
            check="completeness",
            severity=Severity.warning,
            table=subject.name,
            message="the table has no rows",
            count=0,
            value=0.0,
            hint="load something into it: ckm ingest FILE --as " + subject.name,
        )
        return
    required = subject.contract.required if subject.contract else ()
    for column in required:
        yield from _required_column(measured, column)
    made = subject.contract.unnamed if subject.contract else ()  # no column of a source fills them
    columns = [column for column in subject.own_columns if column not in made]
    shares = {
        column: measured.nulls(column) / measured.rows
        for column in columns
        # a sale without a customer has a check of its own
        if column not in required and (subject.name, column) != ("transactions", "customer_id")
    }
    empty = [column for column, part in shares.items() if part == 1]
    if empty:
        yield Finding(
            check="completeness",
            severity=Severity.info,
            table=subject.name,
            message=f"nothing in {len(empty)} of {len(columns)} columns: {', '.join(empty)}",
            count=len(empty),
            value=1.0,
            hint="map them to a column of the source when it has them",
        )
    for column, part in shares.items():
        if limits.null_share < part < 1:
            yield Finding(
                check="completeness",
                severity=Severity.info,
                table=subject.name,
                column=column,
                message=f"'{column}' is empty in {share(part)} of the rows",
                count=measured.nulls(column),
                value=part,
                limit=limits.null_share,
            )


def _required_column(measured: Measured, column: str) -> Iterator[Finding]:
    subject = measured.subject
    present = subject.has(column)
    missing = measured.nulls(column) if present else measured.rows
    if missing:
        yield Finding(
            check="completeness",
            severity=Severity.error,
            table=subject.name,
            column=column,
            message=f"required column '{column}' is "
            + (f"empty in {counted(missing, 'row')}" if present else "missing"),
            count=missing,
            value=missing / measured.rows,
            limit=0.0,
            hint=f"mend the mapping of '{column}' and load the file again",
        )


def emptied(measured: Measured, limits: CheckLimits) -> Iterator[Finding]:
    """Columns whose share of nulls in the last month is ``null_jump`` above that of all months before."""
    for column in measured.subject.own_columns:
        months = measured.on_usual_days(measured.nulls_by_month(column), "month")
        before, last = months.head(-1), months.tail(1)
        rows_before, rows_last = int(before["rows"].sum()), int(last["rows"].sum())
        if min(rows_before, rows_last) < max(limits.min_rows, 1):
            continue
        was, now = int(before["nulls"].sum()) / rows_before, int(last["nulls"].sum()) / rows_last
        if now - was > limits.null_jump:
            month = last.select(pl.col("month").dt.strftime("%Y-%m")).item()
            yield Finding(
                check="emptied",
                severity=Severity.warning,
                table=measured.subject.name,
                column=column,
                part=month,
                message=f"'{column}' is empty in {share(now)} of the rows of {month}, {share(was)} before",
                count=int(last["nulls"].sum()),
                value=now - was,
                limit=limits.null_jump,
                hint="did the export of the source change in that month?",
            )
