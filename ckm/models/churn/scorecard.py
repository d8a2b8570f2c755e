"""scorecard: logistic regression on the features' logarithms, with bends, and on what the purchases alone say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.churn.design_matrix import DesignColumn, learn_columns, signed_log, within_range
from ckm.models.churn.purchase_models import NEEDS, no_order_log_odds
from ckm.models.churn.training_set import column
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.models.btyd.mbgnbd import MBGNBD
    from ckm.models.churn.training_set import Features, TrainingSet

    Floats = NDArray[np.float64]

LEFT_OUT = frozenset({"spend_12mo"})
"""Purchases of the year times their value, which are there already: of three columns that are one relation each could
take any weight, and scores would diverge when the relation changes, as on the day the first year of data is over."""
STRENGTH = 0.01
"""Variance of the normal prior of a coefficient (scikit-learn's C), on columns of standard deviation 1. Windows overlap
and hold the same customers again and again, so that n rows tell less than n customers would; on CDNOW any value from
0.001 to 0.1 gives the same Brier score to 1e-4."""
PURCHASES = "no order (btyd)"
SILENCE_IN_GAPS = "silence in long gaps"
SILENCE_SHARE = "silence in tenure"
BENT = (PURCHASES, SILENCE_IN_GAPS, SILENCE_SHARE)
"""What says most; its effect is a curve. The others are straight in their logarithm."""


@dataclass(frozen=True)
class ScorecardModel:
    """Log odds as a sum over features.

    Attributes
    ----------
    columns
        How each feature is read.
    coefficients
        By column, for one standard deviation of it.
    intercept
        Log odds of a customer who is the mean in every column.
    purchases
        Of the purchases known today; None where too few ever came back.
    horizon
        Days that the question looks ahead.
    beyond
        Share of today's customers beyond the learned range, by name of the columns that were left out for it.
    """

    name: ClassVar[str] = "scorecard"
    columns: tuple[DesignColumn, ...]
    coefficients: tuple[float, ...]
    intercept: float
    purchases: MBGNBD | None
    horizon: int
    beyond: Mapping[str, float] = field(default_factory=dict)

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn; a feature that is absent is unknown of everybody."""
        derived = derive(features, self.purchases, self.horizon)
        rows = len(derived[SILENCE_SHARE])
        total = np.full(rows, self.intercept)
        position = 0
        for read in self.columns:  # a column at a time: a product of matrices would round as its threads do
            values = derived[read.name] if read.name in derived else column(features, read.name, rows)
            for part in read(values).T:
                total += self.coefficients[position] * part
                position += 1
        return total

    def to_plain(self) -> dict[str, object]:
        """Return coefficients by column and how the columns are read."""
        labels = [label for column in self.columns for label in column.labels]
        return {
            "model": self.name,
            "horizon": self.horizon,
            "intercept": self.intercept,
            "coefficients": dict(zip(labels, self.coefficients, strict=True)),
            "columns": [column.to_plain() for column in self.columns],
            "purchases": None if self.purchases is None else self.purchases.to_plain(),
        }


def derive(features: Features, purchases: MBGNBD | None, horizon: int) -> dict[str, Floats]:
    """Return what is read from several features at once.

    Silence in own long gaps and as a share of the tenure, and the log odds of no order by the purchases alone (NaN
    without a model of them).
    """
    silent = features["days_silent"]
    derived = {
        SILENCE_IN_GAPS: signed_log(silent) - signed_log(features["gap_p80_days"]),
        SILENCE_SHARE: np.minimum(silent / (features["tenure_days"] + 1), 1.0),
    }
    if purchases is not None:
        derived[PURCHASES] = no_order_log_odds(purchases, features, horizon)
    return derived


def fit_scorecard(past: TrainingSet) -> ScorecardModel:
    """Fit the scorecard on all past windows.

    The purchases' log odds of a window come from a model that knew the purchases up to the window's day and none after
    it. The maximum is found by Newton's method on one thread.

    Raises
    ------
    NotEnoughDataError
        Too few left or stayed.
    """
    past.require_events()
    today = past.fits.get(past.day, past.features, past.seed)
    values = {name: past.column(name) for name in past.names if name not in LEFT_OUT}
    values |= _derived(past, with_purchases=today is not None)
    now = {**past.features, **derive(past.features, today, past.horizon)}
    columns, beyond = within_range(learn_columns(values, bent=BENT), now)
    if not columns:
        raise NotEnoughDataError("no feature differs between customers", hint="choose --model recency")
    design = np.column_stack([column(values[column.name]) for column in columns])
    coefficients, intercept = fit_logistic(design, past.churned, STRENGTH)
    return ScorecardModel(columns, tuple(coefficients.tolist()), intercept, today, past.horizon, beyond)


def fit_logistic(design: Floats, churned: NDArray[np.bool_], strength: float) -> tuple[Floats, float]:
    """Return coefficients and intercept of a ridge logistic regression; ``strength`` is scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    with one_thread():
        model = LogisticRegression(C=strength, solver="newton-cholesky", max_iter=200, tol=1e-8).fit(design, churned)
    return np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0])


def _derived(past: TrainingSet, *, with_purchases: bool) -> dict[str, Floats]:
    names = BENT if with_purchases else BENT[1:]
    parts: dict[str, list[Floats]] = {name: [] for name in names}
    for window in past.windows:
        needed = {name: window.features[name] for name in (*NEEDS, "gap_p80_days")}
        model = past.fits.get(window.day, needed, past.seed) if with_purchases else None
        derived = derive(needed, model, past.horizon)
        for name in names:
            parts[name].append(derived.get(name, np.full(len(window), np.nan)))
    return {name: np.concatenate(part) for name, part in parts.items()}
