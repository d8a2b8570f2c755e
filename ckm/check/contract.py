"""Values that break the rules of their column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.check.measure import ROW
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured


def contract(measured: Measured, _limits: CheckLimits) -> Iterator[Finding]:
    """Columns of another type than the contract's, and rows that break one of its rules: errors."""
    subject = measured.subject
    if subject.contract is None:
        return
    for name, dtype in subject.contract.dtypes.items():
        # a column that holds nothing has no type to be wrong
        wrong = subject.has(name) and subject.dtypes[name] != dtype and measured.nulls(name) < measured.rows
        if wrong:
            yield Finding(
                check="contract",
                severity=Severity.error,
                table=subject.name,
                column=name,
                part=f"{name}|type",
                message=f"'{name}' is {subject.dtypes[name]}, not {dtype}",
                count=measured.rows - measured.nulls(name),
                value=1.0,
                limit=0.0,
                hint="load the file with ckm ingest, which converts it",
            )
    for rule, count in measured.breaks().items():
        column_name, _, kind = rule.rpartition("|")
        over_columns = column_name == ROW
        yield Finding(
            check="contract",
            severity=Severity.error,
            table=subject.name,
            column=None if over_columns else column_name,
            part=rule,
            message=f"{counted(count, 'row')} break the rule {rule}" if count > 1 else f"1 row breaks the rule {rule}",
            count=count,
            value=count / measured.rows,
            limit=0.0,
            hint=f"mend the mapping of '{kind if over_columns else column_name}' and load the file again",
        )
