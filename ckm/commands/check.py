"""``ckm check``: findings in the tables, worst first."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import AS_FOUND, AsOf, Data, FileOptions, Output, Workspace, reads_files, saying
from ckm.errors import UsageError
from ckm.output import Format, default_format, emit, emit_text, note, progress

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from ckm.check import CheckReport

JUNIT_SUFFIX = ".xml"
"""Suffix of ``--output`` that means JUnit."""
SCREEN_ROWS = 30
"""Findings shown on a terminal; machine formats hold all."""
VERIFIED = {"table": str, "file": str, "rows": int, "bytes": int, "state": str, "note": str}
SCREEN_COLUMNS = ("severity", "check", "table", "column", "message")


class CheckFormat(StrEnum):
    """How the findings leave the program: as any table, or as tests of a CI server."""

    table = "table"
    csv = "csv"
    json = "json"
    ndjson = "ndjson"
    md = "md"
    junit = "junit"


class FailOn(StrEnum):
    """The mildest finding that makes the exit code 1."""

    error = "error"
    warning = "warning"


CheckOutputFormat = Annotated[
    CheckFormat | None,
    typer.Option("--format", "-f", help="Default: CKM_FORMAT, else a table on a terminal and csv in a pipe."),
]
Fail = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="Exit with 1 when there is such a finding or a worse one. Default: never."),
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
    workspace: Workspace = None,
    reading: FileOptions = AS_FOUND,
    payments: Annotated[
        bool, typer.Option("--payments", help="List instead orders that are not paid, and payments of no order.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare the store's data files with their digests instead.")
    ] = False,
) -> None:
    """List what is wrong with the tables, worst first.

    Looks for empty columns, broken rules, repeated keys and rows, unknown customers, refused rows, outliers, days and
    channels without sales, wrong signs, several currencies, old tables, and months whose totals are not those of
    finance (controls.csv beside ckm.yaml). A finding is an error (a promise is broken), a warning (unlike what is
    usual or allowed) or an info. docs/check.md explains each check; ckm.yaml, under check and freshness, switches and
    tunes them. A file of transactions gets the checks that make sense without a workspace.

    No clock is read: a table is old by the newest usual day in the data. A nightly job gives the day with --as-of; rows
    dated later are left out and counted on stderr.

    --payments lists the orders without a successful payment, the payments that failed for good, and those of no order,
    where ckm.yaml or a mapping declares a source to be payments.

    --verify reads every data file of the store instead and compares it with the digest that was kept when it was
    written: exit 6 where one was changed, is missing, or is named by no commit. Files from before there were digests
    are counted.

    Cost: a few streaming passes; half a million rows take a quarter of a second, 20 million ten seconds and 800 MB.

    Examples:
      ckm check                                         # the workspace around the current folder
      ckm check orders.csv                              # any file of transactions
      ckm check --as-of "$(date +%F)" --fail-on warning   # in a nightly job: exit 1 when somebody should look
      ckm check -f junit --fail-on error -o check.xml   # for a CI server
      ckm check -o findings.xlsx                        # to hand on
      ckm check --verify                                # after trouble with a disk, or before a backup
    """
    if verify:
        return _verify(data, workspace, fmt, output)
    if payments:
        return _payments(data, workspace, as_of.date() if as_of else None, fmt, output)
    from ckm.check import Severity, to_junit
    from ckm.check import check as check_source
    from ckm.dataset import open_dataset

    with progress(f"checking {data or 'the workspace'}"):
        dataset = open_dataset(data, workspace, reading.ingest_options())
        with saying(dataset.remarks, Format(fmt) if fmt and fmt is not CheckFormat.junit else None):
            report = check_source(dataset, as_of=as_of.date() if as_of else None)
    if fmt is CheckFormat.junit or (fmt is None and output is not None and output.suffix == JUNIT_SUFFIX):
        emit_text(to_junit(report, fail_on=Severity(fail_on or FailOn.error)), output=output)
    else:
        _show(report, Format(fmt) if fmt else None, output, title=f"{dataset.label}: {_summary(report)}")
    for remark in report.remarks:
        note(remark)
    if fail_on is not None and report.reaches(Severity(fail_on)):
        raise typer.Exit(1)
    return None


def _payments(
    data: Path | None, workspace: Path | None, as_of: date | None, fmt: CheckFormat | None, output: Path | None
) -> None:
    """List what of orders and payments has no other."""
    from ckm.check import reconcile
    from ckm.check.payments import KINDS
    from ckm.dataset import open_dataset

    if fmt is CheckFormat.junit:
        raise UsageError("--payments has no JUnit form", hint="choose csv, json, ndjson or md")
    with progress("reconciling payments"):
        dataset = open_dataset(data, workspace).known_on(as_of)
        if dataset.payments is None:
            raise UsageError("no source is declared to be payments", hint="name it in ckm.yaml: payments: [SOURCE]")
        found = reconcile(dataset.transactions, dataset.payments, as_of=as_of, time_zone=dataset.config.time_zone)
    counts = found.group_by("kind").len()
    said = ", ".join(f"{int(counts.filter(kind=kind)['len'].sum()):,} {kind}" for kind in KINDS)
    emit(found, Format(fmt) if fmt else None, output=output, title=f"{dataset.label}: {said}")
    note(f"{dataset.label}: {said}")


def _verify(data: Path | None, workspace: Path | None, fmt: CheckFormat | None, output: Path | None) -> None:
    """List the store's data files, on a terminal those that are not as they were written; exit 6 if there is one."""
    import polars as pl

    from ckm.config import open_workspace
    from ckm.errors import VerificationError
    from ckm.store import FileState, Store

    if fmt is CheckFormat.junit:
        raise UsageError("--verify has no JUnit form", hint="choose csv, json, ndjson or md")
    if data is not None and workspace is not None:
        raise UsageError("DATA and --workspace contradict each other", hint="name one of them")
    store = Store(open_workspace(data or workspace).store_dir)
    with progress(f"verifying {store.root}"):
        found = store.verify()
    rows = [(each.table, each.file, each.rows, each.size, str(each.state), each.note) for each in found]
    table = pl.DataFrame(rows, schema=VERIFIED, orient="row")
    counts = {state: sum(each.state is state for each in found) for state in FileState}
    said = ", ".join(f"{count:,} {state}" for state, count in counts.items() if count) or "no data files"
    if output is None and (fmt or default_format()) == Format.table:
        table = table.filter(~pl.col("state").is_in([FileState.VERIFIED, FileState.NO_DIGEST]))
        emit(table, Format.table, title=f"{store.root}: {said}")
    else:
        emit(table, Format(fmt) if fmt else None, output=output)
        note(f"{store.root}: {said}")
    if counts[FileState.NO_DIGEST]:
        note(f"{counts[FileState.NO_DIGEST]:,} files are from before digests were kept: only their size was compared")
    if wrong := [each for each in found if not each.is_sound]:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise VerificationError(
            f"{store.root / wrong[0].table / wrong[0].file}: {wrong[0].note}{more}",
            hint="restore what is listed from a backup, or move the store away and load all files anew",
            files=[f"{each.table}/{each.file}" for each in wrong],
        )


def _show(report: CheckReport, fmt: Format | None, output: Path | None, *, title: str) -> None:
    """On a terminal one screen of sentences; anywhere else every finding with all its columns."""
    on_screen = output is None and (fmt or default_format()) is Format.table
    if not on_screen:
        emit(report.frame, fmt, output=output, title=title)
        note(title)
        return
    emit(report.frame.select(SCREEN_COLUMNS).head(SCREEN_ROWS), Format.table, title=title)
    if (more := len(report.findings) - SCREEN_ROWS) > 0:
        note(f"{more:,} findings, none worse than these, are not shown: -f csv lists all")


def _summary(report: CheckReport) -> str:
    from ckm.check import Severity
    from ckm.wording import counted

    counts = ", ".join(counted(report.count(level), level) for level in Severity)
    rows = ", ".join(f"{count:,} {table}" for table, count in report.rows.items())
    return f"{counts} in {rows}" + (f", as of {report.as_of}" if report.as_of else "")
