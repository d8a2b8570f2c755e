"""Boosted regression trees as arrays: scores of rows, and exact Shapley values of feature groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.models.shapley import coalitions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.shapley import Features

    Codes = NDArray[np.uint16]
    Floats = NDArray[np.float64]

MOST_LEAVES = 16
"""Maximum number of leaves of a tree: the outcomes of its splits are the bits of 16-bit numbers."""
CHUNK = 32_768
"""Number of rows whose scores are computed at once, so that their columns stay in the cache of the processor."""


@dataclass(frozen=True)
class Split:
    """Inner node of a tree: rows with a value above the threshold go right, all others left.

    Attributes
    ----------
    name
        Name of the feature.
    threshold
        Largest value that goes left.
    missing_left
        Whether NaN goes left.
    left_leaves
        Leaves below the left branch: bit i for leaf i, counted from the left.
    """

    name: str
    threshold: float
    missing_left: bool
    left_leaves: int


@dataclass(frozen=True)
class Tree:
    """Regression tree with at most :data:`MOST_LEAVES` leaves.

    A row is read as one number, its outcome code: bit k is set if the row goes right at split k, whether or not the row
    reaches this split. The code gives the leaf (:attr:`leaf_of_code`), and different rows have few different codes.

    Attributes
    ----------
    splits
        Inner nodes.
    values
        Values of the leaves, from left to right.
    """

    splits: tuple[Split, ...]
    values: tuple[float, ...]

    def __call__(self, features: Features) -> Floats:
        """Return the value of each row, shape (n,); an absent feature counts as NaN."""
        return np.asarray(self.values)[self.leaf_of_code[self.outcomes(features)]]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(dict.fromkeys(split.name for split in self.splits))

    @cached_property
    def leaf_of_code(self) -> NDArray[np.uint8]:
        """Leaf of each outcome code, shape (2 ** splits,).

        A split at which a row goes right removes the leaves of its left branch; the row is in the first leaf that is
        not removed (QuickScorer; Lucchese et al. 2015, *Proc. SIGIR*, 73-82).
        """
        removed = np.zeros(1, np.uint16)
        for split in self.splits:
            removed = np.concatenate([removed, removed | np.uint16(split.left_leaves)])
        return _first_zero_bit()[removed]

    def outcomes(self, features: Features) -> Codes:
        """Return the outcome code of each row, shape (n,)."""
        rows = len(next(iter(features.values())))
        codes = np.zeros(rows, np.uint16)
        for bit, split in enumerate(self.splits):
            if split.name in features:
                values = features[split.name]
                right = values > split.threshold if split.missing_left else ~(values <= split.threshold)
                codes |= np.multiply(right, np.uint16(1 << bit), dtype=np.uint16)
            elif not split.missing_left:
                codes |= np.uint16(1 << bit)
        return codes

    def shapley(
        self, features: Features, reference: Mapping[str, float], groups: Mapping[str, Sequence[str]]
    ) -> dict[str, Floats]:
        """Return the Shapley values of the groups that the tree uses; see :meth:`ckm.models.shapley.Term.shapley`.

        A mixed row has the outcome bits of the row at the splits of a coalition, and those of the reference at all
        other splits. So the values are computed once per distinct outcome code.
        """
        members = {group: self._bits(names) for group, names in groups.items()}
        members = {group: bits for group, bits in members.items() if bits}
        codes = self.outcomes(features)
        usual = self.outcomes({name: np.full(1, reference[name]) for name in features})
        distinct = np.flatnonzero(np.bincount(codes, minlength=len(self.leaf_of_code))).astype(np.uint16)
        points = np.zeros((len(members), len(distinct)))
        bits = list(members.values())
        values = np.asarray(self.values)
        for inside, joined, missed in coalitions(len(members)):
            own = np.uint16(sum(bits[group] for group in inside))
            worth = values[self.leaf_of_code[(distinct & own) | (usual & ~own)]]
            for group in range(len(members)):
                points[group] += joined * worth if group in inside else missed * worth
        place = np.zeros(len(self.leaf_of_code), np.uint16)
        place[distinct] = np.arange(len(distinct), dtype=np.uint16)
        of_row = place[codes]
        return {group: points[at][of_row] for at, group in enumerate(members)}

    def decrease(self, features: Features, changed: Mapping[str, float]) -> Floats:
        """Return the decrease of the value of each row if the features ``changed`` had these values, shape (n,)."""
        codes, replaced = self.outcomes(features), np.uint16(self._bits(list(changed)))
        usual = self.outcomes({name: np.full(1, value) for name, value in changed.items()})
        values, mixed = np.asarray(self.values), (codes & ~replaced) | (usual & replaced)
        return np.asarray(values[self.leaf_of_code[codes]] - values[self.leaf_of_code[mixed]])

    def _bits(self, names: Sequence[str]) -> int:
        """Return the bits of the splits on the features ``names``."""
        return sum(1 << bit for bit, split in enumerate(self.splits) if split.name in names)


@dataclass(frozen=True)
class BoostedTrees:
    """Sum of regression trees.

    Attributes
    ----------
    base
        Score before the first tree.
    trees
        Trees, in the order of their training.
    """

    base: float
    trees: tuple[Tree, ...]

    def __call__(self, features: Features) -> Floats:
        """Return the score of each row, shape (n,); an absent feature counts as NaN."""
        rows = len(next(iter(features.values())))
        scores = np.full(rows, self.base)
        for start in range(0, rows, CHUNK):
            part = slice(start, start + CHUNK)
            columns = {name: np.ascontiguousarray(values[part]) for name, values in features.items()}
            for tree in self.trees:
                scores[part] += tree(columns)
        return scores


def boosted_trees(fitted: Any, names: Sequence[str]) -> BoostedTrees:
    """Return the trees of a fitted ``HistGradientBoostingClassifier`` of two classes, or of a regressor.

    Scikit-learn has no public attribute for them: the nodes are read from ``_predictors``, as the shap package does.

    Parameters
    ----------
    fitted
        Fitted model without categorical features, with at most :data:`MOST_LEAVES` leaves per tree.
    names
        Names of the columns of its training data.

    Raises
    ------
    ValueError
        A tree has more leaves.
    """
    trees = tuple(_tree(stage[0].nodes, names) for stage in fitted._predictors)
    return BoostedTrees(float(np.ravel(fitted._baseline_prediction)[0]), trees)


def _tree(nodes: NDArray[np.void], names: Sequence[str]) -> Tree:
    """Return a tree from scikit-learn's node records; the root is the first."""
    if (leaves := int(nodes["is_leaf"].sum())) > MOST_LEAVES:
        raise ValueError(f"{leaves} leaves are more than {MOST_LEAVES}")
    splits: list[Split] = []
    values: list[float] = []

    def read(at: int) -> None:
        node = nodes[at]
        if node["is_leaf"]:
            values.append(float(node["value"]))
            return
        first = len(values)
        read(int(node["left"]))
        below = (1 << len(values)) - (1 << first)
        name = names[int(node["feature_idx"])]
        splits.append(Split(name, float(node["num_threshold"]), bool(node["missing_go_to_left"]), below))
        read(int(node["right"]))

    read(0)
    return Tree(tuple(splits), tuple(values))


@cache
def _first_zero_bit() -> NDArray[np.uint8]:
    """Return the position of the lowest zero bit of each 16-bit number; 16 for the number without one."""
    numbers = np.arange(1 << MOST_LEAVES, dtype=np.uint32)
    lowest = ~numbers & (numbers + 1)
    return np.asarray(np.log2(lowest), dtype=np.uint8)
