"""What was read of a folder, kept by file: a file of the same size and time is not read again.

The kept file is JSON, can be deleted at any time, and is taken for nothing where it is broken, foreign or of another
version of ckm.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ckm.findings import Severity
from ckm.knowledge.entry import Entry, Mistake, entry_from
from ckm.knowledge.listing import files
from ckm.knowledge.schema import schema_text
from ckm.knowledge.sealed import load_sealed, save_sealed
from ckm.plaintext import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ckm.knowledge.folder import Base

FORMAT = 1
"""Counts up with every change of what is kept."""
SETTLED_NS = 20_000_000
"""A file changed so shortly before it was read may change again without another time: file systems tick (10 ms)."""
NAME = "entries.json"


def read_kept(folder: Path, place: Path, advance: Callable[[float], None] = lambda amount: None) -> Base:
    """Read a folder as :func:`ckm.knowledge.folder.read_folder` does, and quickly what has not changed.

    Parameters
    ----------
    folder
        Of the knowledge base.
    place
        Folder for what is kept; where it cannot be written, nothing is kept.
    advance
        Told how many files more are done.
    """
    from ckm.knowledge.folder import Base

    listing = files(folder)
    with _without_collector():
        known = load_sealed(place / NAME, _kind()) or {}
        written_at = (place / NAME).stat().st_mtime_ns if known else 0
        kept: dict[str, Any] = {}
        entries: list[Entry] = []
        mistakes = list(listing.mistakes)
        fresh = False
        for name, size, changed in listing.files:
            record = known.get(name)
            if record is None or record[:2] != [size, changed] or changed + SETTLED_NS >= written_at:
                record, fresh = _read(folder, name, size, changed), True
            kept[name] = record
            shown = one_line(name)
            entries += [_entry(each, shown) for each in record[2]]
            mistakes += [_mistake(each) for each in record[3]]
            advance(1)
        if fresh or len(kept) != len(known):
            save_sealed(place / NAME, _kind(), kept)
    mistakes.sort(key=lambda mistake: (mistake.path, mistake.line))
    return Base(tuple(entries), tuple(mistakes))


@contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python from looking for cycles while a million small things are made that have none."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _read(folder: Path, name: str, size: int, changed: int) -> list[Any]:
    from ckm.knowledge.folder import read_file

    entries, mistakes = read_file(folder / name, folder)
    return [
        size,
        changed,
        [[each.plain, each.line, each.document, each.lines, each.extra] for each in entries],
        [
            [m.rule, m.path, m.line, m.message, m.hint, m.severity, m.entry, m.document, m.left_out]
            for m in mistakes
        ],
    ]  # fmt: skip


def _entry(record: list[Any], path: str) -> Entry:
    plain, line, document, lines, extra = record
    return entry_from(plain, path=path, line=line, document=document, lines=lines, extra=extra)


def _mistake(record: list[Any]) -> Mistake:
    rule, path, line, message, hint, severity, entry, document, left_out = record
    return Mistake(rule, path, line, message, hint, Severity(severity), entry, document, left_out)


def _kind() -> str:
    """Name what reads: other keys in the schema are other entries."""
    return f"entries {FORMAT} {sha256(schema_text().encode()).hexdigest()[:12]}"
