"""The index of a knowledge folder, kept in the cache and brought up to date by whoever searches first.

Of each folder there is one place in the cache::

    <cache>/kb/<digest of the folder's path>/search/
      state            what the index was made from, and where it is: one file, replaced as a whole
      index.5f0c1a9e/  the index
      lock             held while an index is made or changed; searching needs no lock

A process that dies while it makes an index leaves a folder that no state names; one that dies while it changes an
index leaves a state that no longer fits the index. Either is seen by the next search and made good. Deleting the place
costs the time to make it again.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ckm import __version__
from ckm.files import refuse_unreadable
from ckm.knowledge.cache_folder import cache_folder, cache_root, is_own, make_private
from ckm.knowledge.digests import digest
from ckm.knowledge.freshness import fingerprint
from ckm.knowledge.records import RECORDS
from ckm.search.index import FORMAT as INDEX_FORMAT
from ckm.search.index import Index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from ckm.knowledge.manifest import Manifest
    from ckm.knowledge.reading import File
    from ckm.search.documents import Prepared

    Watch = Callable[[int], AbstractContextManager[Callable[[float], None]]]

__all__ = ["Opened", "open_index"]

FORMAT = f"{__version__}/{INDEX_FORMAT}/{RECORDS}/2"
"""Of the state; those of index and records are part of it."""
PLACE = "search"
STATE, LOCK, INDEX = "state", "lock", "index."
TICK = 0.02
"""Seconds after which a file that is written has another time than before: file systems tick."""
SMALL = 300
"""Files up to which an index is made anew rather than changed: it takes a second and leaves no trace of old words."""
REMADE_AT = 0.1
"""Share of files replaced since an index was made from which it is made anew: words of removed entries still count in
how rare a word is (see docs/kb-search.md)."""


@dataclass(frozen=True)
class Opened:
    """An index that is as the folder is.

    Attributes
    ----------
    index
        Ready to search.
    files, left_out
        Files of the folder, and entries and files of it that could not be read.
    remarks
        What the user should know: that nothing could be kept.
    """

    index: Index
    files: int
    left_out: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _State:
    """The first line of the state."""

    format: str
    fingerprint: str
    index: str
    pieces: dict[str, int]
    files: int
    left_out: int
    replaced: int = 0
    manifest: str = ""


@contextmanager
def _unwatched(total: int) -> Iterator[Callable[[float], None]]:
    yield lambda amount: None


def open_index(folder: Path, watch: Watch = _unwatched, *, anew: bool = False) -> Opened:
    """Return the index of a folder as it is now; made, or brought up to date, where it is not.

    Parameters
    ----------
    folder
        Of the knowledge base.
    watch
        Called with the number of files to read when there are any; the context that it returns gives a function that
        is told of each file.
    anew
        Do not trust the index that is there.

    Notes
    -----
    A place that cannot be written, because the disk is full or read-only or the place is somebody else's, is a remark:
    the index is made in memory, every time.
    """
    refuse_unreadable(folder)
    try:
        place = cache_folder(folder) / PLACE
        if not anew and (found := _current(folder, place)) is not None:
            _sweep_left_over(place)
            return found
        make_private(place)
        return _locked(folder, place, watch, anew=anew)
    except (OSError, RuntimeError, NotImplementedError) as error:  # no home; a disk that knows no locks
        why = getattr(error, "strerror", None) or str(error)
    with suppress(OSError):
        _sweep(place, None)
    return _in_memory(folder, watch, f"no index could be kept in {cache_root()} ({why}): it is made for each search")


def _current(folder: Path, place: Path) -> Opened | None:
    """Return the index of the place if it is whole and up to date. Locks nothing, writes nothing."""
    state = _read_state(place)
    now = fingerprint(folder, state.files if state else 0)
    if state is None or state.fingerprint != now or not _is_whole(place, state) or not is_own(place):
        return None
    index = _opened(place / state.index)
    return None if index is None else Opened(index, state.files, state.left_out)


def _opened(path: Path) -> Index | None:
    """Open an index for searching; on a read-only disk too, where the engine finds no place for its own lock."""
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
    """Return the files of an index, relative to it."""
    found = (each.relative_to(index).as_posix() for each in index.rglob("*") if each.is_file())
    return sorted(name for name in found if not name.endswith(".lock"))


def _locked(folder: Path, place: Path, watch: Watch, *, anew: bool) -> Opened:
    """Return the index of the place, made good by this process or by the one that it waited for."""
    from filelock import FileLock

    with FileLock(place / LOCK, mode=0o600):
        if not anew and (found := _current(folder, place)) is not None:
            return found
        state = None if anew else _read_state(place)
        try:
            return _updated(folder, place, state, watch)
        except ValueError as error:  # the engine could not write
            raise OSError(0, str(error)) from error


def _updated(folder: Path, place: Path, state: _State | None, watch: Watch) -> Opened:
    """Change the index of the place, or make it anew, and keep what it was made from."""
    from ckm.knowledge import manifest
    from ckm.knowledge.listing import files
    from ckm.knowledge.reading import group_of, reading

    # Before the listing: what changes in between makes the next search look again.
    now = fingerprint(folder, state.files if state else 0)
    listing = files(folder)
    time.sleep(TICK)
    before = _read_manifest(place, state) if state and _is_whole(place, state) else None
    after = manifest.of(listing.files)
    changed, removed = manifest.compare(before, after)
    replaced = (state.replaced if state else 0) + len(changed) + len(removed)
    index, name = None, ""
    if state and before is not None and len(after) > SMALL and replaced <= REMADE_AT * len(after):
        after = manifest.with_mistakes(after, before)
        index, name = _opened(place / state.index), state.index
    if index is None:
        changed, removed, replaced = list(after.names), [], 0
        name = f"{INDEX}{os.urandom(4).hex()}"
    # Processes are started before the engine and the bar start threads.
    with reading(folder, changed) as read, watch(len(changed)) as advance:
        if index is None:
            index = Index.create(place / name)
        index.replace((group_of(one) for one in (*changed, *removed)), _records(read, changed, after, advance))
    left_out = sum(after.mistakes) + listing.unreadable
    pieces = {inside: (place / name / inside).stat().st_size for inside in _pieces(place / name)}
    _write_state(place, _State(FORMAT, now, name, pieces, len(after), left_out, replaced), after)
    _sweep(place, name)
    return Opened(index, len(after), left_out)


def _in_memory(folder: Path, watch: Watch, remark: str) -> Opened:
    from ckm.knowledge import manifest
    from ckm.knowledge.listing import files
    from ckm.knowledge.reading import reading

    listing = files(folder)
    all_files = manifest.of(listing.files)
    with reading(folder, all_files.names) as read, watch(len(all_files)) as advance:
        index = Index.create()
        index.replace((), _records(read, all_files.names, all_files, advance))
    return Opened(index, len(all_files), sum(all_files.mistakes) + listing.unreadable, (remark,))


def _records(
    files: Iterator[File], names: list[str], into: Manifest, advance: Callable[[float], None]
) -> Iterator[list[Prepared]]:
    """Yield the records of files one by one, so that no more than one file's entries are held."""
    number = {name: at for at, name in enumerate(into.names)}
    for name, file in zip(names, files, strict=True):
        into.mistakes[number[name]] = file.left_out
        yield from file.records
        advance(1)


