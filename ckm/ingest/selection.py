"""Which files are to be loaded, and as what."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ckm.errors import InputError, UnknownNameError, UsageError
from ckm.files import refuse_unreadable
from ckm.ingest.plan import ByNames, Mapped, Plan
from ckm.mapping.mapping import Mapping, load_mapping
from ckm.schema import TABLES
from ckm.sources.archive import spool_stdin
from ckm.sources.hints import Hints
from ckm.sources.read import STDIN, refuse_absent, visible_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ckm.config import Workspace

GLOB = re.compile(r"[*?\[]")
STDIN_LABEL = "stdin"


@dataclass(frozen=True)
class Job:
    """One file to load: where it is, as what, and what to call it."""

    path: Path
    plan: Plan
    label: str


@dataclass(frozen=True)
class Wishes:
    """What the caller says about the files; anything unset is left to mappings and detection.

    Attributes
    ----------
    table
        Load by column names into this table.
    map_file
        Load by this mapping.
    hints
        Format of the files; overrides a mapping's hints.
    overrides
        Target to source column, for loading by names.
    currency, time_zone
        For loading by names.
    """

    table: str | None = None
    map_file: Path | None = None
    hints: Hints = Hints()
    overrides: dict[str, str] = field(default_factory=dict)
    currency: str | None = None
    time_zone: str | None = None


def workspace_mappings(workspace: Workspace) -> list[Mapping]:
    """Return the mappings in ``maps/``, by file name.

    Raises
    ------
    UsageError
        One is wrong, or two have the same name.
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
            raise UsageError(f"{path}: another mapping is named '{mapping.name}' too", hint="give each its own name")
        mappings[mapping.name] = mapping
    return list(mappings.values())


def files_of(mapping: Mapping, root: Path) -> list[Path]:
    """Return the files below ``root`` that a mapping's patterns name.

    Raises
    ------
    UsageError
        A pattern leads out of the workspace.
    InputError
        A folder that a pattern looks into cannot be read.
    """
    found: set[Path] = set()
    for pattern in mapping.files:
        if PurePosixPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
            raise UsageError(f"mapping '{mapping.name}': the pattern '{pattern}' leads out of the workspace")
        _refuse_unreadable_folders(root, pattern)
        found.update(path for path in root.glob(pattern) if path.is_file())
    return sorted(found)


def _refuse_unreadable_folders(root: Path, pattern: str) -> None:
    """Refuse folders that a glob would pass over in silence: the one that a pattern names, and those it searches."""
    parts = PurePosixPath(pattern).parts[:-1]
    plain = list(takewhile(lambda part: not GLOB.search(part), parts))
    base = root.joinpath(*plain)
    refuse_unreadable(base)
    if len(plain) < len(parts) or PurePosixPath(pattern).name == "**":
        for folder, _, _ in os.walk(base):
            refuse_unreadable(Path(folder))


def jobs_of_workspace(workspace: Workspace) -> list[Job]:
    """Return a job for every file that a mapping in ``maps/`` names, mapping by mapping.

    Raises
    ------
    UsageError
        There is no mapping.
    """
    mappings = workspace_mappings(workspace)
    if not mappings:
        raise UsageError(
            f"{workspace.maps_dir} holds no mapping",
            hint="name a file: ckm ingest FILE --as transactions --save-map maps/NAME.yaml",
        )
    return [
        Job(path, Mapped(mapping), label(path, workspace.root))
        for mapping in mappings
        for path in files_of(mapping, workspace.root)
    ]


def jobs_for(sources: Iterable[Path], workspace: Workspace, wishes: Wishes) -> list[Job]:
    """Return a job for each of ``sources``: by the mapping or table that is wished for, else by the mapping that fits.

    Raises
    ------
    UnknownNameError
        There is no such table.
    UsageError
        No mapping fits a file, or the wishes contradict each other.
    """
    if wishes.table and wishes.table not in TABLES:
        raise UnknownNameError("table", wishes.table, TABLES)
    if wishes.table and wishes.map_file:
        raise UsageError("--as and --map contradict each other", hint="a mapping names its table")
    files = [file for source in sources for file in _expanded(source)]
    if wishes.map_file:
        mapping = with_wishes(load_mapping(wishes.map_file), wishes)
        return [Job(file, Mapped(mapping), label(file, workspace.root)) for file in files]
    if wishes.table:
        plan = ByNames(
            wishes.table,
            wishes.hints,
            wishes.overrides,
            wishes.currency or workspace.config.currency,
            wishes.time_zone,
        )
        return [Job(file, plan, label(file, workspace.root)) for file in files]
    mappings = workspace_mappings(workspace)
    return [job for file in files for job in _fitting(file, mappings, workspace, wishes)]


@contextmanager
def stdin_on_disk(jobs: list[Job]) -> Iterator[list[Job]]:
    """Give the jobs that read standard input a file instead, which can be read twice; it is gone afterwards."""
    if all(job.path != STDIN for job in jobs):
        yield jobs
        return
    spooled = spool_stdin()
    try:
        yield [replace(job, path=spooled) if job.path == STDIN else job for job in jobs]
    finally:
        spooled.unlink(missing_ok=True)


def label(path: Path, root: Path) -> str:
    """Return what a file is called in the store: its path inside the workspace, else its name."""
    if path == STDIN:
        return STDIN_LABEL
    resolved = path.resolve()
    return str(resolved.relative_to(root.resolve())) if resolved.is_relative_to(root.resolve()) else path.name


def _expanded(source: Path) -> list[Path]:
    if source == STDIN or not source.is_dir():
        return [source]
    files = visible_files(source)
    if not files:
        raise UsageError(f"{source} holds no file")
    return files


def _fitting(file: Path, mappings: list[Mapping], workspace: Workspace, wishes: Wishes) -> list[Job]:
    fitting = [
        mapping for mapping in mappings if file.resolve() in map(Path.resolve, files_of(mapping, workspace.root))
    ]
    if not fitting:
        if file != STDIN:
            refuse_absent(file)
        raise UsageError(
            f"no mapping in {workspace.maps_dir} names {file}",
            hint="say what it is with --as transactions, or which mapping with --map FILE",
        )
    return [Job(file, Mapped(with_wishes(mapping, wishes)), label(file, workspace.root)) for mapping in fitting]


def with_wishes(mapping: Mapping, wishes: Wishes) -> Mapping:
    """Return ``mapping`` with what the caller says of format and time zone in place of its own."""
    given = {name: value for name, value in vars(wishes.hints).items() if value is not None}
    return replace(
        mapping,
        hints=replace(mapping.hints, **given),
        time_zone=wishes.time_zone or mapping.time_zone,
    )
