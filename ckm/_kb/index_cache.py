"""Search index of a knowledge folder in the cache, updated by the first search after a change.

The cache has one folder for each knowledge folder::

    <cache>/kb/<digest of the folder's path>/search/
      state            the files that the index was built from, and the name of the index; replaced in one step
      index.5f0c1a9e/  the index
      lock             held while an index is built or changed; a search needs no lock

A process that is killed while it builds an index leaves a folder that no state names. A process that is killed while it
changes an index leaves a state that does not match the index. The next search detects both and rebuilds the index.
Deleting the cache is safe; the next search builds the index again.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ckm._kb.cache_file import read_body, read_header, write_cache_file
from ckm._kb.cache_folder import cache_folder, cache_root, is_own, make_private
from ckm._kb.entry_record import RECORDS
from ckm._kb.fingerprint import fingerprint
from ckm.files import refuse_unreadable
from ckm.search.index import FORMAT as INDEX_FORMAT
from ckm.search.index import Index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from contextlib import AbstractContextManager

    from ckm._kb.file_listing import FileListing
    from ckm._kb.index_workers import FileDocuments
    from ckm.search.index_documents import IndexDocument

    Progress = Callable[[int], AbstractContextManager[Callable[[float], None]]]
    FileMarks = dict[str, list[int]]
    """Size, modification time and change time of each file, and the number of entries that could not be read."""

__all__ = ["Opened", "no_progress", "open_index"]

FORMAT = f"index {INDEX_FORMAT}/{RECORDS}/3"
"""Kind of the state file; contains the formats of the index and of its records."""
PLACE = "search"
STATE, LOCK, INDEX = "state", "lock", "index."
TICK = 0.02
"""Seconds after which a file that is written again has another time stamp."""
ALWAYS_REBUILT = 300
"""Number of files up to which the index is always rebuilt: this takes a second and leaves no deleted terms."""
REBUILD_SHARE = 0.1
"""Share of files replaced since the last full build that triggers another one: until then terms of deleted entries
count in the inverse document frequency (docs/reference/kb-search.md)."""


@dataclass(frozen=True)
class Opened:
    """An index that matches the folder.

    Attributes
    ----------
    index
        The index.
    files, left_out
        Number of files in the folder; number of entries and files that could not be read.
    remarks
        Notes for the user: that the index could not be cached.
    place, fingerprint
        Cache folder of the index, and fingerprint of the files that it was built from; None and "" for an index in
        memory.
    """

    index: Index
    files: int
    left_out: int
    remarks: tuple[str, ...] = ()
    place: Path | None = None
    fingerprint: str = ""


@dataclass(frozen=True)
class _State:
    """Header of the state file."""

    fingerprint: str
    index: str
    pieces: dict[str, int]
    files: int
    left_out: int
    replaced: int = 0


@contextmanager
def no_progress(total: int) -> Iterator[Callable[[float], None]]:
    """Show nothing; the default of functions that report progress."""
    yield lambda amount: None


def open_index(folder: Path, progress: Progress = no_progress, *, anew: bool = False) -> Opened:
    """Return an index that matches a folder; build or update it if needed.

    Parameters
    ----------
    folder
        The knowledge folder.
    progress
        Called with the number of files to read if there are any. Returns a context manager; its value is called with 1
        after each file.
    anew
        Build a new index even if the cached one looks valid.

    Notes
    -----
    If the cache cannot be written (disk full, read-only, folder of another user), the index is built in memory for
    this search and a remark says so.
    """
    refuse_unreadable(folder)
    try:
        place = cache_folder(folder) / PLACE
        if not anew and (found := _current(folder, place)) is not None:
            _remove_leftovers(place)
            return found
        make_private(place)
        return _locked(folder, place, progress, anew=anew)
    except (OSError, RuntimeError, NotImplementedError) as error:  # no home folder; no locks on this file system
        why = getattr(error, "strerror", None) or str(error)
    with suppress(OSError):
        _remove_others(place, None)
    remark = f"the index could not be cached in {cache_root()} ({why}): it is built for each search"
    return _in_memory(folder, progress, remark)


def _current(folder: Path, place: Path) -> Opened | None:
    """Return the cached index if it is complete and up to date. Takes no lock and writes nothing."""
    state = _read_state(place)
    now = fingerprint(folder, state.files if state else 0)
    if state is None or state.fingerprint != now or not _is_complete(place, state) or not is_own(place):
        return None
    index = _opened(place / state.index)
    return None if index is None else Opened(index, state.files, state.left_out, (), place, now)


def _opened(path: Path) -> Index | None:
    """Open an index for searching, also on a read-only disk, where tantivy cannot create its lock file."""
    try:
        return Index.open(path)
    except ValueError:
        if os.access(path, os.W_OK):
            return None
    import tempfile

    from ckm.errors import UsageError
    from ckm.files import temporary_folder

    with suppress(OSError, ValueError, UsageError), tempfile.TemporaryDirectory(dir=temporary_folder()) as temporary:
        for piece in _pieces(path):
            os.makedirs(os.path.dirname(os.path.join(temporary, piece)), exist_ok=True)  # noqa: PTH103, PTH118, PTH120
            os.symlink(path / piece, os.path.join(temporary, piece))  # noqa: PTH118, PTH211
        return Index.open(Path(temporary))
    return None


def _pieces(index: Path) -> list[str]:
    """Return the files of an index, relative to its folder."""
    found = (each.relative_to(index).as_posix() for each in index.rglob("*") if each.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


def _locked(folder: Path, place: Path, progress: Progress, *, anew: bool) -> Opened:
    """Return the index, updated by this process or by the process that held the lock."""
    from filelock import FileLock

    with FileLock(place / LOCK, mode=0o600):
        if not anew and (found := _current(folder, place)) is not None:
            return found
        try:
            return _updated(folder, place, None if anew else _read_state(place), progress)
        except ValueError as error:  # tantivy could not write
            raise OSError(0, str(error)) from error


def _updated(folder: Path, place: Path, state: _State | None, progress: Progress) -> Opened:
    """Change the cached index or build a new one, and write its state."""
    from ckm._kb.file_listing import files
    from ckm._kb.index_workers import group_of, reading

    # Before the listing: a change in between makes the next search look again.
    now = fingerprint(folder, state.files if state else 0)
    listing = files(folder)
    time.sleep(TICK)
    known: FileMarks | None = read_body(place / STATE, FORMAT) if state and _is_complete(place, state) else None
    marks = _marks_of(listing, known or {})
    changed = [name for name, mark in marks.items() if known is None or known.get(name, [])[:3] != mark[:3]]
    removed = sorted((known or {}).keys() - marks.keys())
    replaced = (state.replaced if state else 0) + len(changed) + len(removed)
    index, name = None, ""
    if state and known is not None and len(marks) > ALWAYS_REBUILT and replaced <= REBUILD_SHARE * len(marks):
        index, name = _opened(place / state.index), state.index
    if index is None:
        changed, removed, replaced = list(marks), [], 0
        name = f"{INDEX}{os.urandom(4).hex()}"
    # Processes start before tantivy and the progress bar start threads.
    with reading(folder, changed) as read, progress(len(changed)) as advance:
        if index is None:
            index = Index.create(place / name)
        index.replace((group_of(one) for one in (*changed, *removed)), _records(read, changed, marks, advance))
    left_out = sum(mark[3] for mark in marks.values()) + listing.unreadable
    pieces = {inside: (place / name / inside).stat().st_size for inside in _pieces(place / name)}
    write_cache_file(place / STATE, FORMAT, marks, asdict(_State(now, name, pieces, len(marks), left_out, replaced)))
    _remove_others(place, name)
    return Opened(index, len(marks), left_out, (), place, now)


def _in_memory(folder: Path, progress: Progress, remark: str) -> Opened:
    from ckm._kb.file_listing import files
    from ckm._kb.index_workers import reading

    listing = files(folder)
    marks = _marks_of(listing, {})
    with reading(folder, list(marks)) as read, progress(len(marks)) as advance:
        index = Index.create()
        index.replace((), _records(read, marks, marks, advance))
    return Opened(index, len(marks), sum(mark[3] for mark in marks.values()) + listing.unreadable, (remark,))


def _marks_of(listing: FileListing, known: FileMarks) -> FileMarks:
    """Return the marks of files now; unread entries as counted before."""
    return {name: [*mark, known.get(name, (0, 0, 0, 0))[3]] for name, mark in listing.files}


def _records(
    files: Iterator[FileDocuments], names: Iterable[str], marks: FileMarks, advance: Callable[[float], None]
) -> Iterator[list[IndexDocument]]:
    """Yield the index records file by file, so that only one file's entries are in memory."""
    for name, file in zip(names, files, strict=True):
        marks[name][3] = file.left_out
        yield from file.records
        advance(1)


