"""What a rule says, and the report that holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from ckm.findings import Severity
    from ckm.knowledge.entry import Entry

COLUMNS = ("severity", "rule", "file", "line", "entry", "message", "hint")


@dataclass(frozen=True)
class Breach:
    """An entry that breaks a rule, as the rule tells it.

    Attributes
    ----------
    entry
        The entry.
    message, hint
        What is wrong, and what to do; without a hint the rule's own.
    keys
        The line is that of the first of these keys that the entry has.
    severity
        Where it is another than the rule's.
    """

    entry: Entry
    message: str
    keys: tuple[str, ...] = ()
    hint: str | None = None
    severity: Severity | None = None


@dataclass(frozen=True)
class Finding:
    """One breach of one rule.

    Attributes
    ----------
    severity
        How bad it is.
    rule
        Id of the rule.
    file, line
        Relative to the folder, and 1-based; line 0 is the file as a whole.
    entry
        Id of the entry; None where it has none that can be read.
    message, hint
        What is wrong, and what to do.
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
        """Its values in the order of :data:`COLUMNS`."""
        return (self.severity, self.rule, self.file, self.line, self.entry, self.message, self.hint)


@dataclass(frozen=True)
class LintReport:
    """All findings, worst first, then by file and line.

    Attributes
    ----------
    findings
        What was found.
    as_of
        The day it stands on.
    entries
        Entries that were read; those that were left out are findings.
    """

    findings: tuple[Finding, ...]
    as_of: date
    entries: int

    def count(self, severity: Severity) -> int:
        """How many findings have exactly ``severity``."""
        return sum(finding.severity == severity for finding in self.findings)

    def reaches(self, severity: Severity) -> bool:
        """Whether a finding is as bad as ``severity`` or worse."""
        return any(finding.severity.rank <= severity.rank for finding in self.findings)

    @property
    def frame(self) -> pl.DataFrame:
        """One row per finding, with the columns :data:`COLUMNS`."""
        import polars as pl

        schema = {name: pl.Int64 if name == "line" else pl.String for name in COLUMNS}
        return pl.DataFrame([finding.row for finding in self.findings], schema=schema, orient="row")
