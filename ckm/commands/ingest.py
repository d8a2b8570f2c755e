"""``ckm ingest``: load files into the workspace's store."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from ckm.bugreport import bug_report
from ckm.commands.completion import tables
from ckm.commands.options import AS_FOUND, FileOptions, Output, OutputFormat, Wait, Workspace, reads_files
from ckm.errors import BugError, UsageError, exit_code_of_files
from ckm.output import Format, default_format, detail, emit, note, progress, remark, say_remarks, show_error
from ckm.remark import Importance, about, at_least, basis, doubt
from ckm.time_zones import end_of_day
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl

    from ckm.config import Workspace as OpenWorkspace
    from ckm.ingest.load import LoadSettings
    from ckm.ingest.options import IngestOptions
    from ckm.ingest.results import FileResult
    from ckm.ingest.selection import Job
    from ckm.store import Store


BY_USE = ("file", "status", "rows", "quarantined", "accepted", "updated", "unchanged", "duplicates", "table")
"""Columns of a load, the most used first."""
SPARE_COUNTS = ("updated", "unchanged", "duplicates", "quarantined")
HISTORY_BY_USE = ("file", "loaded_at", "rows", "quarantined", "load_id", "undone", "accepted", "kind", "table")
"""Columns of the history, the most used first."""


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command("ingest")(ingest)


@reads_files
def ingest(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[SOURCE]...", help="Files or folders; - is standard input. Default: the files named by maps/."
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option("--as", metavar="TABLE", help="Target table; columns are mapped by name.", autocompletion=tables),
    ] = None,
    save_map: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the proposed mapping to FILE, for editing.")
    ] = None,
    exported: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Export time of the files. Default: the newest timestamp in each. An older export of an order "
            "replaces no newer one.",
        ),
    ] = None,
    on_conflict: Annotated[
        Literal["replace", "keep", "error"] | None,
        typer.Option(
            help="If a key exists with other values: replace the row, keep it, or fail. "
            "Default: replace rows of the same source, fail for rows of another source.",
        ),
    ] = None,
    max_rejects: Annotated[
        str | None,
        typer.Option(
            metavar="SHARE",
            help="Maximum share of rejected rows; above it the file is not loaded. Default: ckm.yaml, 5%.",
        ),
    ] = None,
    reading: FileOptions = AS_FOUND,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report what would be loaded, and load nothing.")] = False,
    requarantine: Annotated[
        bool, typer.Option("--requarantine", help="Load quarantined rows again, after a mapping was fixed.")
    ] = False,
    history: Annotated[bool, typer.Option("--history", help="List past loads.")] = False,
    undo: Annotated[
        str | None,
        typer.Option(metavar="FILE-OR-ID", help="Undo one load: the last load of FILE, or the load with this id."),
    ] = None,
    workspace: Workspace = None,
    wait: Wait = None,
    fmt: OutputFormat = None,
    output: Output = None,
) -> None:
    """Load files into the store: validated against the schema, one transaction per file.

    Rows that fail validation are quarantined with the rules that they failed. A file that is already loaded is skipped,
    whatever its name; rows that are already stored are not loaded twice. Prints one row per file, with
    rows = accepted + updated + unchanged + duplicates + quarantined.

    Examples:
        ckm ingest                                            # every file that matches a mapping in maps/
        ckm ingest orders_export.csv                          # a recognised export (Shopify, Stripe, ...)
        ckm ingest orders.csv --as transactions               # mapped by column names
        ckm ingest orders.csv --as transactions --save-map maps/shop.yaml
        ckm ingest till.csv --as transactions --dates dmy --decimal , --dry-run
        ckm ingest --history
        ckm ingest --undo orders.csv
    """
    from ckm.ingest.selection import stdin_on_disk

    _refuse_contradiction(
        {"SOURCE": sources, "--requarantine": requarantine, "--history": history, "--undo": undo is not None}
    )
    opened = _open_workspace(workspace)
    if history:
        return _show_history(opened, fmt, output)
    if undo is not None:
        with _store(opened, dry_run=dry_run, wait=wait) as store:
            return _undo(store, undo, opened.root, fmt, output)
    options = reading.ingest_options(table)
    settings = _settings(opened, on_conflict, max_rejects, exported)
    if requarantine:
        with _store(opened, dry_run=dry_run, wait=wait) as store:
            results = _requarantine(opened, store, settings, options)
    else:
        with (
            stdin_on_disk(_jobs(opened, sources, options)) as jobs,
            _store(opened, dry_run=dry_run, wait=wait) as store,
        ):
            if save_map:
                _save_map(jobs, save_map, opened.root, dry_run=dry_run)
            results = [_run(job, store, settings) for job in jobs]
    return _report(results, fmt, output)


def _refuse_contradiction(given: dict[str, object]) -> None:
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} contradict each other", hint="use one of them")


def _open_workspace(folder: Path | None) -> OpenWorkspace:
    from ckm.config import open_workspace

    return open_workspace(folder)


def _settings(
    workspace: OpenWorkspace, on_conflict: str | None, max_rejects: str | None, exported: datetime | None
) -> LoadSettings:
    from ckm.ingest.load import LoadSettings
    from ckm.setting_values import parse_share
    from ckm.store import OnConflict

    return LoadSettings(
        max_rejects=parse_share(max_rejects) if max_rejects else workspace.config.ingest.max_rejects,
        on_conflict=OnConflict(on_conflict) if on_conflict else None,
        time_zone=workspace.config.time_zone,
        currency=workspace.config.currency,
        exported=_moment(exported, workspace.config.time_zone),
    )


def _moment(given: datetime | None, time_zone: str) -> str | None:
    """Convert local time of the shop to the store's format; a date without a time means the end of the day."""
    if given is None:
        return None
    if given.time() == time():
        return (end_of_day(given.date(), time_zone) - timedelta(microseconds=1)).isoformat()
    return given.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC).isoformat()


