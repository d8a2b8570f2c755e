"""The entries of a knowledge folder from the cache: only files whose size or times changed are parsed again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ckm._kb.cache_file import code_digest, is_settled, read_body, try_write_cache_file, written_at
from ckm._kb.entry import Mistake, entry_from
from ckm._kb.garbage_collection import without_collector
from ckm.plaintext import one_line
from ckm.severity import Severity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ckm._kb.entry import KnowledgeEntry
    from ckm._kb.entry_files import EntryCollection
    from ckm._kb.file_listing import FileListing
    from ckm._kb.fingerprint import Mark

NAME = "entries.json"


def read_cached(
    folder: Path, listing: FileListing, place: Path, advance: Callable[[float], None] = lambda amount: None
) -> EntryCollection:
    """Return the entries of a folder as :func:`ckm._kb.entry_files.read_folder` does.

    Parameters
    ----------
    folder, listing
        The knowledge folder and its files.
    place
        Cache folder. If it cannot be written, nothing is cached.
    advance
        Called with the number of files that were finished.
    """
    from ckm._kb.entry_files import EntryCollection

    kind = f"entries {code_digest()}"
    with without_collector():
        known = read_body(place / NAME, kind) or {}
        saved = written_at(place / NAME)
        cached: dict[str, Any] = {}
        entries: list[KnowledgeEntry] = []
        mistakes = list(listing.mistakes)
        changed = False
        for name, mark in listing.files:
            record = known.get(name)
            if record is None or record[0] != list(mark) or not is_settled(max(mark[1:]), saved):
                record, changed = _read(folder, name, mark), True
            cached[name] = record
            shown = one_line(name)
            for plain, line, document, lines, extra in record[1]:
                entries.append(entry_from(plain, path=shown, line=line, document=document, lines=lines, extra=extra))
            for rule, path, line, message, hint, severity, *rest in record[2]:
                mistakes.append(Mistake(rule, path, line, message, hint, Severity(severity), *rest))
            advance(1)
        if changed or len(cached) != len(known):
            try_write_cache_file(place / NAME, kind, cached)
    mistakes.sort(key=lambda mistake: (mistake.path, mistake.line))
    return EntryCollection(tuple(entries), tuple(mistakes))


def _read(folder: Path, name: str, mark: Mark) -> list[Any]:
    from ckm._kb.entry_files import read_file

    entries, mistakes = read_file(folder / name, folder)
    return [
        list(mark),
        [[each.plain, each.line, each.document, each.lines, each.extra] for each in entries],
        [
            [m.rule, m.path, m.line, m.message, m.hint, m.severity, m.entry, m.document, m.left_out]
            for m in mistakes
        ],
    ]  # fmt: skip
