"""Rows that are there twice: by their key, or in every column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured


def uniqueness(measured: Measured, _limits: CheckLimits) -> Iterator[Finding]:
    """Rows whose key, complete, occurred before: an error. A row without its full key is no repeat."""
    count = measured.key_repeats
    if not count or measured.subject.contract is None:
        return
    key = "+".join(measured.subject.contract.key)
    yield Finding(
        check="uniqueness",
        severity=Severity.error,
        table=measured.subject.name,
        column=key,
        message=f"{counted(count, 'row')} repeat the key {key} of an earlier row",
        count=count,
        value=count / measured.rows,
        limit=0.0,
        hint="is the key unique in the source? A mapping can name another: key: [...]",
    )


def duplicates(measured: Measured, limits: CheckLimits) -> Iterator[Finding]:
    """Rows equal to another in all columns but lineage: probably exported twice, possibly sold twice."""
    count = measured.row_repeats
    if not count:
        return
    part = count / measured.rows
    yield Finding(
        check="duplicates",
        severity=Severity.warning if part > limits.duplicate_share else Severity.info,
        table=measured.subject.name,
        message=f"{counted(count, 'row')} ({share(part)}) equal another in every column",
        count=count,
        value=part,
        limit=limits.duplicate_share,
        hint="genuine repeats are possible; a line number in the source would tell them from double exports",
    )
