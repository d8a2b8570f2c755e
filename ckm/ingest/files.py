"""Load files into a workspace; the function behind ``ckm ingest``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from polars.exceptions import PanicException

from ckm import __version__
from ckm._privacy.erasure import complete
from ckm._privacy.tombstones import FOLDER as PRIVACY
from ckm.config import open_workspace
from ckm.errors import BugError, UsageError
from ckm.ingest import requarantine as quarantined
from ckm.ingest.load import LoadSettings, ingest_file
from ckm.ingest.options import IngestOptions
from ckm.ingest.plan import NameMatchingPlan, mapping_for
from ckm.ingest.results import SHORT, FileResult, Status, results_table
from ckm.ingest.selection import Job, Jobs, jobs_for, jobs_of_workspace, pattern_of, stdin_on_disk, workspace_mappings
from ckm.io.mapping.mapping import save_mapping
from ckm.io.readers.read import open_source
from ckm.remark import basis, doubt
from ckm.result import Result
from ckm.store import OnConflict, Store
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import polars as pl

    from ckm.config import Workspace

FileProgress = Callable[[str, float], None]
DRY_RUN = "dry run: nothing was written"


@dataclass(frozen=True)
class IngestResult(Result):
    """Results of loading files.

    Attributes
    ----------
    files
        One result per file.
    notes
        Remarks on the run as a whole: files that were skipped in folders, an empty quarantine, a dry run.
    """

    files: tuple[FileResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def frame(self) -> pl.DataFrame:
        """One row per file: see :func:`ckm.ingest.results.results_table`."""
        return results_table(list(self.files))

    @property
    def summary(self) -> pl.DataFrame:
        """File, table, status and counts."""
        return self.frame.select(SHORT)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Notes on the run; column matches and assumptions, by file."""
        return (*self.notes, *(f"{each.file}: {remark}" for each in self.files for remark in each.remarks))

    @property
    def failed(self) -> tuple[FileResult, ...]:
        """The files that were not loaded, each with its ``error``."""
        return tuple(each for each in self.files if each.error is not None)


def ingest(
    workspace: str | os.PathLike[str] | None = None,
    *files: str | os.PathLike[str],
    options: IngestOptions | None = None,
    on_conflict: Literal["replace", "keep", "error"] | None = None,
    max_rejects: float | None = None,
    exported: datetime | None = None,
    save_map: str | os.PathLike[str] | None = None,
    requarantine: bool = False,
    dry_run: bool = False,
    wait: float | None = None,
    progress: FileProgress | None = None,
) -> IngestResult:
    """Load files into a workspace.

    Parameters
    ----------
    workspace
        Its folder. Default: the workspace around the current folder.
    *files
        Files or folders; default: the files that match the mappings in ``maps/``.
    options
        Mapping and format options; unset ones come from mappings and detection.
    on_conflict
        Action for rows with a known key and other values: ``replace`` the known row, ``keep`` it, or refuse the file
        with an ``error``. Default: replace rows of the same source, refuse rows of another one.
    max_rejects
        Largest share of a file's records that may be quarantined; above it nothing of the file is loaded. Default:
        ``ingest.max_rejects`` of ``ckm.yaml``.
    exported
        Export time of the files in local time of the shop; midnight means the end of that day. Default: the newest
        timestamp in each file.
    save_map
        File to which the mapping of the only file is written.
    requarantine
        Load quarantined rows again instead of files.
    dry_run
        Whether to change nothing, and return what would be loaded.
    wait
        Seconds to wait for another writer of the store. Default: no limit.
    progress
        Called with the name of a file and the share of it that was read since the last call; 0 when it begins.

    Returns
    -------
    IngestResult
        If one of several files fails, its result has the error and nothing is raised.

    Raises
    ------
    UsageError
        There is no workspace, no mapping matches the only file, or the arguments contradict each other.
    BusyError
        Another writer holds the store for longer than ``wait``.
    """
    opened = open_workspace(None if workspace is None else Path(workspace))
    wanted = options or IngestOptions()
    settings = LoadSettings(
        max_rejects=opened.config.ingest.max_rejects if max_rejects is None else max_rejects,
        on_conflict=OnConflict(on_conflict) if on_conflict else None,
        time_zone=opened.config.time_zone,
        currency=opened.config.currency,
        exported=_export_time(exported, opened.config.time_zone),
        privacy=opened.root / PRIVACY,
    )
    if not dry_run:
        complete(opened, wait=wait)
    dry = (basis(DRY_RUN),) if dry_run else ()
    if requarantine:
        if files:
            raise UsageError("files and requarantine contradict each other", hint="use one of them")
        with writable_store(opened, dry_run=dry_run, wait=wait) as store:
            found = quarantined.requarantine(store, workspace_mappings(opened), settings, wanted)
        return IngestResult(tuple(found), (*dry, *(() if found else (basis("the quarantine is empty"),))))
    jobs = _jobs(opened, [Path(file) for file in files], wanted)
    with stdin_on_disk(jobs.jobs) as on_disk, writable_store(opened, dry_run=dry_run, wait=wait) as store:
        if save_map is not None:
            _save_mapping(on_disk, Path(save_map), opened.root, dry_run=dry_run)
        results = tuple(_result(job, store, settings, progress) for job in on_disk)
    return IngestResult(results, (*jobs.remarks, *dry))


