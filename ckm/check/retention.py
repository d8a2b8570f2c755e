"""Rows that are older than the maximum age of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from ckm._privacy.retention import Expiry


def retention(expired: Iterable[Expiry], as_of: date) -> Iterator[Finding]:
    """Find the rows that ``privacy.retention`` of ckm.yaml no longer allows.

    Parameters
    ----------
    expired
        Expired rows of each table of the store with a maximum age, as of the day.
    as_of
        The day from which ages are counted.
    """
    for each in expired:
        if each.rows:
            yield Finding(
                check="retention",
                severity=Severity.warning,
                table=each.table,
                message=f"{counted(each.rows, 'row', 'is', 'are')} older than {each.days:,} days as of {as_of}",
                count=each.rows,
                value=float(each.rows),
                limit=float(each.days),
                hint="ckm privacy retention counts them from today; --apply removes them",
            )
