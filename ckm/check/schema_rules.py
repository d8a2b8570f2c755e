"""Values that violate the rules of their column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.check.findings import Finding, Severity
from ckm.check.table_statistics import ROW
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts


def contract(measured: TableCounts, _limits: CheckLimits) -> Iterator[Finding]:
    """Find columns of the wrong type, and rows that violate a rule: errors."""
    subject = measured.subject
    if subject.contract is None:
        return
    for name, dtype in subject.contract.dtypes.items():
        # an empty column cannot have a wrong type
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
            message=f"{counted(count, 'row')} fail the rule {rule}" if count > 1 else f"1 row fails the rule {rule}",
            count=count,
            value=count / measured.rows,
            limit=0.0,
            hint=f"fix the mapping of '{kind if over_columns else column_name}' and load the file again",
        )