@contextmanager
def writable_store(workspace: Workspace, *, dry_run: bool = False, wait: float | None = None) -> Iterator[Store]:
    """Yield the store of a workspace, or for a dry run a temporary copy of it."""
    store = Store(workspace.store_dir, wait=wait)
    if not dry_run:
        yield store
        return
    with store.rehearsal() as copy:
        yield copy


def _export_time(given: datetime | None, time_zone: str) -> str | None:
    """Convert local time of the shop to the store's format; a date without a time means the end of the day."""
    if given is None:
        return None
    if given.time() == time():
        return (end_of_day(given.date(), time_zone) - timedelta(microseconds=1)).isoformat()
    return given.replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC).isoformat()


def _jobs(workspace: Workspace, files: list[Path], options: IngestOptions) -> Jobs:
    """Return the files to load: the given ones, else those that match the workspace's mappings."""
    if files:
        jobs = jobs_for(files, workspace, options)
        return Jobs(jobs.jobs, tuple(map(doubt, jobs.remarks)))
    if options.table or options.map_file:
        raise UsageError("--as and --map need a SOURCE", hint="name the file to load")
    found = jobs_of_workspace(workspace)
    return Jobs(found, () if found else (basis("no file matches a mapping in maps/"),))


def _save_mapping(jobs: list[Job], path: Path, root: Path, *, dry_run: bool) -> None:
    """Write the mapping that column names give for the only file."""
    if len(jobs) != 1 or not isinstance(jobs[0].plan, NameMatchingPlan):
        raise UsageError("--save-map needs exactly one SOURCE without a mapping", hint="pass one file, without --map")
    job, plan = jobs[0], jobs[0].plan
    with open_source(job.path, plan.hints) as source:
        mapping, _ = mapping_for(plan, source.format, source.sample)
    if not dry_run:
        save_mapping(mapping, path, files=(pattern_of(job, root),))


def _result(job: Job, store: Store, settings: LoadSettings, progress: FileProgress | None) -> FileResult:
    """Load the file of a job. Every error is in the result, so that the next files are loaded.

    A bug is a :class:`BugError` whose ``__cause__`` is the exception. Errors of the operating system are raised: a
    store that is not writable affects every file.
    """

    def advance(share: float) -> None:
        if progress is not None:
            progress(job.label, share)

    advance(0.0)
    if job.plan is None:
        return FileResult(job.label, "", Status.failed, error=job.error)
    try:
        return ingest_file(job.path, job.plan, store, settings, label=job.label, progress=advance)
    except OSError:
        raise
    except (Exception, PanicException) as error:
        bug = BugError(f"{job.label}: a bug in ckm {__version__}: please report the traceback")
        bug.__cause__ = error
        return FileResult(job.label, job.plan.table, Status.failed, error=bug)
