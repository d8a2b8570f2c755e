"""Check data quality: findings by table and column, by severity.

The tables are counted in a few streaming passes (:mod:`ckm.check.table_statistics`); each check then evaluates the
counts. A finding contains counts, column names, dates and labels of groups, never a value of a row.
"""

from ckm.check.controls_file import read_controls
from ckm.check.findings import CHECKS, CheckReport, Finding, Severity, Skipped
from ckm.check.junit import to_junit
from ckm.check.limits import CheckLimits
from ckm.check.payments import reconcile
from ckm.check.run import check_tables
from ckm.check.source import check

__all__ = [
    "CHECKS",
    "CheckLimits",
    "CheckReport",
    "Finding",
    "Severity",
    "Skipped",
    "check",
    "check_tables",
    "read_controls",
    "reconcile",
    "to_junit",
]
