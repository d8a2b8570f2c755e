"""Findings as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from ckm.findings.severity import Severity
from ckm.plaintext import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Told:
    """A finding in words."""

    severity: Severity
    message: str
    hint: str | None = None


@dataclass(frozen=True)
class Case:
    """What is shown as one test.

    Attributes
    ----------
    group, name
        The class and the name of the test.
    told
        Its findings, worst first.
    skipped
        Why it could not be made; None if it was.
    """

    group: str
    name: str
    told: tuple[Told, ...] = ()
    skipped: str | None = None


def to_junit(suite_name: str, cases: Iterable[Case], *, fail_on: Severity = Severity.error) -> str:
    """Write test cases.

    A case fails when a finding is as bad as ``fail_on`` or worse; milder findings are its output. A check that could
    not be made is a skipped case.
    """
    suite = ET.Element("testsuite", name=suite_name)
    failures = skipped = 0
    for each in cases:
        case = ET.SubElement(suite, "testcase", classname=_clean(each.group), name=_clean(each.name))
        bad = [told for told in each.told if told.severity.rank <= fail_on.rank]
        mild = [told for told in each.told if told.severity.rank > fail_on.rank]
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


def _lines(told: list[Told]) -> str:
    return _clean(
        "\n".join(f"{each.severity}: {each.message}" + (f" ({each.hint})" if each.hint else "") for each in told)
    )


def _clean(text: str) -> str:
    return harmless(text)