def _read_state(place: Path) -> _State | None:
    """Return what the place says of its index; None where that is missing, foreign or of another format."""
    try:
        with (place / STATE).open("rb") as file:
            state = _State(**json.loads(file.readline(1_000_000)))
    except (OSError, ValueError, TypeError):
        return None
    named = isinstance(state.index, str) and state.index.startswith(INDEX) and os.sep not in state.index
    return state if state.format == FORMAT and named and isinstance(state.pieces, dict) else None


def _read_manifest(place: Path, state: _State) -> Manifest | None:
    from ckm.knowledge import manifest

    with (place / STATE).open("rb") as file:
        file.readline()
        data = file.read()
    return manifest.unpack(data) if digest(data) == state.manifest else None


def _write_state(place: Path, state: _State, what: Manifest) -> None:
    from ckm.files import replacing
    from ckm.knowledge import manifest

    data = manifest.pack(what)
    line = json.dumps(asdict(replace(state, manifest=digest(data))))
    with replacing(place / STATE) as draft:
        draft.write_bytes(line.encode() + b"\n" + data)


def _is_whole(place: Path, state: _State) -> bool:
    """Whether the pieces of the index are there, as long as they were; a torn one would bring the engine down."""
    with suppress(OSError):
        return all((place / state.index / name).stat().st_size == size for name, size in state.pieces.items())
    return False


def _sweep_left_over(place: Path) -> None:
    """Remove what a process left that was killed between naming its index and removing the one before.

    Without waiting: whoever holds the lock may be making an index that no state names yet.
    """
    if len(list(place.glob(f"{INDEX}*"))) < 2:
        return
    from filelock import FileLock, Timeout

    with suppress(OSError, NotImplementedError, Timeout), FileLock(place / LOCK, timeout=0, mode=0o600):
        state = _read_state(place)
        if state is not None:
            _sweep(place, state.index)


def _sweep(place: Path, current: str | None) -> None:
    """Remove what other versions and killed processes left."""
    import shutil

    for path in place.glob(f"{INDEX}*"):
        if path.name != current:
            shutil.rmtree(path, ignore_errors=True)
