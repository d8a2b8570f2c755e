"""``ckm ingest``: load files into the workspace's store."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ckm.bugreport import bug_report
from ckm.commands.completion import tables
from ckm.commands.options import AS_FOUND, FileOptions, Output, OutputFormat, Wait, Workspace, reads_files
from ckm.errors import BugError, UsageError, exit_code_of_files
from ckm.output import Format, default_format, detail, emit, note, progress, remark, say_remarks, show_error
from ckm.remark import Importance, about, at_least, basis, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from ckm.config import Workspace as OpenWorkspace
    from ckm.ingest.files import IngestResult
    from ckm.ingest.results import FileResult


BY_USE = ("file", "status", "rows", "quarantined", "accepted", "updated", "unchanged", "duplicates", "table")
"""Columns of a load, the most used first."""
REUSED_MEMORY = ("_RJEM_MALLOC_CONF", "dirty_decay_ms:5000")
"""Setting of polars' allocator: freed memory is returned after 5 s instead of 0.5 s, so that the next batch reuses it.

Costs 50 MB, and saves the zeroing of new pages: half of the page faults, a tenth of the processor time."""
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
    rows = accepted + updated + unchanged + duplicates + quarantined + erased.

    Examples:
        ckm ingest                                            # every file that matches a mapping in maps/
        ckm ingest orders_export.csv                          # a recognised export (Shopify, Stripe, ...)
        ckm ingest orders.csv --as transactions               # mapped by column names
        ckm ingest orders.csv --as transactions --save-map maps/shop.yaml
        ckm ingest till.csv --as transactions --dates dmy --decimal , --dry-run
        ckm ingest --history
        ckm ingest --undo orders.csv
    """
    from ckm.setting_values import parse_share

    _refuse_contradiction(
        {"SOURCE": sources, "--requarantine": requarantine, "--history": history, "--undo": undo is not None}
    )
    if history:
        return _show_history(_open_workspace(workspace), fmt, output)
    if undo is not None:
        return _undo(_open_workspace(workspace), undo, fmt, output, dry_run=dry_run, wait=wait)
    os.environ.setdefault(*REUSED_MEMORY)  # polars reads it when it is imported
    from ckm.ingest.files import ingest as ingest_files

    with _file_progress() as advance:
        result = ingest_files(
            workspace,
            *(sources or ()),
            options=reading.ingest_options(table),
            on_conflict=on_conflict,
            max_rejects=parse_share(max_rejects) if max_rejects else None,
            exported=exported,
            save_map=save_map,
            requarantine=requarantine,
            dry_run=dry_run,
            wait=wait,
            progress=advance,
        )
    if save_map is not None and not dry_run:
        note(f"wrote {save_map}")
    return _report(result, fmt, output)


def _refuse_contradiction(given: dict[str, object]) -> None:
    named = [name for name, value in given.items() if value]
    if len(named) > 1:
        raise UsageError(f"{' and '.join(named)} contradict each other", hint="use one of them")


def _open_workspace(folder: Path | None) -> OpenWorkspace:
    from ckm.config import open_workspace

    return open_workspace(folder)


@contextmanager
def _file_progress() -> Iterator[Callable[[str, float], None]]:
    """Yield a callback that shows a progress line per file."""
    with ExitStack() as line:
        lines: dict[str, Callable[[float], None]] = {}

        def advance(label: str, share: float) -> None:
            if label not in lines:
                line.close()
                lines.clear()
                lines[label] = line.enter_context(progress(f"loading {label}", total=1.0))
            lines[label](share)

        yield advance


def _report(result: IngestResult, fmt: Format | None, output: Path | None) -> None:
    table = result.summary if _on_screen(fmt, output) else result.frame
    emit(table, fmt, output=output, by_use=_by_use(table))
    remark(*result.notes)
    _remark(result.files)
    say_remarks()
    errors = [(each.file, each.error) for each in result.files if each.error is not None]
    for file, error in errors:
        if isinstance(error, BugError) and error.__cause__ is not None:
            print(bug_report(error.__cause__), file=sys.stderr)
        error.details.setdefault("file", file)
        if len(result.files) > 1 and file not in str(error):
            note(f"{file}: not loaded")
        show_error(error, as_json=(fmt or default_format()) in {Format.json, Format.ndjson})
    if errors:
        raise typer.Exit(exit_code_of_files((error for _, error in errors), done=len(errors) < len(result.files)))


def _by_use(table: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns of a load, the most used first: a count that is zero for all files comes last."""
    return tuple(sorted(BY_USE, key=lambda name: name in SPARE_COUNTS and not table[name].sum()))


def _on_screen(fmt: Format | None, output: Path | None) -> bool:
    return output is None and (fmt or default_format()) is Format.table


def _remark(results: Sequence[FileResult]) -> None:
    """Print what was quarantined, assumed and repaired; a remark on all files is printed once."""
    first, others = results[:1], results[1:]
    shared = [
        each for result in first for each in result.remarks if others and all(each in other.remarks for other in others)
    ]
    if others and (quarantined := sum(result.quarantined for result in results)):
        files = counted(sum(result.quarantined > 0 for result in results), "file")
        remark(doubt(f"quarantined {counted(quarantined, 'row')} of {files}"))
    remark(*at_least(Importance.assumption, (about(f"all {len(results)} files", each) for each in shared)))
    for result in results:
        for reason, count in result.reasons.items():
            remark(doubt(f"{result.file}: quarantined {count} × {reason}"))
        remarks = (about(result.file, each) for each in result.remarks if each not in shared)
        remark(*at_least(Importance.assumption, remarks))
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


def _undo(
    workspace: OpenWorkspace, which: str, fmt: Format | None, output: Path | None, *, dry_run: bool, wait: float | None
) -> None:
    from ckm.ingest.files import DRY_RUN, writable_store
    from ckm.ingest.results import undo_table
    from ckm.ingest.selection import label
    from ckm.ingest.undo import undo_load

    with writable_store(workspace, dry_run=dry_run, wait=wait) as store:
        undone = undo_load(store, which, label=label(Path(which), workspace.root))
    if dry_run:
        remark(basis(DRY_RUN))
    emit(undo_table(undone), fmt, output=output)
    for file in dict.fromkeys(file for load in undone for file in load.load_again):
        remark(doubt(f"{file} contains some of the same rows: load it again to restore them"))
