"""Parties that depend on one partner: the dominator tree of the supply relations.

A partner dominates a customer if every supply path from a first source to the customer leads through the partner. A
customer with two distributors depends on neither distributor, but depends on their common supplier.

Cooper, Harvey, Kennedy 2001, "A Simple, Fast Dominance Algorithm", Rice University TR-06-33870.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm._network.hierarchy import cyclic_parts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Dominators:
    """Dominator tree of ``size`` parties.

    Attributes
    ----------
    order
        Positions of the parties with a supply relation; each comes after its dominator.
    dominator
        Position of the immediate dominator of each party; ``size`` if the party has no dominator. Shape (size + 1,).
    """

    order: tuple[int, ...]
    dominator: Numbers

    def totals(self, values: Floats) -> Floats:
        """Return for each party the sums of ``values`` over the party and all parties that it dominates.

        Parameters
        ----------
        values
            Values of each party; shape (size, columns). The result has the same shape.
        """
        sums = np.concatenate([values, np.zeros((1, values.shape[1]))])
        for party in reversed(self.order):
            sums[self.dominator[party]] += sums[party]
        return sums[:-1]


def dominators(source: Numbers, supplied: Numbers, size: int) -> Dominators:
    """Return the dominator tree of supply relations.

    First sources are parties that nobody supplies, and all parties of a cycle that nobody outside of it supplies.

    Parameters
    ----------
    source, supplied
        Position of the supplying and of the supplied party of each relation; each of shape (relations,).
    size
        Number of parties.
    """
    sources: dict[int, list[int]] = {}
    targets: dict[int, list[int]] = {}
    for one, other in zip(source.tolist(), supplied.tolist(), strict=True):
        sources.setdefault(other, []).append(one)
        targets.setdefault(one, []).append(other)
    part, count = cyclic_parts(source, supplied, size)
    fed = np.zeros(count, dtype=bool)
    fed[part[supplied[part[source] != part[supplied]]]] = True
    involved = np.unique(np.concatenate([source, supplied]))
    first = dict.fromkeys(involved[~fed[part[involved]]].tolist(), size)
    order = _reverse_postorder(targets, first)
    number = {party: place for place, party in enumerate(order, start=1)} | {size: 0}
    dominator = {**first, size: size}
    changed = True
    while changed:
        changed = False
        for party in order:
            if party in first:
                continue
            ways = [each for each in sources[party] if each in dominator]
            new = ways[0]
            for each in ways[1:]:
                new = _common(new, each, dominator, number)
            if dominator.get(party) != new:
                dominator[party], changed = new, True
    found = np.full(size + 1, size, dtype=np.int64)
    found[list(dominator)] = list(dominator.values())
    return Dominators(tuple(order), found)


def _common(one: int, other: int, dominator: dict[int, int], number: dict[int, int]) -> int:
    """Return the nearest party that dominates both parties."""
    while one != other:
        while number[one] > number[other]:
            one = dominator[one]
        while number[other] > number[one]:
            other = dominator[other]
    return one


def _reverse_postorder(targets: dict[int, list[int]], first: Iterable[int]) -> list[int]:
    """Return the parties in reverse postorder: outside of cycles, each party comes after all its sources."""
    order: list[int] = []
    seen: set[int] = set()
    for start in first:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(targets.get(start, ())))]
        while stack:
            party, rest = stack[-1]
            following = next((each for each in rest if each not in seen), None)
            if following is None:
                order.append(party)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(targets.get(following, ()))))
    return order[::-1]
