"""Picture of the largest groups: positions of their parties, each group as a tree around its root."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import cos, pi, sin, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ckm.render.tree_chart import TreeEdge, TreeNode

if TYPE_CHECKING:
    import polars as pl

    from ckm._network.customer_network import CustomerNetwork
    from ckm._network.hierarchy import Hierarchy

MOST_GROUPS = 6
MOST_NODES = 13
"""Maximum number of parties that are drawn per group, those of the largest revenue; the caption counts the others."""
RADIUS = 72.0
"""Distance of the outermost parties from the root, in pixels."""
SMALLEST, LARGEST = 3.0, 11.0
"""Radius of a party without revenue, and of the party with the largest revenue of its group, in pixels."""


@dataclass(frozen=True)
class GroupPicture:
    """Parties of one group with their positions around the root, in pixels.

    Attributes
    ----------
    title, text
        Name of the group; its revenue and number of customers as a text.
    nodes, edges
        Drawn parties, and drawn relations.
    more
        Number of parties that are not drawn.
    """

    title: str
    text: str
    nodes: tuple[TreeNode, ...]
    edges: tuple[TreeEdge, ...]
    more: int


def group_pictures(network: CustomerNetwork, groups: pl.DataFrame, min_group_size: int = 0) -> tuple[GroupPicture, ...]:
    """Return the pictures of the largest groups, by revenue, of parents and of top distributors.

    A top distributor buys through no other distributor. A group of fewer than ``min_group_size`` customers with a
    person among its parties is left out, because its revenue may be that of this person.
    """
    of_kind = {"parent": network.owned, "distributor": network.distributed}
    roots = {kind: set(hierarchy.roots.tolist()) for kind, hierarchy in of_kind.items()}
    is_root = [place in roots.get(kind, ()) for kind, place in groups.select("kind", "place").iter_rows()]
    chosen = groups.filter(is_root).unique("place", keep="first", maintain_order=True)
    shown = [
        row
        for row in chosen.iter_rows(named=True)
        if row["customers"] >= min_group_size
        or not any(network.is_person[party] for party in _tree(of_kind[row["kind"]], row["place"]))
    ]
    return tuple(_picture(network, of_kind[row["kind"]], row) for row in shown[:MOST_GROUPS])


def _picture(network: CustomerNetwork, hierarchy: Hierarchy, row: dict[str, object]) -> GroupPicture:
    root = int(str(row["place"]))
    parent_of = _tree(hierarchy, root)
    revenue = network.values[:, 2]
    drawn = _largest(parent_of, root, revenue)
    children: dict[int, list[int]] = {}
    for party in drawn[1:]:
        children.setdefault(parent_of[party], []).append(party)
    place = {root: (0.0, 0.0)}
    _spread(root, children, place, RADIUS / max(_height(root, children), 2), 0.0, 2 * pi)
    largest = max(float(revenue[drawn].max()), 1e-9)
    warned = network.parties["warned"]
    nodes = tuple(
        TreeNode(
            *place[party],
            radius=SMALLEST + (LARGEST - SMALLEST) * sqrt(max(float(revenue[party]), 0.0) / largest),
            tone="accent" if warned[party] else "ink" if party == root else "muted",
        )
        for party in drawn
    )
    edges = tuple(TreeEdge(*place[parent_of[party]], *place[party]) for party in drawn[1:])
    text = f"{row['revenue']:,.0f} {network.currency}, {row['customers']:,}"
    return GroupPicture(str(row["name"] or row["party_id"]), text, nodes, edges, len(parent_of) - len(drawn))


def _tree(hierarchy: Hierarchy, root: int) -> dict[int, int]:
    """Return by party of a group the party above it on a shortest path from the root; for the root, the root."""
    order = np.argsort(hierarchy.above, kind="stable")
    above, below = hierarchy.above[order], hierarchy.below[order]
    parent_of, queue = {root: root}, deque([root])
    while queue:
        party = queue.popleft()
        first, last = np.searchsorted(above, [party, party + 1])
        for child in below[first:last].tolist():
            if child not in parent_of:
                parent_of[child] = party
                queue.append(child)
    return parent_of


def _largest(parent_of: dict[int, int], root: int, revenue: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[int]:
    """Return the root, the parties with the largest revenue and all parties above them, upper levels first."""
    kept = {root}
    for party in sorted(parent_of, key=lambda each: (-revenue[each], each)):
        way: list[int] = []
        while party not in kept and len(way) < MOST_NODES:
            way.append(party)
            party = parent_of[party]
        if len(kept) + len(way) <= MOST_NODES:
            kept.update(way)
        if len(kept) == MOST_NODES:
            break
    return [party for party in parent_of if party in kept]


def _spread(
    party: int,
    children: dict[int, list[int]],
    place: dict[int, tuple[float, float]],
    ring: float,
    begin: float,
    end: float,
    level: int = 1,
) -> None:
    """Set in ``place`` the position (x, y) of every party below ``party``, in pixels from the root.

    The angle from ``begin`` to ``end`` (radians) is divided among the children in proportion to their leaves. ``ring``
    is the distance between two levels in pixels.
    """
    below = children.get(party, [])
    angle = (end - begin) / max(sum(_leaves(each, children) for each in below), 1)
    for child in below:
        width = angle * _leaves(child, children)
        middle = begin + width / 2
        place[child] = round(ring * level * cos(middle), 2), round(ring * level * sin(middle), 2)
        half = min(width, pi) / 2  # keep children farther from the root than the party
        _spread(child, children, place, ring, middle - half, middle + half, level + 1)
        begin += width


def _height(party: int, children: dict[int, list[int]]) -> int:
    return max((1 + _height(each, children) for each in children.get(party, [])), default=0)


def _leaves(party: int, children: dict[int, list[int]]) -> int:
    return sum(_leaves(each, children) for each in children.get(party, [])) or 1
