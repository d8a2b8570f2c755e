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
        "measured harm": 0.5,
    }
)
"""Factor of each fault; the factors of several faults multiply.

These are rules, not estimates. The more a wrong answer could mislead, the lower the factor. An entry without a fault
keeps its score, so an entry with a fault ranks first only if it matches better by more than the penalty.
"""
MEASURED_BENEFIT = 1.2
"""Factor of an entry whose newest evidence is a benefit against a holdout. Relevance still decides between questions;
of answers to one question the proven one is first."""
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
    if measured(entry, day) == "harms":
        found.append("measured harm")
    return tuple(found)


def measured(entry: Mapping[str, Any], day: str) -> str:
    """Return the newest verdict of the evidence on an entry on a day (ISO): helps, harms, unclear; empty without any.

    An effect whose interval includes zero is ``unclear``; it earns nothing and costs nothing.
    """
    known = [each for each in entry.get("evidence", ()) if each[0] <= day]
    return str(known[-1][1]) if known else ""
