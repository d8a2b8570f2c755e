"""The report as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ckm.check.findings import Severity

if TYPE_CHECKING:
    from ckm.check.findings import CheckReport, Finding

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped (https://www.w3.org/TR/xml/#charsets)."""


def to_junit(report: CheckReport, *, fail_on: Severity = Severity.error) -> str:
    """Write one test case per check and table.

    A case fails when a finding is as bad as ``fail_on`` or worse; milder findings are its output. A check that could
    not be made is a skipped case.
    """
    found: dict[tuple[str, str], list[Finding]] = {case: [] for case in report.ran}
    for finding in report.findings:
        found.setdefault((finding.check, finding.table), []).append(finding)
    suite = ET.Element("testsuite", name="ckm check")
    failures = 0
    for (check, table), findings in found.items():
        case = ET.SubElement(suite, "testcase", classname=_clean(f"ckm.check.{table}"), name=_clean(check))
        bad = [finding for finding in findings if finding.severity.rank <= fail_on.rank]
        mild = [finding for finding in findings if finding.severity.rank > fail_on.rank]
        if bad:
            failures += 1
            failure = ET.SubElement(case, "failure", type=bad[0].severity, message=_clean(bad[0].message))
            failure.text = _lines(bad)
        if mild:
            ET.SubElement(case, "system-out").text = _lines(mild)
    for skipped in report.skipped:
        case = ET.SubElement(
            suite, "testcase", classname=_clean(f"ckm.check.{skipped.table}"), name=_clean(skipped.check)
        )
        ET.SubElement(case, "skipped", message=_clean(skipped.reason))
    for name, count in (
        ("tests", len(suite)),
        ("failures", failures),
        ("errors", 0),
        ("skipped", len(report.skipped)),
    ):
        suite.set(name, str(count))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _lines(findings: list[Finding]) -> str:
    return _clean(
        "\n".join(
            f"{finding.severity}: {finding.message}" + (f" ({finding.hint})" if finding.hint else "")
            for finding in findings
        )
    )


def _clean(text: str) -> str:
    return _NOT_XML.sub("�", text)
