"""Apply the lint rules to a knowledge base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._kb.cache_file import CachedValues, code_digest, is_settled, read_body, try_write_cache_file, written_at
from ckm._kb.entry_cache import read_cached
from ckm._kb.entry_files import read_folder
from ckm._kb.file_listing import files
from ckm._kb.fingerprint import digest
from ckm._kb.garbage_collection import without_collector
from ckm._kb.lint.lint_context import LintContext, LintOptions
from ckm._kb.lint.lint_report import LintFinding, LintReport
from ckm._kb.lint.lint_rules import RULES, LintRule
from ckm.errors import UnknownNameError
from ckm.plaintext import one_line
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from pathlib import Path

    from ckm._kb.entry_files import EntryCollection

REPORT, TIMELESS = "report.json", "timeless.json"
"""Cache files of the findings as of a date, and of slow results that do not depend on the date."""


def lint_base(
    base: EntryCollection, as_of: date, options: LintOptions | None = None, *, cached: CachedValues | None = None
) -> LintReport:
    """Return all findings about a knowledge base as of a date.

    Parameters
    ----------
    base
        Entries and mistakes.
    as_of
        Date: reviews due before it are overdue.
    options
        Options of the rules.
    cached
        Cache for results that do not depend on the day.

    Raises
    ------
    UnknownNameError
        ``options.skip`` names an unknown rule.
    """
    options = options or LintOptions()
    ids = [rule.id for rule in RULES]
    for name in options.skip:
        if name not in ids:
            raise UnknownNameError("rule", name, ids, where="kb.skip")
    context = LintContext(base, as_of, options, cached)
    found = [*_mistakes(context)]
    with without_collector():
        for rule in RULES:
            if rule.find is not None and rule.id not in options.skip:
                found += _findings(rule, context)
    order = {name: number for number, name in enumerate(ids)}
    rank = {severity: severity.rank for severity in Severity}
    found.sort(key=lambda each: (rank[each.severity], order[each.rule], each.file, each.line, each.message))
    return LintReport(tuple(found), as_of, len(base.entries))


def lint_folder(
    folder: Path,
    as_of: date,
    options: Callable[[], LintOptions],
    *,
    options_key: str = "",
    place: Path | None = None,
    advance: Callable[[float], None] = lambda amount: None,
) -> LintReport:
    """Return all findings about a knowledge folder, from the cache if the folder, date and options are unchanged.

    Parameters
    ----------
    folder, as_of
        The knowledge folder, and the date.
    options
        Function that returns the options; called only if the cache is invalid.
    options_key
        Text that changes when ``options`` change.
    place
        Cache folder; None: no cache.
    advance
        Called with the number of files that were finished.
    """
    listing = files(folder)
    if place is None:
        with without_collector():
            base = read_folder(folder)
        return lint_base(base, as_of, options())
    inputs = digest(repr((options_key, listing, code_digest())).encode("utf-8", "surrogatepass"))
    newest = max((max(mark[1:]) for _, mark in listing.files), default=0)
    kind = f"report {as_of} {inputs}"
    saved = read_body(place / REPORT, kind) if is_settled(newest, written_at(place / REPORT)) else None
    if saved is not None:
        findings = tuple(LintFinding(Severity(severity), *rest) for severity, *rest in saved["findings"])
        return LintReport(findings, as_of, saved["entries"])
    cached = CachedValues(place / TIMELESS, f"timeless {inputs}", newest)
    report = lint_base(read_cached(folder, listing, place, advance), as_of, options(), cached=cached)
    cached.save()
    findings_and_count = {"entries": report.entries, "findings": [each.row for each in report.findings]}
    try_write_cache_file(place / REPORT, kind, findings_and_count)
    return report


def _mistakes(context: LintContext) -> Iterator[LintFinding]:
    for each in context.base.mistakes:
        if each.rule not in context.options.skip:
            yield LintFinding(each.severity, each.rule, each.path, each.line, each.entry, each.message, each.hint)


def _findings(rule: LintRule, context: LintContext) -> Iterator[LintFinding]:
    assert rule.find is not None
    for breach in rule.find(context):
        entry = breach.entry
        yield LintFinding(
            breach.severity or rule.severity,
            rule.id,
            entry.path,
            entry.line_of(*breach.keys),
            entry.id,
            one_line(breach.message),
            one_line(breach.hint or rule.remedy),
        )
