"""Roll-ups of a hierarchy count each party once, whatever the shape of the relations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._network.dominators import dominators
from ckm._network.hierarchy import Hierarchy

SIZE = 7
EDGES = st.sets(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)).filter(lambda pair: pair[0] != pair[1]), max_size=14
)


def ends(edges: set[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    pairs = np.array(sorted(edges), dtype=np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def reached(edges: set[tuple[int, int]], start: int, without: int | None = None) -> set[int]:
    seen, left = {start}, [start]
    while left:
        party = left.pop()
        for one, other in edges:
            if one == party and other not in seen and other != without:
                seen.add(other)
                left.append(other)
    return seen


@given(EDGES)
def test_totals_distinct_values_and_roots_equal_those_of_a_graph_search(edges: set[tuple[int, int]]) -> None:
    found = Hierarchy(*ends(edges), SIZE)
    values = np.array([[2.0**party] for party in range(SIZE)])
    for party in range(SIZE):
        below = reached(edges, party)
        assert found.totals(values)[party, 0] == sum(2.0**each for each in below)
        assert found.distinct([each % 3 for each in range(SIZE)])[party] == len({each % 3 for each in below})
    involved = {end for pair in edges for end in pair}
    covered = set().union(*(reached(edges, root) for root in found.roots.tolist()))
    assert covered == involved
    for root in found.roots.tolist():
        assert all(root in reached(edges, other) for other in involved if root in reached(edges, other))


@given(EDGES)
def test_cycles_are_the_parties_with_a_path_to_themselves(edges: set[tuple[int, int]]) -> None:
    found = Hierarchy(*ends(edges), SIZE)
    cyclic = {
        party for party in range(SIZE) if any(party in reached(edges, other) for one, other in edges if one == party)
    }
    assert {party for cycle in found.cycles for party in cycle} == cyclic


@given(EDGES)
def test_a_party_depends_on_a_partner_if_every_path_from_a_source_leads_through_the_partner(
    edges: set[tuple[int, int]],
) -> None:
    tree = dominators(*ends(edges), SIZE)
    sums = tree.totals(np.array([[2.0**party] for party in range(SIZE)]))
    fed = {other for _, other in edges}
    # first sources: parties without a source, or in a cycle without a source outside of the cycle
    first = {
        party
        for party in range(SIZE)
        if party not in fed or all(one in reached(edges, party) for one in range(SIZE) if party in reached(edges, one))
    }
    for partner in {one for one, _ in edges}:
        alive = set().union(*(reached(edges, each, partner) for each in first - {partner}), set())
        lost = set(range(SIZE)) - alive
        assert sums[partner, 0] == sum(2.0**each for each in lost)


def test_depths_count_the_levels_of_the_longest_path() -> None:
    found = Hierarchy(*ends({(0, 1), (1, 2), (0, 2), (2, 3)}), SIZE)
    assert found.depths()[:4].tolist() == [3, 2, 1, 0]


@pytest.mark.slow
def test_a_chain_of_100_000_distributors_is_rolled_up() -> None:
    size = 100_000
    above = np.arange(size - 1)
    found = Hierarchy(above, above + 1, size)
    ones = np.ones((size, 1))
    assert found.totals(ones)[0, 0] == size
    assert dominators(above, above + 1, size).totals(ones)[0, 0] == size
