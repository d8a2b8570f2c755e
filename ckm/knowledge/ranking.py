"""What makes an entry count less than one that matches as well, and the best entries under that, exactly."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ckm.search.index import Hit

PENALTIES: Mapping[str, float] = MappingProxyType(
    {
        "disputed": 0.7,
        "not validated": 0.85,
        "superseded": 0.5,
        "not yet valid": 0.6,
        "expired": 0.5,
        "draft": 0.5,
        "archived": 0.4,
    }
)
"""By what each fault multiplies a score; several faults multiply. This is the one place for them.

They are a rule and no estimate: no fault may leave an entry before one of equal match without it, and the more an
answer could mislead, the further down it goes. An entry without a fault keeps its score, so an entry with one comes
first where it matches better by more than the penalty.
"""
FAULT_OF_STATE = {"not_validated": "not validated", "wip": "draft", "archived": "archived"}


class Ranked(NamedTuple):
    """A hit with the faults of its entry.

    ``score`` is the hit's score times the penalties of ``faults``; ``entry`` what was stored of it.
    """

    score: float
    hit: Hit
    entry: Mapping[str, Any]
    faults: tuple[str, ...]


def best(
    fetch: Callable[[int], list[Hit]],
    judge: Callable[[Hit], tuple[Mapping[str, Any], tuple[str, ...]]],
    limit: int,
) -> list[Ranked]:
    """Return the best hits after penalties, best first, equal ones by key.

    Parameters
    ----------
    fetch
        Returns the best so many hits before penalties.
    judge
        Returns the entry of a hit, and its faults.
    limit
        How many at most.

    Notes
    -----
    Penalties only take away. So once the last one to be returned scores higher than the last hit that was fetched did
    before penalties, nothing that was not fetched can come before it; until then, more is fetched.
    """
    size = 2 * limit + 10
    judged: dict[str, Ranked] = {}
    while True:
        hits = fetch(size)
        for hit in hits:
            if hit.key not in judged:
                entry, faults = judge(hit)
                judged[hit.key] = Ranked(round(hit.score * penalty(faults), 4), hit, entry, faults)
        ranked = sorted(judged.values(), key=lambda one: (-one.score, one.hit.key))[:limit]
        ranks_nothing = not hits or hits[0].score == 0  # filters alone: in the order of ids
        if ranks_nothing or len(hits) < size or (len(ranked) == limit and ranked[-1].score > hits[-1].score):
            return ranked
        size *= 4


def penalty(faults: tuple[str, ...]) -> float:
    """Return by what faults multiply a score."""
    product = 1.0
    for fault in faults:
        product *= PENALTIES[fault]
    return product


def faults_of(entry: Mapping[str, Any], day: str, superseded: bool) -> tuple[str, ...]:
    """Return the faults of an entry (as :mod:`ckm.knowledge.records` stored it) on a day (ISO)."""
    found = []
    if fault := FAULT_OF_STATE.get(entry["state"]):
        found.append(fault)
    if entry.get("until", day) < day:
        found.append("expired")
    if entry.get("from", day) > day:
        found.append("not yet valid")
    if superseded:
        found.append("superseded")
    if entry.get("authentic") == "disputed":
        found.append("disputed")
    return tuple(found)
