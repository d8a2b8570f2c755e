"""Format the report as JUnit XML with one test case per check and table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.render.junit import JUnitCase, JUnitMessage
from ckm.render.junit import to_junit as write_junit
from ckm.severity import Severity

if TYPE_CHECKING:
    from ckm.check.findings import CheckReport


def to_junit(report: CheckReport, *, fail_on: Severity = Severity.error) -> str:
    """Write one test case per check and table; see :func:`ckm.render.junit.to_junit`."""
    found: dict[tuple[str, str], list[JUnitMessage]] = {case: [] for case in report.ran}
    for finding in report.findings:
        message = JUnitMessage(finding.severity, finding.message, finding.hint)
        found.setdefault((finding.check, finding.table), []).append(message)
    made = [JUnitCase(f"ckm.check.{table}", check, tuple(messages)) for (check, table), messages in found.items()]
    skipped = [JUnitCase(f"ckm.check.{each.table}", each.check, skipped=each.reason) for each in report.skipped]
    return write_junit("ckm check", [*made, *skipped], fail_on=fail_on)
