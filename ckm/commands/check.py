"""``ckm check``: is the data what one thinks it is?"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ckm.commands.options import AsOf, Data, Output, Workspace
from ckm.output import Format, emit, note, write

if TYPE_CHECKING:
    from ckm.check import CheckReport

CONTROLS_FILE = "controls.csv"
"""Name of finance's totals at the root of a workspace."""
SCREEN_ROWS = 30
"""Findings shown on a terminal; machine formats hold all."""
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
    typer.Option("--format", "-f", envvar="CKM_FORMAT", help="Default: table on a terminal, csv in a pipe."),
]
Fail = Annotated[
    FailOn | None,
    typer.Option("--fail-on", help="Exit with 1 when there is such a finding or a worse one. Default: never."),
]


def register(app: typer.Typer) -> None:
    """Add ``ckm check``."""
    app.command()(check)


def check(
    ctx: typer.Context,
    data: Data = None,
    fail_on: Fail = None,
    as_of: AsOf = None,
    fmt: CheckOutputFormat = None,
    output: Output = None,
    workspace: Workspace = None,
) -> None:
    """Check the tables and list what is wrong with them, worst first.

    Completeness, keys, contract, duplicates, unknown customers, quarantine, outliers, gaps in the calendar, silent
    channels, freshness, and totals per month against controls.csv of finance, which lies beside ckm.yaml. A finding
    is an error (a promise is broken), a warning (unlike what is usual or allowed) or an info. Thresholds and switches
    are in ckm.yaml under check and freshness; docs/check.md explains each.

    It reads every column once and some twice, streaming: half a second for 500,000 rows, ten for 20 million.

    No clock is read: freshness counts from the newest date in the data. In a nightly job, give the day.

    Examples:

      ckm check
      ckm check orders.csv
      ckm check --as-of "$(date +%F)" --fail-on warning
      ckm check -f junit --fail-on error > check.xml
      ckm check -o findings.xlsx
    """
    ctx.find_root().obj = fmt
    from ckm.check import CheckLimits, Severity, check_tables, read_controls, to_junit
    from ckm.dataset import open_dataset

    dataset = open_dataset(data, workspace)
    tables = dict(dataset.tables)
    quarantine = tables.pop("quarantine", None)
    limits, controls, time_zone = CheckLimits(), None, "UTC"
    if dataset.workspace is not None:
        config = dataset.workspace.config
        limits, time_zone = CheckLimits.from_config(config.check, config.freshness), config.time_zone
        path = dataset.workspace.root / CONTROLS_FILE
        controls = read_controls(path) if path.exists() else None
    report = check_tables(
        tables,
        quarantine=quarantine,
        controls=controls,
        limits=limits,
        as_of=as_of.date() if as_of else None,
        time_zone=time_zone,
    )
    for remark in dataset.remarks:
        note(remark)
    if fmt is CheckFormat.junit or (output is not None and output.suffix == ".xml"):
        _write_text(to_junit(report, fail_on=Severity(fail_on or FailOn.error)), output)
    elif output is not None:
        write(report.frame(), output)
    else:
        _show(report, Format(fmt) if fmt else None)
    for table, count in report.later.items():
        note(f"{count:,} rows of {table} are dated after {report.as_of} and were left out")
    note(_summary(report))
    if fail_on is not None and report.reaches(Severity(fail_on)):
        raise typer.Exit(1)


def _show(report: CheckReport, fmt: Format | None) -> None:
    """On a terminal one screen of sentences; for a machine every finding with all its columns."""
    if (fmt or (Format.table if sys.stdout.isatty() else Format.csv)) is not Format.table:
        emit(report.frame(), fmt)
        return
    emit(report.frame().select(SCREEN_COLUMNS).head(SCREEN_ROWS), Format.table, title=_title(report))
    if (more := len(report.findings) - SCREEN_ROWS) > 0:
        note(f"{more:,} milder findings are not shown: -f csv lists all")


def _title(report: CheckReport) -> str:
    return "Findings" if report.as_of is None else f"Findings as of {report.as_of}"


def _summary(report: CheckReport) -> str:
    from ckm.check import Severity

    counts = ", ".join(f"{report.count(level)} {level}" for level in Severity)
    rows = ", ".join(f"{count:,} rows of {table}" for table, count in report.rows.items())
    return f"{counts} in {rows}" + (f", as of {report.as_of}" if report.as_of else "")


def _write_text(text: str, path: Path | None) -> None:
    """Write to stdout, or to a file that is whole or not there."""
    if path is None:
        sys.stdout.write(text)
        return
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
