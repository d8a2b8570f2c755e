"""``ckm check``: data quality findings, by severity."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ckm.commands.meta import Meta, read_source, refuse_meta, write_meta
from ckm.commands.options import (
    AS_FOUND,
    FORMAT_HELP,
    AsOf,
    Data,
    FileOptions,
    Output,
    Workspace,
    data_or_workspace,
    reads_files,
    saying,
)
from ckm.errors import UsageError
from ckm.output import Format, default_format, emit, emit_text, progress, remark
from ckm.remark import basis, doubt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    from ckm.check import CheckReport
    from ckm.dataset import Dataset

JUNIT_SUFFIX = ".xml"
"""Suffix of ``--output`` that means JUnit."""
SCREEN_ROWS = 30
"""Maximum findings on a terminal; machine formats contain all."""
VERIFIED = {"table": str, "file": str, "rows": int, "bytes": int, "state": str, "note": str}
SCREEN_COLUMNS = ("severity", "check", "table", "column", "message")
BY_USE = ("severity", "message", "check", "table", "column")
"""Columns of the findings, the most used first."""
PAYMENTS_BY_USE = ("kind", "order_id", "amount", "paid", "currency", "ordered_at", "paid_at")
"""Columns of unmatched payments, the most used first."""
VERIFIED_BY_USE = ("file", "state", "note", "table", "rows", "bytes")
"""Columns of the verified files, the most used first."""


class CheckFormat(StrEnum):
    """Output formats of findings: tables, or JUnit for CI servers."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"
    junit = "junit"


class FailOn(StrEnum):
    """The lowest severity that gives exit code 1."""

    error = "error"
    warning = "warning"


CheckOutputFormat = Annotated[
    CheckFormat | None,
    typer.Option("--format", "-f", help=FORMAT_HELP),
]
Fail = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="Exit with 1 if a finding has this severity or a higher one. Default: never."),
]


def register(app: typer.Typer) -> None:
    """Add ``ckm check``."""
    app.command()(check)


@reads_files
def check(
    data: Data = None,
    fail_on: Fail = None,
    as_of: AsOf = None,
    fmt: CheckOutputFormat = None,
    output: Output = None,
    meta: Meta = None,
    workspace: Workspace = None,
    reading: FileOptions = AS_FOUND,
    payments: Annotated[
        bool, typer.Option("--payments", help="List orders without a payment and payments without an order instead.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Verify the digests of the store's data files instead.")
    ] = False,
) -> None:
    """Check data quality and list the findings by severity.

    Checks for empty columns, failed rules, duplicate keys and rows, unknown customers, rejected rows, outliers, days
    and channels without sales, wrong signs, several currencies, outdated tables, and months that differ from the
    control totals of finance (controls.csv beside ckm.yaml). A finding is an error (a rule is violated), a warning (a
    value is unusual or above a limit) or an info. 'ckm help reference/check' explains each check; ckm.yaml, under check
    and freshness, sets limits and disables checks. A file of transactions gets the checks that need no workspace.

    The age of a table is measured from the last day of the data, never from the clock. A nightly job passes the date
    with --as-of; rows with a later date are excluded and counted on stderr.

    --payments lists orders without a successful payment, failed payments without a later success, and payments without
    an order. It needs a source that ckm.yaml or a mapping declares as payments.

    --verify reads every data file of the store instead and compares it with its digest from the time of writing: exit 6
    if a file was changed, is missing, or belongs to no commit. Files without a digest are counted.

    Cost: a few streaming passes; half a million rows take a quarter of a second, 20 million ten seconds and 800 MB.

    Examples:
      ckm check                                         # the workspace around the current folder
      ckm check orders.csv                              # any file of transactions
      ckm check --as-of "$(date +%F)" --fail-on warning   # in a nightly job: exit 1 on findings
      ckm check -f junit --fail-on error -o check.xml   # for a CI server
      ckm check -o findings.xlsx                        # to share
      ckm check --verify                                # after trouble with a disk, or before a backup
    """
    refuse_meta(meta, {"--payments": payments, "--verify": verify})
    if verify:
        return _verify(data, workspace, fmt, output)
    if payments:
        return _payments(data, workspace, as_of.date() if as_of else None, fmt, output)
    with progress(f"checking {data or 'the workspace'}") as advance:
        from ckm.check import Severity, to_junit
        from ckm.check import check as check_source
        from ckm.dataset import open_dataset

        advance.stage("reading")
        dataset = open_dataset(data, workspace, reading.ingest_options())
        source = read_source(dataset, data, reading, meta)
        advance.stage("checking")
        with saying(dataset.remarks, Format(fmt) if fmt and fmt is not CheckFormat.junit else None):
            report = check_source(dataset, as_of=as_of.date() if as_of else None)
    if fmt is CheckFormat.junit or (fmt is None and output is not None and output.suffix == JUNIT_SUFFIX):
        emit_text(to_junit(report, fail_on=Severity(fail_on or FailOn.error)), output=output)
    else:
        _show(report, Format(fmt) if fmt else None, output, title=f"{dataset.label}: {_summary(report)}")
    if meta is not None:
        write_meta(_facts(report, as_of.date() if as_of else None, dataset, source), meta)
    remark(*report.remarks)
    if fail_on is not None and report.reaches(Severity(fail_on)):
        raise typer.Exit(1)
    return None


