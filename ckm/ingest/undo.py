"""Undo loads, together with the rows that were loaded from their quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.plaintext import unicode_text
from ckm.store.loads import REQUARANTINE

if TYPE_CHECKING:
    from ckm.store import Load, Store, UndoneLoad


def undo_load(store: Store, which: str, *, label: str | None = None) -> list[UndoneLoad]:
    """Undo one load, and the later loads from its quarantine.

    Parameters
    ----------
    store
        The store.
    which
        The id of a load, or the name of a file: the file's last load in every table.
    label
        The name of the file in the store, if different.

    Returns
    -------
    Each undone load.

    Raises
    ------
    UnknownNameError
        No load has this id or file.
    UsageError
        It is already undone.
    """
    loads = [load for load in store.history() if load.facts.kind != "undo"]
    which = unicode_text(which)
    chosen = [load for load in loads if load.facts.load_id == which] or _last_of_file(loads, which)
    if not chosen and label is not None:
        chosen = _last_of_file(loads, label)
    if not chosen:
        known = [load.facts.file for load in loads] + [load.facts.load_id for load in loads]
        raise UnknownNameError("load or file", which, dict.fromkeys(known), where="--undo")
    alive = [load for load in chosen if not load.undone]
    if not alive:
        raise UsageError(f"{which} is already undone", hint="see ckm ingest --history")
    return [taken for load in alive for taken in _with_followers(store, loads, load)]


def _last_of_file(loads: list[Load], file: str) -> list[Load]:
    """Return the last load of a file in every table: the last one that is not undone, or else the last one."""
    last: dict[str, Load] = {}
    for load in loads:
        same = load.facts.file == file and load.facts.kind != REQUARANTINE
        if same and (not load.undone or load.facts.table not in last):
            last[load.facts.table] = load
    return list(last.values())


def _with_followers(store: Store, loads: list[Load], load: Load) -> list[UndoneLoad]:
    """Undo the later loads from the quarantine of the same file, newest first, and then ``load``."""
    facts = load.facts
    followers = [
        other.facts.load_id
        for other in loads
        if other.facts.kind == REQUARANTINE
        and (other.facts.table, other.facts.file_id, other.facts.source) == (facts.table, facts.file_id, facts.source)
        and not other.undone
        and other.facts.load_id != facts.load_id
    ]
    return [store.undo(load_id) for load_id in [*reversed(followers), facts.load_id]]
