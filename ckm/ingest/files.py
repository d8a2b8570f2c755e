"""Load files into a workspace; the function behind ``ckm ingest``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from polars.exceptions import PanicException

from ckm import __version__
from ckm.config import open_workspace
from ckm.errors import BugError, UsageError
from ckm.ingest.load import LoadSettings, Progress, ingest_file
from ckm.ingest.options import IngestOptions
from ckm.ingest.results import SHORT, FileResult, Status, results_table
from ckm.ingest.selection import Job, Jobs, jobs_for, jobs_of_workspace
from ckm.result import Result
from ckm.store import Store

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    import polars as pl


@dataclass(frozen=True)
class IngestResult(Result):
    """Results of loading files.

    Attributes
    ----------
    files
        One result per file.
    left_out
        Files that were skipped in folders, as sentences.
    """

    files: tuple[FileResult, ...]
    left_out: tuple[str, ...] = ()

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
        """Column matches and assumptions, by file."""
        return (*self.left_out, *(f"{each.file}: {remark}" for each in self.files for remark in each.remarks))

    @property
    def failed(self) -> tuple[FileResult, ...]:
        """The files that were not loaded, each with its ``error``."""
        return tuple(each for each in self.files if each.error is not None)


def ingest(
    workspace: str | os.PathLike[str],
    *files: str | os.PathLike[str],
    options: IngestOptions | None = None,
    progress: Callable[[str], None] | None = None,
) -> IngestResult:
    """Load files into a workspace.

    Parameters
    ----------
    workspace
        Its folder.
    *files
        Files or folders; default: the files that match the mappings in ``maps/``.
    options
        Mapping and format options; unset ones come from mappings and detection.
    progress
        Callback for progress reports, called for each file.

    Raises
    ------
    UsageError
        There is no workspace, or no mapping matches the only file. If one of several files fails, its result has the
        error and nothing is raised.
    """
    tell = progress or (lambda _: None)
    opened = open_workspace(Path(workspace))
    wanted = options or IngestOptions()
    if not files and (wanted.table or wanted.map_file):
        raise UsageError("a table or a mapping needs a file", hint="name the file to load")
    jobs = jobs_for(map(Path, files), opened, wanted) if files else Jobs(jobs_of_workspace(opened))
    settings = LoadSettings(
        max_rejects=opened.config.ingest.max_rejects,
        time_zone=opened.config.time_zone,
        currency=opened.config.currency,
    )
    store, found = Store(opened.store_dir), []
    for job in jobs.jobs:
        tell(job.label)
        found.append(run_job(job, store, settings))
    return IngestResult(tuple(found), jobs.remarks)


def run_job(job: Job, store: Store, settings: LoadSettings, progress: Progress = lambda share: None) -> FileResult:
    """Load the file of a job. Every error is in the result, so that the next files are loaded.

    A bug is a :class:`BugError` whose ``__cause__`` is the exception. Errors of the operating system are raised: a
    store that is not writable affects every file.
    """
    if job.plan is None:
        return FileResult(job.label, "", Status.failed, error=job.error)
    try:
        return ingest_file(job.path, job.plan, store, settings, label=job.label, progress=progress)
    except OSError:
        raise
    except (Exception, PanicException) as error:
        bug = BugError(f"{job.label}: a bug in ckm {__version__}: please report the traceback")
        bug.__cause__ = error
        return FileResult(job.label, job.plan.table, Status.failed, error=bug)