def _facts(report: CheckReport, as_of: date | None, dataset: Dataset, source: Mapping[str, Any]) -> Mapping[str, Any]:
    from ckm.check import CHECKS
    from ckm.metadata import run_facts

    return run_facts(
        "check",
        dataset,
        source,
        as_of=report.as_of,
        parameters={"as_of": as_of},
        settings=("check", "freshness"),
        columns=report.frame.columns,
        remarks=report.remarks,
        rows=report.rows,
        checks=CHECKS,
        skipped=[vars(each) for each in report.skipped],
    )


def _payments(
    data: Path | None, workspace: Path | None, as_of: date | None, fmt: CheckFormat | None, output: Path | None
) -> None:
    """List unmatched orders and payments."""
    from ckm.check import reconcile
    from ckm.check.payments import KINDS
    from ckm.dataset import open_dataset

    if fmt is CheckFormat.junit:
        raise UsageError("--payments has no JUnit format", hint="choose csv, json, ndjson or md")
    with progress("reconciling payments"):
        dataset = open_dataset(data, workspace).known_on(as_of)
        if dataset.payments is None:
            raise UsageError("no source is declared as payments", hint="declare it in ckm.yaml: payments: [SOURCE]")
        found = reconcile(dataset.transactions, dataset.payments, as_of=as_of, time_zone=dataset.config.time_zone)
    counts = found.group_by("kind").len()
    summary = ", ".join(f"{int(counts.filter(kind=kind)['len'].sum()):,} {kind}" for kind in KINDS)
    emit(found, Format(fmt) if fmt else None, output=output, title=f"{dataset.label}: {summary}")
    remark(basis(f"{dataset.label}: {summary}"))


def _verify(data: Path | None, workspace: Path | None, fmt: CheckFormat | None, output: Path | None) -> None:
    """Verify the store's data files; on a terminal, list only those that fail; exit 6 if any does."""
    import polars as pl

    from ckm.config import open_workspace
    from ckm.errors import VerificationError
    from ckm.store import FileState, Store

    if fmt is CheckFormat.junit:
        raise UsageError("--verify has no JUnit format", hint="choose csv, json, ndjson or md")
    store = Store(open_workspace(data_or_workspace(data, workspace)).store_dir)
    with progress(f"verifying {store.root}"):
        found = store.verify()
    rows = [(each.table, each.file, each.rows, each.size, str(each.state), each.note) for each in found]
    table = pl.DataFrame(rows, schema=VERIFIED, orient="row")
    counts = {state: sum(each.state is state for each in found) for state in FileState}
    summary = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count) or "no data files"
    if output is None and (fmt or default_format()) == Format.table:
        table = table.filter(~pl.col("state").is_in([FileState.VERIFIED, FileState.NO_DIGEST]))
        emit(table, Format.table, title=f"{store.root}: {summary}", by_use=VERIFIED_BY_USE)
    else:
        emit(table, Format(fmt) if fmt else None, output=output)
        remark(basis(f"{store.root}: {summary}"))
    if counts[FileState.NO_DIGEST]:
        remark(
            doubt(
                f"{counts[FileState.NO_DIGEST]:,} files have no digest (written by an older version): "
                "only their size was verified"
            )
        )
    if wrong := [each for each in found if not each.is_sound]:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise VerificationError(
            f"{store.root / wrong[0].table / wrong[0].file}: {wrong[0].note}{more}",
            hint="restore the listed files from a backup, or move the store away and load all files again",
            files=[f"{each.table}/{each.file}" for each in wrong],
        )


def _show(report: CheckReport, fmt: Format | None, output: Path | None, *, title: str) -> None:
    """Print one screen of findings on a terminal, else every finding with all columns."""
    on_screen = output is None and (fmt or default_format()) is Format.table
    if not on_screen:
        emit(report.frame, fmt, output=output, title=title)
        remark(basis(title))
        return
    emit(report.frame.select(SCREEN_COLUMNS).head(SCREEN_ROWS), Format.table, title=title, by_use=BY_USE)
    if (more := len(report.findings) - SCREEN_ROWS) > 0:
        remark(basis(f"{more:,} findings of equal or lower severity are not shown: -f csv lists all"))


def _summary(report: CheckReport) -> str:
    from ckm.check import Severity
    from ckm.wording import counted

    counts = ", ".join(counted(report.count(level), level) for level in Severity)
    rows = ", ".join(f"{count:,} {table}" for table, count in report.rows.items())
    return f"{counts} in {rows}" + (f", as of {report.as_of}" if report.as_of else "")
