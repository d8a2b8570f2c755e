"""How old the newest row is, and rows from the future."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.check.wording import many, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured


def newest(measured: Measured) -> date | None:
    """Day of the newest row; null when no row is dated."""
    day: date | None = measured.by_day["day"].max()  # type: ignore[assignment]  # the column is a Date
    return day


def freshness(measured: Measured, today: date, limits: CheckLimits) -> Iterator[Finding]:
    """The newest row is older on ``today`` than ckm.yaml allows for its table: a warning."""
    last, allowed = newest(measured), limits.freshness.get(measured.subject.name)
    if last is None or allowed is None or (age := (today - last).days) <= allowed:
        return
    yield Finding(
        check="freshness",
        severity=Severity.warning,
        table=measured.subject.name,
        column=measured.subject.dated_by,
        message=f"the newest row is of {last}, {many(age, 'day')} before {today}; allowed: {many(allowed, 'day')}",
        count=age,
        value=float(age),
        limit=float(allowed),
        hint="load the newest export, or change freshness in ckm.yaml",
    )


def future(table: str, later: int, as_of: date, limits: CheckLimits) -> Iterator[Finding]:
    """Rows dated after the as-of day, when ``limits.future`` asks for them."""
    if later and limits.future != "off":
        yield Finding(
            check="future",
            severity=Severity(limits.future),
            table=table,
            message=f"{rows(later)} dated after {as_of}",
            count=later,
            value=float(later),
            limit=0.0,
            hint="is the date order or the year of the source right?",
        )
