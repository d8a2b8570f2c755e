"""``ckm kb-lint``: check the knowledge base against the lint rules."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.kb_options import KbFolder, Today, day_of, knowledge_place
from ckm.commands.meta import Meta, refuse_meta, write_knowledge_meta
from ckm.commands.options import FORMAT_HELP, Output, Workspace
from ckm.output import Format, default_format, emit, emit_text, progress, remark
from ckm.remark import basis

if TYPE_CHECKING:
    from ckm._kb.lint import LintReport
    from ckm.severity import Severity

SUFFIXES = {".xml": "junit", ".sarif": "sarif"}
"""Suffixes of ``--output`` with formats of this command only."""
SCREEN_ROWS = 40
"""Maximum findings on a terminal; machine formats contain all."""
BY_USE = ("severity", "where", "message", "hint", "rule")
"""Columns of the findings, the most used first."""


class LintFormat(StrEnum):
    """Format of the findings: a table, or a report for a CI server."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"
    junit = "junit"
    sarif = "sarif"


class LintFailOn(StrEnum):
    """The lowest severity that makes the exit code 1."""

    error = "error"
    warning = "warning"


def register(app: typer.Typer) -> None:
    """Add ``ckm kb-lint``."""
    app.command("kb-lint")(kb_lint)


def kb_lint(
    kb: KbFolder = None,
    fail_on: Annotated[
        LintFailOn | None,
        typer.Option("--fail-on", help="Exit 1 if there is a finding of this or a higher severity. Default: never."),
    ] = None,
    as_of: Today = None,
    fmt: Annotated[LintFormat | None, typer.Option("--format", "-f", help=FORMAT_HELP)] = None,
    output: Output = None,
    meta: Meta = None,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of entries, for editors.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="List the rules with their conditions and remedies.")] = False,
    workspace: Workspace = None,
) -> None:
    """List findings about the knowledge base, worst first.

    Finds files that cannot be read, invalid keys and values, duplicate ids, dangling and circular links; validated
    entries without a verifier or verified by their author; overdue reviews, expired and stale entries; entries that
    answer the same question in the same case, near-duplicates, entries without an answer; unknown topics, segments and
    churn reasons; personal data in texts; missing translations. Each finding has a rule, a file, a line and a remedy.
    'ckm help reference/kb-lint' explains the rules; kb in ckm.yaml configures or disables them.

    Cost: ten seconds for 10,000 entries the first time; later only changed files are read.

    Examples:
      ckm kb-lint                                        # kb/ of the workspace around the current folder
      ckm kb-lint --kb knowledge --fail-on error         # in CI: exit 1 if there is an error
      ckm kb-lint -f sarif -o kb.sarif                   # for a code host that shows findings at the line
      ckm kb-lint -f junit --fail-on warning -o kb.xml   # as test results of a CI server
      ckm kb-lint --schema -o kb.schema.json             # for an editor
    """
    from ckm._kb.entry_schema import schema_text

    refuse_meta(meta, {"--schema": schema, "--rules": rules})
    if schema:
        emit_text(schema_text(), output=output)
        return
    if rules:
        _show_rules(None if fmt in {None, LintFormat.junit, LintFormat.sarif} else Format(str(fmt)), output)
        return
    from ckm import kb as knowledge
    from ckm._kb.lint import RULES
    from ckm.severity import Severity

    place, day = knowledge_place(kb, workspace), day_of(as_of)
    with progress(f"checking {place.folder}") as advance:
        segments = place.root / "segments" if place.root is not None else None
        report = knowledge.lint(place.folder, day, settings=place.settings, segments=segments, advance=advance)
    chosen = fmt or (LintFormat(SUFFIXES[output.suffix]) if output is not None and output.suffix in SUFFIXES else None)
    if chosen is LintFormat.junit:
        emit_text(_junit(report, Severity(fail_on or LintFailOn.error)), output=output)
    elif chosen is LintFormat.sarif:
        emit_text(_sarif(report, place.folder), output=output)
    else:
        _show(report, Format(chosen) if chosen else None, output, f"{place.folder}: {_summary(report)}")
    write_knowledge_meta(
        meta,
        "kb-lint",
        place.folder,
        place.root,
        as_of=day,
        parameters={"as_of": as_of and day},
        columns=report.frame.columns if meta is not None else (),
        remarks=(basis(_summary(report)),),
        rules={rule.id: rule.condition for rule in RULES},
    )
    if fail_on is not None and report.reaches(Severity(fail_on)):
        raise typer.Exit(1)


