"""Groups of customers behind metrics, and the protection of each metric against revealing small groups.

The groups are in ``ckm/data/hidden_cells.yaml``; each metric in ``ckm/data/metrics.yaml`` declares its group as
``protection``. A metric without it is refused, because it would be shown unprotected.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ckm.errors import UnknownNameError, UsageError
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ckm.yamlfile import YamlEntry

PARTS = Path(__file__).parents[1] / "data" / "hidden_cells.yaml"
PARTS_SCHEMA = "ckm.hidden_cells/1"
PUBLIC, WHOLE, OWN_N, SLICE = "public", "whole", "n", "slice"
"""Protections other than a group: a figure of the shop; a figure of all customers; of the customers in ``n`` of the
metric; of a slice of any dimension."""
OWN_N_OF = "n of "
"""Prefix of ``counted_by`` of a group whose number of customers is the ``n`` of one of its metrics."""

Pair = tuple[str, str]


@dataclass(frozen=True)
class Part:
    """A division of customers into groups; see ``ckm/data/hidden_cells.yaml``."""

    name: str
    dimension: str
    counted_by: str
    sums: tuple[tuple[str, ...], ...] = ()
    same_as: Mapping[str, Pair] = field(default_factory=dict)
    overlap: bool = False


@dataclass(frozen=True)
class Protection:
    """Protection of a metric against revealing few customers.

    Attributes
    ----------
    part
        :data:`PUBLIC`, :data:`WHOLE`, :data:`OWN_N`, :data:`SLICE`, or the name of a :class:`Part`.
    value
        Group of the part that the metric is of, if it is fixed; None if a slice of the metric names the group.
    one_in
        The metric depends on the top customers of ``n``, one in ``one_in``; their number counts.
    """

    part: str
    value: str | None = None
    one_in: int = 1

    def customers_behind(self, n: int | None) -> int:
        """Return the number of customers behind a metric with this ``n``; 1, which is too few, if ``n`` is unknown."""
        return 1 if n is None else -(-n // self.one_in)


@cache
def load_parts() -> Mapping[str, Part]:
    """Return the divisions of customers in ``ckm/data/hidden_cells.yaml``, by name."""
    document = read_yaml(PARTS)
    assert document is not None
    keys = document.fields(("schema", "parts"))
    if keys["schema"].text() != PARTS_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a list of parts")
    return {part.name: part for part in map(_part, keys["parts"].items())}


def _part(entry: YamlEntry) -> Part:
    keys = entry.fields(("name", "dimension", "counted_by"), ("sums", "same_as", "overlap"))
    same = keys["same_as"].mapping() if "same_as" in keys else {}
    pairs = {value: tuple(each.text() for each in other.items()) for value, other in same.items()}
    sums = keys["sums"].items() if "sums" in keys else []
    return Part(
        name=keys["name"].text(),
        dimension=keys["dimension"].text(),
        counted_by=keys["counted_by"].text(),
        sums=tuple(tuple(value.text() for value in each.items()) for each in sums),
        same_as={value: (part, name) for value, (part, name) in pairs.items()},
        overlap="overlap" in keys,
    )


def read_protection(metric: str, keys: Mapping[str, YamlEntry], where: str, slices: Collection[str]) -> Protection:
    """Return the protection that a metric declares.

    Parameters
    ----------
    metric
        Name of the metric.
    keys
        Keys of the metric's entry in the catalogue.
    where
        Location of the entry for errors.
    slices
        Dimensions of the metric's slices.

    Raises
    ------
    UsageError
        The metric declares no protection, or a protection that would not protect its slices.
    """
    parts = load_parts()
    known = (PUBLIC, WHOLE, OWN_N, SLICE, *parts)
    entry = keys.get("protection")
    if entry is None or entry.is_null:
        raise UsageError(
            f"{where}: metric '{metric}' does not declare its protection",
            hint="write protection: n (hidden where its own n is small), whole (of all customers), public (no customer "
            f"stands behind it), or the part of the customers that it is of: {', '.join(parts)}",
        )
    found = _protection(entry)
    if found.part not in known:
        raise UnknownNameError("protection", found.part, known, where=entry.where)
    needed = {parts[found.part].dimension} if found.part in parts and found.value is None else set[str]()
    if found.part == WHOLE and slices:
        raise UsageError(
            f"{entry.where}: metric '{metric}' comes in slices ({', '.join(slices)}), so it is not of all customers",
            hint=f"write protection: n, or the part that its slices are: {', '.join(parts)}",
        )
    if missing := needed - set(slices):
        raise UsageError(
            f"{entry.where}: metric '{metric}' lacks the slice '{', '.join(missing)}' of part '{found.part}'",
            hint="add it to its slices, or write {part: NAME, value: VALUE} for a metric of one part",
        )
    return found


def _protection(entry: YamlEntry) -> Protection:
    if entry.is_text:
        return Protection(entry.text())
    keys = entry.fields(("part",), ("value", "one_in"))
    return Protection(
        keys["part"].text(),
        keys["value"].text() if "value" in keys else None,
        keys["one_in"].whole() if "one_in" in keys else 1,
    )
