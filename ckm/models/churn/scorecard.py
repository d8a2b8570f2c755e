"""Churn model ``scorecard``: logistic regression on features, splines, and the purchase model's log odds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.churn.design_matrix import DesignColumn, fit_columns, signed_log, within_range
from ckm.models.churn.purchase_models import NEEDS, no_order_log_odds
from ckm.models.churn.training_set import column
from ckm.models.shapley import FunctionTerm, WeightedTerm
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.models.btyd.mbgnbd import MBGNBD
    from ckm.models.churn.training_set import Features, TrainingSet

    Floats = NDArray[np.float64]

LEFT_OUT = frozenset({"spend_12mo"})
"""Features that are not used. ``spend_12mo`` is purchases × order value, so that, on the log scale, it is collinear
with these two features in the first year of data; their coefficients would be wrong after it."""
STRENGTH = 0.01
"""Variance of the normal prior of a coefficient (scikit-learn's C), on columns of standard deviation 1. It is small
because windows overlap and repeat the same customers, so that the effective sample size is below n. On CDNOW, all
values from 0.001 to 0.1 have the same Brier score to 1e-4."""
PURCHASES = "no order (btyd)"
SILENCE_IN_GAPS = "silence in long gaps"
SILENCE_SHARE = "silence in tenure"
DERIVED: Mapping[str, tuple[str, ...]] = {
    SILENCE_IN_GAPS: ("days_silent", "gap_p80_days"),
    SILENCE_SHARE: ("days_silent", "tenure_days"),
    PURCHASES: NEEDS,
}
"""Features of each column that is computed from several features."""
SPLINES = (PURCHASES, SILENCE_IN_GAPS, SILENCE_SHARE)
"""Columns with splines: the strongest predictors. All other columns are linear in their logarithm."""


@dataclass(frozen=True)
class ScorecardModel:
    """Log odds of churn as a sum over columns.

    Attributes
    ----------
    columns
        Transformations of the features.
    coefficients
        Coefficients per standard deviation, of all columns of all transformations, in their order.
    intercept
        Log odds of a customer with the mean value in every column.
    purchases
        Purchase model as of the current day; None with too few repeat customers.
    horizon
        Horizon in days.
    out_of_range
        Columns that are not used, because too many current customers are outside of the training range; with the share
        of these customers.
    """

    name: ClassVar[str] = "scorecard"
    columns: tuple[DesignColumn, ...]
    coefficients: tuple[float, ...]
    intercept: float
    purchases: MBGNBD | None
    horizon: int
    out_of_range: Mapping[str, float] = field(default_factory=dict)

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn; an absent feature counts as NaN."""
        total = np.full(len(features["days_silent"]), self.intercept)
        for each in self.terms():
            total += each.term(features)
        return total

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return one term per feature or derived column."""
        terms, position = [], 0
        for read in self.columns:
            stop = position + len(read.centres)
            terms.append(WeightedTerm(1.0, self._term(read, self.coefficients[position:stop])))
            position = stop
        return tuple(terms)

    def _term(self, read: DesignColumn, coefficients: tuple[float, ...]) -> FunctionTerm:
        def weighted(features: Features) -> Floats:
            if read.name in DERIVED:
                values = derived_column(read.name, features, self.purchases, self.horizon)
            else:
                values = column(features, read.name, len(next(iter(features.values()))))
            parts = read(values).T  # added one by one: a matrix product's rounding depends on threads
            total: Floats = coefficients[0] * parts[0]
            for coefficient, part in zip(coefficients[1:], parts[1:], strict=True):
                total += coefficient * part
            return total

        return FunctionTerm(DERIVED.get(read.name, (read.name,)), weighted)


def derived_columns(features: Features, purchases: MBGNBD | None, horizon: int) -> dict[str, Floats]:
    """Return the columns that are computed from several features.

    The columns of :func:`derived_column`; without a purchase model its log odds are absent.
    """
    names = [name for name in DERIVED if name != PURCHASES or purchases is not None]
    return {name: derived_column(name, features, purchases, horizon) for name in names}


def derived_column(name: str, features: Features, purchases: MBGNBD | None, horizon: int) -> Floats:
    """Return a column of :data:`DERIVED`.

    Log of recency ÷ long purchase interval; recency ÷ tenure; log odds of no order within ``horizon`` days by the
    purchase model, NaN without a model.
    """
    silent = features["days_silent"]
    if name == SILENCE_IN_GAPS:
        return np.asarray(signed_log(silent) - signed_log(features["gap_p80_days"]))
    if name == SILENCE_SHARE:
        return np.asarray(np.minimum(silent / (features["tenure_days"] + 1), 1.0))
    return np.full(len(silent), np.nan) if purchases is None else no_order_log_odds(purchases, features, horizon)


def fit_scorecard(training: TrainingSet) -> ScorecardModel:
    """Fit the scorecard on all past windows.

    In each window, the purchase model is fitted to purchases up to the cut-off of that window, so that no later data
    leak. Newton's method on one thread, so that every run gives the same result.

    Raises
    ------
    NotEnoughDataError
        Too few churned or retained customers.
    """
    training.require_events()
    today = training.purchase_models.get(training.day, training.features, training.seed)
    values = {name: training.column(name) for name in training.names if name not in LEFT_OUT}
    values |= _derived(training, with_purchases=today is not None)
    now = {**training.features, **derived_columns(training.features, today, training.horizon)}
    columns, out_of_range = within_range(fit_columns(values, splines=SPLINES), now)
    if not columns:
        raise NotEnoughDataError("no feature differs between customers", hint="choose --model recency")
    design = np.column_stack([column(values[column.name]) for column in columns])
    del values
    coefficients, intercept = fit_logistic(design, training.churned, STRENGTH)
    return ScorecardModel(columns, tuple(coefficients.tolist()), intercept, today, training.horizon, out_of_range)


def fit_logistic(design: Floats, churned: NDArray[np.bool_], strength: float) -> tuple[Floats, float]:
    """Return coefficients and intercept of a ridge logistic regression; ``strength`` is scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    with one_thread():
        model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200, tol=1e-8).fit(design, churned)
    return np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])


def _derived(training: TrainingSet, *, with_purchases: bool) -> dict[str, Floats]:
    names = SPLINES if with_purchases else SPLINES[1:]
    parts: dict[str, list[Floats]] = {name: [] for name in names}
    for window in training.windows:
        needed = {name: window.features[name] for name in (*NEEDS, "gap_p80_days")}
        model = training.purchase_models.get(window.day, needed, training.seed) if with_purchases else None
        derived = derived_columns(needed, model, training.horizon)
        for name in names:
            parts[name].append(derived.get(name, np.full(len(window), np.nan)))
    return {name: np.concatenate(part) for name, part in parts.items()}