def _read_state(place: Path) -> _State | None:
    """Return the state of the cached index; None if it is missing or of another format."""
    values = read_header(place / STATE, FORMAT)
    try:
        state = _State(**values or {})
    except TypeError:
        return None
    return state if state.index.startswith(INDEX) and os.sep not in state.index else None


def _is_complete(place: Path, state: _State) -> bool:
    """Return whether all index files exist with their size: tantivy would crash on a truncated one."""
    with suppress(OSError):
        return all((place / state.index / name).stat().st_size == size for name, size in state.pieces.items())
    return False


def _remove_leftovers(place: Path) -> None:
    """Remove the old index of a process that was killed after it wrote the state.

    Does not wait for the lock: its holder may be building an index that no state names yet.
    """
    if len(list(place.glob(f"{INDEX}*"))) < 2:
        return
    from filelock import FileLock, Timeout

    with suppress(OSError, NotImplementedError, Timeout), FileLock(place / LOCK, timeout=0, mode=0o600):
        state = _read_state(place)
        if state is not None:
            _remove_others(place, state.index)


def _remove_others(place: Path, current: str | None) -> None:
    """Remove all indexes but the current one."""
    import shutil

    for path in place.glob(f"{INDEX}*"):
        if path.name != current:
            shutil.rmtree(path, ignore_errors=True)
