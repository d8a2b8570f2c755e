"""Select the files to load and their plans."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from glob import escape
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ckm.errors import CkmError, InputError, UnknownNameError, UsageError
from ckm.files import refuse_unreadable
from ckm.ingest.plan import MappingPlan, NameMatchingPlan, Plan, adjusted
from ckm.io.mapping.mapping_file import load_mapping
from ckm.io.mapping.platforms import NONE, known_platform, platform_named
from ckm.io.readers.archive import spool_stdin
from ckm.io.readers.folder import files_in
from ckm.io.readers.partition import partition_of
from ckm.io.readers.read import open_source, refuse_absent
from ckm.paths import STDIN
from ckm.plaintext import unicode_text
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ckm.config import Workspace
    from ckm.ingest.options import IngestOptions
    from ckm.io.mapping.mapping import Mapping
    from ckm.io.mapping.platform import Platform

GLOB = re.compile(r"[*?\[]")
STDIN_LABEL = "stdin"


@dataclass(frozen=True)
class Job:
    """One file to load, with its plan and label.

    Attributes
    ----------
    path, label
        The file, and its name in the store.
    plan
        The plan; None if ``error`` is set.
    error
        The reason why the file cannot be loaded, if known before it is opened.
    """

    path: Path
    plan: Plan | None
    label: str
    error: CkmError | None = None


@dataclass(frozen=True)
class Jobs:
    """The files to load, and remarks on files skipped in folders."""

    jobs: list[Job]
    remarks: tuple[str, ...] = ()


def workspace_mappings(workspace: Workspace) -> list[Mapping]:
    """Return the mappings in ``maps/``, by file name.

    Raises
    ------
    UsageError
        A mapping is invalid, or two have the same name.
    """
    try:
        refuse_unreadable(workspace.maps_dir)
    except InputError as error:
        raise UsageError(str(error), hint=error.hint) from None
    paths = sorted([*workspace.maps_dir.glob("*.yaml"), *workspace.maps_dir.glob("*.yml")])
    mappings: dict[str, Mapping] = {}
    for path in paths:
        mapping = load_mapping(path)
        if mapping.name in mappings:
            raise UsageError(
                f"{path}: another mapping has the name '{mapping.name}'", hint="give each mapping its own name"
            )
        mappings[mapping.name] = mapping
    return list(mappings.values())


def files_of(mapping: Mapping, root: Path) -> list[Path]:
    """Return the files below ``root`` that match a mapping's patterns.

    Raises
    ------
    UsageError
        A pattern points outside the workspace or is invalid.
    InputError
        A folder of a pattern cannot be read.
    """
    found: set[Path] = set()
    for pattern in mapping.files:
        if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
            raise UsageError(f"mapping '{mapping.name}': the pattern '{pattern}' points outside the workspace")
        named = root / pattern  # a file with exactly this name takes precedence over a glob pattern
        is_file = os.path.isfile(named)  # noqa: PTH113  # does not raise if the name is too long
        try:
            if not is_file:
                _refuse_unreadable_folders(root, pattern)
            found.update([named] if is_file else (path for path in root.glob(pattern) if not path.is_dir()))
        except (ValueError, NotImplementedError) as error:
            raise UsageError(f"mapping '{mapping.name}': invalid pattern '{pattern}': {error}") from None
    return sorted(found)


def mappings_of(file: Path, mappings: list[Mapping], root: Path) -> list[Mapping]:
    """Return the mappings whose patterns match a file; ``root`` is the folder of the patterns."""
    wanted = _resolved(file)
    return [mapping for mapping in mappings if wanted in map(_resolved, files_of(mapping, root))]


def _refuse_unreadable_folders(root: Path, pattern: str) -> None:
    """Refuse unreadable folders, which a glob would skip silently."""
    parts = PurePosixPath(pattern).parts[:-1]
    plain = list(takewhile(lambda part: not GLOB.search(part), parts))
    base = root.joinpath(*plain)
    refuse_unreadable(base)
    if len(plain) < len(parts) or PurePosixPath(pattern).name == "**":
        for folder, _, _ in os.walk(base):
            refuse_unreadable(Path(folder))


def jobs_of_workspace(workspace: Workspace) -> list[Job]:
    """Return a job for every file that matches a mapping in ``maps/``, by mapping.

    Raises
    ------
    UsageError
        There is no mapping.
    """
    mappings = workspace_mappings(workspace)
    if not mappings:
        raise UsageError(
            f"no mapping in {workspace.maps_dir}",
            hint="name a file: ckm ingest FILE --as transactions --save-map maps/NAME.yaml",
        )
    return [
        Job(path, MappingPlan(mapping), label(path, workspace.root))
        for mapping in mappings
        for path in files_of(mapping, workspace.root)
    ]


def jobs_for(sources: Iterable[Path], workspace: Workspace, options: IngestOptions) -> Jobs:
    """Return a job for each source: by the given mapping or table, else by the matching mapping.

    A source that cannot be loaded gets a job with its error, so that the others are loaded; a single source raises it.

    Raises
    ------
    UnknownNameError
        There is no such table.
    UsageError
        The options contradict each other; no mapping matches the only file, or the only folder is empty.
    InputError
        The only source is a folder that cannot be read.
    """
    if options.table and options.table not in TABLES:
        raise UnknownNameError("table", options.table, TABLES)
    if options.table and options.map_file:
        raise UsageError("--as and --map contradict each other", hint="a mapping names its table")
    plans = _plans(workspace, options)
    jobs: list[Job] = []
    remarks: list[str] = []
    for source in sources:
        called = label(source, workspace.root)
        try:
            files, left_out = _expanded(source)
        except CkmError as error:
            jobs.append(Job(source, None, called, error))
            continue
        remarks += left_out
        for file in files:
            called = label(file, workspace.root)
            try:
                jobs += [Job(file, plan, called) for plan in plans(file)]
            except CkmError as error:
                jobs.append(Job(file, None, called, error))
    if len(jobs) == 1 and jobs[0].error is not None:
        raise jobs[0].error
    return Jobs(jobs, tuple(remarks))


def _plans(workspace: Workspace, options: IngestOptions) -> Callable[[Path], list[Plan]]:
    """Return the function that gives the plans for a file."""
    if options.map_file:
        mapped = MappingPlan(adjusted(load_mapping(options.map_file), options))
        return lambda file: [mapped]
    chosen = platform_named(options.platform) if options.platform not in {None, NONE} else None
    if table := options.table or (chosen and chosen.mapping.table):
        named = NameMatchingPlan.of(table, options, workspace.config.currency)
        return lambda file: [named]
    mappings = workspace_mappings(workspace)
    return lambda file: _fitting(file, mappings, workspace, options)


def pattern_of(job: Job, root: Path) -> str:
    """Return the pattern that matches only the file of a job; bytes that are not UTF-8 match any character."""
    if job.path == STDIN:
        return STDIN_LABEL
    resolved = _resolved(job.path)
    inside = resolved.is_relative_to(root.resolve())
    name = resolved.relative_to(root.resolve()).as_posix() if inside else job.path.name
    return escape(name).encode("utf-8", "replace").decode()


@contextmanager
def stdin_on_disk(jobs: list[Job]) -> Iterator[list[Job]]:
    """Replace standard input by a temporary file, which can be read twice."""
    if all(job.path != STDIN for job in jobs):
        yield jobs
        return
    spooled = spool_stdin()
    try:
        yield [replace(job, path=spooled) if job.path == STDIN else job for job in jobs]
    finally:
        spooled.unlink(missing_ok=True)


def label(path: Path, root: Path) -> str:
    """Return the name of a file in the store: its path inside the workspace with ``/``, else its file name.

    Partition folders (``month=3/part-0.parquet``) are part of the name, because such files have equal file names.
    A link has its own name, so that two links to one file differ, and a broken link is still named.
    """
    if path == STDIN:
        return STDIN_LABEL
    resolved = _resolved(path.parent) / path.name if path.name not in {"", ".."} else _resolved(path)
    inside = resolved.is_relative_to(root.resolve())
    if inside:
        return unicode_text(resolved.relative_to(root.resolve()).as_posix())
    folders = resolved.parts[-1 - len(partition_of(path)) : -1]
    return unicode_text("/".join((*folders, path.name)))


def _resolved(path: Path) -> Path:
    """Return a path with links resolved; a circular link is returned unchanged."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


def _expanded(source: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    if source == STDIN or not source.is_dir():
        return (source,), ()
    found = files_in(source)
    return found.files, found.remarks


def _fitting(file: Path, mappings: list[Mapping], workspace: Workspace, options: IngestOptions) -> list[Plan]:
    fitting = mappings_of(file, mappings, workspace.root)
    if not fitting:
        if file != STDIN:
            refuse_absent(file)
            platform = _recognised(file, options)
            if platform is not None:
                return [NameMatchingPlan.of(platform.mapping.table, options, workspace.config.currency)]
        raise UsageError(
            f"no mapping in {workspace.maps_dir} matches {file}, and it is not a recognised export",
            hint="name its table with --as transactions, or its mapping with --map FILE",
        )
    return [MappingPlan(adjusted(mapping, options)) for mapping in fitting]


def _recognised(file: Path, options: IngestOptions) -> Platform | None:
    """Return the platform of an export; None if none is recognised, or the user chose ``none``."""
    with open_source(file, options.hints) as source:
        return known_platform(source.format.columns, source.sample, given=options.platform)
