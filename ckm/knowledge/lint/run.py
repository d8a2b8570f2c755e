"""Apply the rules to a knowledge base."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError
from ckm.knowledge.lint.findings import Finding, LintReport
from ckm.knowledge.lint.rules import RULES, Rule
from ckm.knowledge.lint.subject import Expected, Subject
from ckm.plaintext import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.knowledge.folder import Base


def lint_base(base: Base, as_of: date, expected: Expected | None = None) -> LintReport:
    """Find what is wrong with a knowledge base on a day.

    Parameters
    ----------
    base
        As it was read.
    as_of
        The day: reviews due before it are overdue.
    expected
        What the team has agreed on; nothing where it has not.

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
    subject = Subject(base, as_of, expected)
    found = [*_mistakes(subject)]
    for rule in RULES:
        if rule.look is not None and rule.id not in expected.skip:
            found += _findings(rule, subject)
    order = {name: number for number, name in enumerate(ids)}
    found.sort(key=lambda each: (each.severity.rank, order[each.rule], each.file, each.line, each.message))
    return LintReport(tuple(found), as_of, len(base.entries))


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
