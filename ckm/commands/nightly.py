"""``ckm nightly``: run all steps that are due in a workspace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ckm.bugreport import bug_report
from ckm.commands.options import AsOf, Output, OutputFormat, Seed, Wait, Workspace
from ckm.errors import BugError, UsageError
from ckm.output import Format, default_format, emit, progress, remark, show_error

if TYPE_CHECKING:
    from ckm.nightly import NightlyResult

STEPS = 5


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("nightly")(nightly)


def nightly(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[WORKSPACE]", help="Default: the workspace around the current folder."),
    ] = None,
    as_of: AsOf = None,
    fail_on: Annotated[
        Literal["error", "warning"] | None,
        typer.Option(help="Exit with 1 if a finding of the check has this severity or a higher one. Default: never."),
    ] = None,
    seed: Seed = 0,
    fmt: OutputFormat = None,
    output: Output = None,
    workspace: Workspace = None,
    wait: Wait = None,
) -> None:
    """Load new files, check, refit old segments, list new warnings, and report on a complete month.

    Runs five steps and prints one row per step:
      ingest  loads the files in incoming/ (mapped by maps/, or recognised)
      check   writes the findings to out/check.csv
      refit   refits segment definitions older than nightly.refit_after
      warn    writes new warnings to out/new-warnings.csv
      report  writes out/loyalty-YYYY-MM.html once a month is complete

    A step with nothing to do is unchanged: a second run changes nothing, and the run after an interrupted one finishes
    its steps. A failed step or file is named, and the others run; a file that cannot be loaded stays in incoming/.
    The store's lock is held for the whole run, so that a second run waits.

    The exit code is the first of these that a step has: 70, 6, 5, 2 (a setting or mapping is wrong), 3 (a file is
    broken), 4 (not enough data for a forecast or a report), 1 (findings, with --fail-on only), 0.

    Examples:
      ckm nightly                                     # the workspace around the current folder
      ckm nightly /srv/shop -q -o /srv/shop/out/nightly.csv   # for cron: silent if all is well
      ckm nightly -f json | jq '.[] | select(.state == "failed")'
    """
    if folder is not None and workspace is not None:
        raise UsageError("WORKSPACE and --workspace contradict each other", hint="name one of them")
    from ckm.nightly import nightly as run_nightly

    with progress("nightly run", total=STEPS) as advance:
        result = run_nightly(
            folder or workspace,
            as_of=as_of.date() if as_of else None,
            fail_on=fail_on,
            seed=seed,
            wait=wait,
            progress=advance.stage,
        )
    _print(result, fmt, output)
    remark(*result.remarks)
    for error in result.errors:
        if isinstance(error, BugError) and error.__cause__ is not None:
            print(bug_report(error.__cause__), file=sys.stderr)
        show_error(error, as_json=(fmt or default_format()) in {Format.json, Format.ndjson})
    if result.exit_code:
        raise typer.Exit(result.exit_code)


def _print(result: NightlyResult, fmt: Format | None, output: Path | None) -> None:
    for_person = output is None and (fmt or default_format()) is Format.table
    title = f"as of {result.as_of}" if result.as_of else None
    emit(result.summary if for_person else result.frame, fmt, output=output, title=title)
