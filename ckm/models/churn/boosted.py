"""Churn model ``boosted``: gradient-boosted trees, monotone in recency."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.churn.design_matrix import fit_ranges, within_range
from ckm.models.churn.training_set import column
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Features, TrainingSet

    Floats = NDArray[np.float64]

INCREASING = ("days_silent",)
"""Features with a monotone constraint: the log odds never decrease with the feature."""
TREES = 100
RATE = 0.08
LEAVES = 15
"""Maximum number of leaves of a tree; few leaves limit the order of interactions."""
SMALLEST_LEAF = 200
"""Fewest rows in a leaf; a customer has one row per window."""
SHRINKAGE = 1.0


@dataclass(frozen=True)
class BoostedModel:
    """Log odds of churn as a sum over regression trees.

    Attributes
    ----------
    names
        Names of the features, in the order of the trees' columns.
    trees
        The fitted ``HistGradientBoostingClassifier``.
    out_of_range
        Features that are not used, because too many current customers are outside of the training range; with the share
        of these customers.
    """

    name: ClassVar[str] = "boosted"
    names: tuple[str, ...]
    trees: Any
    out_of_range: Mapping[str, float] = field(default_factory=dict)

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn; an absent feature counts as NaN."""
        rows = len(features["days_silent"])
        design = np.column_stack([column(features, name, rows) for name in self.names])
        with one_thread():
            return np.asarray(self.trees.decision_function(design), dtype=np.float64)


def fit_boosted(training: TrainingSet) -> BoostedModel:
    """Fit a fixed number of trees to all past windows, on one thread, so that every run gives the same result.

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
    del columns  # as large as the design, and two fits may be running
    return BoostedModel(names, fit_trees(design, training.churned, names, training.seed), out_of_range)


def fit_trees(design: Floats, churned: NDArray[np.bool_], names: tuple[str, ...], seed: int) -> Any:
    """Return the fitted trees: gradient boosting (Friedman 2001, *Annals of Statistics* 29(5), 1189-1232).

    ``design`` has shape (n, features) with columns ``names``; the splits are found on histograms, as in LightGBM.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    with one_thread():
        return HistGradientBoostingClassifier(
            max_iter=TREES,
            learning_rate=RATE,
            max_leaf_nodes=LEAVES,
            min_samples_leaf=SMALLEST_LEAF,
            l2_regularization=SHRINKAGE,
            monotonic_cst=[int(name in INCREASING) for name in names],
            early_stopping=False,
            random_state=seed,
        ).fit(design, churned)
