"""Age of the newest row, rows with outlying dates, and rows dated in the future."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.customers.calendar import day_number
from ckm.customers.data_end import data_end
from ckm.customers.excluded_rows import StrayRows
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts


def newest(measured: TableCounts) -> date | None:
    """Return the newest day without outlying dates; None if no row is dated."""
    return measured.usual_days[1] if measured.usual_days is not None else None


def freshness(measured: TableCounts, today: date, limits: CheckLimits) -> Iterator[Finding]:
    """Warn if the newest row is older on ``today`` than ckm.yaml allows for its table.

    Without such a limit, the usual pauses of the data set it (:func:`ckm.customers.data_end.data_end`).
    """
    if measured.subject.name not in limits.freshness:
        yield from _ended(measured, today)
    last, allowed = newest(measured), limits.freshness.get(measured.subject.name)
    if last is None or allowed is None or (age := (today - last).days) <= allowed:
        return
    yield Finding(
        check="freshness",
        severity=Severity.warning,
        table=measured.subject.name,
        column=measured.subject.dated_by,
        message=f"the newest row is dated {last}, {counted(age, 'day')} before {today}; "
        f"allowed: {counted(allowed, 'day')}",
        count=age,
        value=float(age),
        limit=float(allowed),
        hint="load the newest export, or change freshness in ckm.yaml",
    )


def _ended(measured: TableCounts, today: date) -> Iterator[Finding]:
    days = measured.on_usual_days(measured.rows_by_day)["day"].to_physical().cast(pl.Int64).to_numpy()
    end = data_end(days, day_number(today))
    if end is not None:
        yield Finding(
            check="freshness",
            severity=Severity.warning,
            table=measured.subject.name,
            column=measured.subject.dated_by,
            message=end.sentence,
            count=end.silent_days,
            value=float(end.silent_days),
            limit=float(end.usual_silence),
            hint="load the newest export, or use an earlier --as-of",
        )


def stray_dates(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find rows with outlying dates: a warning."""
    if measured.usual_days is None:
        return
    first, last = measured.usual_days
    stray = measured.rows_by_day.filter(~pl.col("day").is_between(first, last))
    if stray.is_empty():
        return
    found = StrayRows(int(stray["rows"].sum()), tuple(stray["day"]), first, last)
    yield Finding(
        check="stray_dates",
        severity=Severity.warning,
        table=measured.subject.name,
        column=measured.subject.dated_by,
        message=f"{found.named}, far from the other days ({first} to {last})",
        count=found.rows,
        value=float(found.rows),
        limit=0.0,
        hint="fix these dates in the source; analyses exclude such rows unless ckm.yaml has stray_dates: keep",
    )


def future(table: str, later: int, as_of: date, limits: CheckLimits) -> Iterator[Finding]:
    """Find rows dated after the as-of date, if ``limits.future`` is not ``off``."""
    if later and limits.future != "off":
        yield Finding(
            check="future",
            severity=Severity(limits.future),
            table=table,
            message=f"{counted(later, 'row')} dated after {as_of}",
            count=later,
            value=float(later),
            limit=0.0,
            hint="check the date order and the years of the source",
        )