def _jobs(workspace: OpenWorkspace, sources: list[Path] | None, options: IngestOptions) -> list[Job]:
    from ckm.ingest.selection import jobs_for, jobs_of_workspace

    if not sources and (options.table or options.map_file):
        raise UsageError("--as and --map need a SOURCE", hint="name the file to load")
    if sources:
        found = jobs_for(sources, workspace, options)
        remark(*map(doubt, found.remarks))
        return found.jobs
    jobs = jobs_of_workspace(workspace)
    if not jobs:
        remark(basis("no file matches a mapping in maps/"))
    return jobs


def _save_map(jobs: list[Job], path: Path, root: Path, *, dry_run: bool) -> None:
    from ckm.ingest.plan import NameMatchingPlan
    from ckm.ingest.selection import pattern_of
    from ckm.io.mapping.mapping import save_mapping
    from ckm.io.readers.read import open_source

    if len(jobs) != 1 or not isinstance(jobs[0].plan, NameMatchingPlan):
        raise UsageError("--save-map needs exactly one SOURCE without a mapping", hint="pass one file, without --map")
    job, plan = jobs[0], jobs[0].plan
    with open_source(job.path, plan.hints) as source:
        found = source.format
        mapping, _ = plan.mapping(found.columns, named=found.named, repeated=found.repeated, sample=source.sample)
    if dry_run:
        return
    save_mapping(mapping, path, files=(pattern_of(job, root),))
    note(f"wrote {path}")


@contextmanager
def _store(workspace: OpenWorkspace, *, dry_run: bool, wait: float | None) -> Iterator[Store]:
    """Yield the workspace's store, or for a dry run a temporary mirror of it."""
    from ckm.store import Store

    store = Store(workspace.store_dir, wait=wait)
    if not dry_run:
        yield store
        return
    with store.rehearsal() as mirror:
        yield mirror
    remark(basis("dry run: nothing was written"))


