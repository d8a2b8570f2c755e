"""Duplicate rows: by key, or in every column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts


def uniqueness(measured: TableCounts, _limits: CheckLimits) -> Iterator[Finding]:
    """Find rows whose complete key occurred before: an error. Rows with an incomplete key are ignored."""
    count = measured.key_repeats
    if not count or measured.subject.contract is None:
        return
    key = "+".join(measured.subject.contract.key)
    yield Finding(
        check="uniqueness",
        severity=Severity.error,
        table=measured.subject.name,
        column=key,
        message=f"{counted(count, 'row')} have the same key {key} as an earlier row",
        count=count,
        value=count / measured.rows,
        limit=0.0,
        hint="check that the key is unique in the source; a mapping can set another: key: [...]",
    )


def duplicates(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find duplicate rows, compared without lineage columns: exported twice, or separate equal sales."""
    count = measured.row_repeats
    if not count:
        return
    part = count / measured.rows
    yield Finding(
        check="duplicates",
        severity=Severity.warning if part > limits.duplicate_share else Severity.info,
        table=measured.subject.name,
        message=f"{counted(count, 'row')} ({share(part)}) duplicate another row in every column",
        count=count,
        value=part,
        limit=limits.duplicate_share,
        hint="genuine repeats are possible; a line number in the source distinguishes them from double exports",
    )
