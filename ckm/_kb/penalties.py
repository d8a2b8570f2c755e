"""Penalties: factors that lower the score of entries with a fault, such as expired ones."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
"""Factor of each fault; the factors of several faults multiply.

These are rules, not estimates. The more a wrong answer could mislead, the lower the factor. An entry without a fault
keeps its score, so an entry with a fault ranks first only if it matches better by more than the penalty.
"""
FAULT_OF_STATE = {"not_validated": "not validated", "wip": "draft", "archived": "archived"}


def penalty(faults: tuple[str, ...]) -> float:
    """Return the product of the factors of faults."""
    product = 1.0
    for fault in faults:
        product *= PENALTIES[fault]
    return product


def faults_of(entry: Mapping[str, Any], day: str, superseded: bool) -> tuple[str, ...]:
    """Return the faults of an entry (as :mod:`ckm._kb.entry_record` stored it) on a day (ISO)."""
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
