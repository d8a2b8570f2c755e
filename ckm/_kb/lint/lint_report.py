"""The findings of lint rules, and their report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from ckm._kb.entry import KnowledgeEntry
    from ckm.severity import Severity

COLUMNS = ("severity", "rule", "file", "line", "entry", "message", "hint")


@dataclass(frozen=True)
class Violation:
    """A violation of a rule by an entry.

    Attributes
    ----------
    entry
        The entry.
    message, hint
        Problem and remedy; None: the remedy of the rule.
    keys
        The finding is at the line of the first of these keys in the entry.
    severity
        Severity if it differs from that of the rule.
    """

    entry: KnowledgeEntry
    message: str
    keys: tuple[str, ...] = ()
    hint: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class LintFinding:
    """A violation with its position.

    Attributes
    ----------
    severity
        Severity.
    rule
        Id of the rule.
    file, line
        File relative to the folder, and 1-based line; 0 is the whole file.
    entry
        Id of the entry; None if it cannot be read.
    message, hint
        Problem and remedy.
    """

    severity: Severity
    rule: str
    file: str
    line: int
    entry: str | None
    message: str
    hint: str | None = None

    @property
    def row(self) -> tuple[str, str, str, int, str | None, str, str | None]:
        """The values in the order of :data:`COLUMNS`."""
        return (self.severity, self.rule, self.file, self.line, self.entry, self.message, self.hint)


@dataclass(frozen=True)
class LintReport:
    """All findings, worst first, then by file and line.

    Attributes
    ----------
    findings
        Findings.
    as_of
        Date of the check.
    entries
        Number of entries that were read; those that were left out are findings.
    """

    findings: tuple[LintFinding, ...]
    as_of: date
    entries: int

    def count(self, severity: Severity) -> int:
        """Return the number of findings with a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def reaches(self, severity: Severity) -> bool:
        """Return whether a finding has this severity or a worse one."""
        return any(finding.severity.rank <= severity.rank for finding in self.findings)

    @property
    def frame(self) -> pl.DataFrame:
        """One row per finding, with the columns :data:`COLUMNS`."""
        import polars as pl

        schema = {name: pl.Int64 if name == "line" else pl.String for name in COLUMNS}
        return pl.DataFrame([finding.row for finding in self.findings], schema=schema, orient="row")
