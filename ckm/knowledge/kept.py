"""What was read of a folder, kept by file: a file of the same size and times is not read again.

The kept file is JSON, can be deleted at any time, and is taken for nothing where it is broken, foreign or of another
version of ckm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm.findings import Severity
from ckm.knowledge.collector import without_collector
from ckm.knowledge.entry import Entry, Mistake, entry_from
from ckm.knowledge.sealed import load_sealed, save_sealed, saved_at, settled
from ckm.plaintext import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ckm.knowledge.folder import Base
    from ckm.knowledge.freshness import Mark
    from ckm.knowledge.listing import Listing

KIND = "entries 2"
NAME = "entries.json"


def read_kept(
    folder: Path, listing: Listing, place: Path, advance: Callable[[float], None] = lambda amount: None
) -> Base:
    """Read a folder as :func:`ckm.knowledge.folder.read_folder` does, and quickly what has not changed.

    Parameters
    ----------
    folder, listing
        Of the knowledge base, and what it holds.
    place
        Folder for what is kept; where it cannot be written, nothing is kept.
    advance
        Told how many files more are done.
    """
    from ckm.knowledge.folder import Base

    with without_collector():
        known = load_sealed(place / NAME, KIND) or {}
        written_at = saved_at(place / NAME)
        kept: dict[str, Any] = {}
        entries: list[Entry] = []
        mistakes = list(listing.mistakes)
        fresh = False
        for name, mark in listing.files:
            record = known.get(name)
            if record is None or record[0] != list(mark) or not settled(max(mark[1:]), written_at):
                record, fresh = _read(folder, name, mark), True
            kept[name] = record
            shown = one_line(name)
            entries += [_entry(each, shown) for each in record[1]]
            mistakes += [_mistake(each) for each in record[2]]
            advance(1)
        if fresh or len(kept) != len(known):
            save_sealed(place / NAME, KIND, kept)
    mistakes.sort(key=lambda mistake: (mistake.path, mistake.line))
    return Base(tuple(entries), tuple(mistakes))


def _read(folder: Path, name: str, mark: Mark) -> list[Any]:
    from ckm.knowledge.folder import read_file

    entries, mistakes = read_file(folder / name, folder)
    return [
        list(mark),
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
