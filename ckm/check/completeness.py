"""Null shares of columns, and columns with many more nulls in the last month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts


def completeness(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find required columns that are missing or have nulls (error), and columns with more nulls than ``null_share``."""
    subject = measured.subject
    if measured.rows == 0:
        yield Finding(
            check="completeness",
            severity=Severity.warning,
            table=subject.name,
            message="the table has no rows",
            count=0,
            value=0.0,
            hint="load a file into it: ckm ingest FILE --as " + subject.name,
        )
        return
    required = subject.contract.required if subject.contract else ()
    for column in required:
        yield from _required_column(measured, column)
    made = subject.contract.unnamed if subject.contract else ()  # no source column fills these
    columns = [column for column in subject.own_columns if column not in made]
    shares = {
        column: measured.nulls(column) / measured.rows
        for column in columns
        # sales without a customer have their own check
        if column not in required and (subject.name, column) != ("transactions", "customer_id")
    }
    empty = [column for column, part in shares.items() if part == 1]
    if empty:
        yield Finding(
            check="completeness",
            severity=Severity.info,
            table=subject.name,
            message=f"{len(empty)} of {len(columns)} columns are empty: {', '.join(empty)}",
            count=len(empty),
            value=1.0,
            hint="map them if the source has such columns",
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


def _required_column(measured: TableCounts, column: str) -> Iterator[Finding]:
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
            hint=f"fix the mapping of '{column}' and load the file again",
        )


def emptied(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find columns whose null share in the last month exceeds that of all earlier months by ``null_jump``."""
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
