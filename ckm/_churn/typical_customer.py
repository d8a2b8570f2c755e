"""Typical retained customer: the reference row of Shapley values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm._churn.feature_catalogue import load_catalogue
from ckm.errors import NotEnoughDataError
from ckm.models.churn.training_set import column, sampled_windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import TrainingSet

    Floats: TypeAlias = NDArray[np.float64]

ONE_HISTORY = ("recency", "frequency", "tenure")
"""Feature groups of one purchase history, which must be consistent: intervals and recency have to fit the tenure."""

MOST_ROWS = 200_000
"""Largest number of rows over all windows; more rows change no median in its first three digits."""


@dataclass(frozen=True)
class TypicalRetainedCustomer:
    """Feature values of the typical retained customer, and of the retained customers from whom they are computed.

    Attributes
    ----------
    reference
        Value of each feature; none is NaN.
    retained
        Features of retained customers, one element per customer and past cut-off, at most about :data:`MOST_ROWS`;
        NaN where unknown. Features without values are absent.
    """

    reference: Mapping[str, float]
    retained: Mapping[str, Floats]


def typical_retained_customer(past: TrainingSet) -> TypicalRetainedCustomer:
    """Return the typical customer among all customers of past windows who bought within the horizon.

    Most features are the median of the retained customers who have the feature. The features of the purchase history
    (:data:`ONE_HISTORY`) are taken from one real retained customer, who is nearest to the medians, because medians of
    single features can be inconsistent (more gaps than fit into the median tenure). The distance is the sum over the
    features of ``|x - median| / mean |x - median|``, 1 where ``x`` is missing; missing features of the nearest customer
    are medians. Ties are broken by value, so that the result does not depend on the order of the rows.

    Parameters
    ----------
    past
        Training set; above :data:`MOST_ROWS` rows a sample by the customers' keys.

    Raises
    ------
    NotEnoughDataError
        No retained customer.
    """
    windows = [window.rows(~window.churned) for window in sampled_windows(past.windows, MOST_ROWS)]
    if not sum(map(len, windows)):
        raise NotEnoughDataError("no retained customer in any past window to compare with")
    columns = {
        name: np.concatenate([column(window.features, name, len(window)) for window in windows]) for name in past.names
    }
    retained = {name: values for name, values in columns.items() if not np.isnan(values).all()}
    medians = {name: _lower_median(values) for name, values in retained.items()}
    groups = {feature.name: feature.group for feature in load_catalogue().features}
    history = [name for name in retained if groups.get(name) in ONE_HISTORY]
    nearest = _nearest({name: retained[name] for name in history}, medians)
    return TypicalRetainedCustomer({name: nearest.get(name, median) for name, median in medians.items()}, retained)


def _lower_median(values: Floats) -> float:
    """Return the lower median of the values that are not NaN, which is one of the values."""
    known = np.sort(values[~np.isnan(values)])
    return float(known[(len(known) - 1) // 2])


def _nearest(columns: Mapping[str, Floats], medians: Mapping[str, float]) -> dict[str, float]:
    """Return the row nearest to the medians, with medians in place of missing values."""
    if not columns:
        return {}
    table = np.column_stack(list(columns.values()))
    middle = np.array([medians[name] for name in columns])
    distance = np.abs(table - middle)
    spread = np.nanmean(distance, axis=0)
    spread[spread == 0] = 1.0
    # a missing value has the mean distance, so that rows with missing values are not preferred
    far = np.nan_to_num(distance / spread, nan=1.0).sum(axis=1)
    ties: Sequence[Floats] = [*table.T[::-1], np.round(far, 9)]
    nearest = table[np.lexsort(ties)[0]]
    return dict(zip(columns, np.where(np.isnan(nearest), middle, nearest).tolist(), strict=True))
