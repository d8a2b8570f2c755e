"""Churn model ``boosted``: gradient-boosted trees, monotone in recency, cross-fitted on thirds of the customers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.churn.design_matrix import fit_ranges, within_range
from ckm.models.churn.training_set import column
from ckm.models.shapley import WeightedTerm
from ckm.models.threads import one_thread
from ckm.models.trees import BoostedTrees, boosted_trees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Features, Keys, TrainingSet

    Floats = NDArray[np.float64]

INCREASING = ("days_silent",)
"""Features with a monotone constraint: the log odds never decrease with the feature."""
FOLDS = 3
"""Number of folds of customers. With two the trees learn from half of the customers, which small shops notice."""
TREES = 40
RATE = 0.18
LEAVES = 15
"""Maximum number of leaves of a tree; few leaves limit the order of interactions."""
SMALLEST_LEAF = 100
"""Fewest rows in a leaf; a customer has one row per window."""
LEAVES_OF_ALL = 250
"""A leaf has at least this fraction (1 / 250) of the training rows, so that more rows do not make smaller leaves."""
SHRINKAGE = 1.0


@dataclass(frozen=True)
class BoostedModel:
    """Log odds of churn: the mean of :data:`FOLDS` sums over regression trees, each trained without one fold.

    The mean of such models is at least as accurate as one model of all customers (bagging; Breiman 1996, *Machine
    Learning* 24(2), 123-140), and the same models give the out-of-fold log odds for the calibration.

    Attributes
    ----------
    names
        Names of the features, in the order of the trees' columns.
    without_fold
        By fold, the trees that were fitted to the customers of the other folds.
    out_of_range
        Features that are not used, because too many current customers are outside of the training range; with the share
        of these customers.
    """

    name: ClassVar[str] = "boosted"
    names: tuple[str, ...]
    without_fold: tuple[BoostedTrees, ...]
    out_of_range: Mapping[str, float] = field(default_factory=dict)

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn; an absent feature counts as NaN."""
        used = self._used(features)
        total = np.zeros(len(features["days_silent"]))
        for trees in self.without_fold:
            total += trees(used)
        return total / len(self.without_fold)

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the trees."""
        weight = 1 / len(self.without_fold)
        return tuple(WeightedTerm(weight, tree) for trees in self.without_fold for tree in trees.trees)

    def out_of_fold_log_odds(self, features: Features, keys: Keys) -> Floats:
        """Return the log odds of each customer by the trees that were fitted without the customer's fold."""
        used, fold = self._used(features), _folds(keys)
        found = np.empty(len(fold))
        for number, trees in enumerate(self.without_fold):
            mine = fold == number
            if mine.any():
                found[mine] = trees({name: values[mine] for name, values in used.items()})
        return found

    def _used(self, features: Features) -> dict[str, Floats]:
        return {name: column(features, name, len(features["days_silent"])) for name in self.names}


def fit_boosted(training: TrainingSet) -> BoostedModel:
    """Fit a fixed number of trees without each fold, on one thread, so that every run gives the same result.

    Raises
    ------
    NotEnoughDataError
        Too few churned or retained customers.
    """
    training.require_events()
    columns = {name: training.column(name) for name in training.names}
    learned, out_of_range = within_range(fit_ranges(columns), training.features)
    names = tuple(column.name for column in learned)
    if not names:
        raise NotEnoughDataError("no feature differs between customers", hint="choose --model recency")
    design = np.column_stack([columns[name] for name in names])
    fold = _folds(np.concatenate([window.keys for window in training.windows]))
    without_fold = tuple(
        fit_trees(design[fold != number], training.churned[fold != number], names, training.seed)
        for number in range(FOLDS)
    )
    return BoostedModel(names, without_fold, out_of_range)


def _folds(keys: Keys) -> NDArray[np.uint64]:
    """Return the fold of each customer by the hash, so that all windows of a customer are in the same fold."""
    return keys % np.uint64(FOLDS)


def fit_trees(design: Floats, churned: NDArray[np.bool_], names: tuple[str, ...], seed: int) -> BoostedTrees:
    """Return the fitted trees: gradient boosting (Friedman 2001, *Annals of Statistics* 29(5), 1189-1232).

    ``design`` has shape (n, features) with columns ``names``; the splits are found on histograms, as in LightGBM.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    with one_thread():
        fitted = HistGradientBoostingClassifier(
            max_iter=TREES,
            learning_rate=RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=max(SMALLEST_LEAF, len(design) // LEAVES_OF_ALL),
            l2_regularization=SHRINKAGE,
            monotonic_cst=[int(name in INCREASING) for name in names],
            early_stopping=False,
            random_state=seed,
        ).fit(design, churned)
    return boosted_trees(fitted, names)
