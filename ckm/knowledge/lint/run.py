"""Apply the rules to a knowledge base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError
from ckm.findings import Severity
from ckm.knowledge.cache_file import CachedValues, code_digest, is_settled, read_body, try_write_cache_file, written_at
from ckm.knowledge.entry_cache import read_cached
from ckm.knowledge.entry_files import read_folder
from ckm.knowledge.fingerprint import digest
from ckm.knowledge.garbage_collection import without_collector
from ckm.knowledge.lint.findings import Finding, LintReport
from ckm.knowledge.lint.rules import RULES, Rule
from ckm.knowledge.lint.subject import Expected, Subject
from ckm.knowledge.listing import files
from ckm.plaintext import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from ckm.knowledge.entry_files import Base

REPORT, TIMELESS = "report.json", "timeless.json"
"""What was found as of a day, and what takes long to find and holds on any."""


def lint_base(
    base: Base, as_of: date, expected: Expected | None = None, *, cached: CachedValues | None = None
) -> LintReport:
    """Find what is wrong with a knowledge base on a day.

    Parameters
    ----------
    base
        As it was read.
    as_of
        The day: reviews due before it are overdue.
    expected
        What the team has agreed on; nothing where it has not.
    cached
        Cache for results that do not depend on the day.

    Raises
    ------
    UnknownNameError
        ``expected.skip`` names a rule that there is not.
    """
    expected = expected or Expected()
    ids = [rule.id for rule in RULES]
    for name in expected.skip:
        if name not in ids:
            raise UnknownNameError("rule", name, ids, where="kb.skip")
    subject = Subject(base, as_of, expected, cached)
    found = [*_mistakes(subject)]
    with without_collector():
        for rule in RULES:
            if rule.look is not None and rule.id not in expected.skip:
                found += _findings(rule, subject)
    order = {name: number for number, name in enumerate(ids)}
    rank = {severity: severity.rank for severity in Severity}
    found.sort(key=lambda each: (rank[each.severity], order[each.rule], each.file, each.line, each.message))
    return LintReport(tuple(found), as_of, len(base.entries))


def lint_folder(
    folder: Path,
    as_of: date,
    expected: Callable[[], Expected],
    *,
    agreed: str = "",
    place: Path | None = None,
    advance: Callable[[float], None] = lambda amount: None,
) -> LintReport:
    """Read a folder and find what is wrong with it; an unchanged one is not looked at again.

    Parameters
    ----------
    folder, as_of
        Of the knowledge base, and the day.
    expected
        Returns what the team has agreed on; asked for only where it is needed.
    agreed
        Something that is another when ``expected`` would be.
    place
        Folder for what is kept from one time to the next; None: nothing is.
    advance
        Told how many files more are done.
    """
    listing = files(folder)
    if place is None:
        with without_collector():
            base = read_folder(folder)
        return lint_base(base, as_of, expected())
    made_from = digest(repr((agreed, listing, code_digest())).encode("utf-8", "surrogatepass"))
    newest = max((max(mark[1:]) for _, mark in listing.files), default=0)
    kind = f"report {as_of} {made_from}"
    saved = read_body(place / REPORT, kind) if is_settled(newest, written_at(place / REPORT)) else None
    if saved is not None:
        findings = tuple(Finding(Severity(severity), *rest) for severity, *rest in saved["findings"])
        return LintReport(findings, as_of, saved["entries"])
    cached = CachedValues(place / TIMELESS, f"timeless {made_from}", newest)
    report = lint_base(read_cached(folder, listing, place, advance), as_of, expected(), cached=cached)
    cached.save()
    findings_and_count = {"entries": report.entries, "findings": [each.row for each in report.findings]}
    try_write_cache_file(place / REPORT, kind, findings_and_count)
    return report


def _mistakes(subject: Subject) -> Iterator[Finding]:
    for each in subject.base.mistakes:
        if each.rule not in subject.expected.skip:
            yield Finding(each.severity, each.rule, each.path, each.line, each.entry, each.message, each.hint)


def _findings(rule: Rule, subject: Subject) -> Iterator[Finding]:
    assert rule.look is not None
    for breach in rule.look(subject):
        entry = breach.entry
        yield Finding(
            breach.severity or rule.severity,
            rule.id,
            entry.path,
            entry.line_of(*breach.keys),
            entry.id,
            one_line(breach.message),
            one_line(breach.hint or rule.remedy),
        )
