"""Hierarchies of parties, with roll-ups that count each party once, also with two parents or in a cycle."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Floats = NDArray[np.float64]


def cyclic_parts(above: Numbers, below: Numbers, size: int) -> tuple[Numbers, int]:
    """Return the strongly connected component of each party, shape (size,), and the number of components.

    The parties of a cycle, which are above and below each other, are one component. A party outside of cycles is a
    component of one party.
    """
    # 32-bit indices, which older SciPy requires
    ends = above.astype(np.int32), below.astype(np.int32)
    graph = coo_array((np.ones(len(above), dtype=np.int8), ends), shape=(size, size)).tocsr()
    count, labels = connected_components(graph, directed=True, connection="strong")
    return labels.astype(np.int64), int(count)


class Hierarchy:
    """Hierarchy of parties: a directed graph from upper to lower parties, which can have cycles.

    Parameters
    ----------
    above, below
        Position of the upper and of the lower party of each relation, each of shape (relations,); without repeats and
        without relations of a party to itself.
    size
        Number of parties.
    """

    def __init__(self, above: Numbers, below: Numbers, size: int) -> None:
        self.size = size
        self.above, self.below = above, below
        self.part, self._count = cyclic_parts(above, below, size)
        upper, lower = self.part[above], self.part[below]
        pairs = np.unique(np.stack([upper, lower])[:, upper != lower], axis=1)
        self._children: dict[int, list[int]] = {}
        for one, other in pairs.T.tolist():
            self._children.setdefault(one, []).append(other)
        self._parents = np.bincount(pairs[1], minlength=self._count) if pairs.size else np.zeros(self._count, np.int64)

    @cached_property
    def cycles(self) -> list[list[int]]:
        """Positions of the parties of each cycle, in ascending order."""
        sizes = np.bincount(self.part, minlength=self._count)
        cyclic = np.flatnonzero(sizes[self.part] > 1)
        found: dict[int, list[int]] = {}
        for party in cyclic.tolist():
            found.setdefault(int(self.part[party]), []).append(party)
        return list(found.values())

    @cached_property
    def uppers(self) -> Numbers:
        """Positions of the parties with a party below them, ascending; shape (uppers,)."""
        return np.unique(self.above)

    @cached_property
    def roots(self) -> Numbers:
        """Positions of the top parties: parties below them, none above; of a cycle at the top, its first party."""
        first = np.full(self._count, self.size, dtype=np.int64)
        involved = np.unique(np.concatenate([self.above, self.below]))
        np.minimum.at(first, self.part[involved], involved)
        tops = first[(self._parents == 0) & (first < self.size)]
        return np.sort(tops)

    @cached_property
    def with_two_parents(self) -> int:
        """Number of parties with at least two parties directly above them."""
        return int((np.bincount(self.below, minlength=self.size) > 1).sum())

    def direct(self) -> Numbers:
        """Return the number of parties directly below each party, shape (size,)."""
        return np.bincount(self.above, minlength=self.size)

    @cached_property
    def _downward(self) -> list[int]:
        """Components in topological order, upper components first (Kahn 1962)."""
        left = self._parents.copy()
        queue = deque(np.flatnonzero(left == 0).tolist())
        order = []
        while queue:
            part = queue.popleft()
            order.append(part)
            for child in self._children.get(part, ()):
                left[child] -= 1
                if not left[child]:
                    queue.append(child)
        return order

    def depths(self) -> Numbers:
        """Return the number of levels below each party, shape (size,)."""
        depth = np.zeros(self._count, dtype=np.int64)
        for part in reversed(self._downward):
            depth[part] = max((1 + depth[child] for child in self._children.get(part, ())), default=0)
        return depth[self.part]

    def distinct(self, values: Sequence[int | None]) -> list[int]:
        """Return for each party the number of distinct values of the party and all parties below it.

        Parameters
        ----------
        values
            Number of the value of each party, from 0; None without a value. Shape (size,).
        """
        masks = [0] * self._count
        for party, value in enumerate(values):
            if value is not None:
                masks[int(self.part[party])] |= 1 << value
        for part in reversed(self._downward):
            for child in self._children.get(part, ()):
                masks[part] |= masks[child]
        return [masks[part].bit_count() for part in self.part.tolist()]

    def totals(self, values: Floats) -> Floats:
        """Return for each party the sums of ``values`` over the party and all parties below it, each counted once.

        Parameters
        ----------
        values
            Values of each party; shape (size, columns).

        Returns
        -------
        Floats
            Shape (size, columns); the parties of a cycle have equal sums.
        """
        own = np.zeros((self._count, values.shape[1]))
        np.add.at(own, self.part, values)
        sums = own.copy()
        is_tree = np.ones(self._count, dtype=bool)
        for part in reversed(self._downward):
            children = self._children.get(part)
            if not children:
                continue
            is_tree[part] = bool(is_tree[children].all() and (self._parents[children] == 1).all())
            below = children if is_tree[part] else self._below(part)
            sums[part] += (sums if is_tree[part] else own)[below].sum(axis=0)
        return sums[self.part]

    def _below(self, part: int) -> list[int]:
        seen, queue = {part}, deque([part])
        while queue:
            for child in self._children.get(queue.popleft(), ()):
                if child not in seen:
                    seen.add(child)
                    queue.append(child)
        return sorted(seen - {part})