def _run(job: Job, store: Store, settings: LoadSettings) -> FileResult:
    from ckm.ingest.files import run_job

    with progress(f"loading {job.label}", total=1.0) as advance:
        result = run_job(job, store, settings, progress=advance)
    if isinstance(result.error, BugError) and result.error.__cause__ is not None:
        print(bug_report(result.error.__cause__), file=sys.stderr)
    return result


def _requarantine(
    workspace: OpenWorkspace, store: Store, settings: LoadSettings, options: IngestOptions
) -> list[FileResult]:
    from ckm.ingest.requarantine import requarantine
    from ckm.ingest.selection import workspace_mappings

    results = requarantine(store, workspace_mappings(workspace), settings, options)
    if not results:
        remark(basis("the quarantine is empty"))
    return results


def _report(results: list[FileResult], fmt: Format | None, output: Path | None) -> None:
    from ckm.ingest.results import SHORT, results_table

    table = results_table(results)
    emit(table.select(SHORT) if _on_screen(fmt, output) else table, fmt, output=output, by_use=_by_use(table))
    _remark(results)
    say_remarks()
    failed = [(result.file, result.error) for result in results if result.error]
    for file, error in failed:
        error.details.setdefault("file", file)
        if len(results) > 1 and file not in str(error):
            note(f"{file}: not loaded")
        show_error(error, as_json=(fmt or default_format()) in {Format.json, Format.ndjson})
    if failed:
        done = any(result.error is None for result in results)
        raise typer.Exit(exit_code_of_files((error for _, error in failed), done=done))


def _by_use(table: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns of a load, the most used first: a count that is zero for all files comes last."""
    return tuple(sorted(BY_USE, key=lambda name: name in SPARE_COUNTS and not table[name].sum()))


def _on_screen(fmt: Format | None, output: Path | None) -> bool:
    return output is None and (fmt or default_format()) is Format.table


def _is_of_all(remark: str, results: Sequence[FileResult]) -> bool:
    return all(remark in result.remarks for result in results)


def _remark(results: list[FileResult]) -> None:
    """Say what was quarantined, assumed and repaired; a remark that holds for all files is made once."""
    first, others = results[:1], results[1:]
    shared = [each for result in first for each in result.remarks if others and _is_of_all(each, others)]
    if others and (quarantined := sum(result.quarantined for result in results)):
        files = counted(sum(result.quarantined > 0 for result in results), "file")
        remark(doubt(f"quarantined {counted(quarantined, 'row')} of {files}"))
    remark(*at_least(Importance.assumption, (about(f"all {len(results)} files", each) for each in shared)))
    for result in results:
        for reason, count in result.reasons.items():
            remark(doubt(f"{result.file}: quarantined {count} × {reason}"))
        told = (about(result.file, each) for each in result.remarks if each not in shared)
        remark(*at_least(Importance.assumption, told))
        for each in (*result.details, *result.upkeep):
            detail(f"{result.file}: {each}")


def _show_history(workspace: OpenWorkspace, fmt: Format | None, output: Path | None) -> None:
    import polars as pl

    from ckm.ingest.results import SHORT_HISTORY, history_table
    from ckm.store import Store

    table = history_table(Store(workspace.store_dir).history())
    if not _on_screen(fmt, output):
        return emit(table, fmt, output=output)
    minutes = pl.col("loaded_at").dt.strftime("%Y-%m-%d %H:%M")
    return emit(table.select(SHORT_HISTORY).with_columns(minutes), Format.table, by_use=HISTORY_BY_USE)


def _undo(store: Store, which: str, root: Path, fmt: Format | None, output: Path | None) -> None:
    from ckm.ingest.results import undo_table
    from ckm.ingest.selection import label
    from ckm.ingest.undo import undo_load

    taken_back = undo_load(store, which, label=label(Path(which), root))
    emit(undo_table(taken_back), fmt, output=output)
    for file in dict.fromkeys(file for taken in taken_back for file in taken.load_again):
        remark(doubt(f"{file} contains some of the same rows: load it again to restore them"))