def _show(report: LintReport, fmt: Format | None, output: Path | None, title: str) -> None:
    """Print the first findings on a terminal, or write all findings with all columns."""
    import polars as pl

    on_screen = output is None and (fmt or default_format()) is Format.table
    if not on_screen:
        emit(report.frame, fmt, output=output, title=title)
        remark(basis(title))
        return
    view = report.frame.head(SCREEN_ROWS)
    where = pl.when(pl.col("line") > 0).then(pl.format("{}:{}", "file", "line")).otherwise("file")
    columns = ("severity", "rule", where.alias("where"), "message", "hint")
    emit(view.select(columns), Format.table, title=title, by_use=BY_USE)
    if (more := len(report.findings) - SCREEN_ROWS) > 0:
        remark(f"{more:,} more findings of equal or lower severity: -f csv lists all")


def _summary(report: LintReport) -> str:
    from ckm.severity import Severity

    counts = ", ".join(
        f"{count:,} {level}{'' if count == 1 else 's'}" for level in Severity for count in [report.count(level)]
    )
    return f"{counts} in {report.entries:,} {'entry' if report.entries == 1 else 'entries'}, as of {report.as_of}"


def _show_rules(fmt: Format | None, output: Path | None) -> None:
    import polars as pl

    from ckm._kb.lint import RULES

    rows = [(rule.id, rule.severity, rule.condition, rule.remedy) for rule in RULES]
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(("rule", "severity", "condition", "remedy"), pl.String), orient="row"
    )
    emit(frame, fmt, output=output)


def _junit(report: LintReport, fail_on: Severity) -> str:
    """Return JUnit XML with one test case per rule and file with findings, and one per rule without findings."""
    from ckm._kb.lint import RULES
    from ckm.render.junit import JUnitCase, JUnitMessage, to_junit

    found: dict[str, dict[str, list[JUnitMessage]]] = {rule.id: {} for rule in RULES}
    for each in report.findings:
        subject = f" ({each.entry})" if each.entry else ""
        message = JUnitMessage(each.severity, f"{each.file}:{each.line}{subject}: {each.message}", each.hint)
        found[each.rule].setdefault(each.file, []).append(message)
    cases = []
    for rule, by_file in found.items():
        cases += [JUnitCase(f"ckm.kb-lint.{rule}", file, tuple(messages)) for file, messages in by_file.items()]
        if not by_file:
            cases.append(JUnitCase(f"ckm.kb-lint.{rule}", "all files"))
    return to_junit("ckm kb-lint", cases, fail_on=fail_on)


def _sarif(report: LintReport, folder: Path) -> str:
    """Return SARIF; paths are relative to the current folder if it contains the knowledge base, as code hosts need."""
    from ckm import __version__
    from ckm._kb.lint import RULES
    from ckm.render.sarif import SarifResult, SarifRule, to_sarif

    here, there = Path.cwd().resolve(), folder.resolve()
    below = there.is_relative_to(here)
    prefix = there.relative_to(here).as_posix() + "/" if below and there != here else ""
    rules = [SarifRule(rule.id, rule.severity, rule.condition, rule.remedy) for rule in RULES]
    results = [
        SarifResult(
            each.rule,
            each.severity,
            prefix + each.file,
            each.line,
            f"{each.message} ({each.hint})" if each.hint else each.message,
            each.entry or "",
        )
        for each in report.findings
    ]
    return to_sarif("ckm kb-lint", __version__, rules, results, base=None if below else "the knowledge base")
