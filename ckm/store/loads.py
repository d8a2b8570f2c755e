"""The loads that made a table what it is: written with their commit, read back from the log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.store.delta import Table


REQUARANTINE = "requarantine"
"""Kind of a load that brings rows out of the quarantine of an earlier one."""


@dataclass(frozen=True)
class LoadFacts:
    """What a load says of itself.

    ``rows`` is the sum of the five counts after it; ``superseded`` counts rows of earlier loads of the same file that
    the file does not say any more.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as they are kept in the log."""
        return asdict(self)


@dataclass(frozen=True)
class Load:
    """A load that landed.

    Attributes
    ----------
    facts
        What it said of itself.
    loaded_at
        When it was committed, UTC.
    undone
        Whether it was taken back since.
    """

    facts: LoadFacts
    loaded_at: datetime
    undone: bool


def earlier_of_file(table: Table, facts: LoadFacts) -> list[LoadFacts]:
    """Return the standing loads of the same file into ``table``: of the same source, or one of the two by names."""
    if not facts.file_id:
        return []
    sources = {facts.source, table.name}
    return [
        load.facts
        for load in history([table])
        if not load.undone and load.facts.kind != "undo" and load.facts.file_id == facts.file_id
        if load.facts.source in sources or facts.source == table.name
    ]


def history(tables: Iterable[Table]) -> list[Load]:
    """Return every load of ``tables``, oldest first; taking one back is itself listed with kind ``undo``."""
    found = []
    for table in tables:
        commits = table.history()
        taken_back = {commit["undoes"] for commit in commits if commit["undoes"]}
        for commit in commits:
            facts = {name: value for name, value in commit.items() if name not in ("version", "timestamp")}
            facts |= {"key": tuple(facts["key"]), "content": tuple(facts["content"])}
            at = datetime.fromtimestamp(commit["timestamp"] / 1000, tz=UTC)
            found.append(Load(LoadFacts(**facts), at, facts["load_id"] in taken_back))
    return sorted(found, key=lambda load: (load.loaded_at, load.facts.table))
