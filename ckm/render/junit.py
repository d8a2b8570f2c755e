"""Export of findings as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ckm.plaintext import harmless
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class JUnitMessage:
    """A finding as text."""

    severity: Severity
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class JUnitCase:
    """A test case of the JUnit report.

    Attributes
    ----------
    group, name
        Class name and name of the test.
    messages
        Findings, by severity.
    skipped
        Why the check did not run; None if it ran.
    """

    group: str
    name: str
    messages: tuple[JUnitMessage, ...] = ()
    skipped: str | None = None


def to_junit(suite_name: str, cases: Iterable[JUnitCase], *, fail_on: Severity = Severity.error) -> str:
    """Return test cases as JUnit XML.

    A case fails if a finding has the severity ``fail_on`` or a higher one; other findings are its output. A check that
    did not run is a skipped case.
    """
    suite = ET.Element("testsuite", name=suite_name)
    failures = skipped = 0
    for each in cases:
        case = ET.SubElement(suite, "testcase", classname=_clean(each.group), name=_clean(each.name))
        bad = [message for message in each.messages if message.severity.rank <= fail_on.rank]
        mild = [message for message in each.messages if message.severity.rank > fail_on.rank]
        if bad:
            failures += 1
            failure = ET.SubElement(case, "failure", type=bad[0].severity, message=_clean(bad[0].message))
            failure.text = _lines(bad)
        if mild:
            ET.SubElement(case, "system-out").text = _lines(mild)
        if each.skipped is not None:
            skipped += 1
            ET.SubElement(case, "skipped", message=_clean(each.skipped))
    for name, count in (("tests", len(suite)), ("failures", failures), ("errors", 0), ("skipped", skipped)):
        suite.set(name, str(count))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _lines(messages: list[JUnitMessage]) -> str:
    return _clean(
        "\n".join(f"{each.severity}: {each.message}" + (f" ({each.hint})" if each.hint else "") for each in messages)
    )


def _clean(text: str) -> str:
    return harmless(text)
