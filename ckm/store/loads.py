"""Loads of a table: recorded in their commits, read from the log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.store.delta import StoredTable


REQUARANTINE = "requarantine"
"""Kind of a load that moves rows out of the quarantine of an earlier load."""


@dataclass(frozen=True)
class LoadFacts:
    """Facts of a load.

    Attributes
    ----------
    rows
        Sum of ``accepted``, ``updated``, ``unchanged``, ``duplicates``, ``quarantined`` and ``erased``.
    erased
        Number of rows of erased persons, which were dropped.
    superseded
        Number of rows that earlier loads of this file added and that the file no longer contains.
    by_order
        Whether the load consists of orders; the attributes below are of such loads.
    assumed_orders, columns
        Whether order numbers are derived and not from the source; then the columns of ``content`` in the file.
    whole
        Whether the files of this source contain whole orders only.
    moment
        Time at which the states of the orders were valid (ISO 8601, UTC).
    merged, older
        Number of known orders of which the file lacks lines; number of orders whose known state is later than that of
        the file.
    tells_refunds
        Whether the records include the refunds of their lines.
    amounts
        Columns of discounts, refunds and order amounts in the file.
    kept_amounts
        Number of orders that keep known discounts or refunds, because the file has no column for them.
    edges
        Digests of the first and the last order of the file (:func:`order_digest`).
    continues
        Load of the preceding page of the same export.
    """

    load_id: str
    table: str
    kind: str
    file: str
    file_id: str
    content_id: str
    source: str
    key: tuple[str, ...]
    content: tuple[str, ...]
    rows: int = 0
    accepted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    quarantined: int = 0
    superseded: int = 0
    undoes: str | None = None
    by_order: bool = False
    assumed_orders: bool = False
    whole: bool = False
    moment: str | None = None
    merged: int = 0
    older: int = 0
    columns: tuple[str, ...] = ()
    tells_refunds: bool = True
    amounts: tuple[str, ...] = ()
    kept_amounts: int = 0
    edges: tuple[str, ...] = ()
    continues: str | None = None
    erased: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the facts in the form in which the log stores them."""
        return asdict(self)


@dataclass(frozen=True)
class Load:
    """A committed load.

    Attributes
    ----------
    facts
        Facts of the load.
    loaded_at
        Time of the commit, UTC.
    undone
        Whether a later load undid it.
    """

    facts: LoadFacts
    loaded_at: datetime
    undone: bool


def order_digest(order: str) -> str:
    """Return a digest of an order number for the log, which contains no order numbers."""
    return blake2b(order.encode(), digest_size=8).hexdigest()


def last_pages(loads: Iterable[Load], source: str) -> list[LoadFacts]:
    """Return the loads of the pages of a source's last export, oldest first; a file without pages is one page."""
    standing_loads = [load.facts for load in loads if not load.undone and load.facts.kind == "load"]
    pages: list[LoadFacts] = []
    for facts in reversed([facts for facts in standing_loads if facts.source == source]):
        if pages and pages[0].continues != facts.load_id:
            break
        pages.insert(0, facts)
    return pages


def of_file(table: StoredTable, file_id: str) -> list[Load]:
    """Return the loads of the file ``file_id`` into ``table``, and the undos of its loads; oldest first."""
    return [load for load in history([table], file_id) if load.facts.file_id == file_id] if file_id else []


def in_force(loads: Iterable[Load], facts: LoadFacts) -> list[LoadFacts]:
    """Return the loads that are not undone and have the source of ``facts``.

    A load without a mapping (on either side) matches every source.
    """
    sources = {facts.source, facts.table}
    return [
        load.facts
        for load in loads
        if not load.undone and load.facts.kind != "undo"
        if load.facts.source in sources or facts.source == facts.table
    ]


def history(tables: Iterable[StoredTable], containing: str = "") -> list[Load]:
    """Return every load of ``tables``, oldest first; an undo is a load of kind ``undo``.

    With ``containing`` (the id of a file or of its content), loads of other files may be omitted.
    """
    found = []
    for table in tables:
        commits = table.history(containing=containing)
        undone = {commit["undoes"] for commit in commits if commit["undoes"]}
        for commit in commits:
            facts = {name: value for name, value in commit.items() if name not in ("version", "timestamp")}
            facts |= {name: tuple(facts.get(name, ())) for name in ("key", "content", "columns", "amounts", "edges")}
            at = datetime.fromtimestamp(commit["timestamp"] / 1000, tz=UTC)
            found.append(Load(LoadFacts(**facts), at, facts["load_id"] in undone))
    return sorted(found, key=lambda load: (load.loaded_at, load.facts.table))
