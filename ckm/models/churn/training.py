"""Training of a churn model by name, and calibration on the last window with a known outcome."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError, UnknownNameError
from ckm.models.calibration import Calibration, recalibrate
from ckm.models.churn.boosted import BoostedModel, fit_boosted
from ckm.models.churn.btyd import fit_btyd
from ckm.models.churn.recency import fit_recency
from ckm.models.churn.rule import fit_rule
from ckm.models.churn.scorecard import fit_scorecard
from ckm.models.churn.seasonal import SeasonalModel, fit_seasonal
from ckm.models.churn.training_set import TrainingSet, column
from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import ChurnModel, Features
    from ckm.models.shapley import WeightedTerm

    Floats = NDArray[np.float64]

FITS: dict[str, Callable[[TrainingSet], ChurnModel]] = {
    "recency": fit_recency,
    "rule": fit_rule,
    "btyd": fit_btyd,
    "seasonal": fit_seasonal,
    "scorecard": fit_scorecard,
    "boosted": fit_boosted,
}
"""Fit functions by model name, simplest first."""
MODELS = tuple(FITS)
SIDE_BY_SIDE = 2
"""Number of models that are trained at the same time. Each needs a copy of the training rows."""
EVEN_CREDIBILITY = 0.5
"""Prior credibility of the last window's shift. A part of the shift is drift, which persists; the rest is season and
noise. If both have the same variance, 1/2 is the best linear estimate (Bühlmann 1967)."""
PRIOR_PAIRS = 3
"""Weight of the prior credibility, in pairs of windows."""


@dataclass(frozen=True)
class CalibratedModel:
    """Churn model with calibrated log odds.

    Attributes
    ----------
    model
        Trained model.
    calibration
        Calibration on the last window with a known outcome, shrunk by its credibility.
    """

    model: ChurnModel
    calibration: Calibration

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.model.name

    @property
    def out_of_range(self) -> Mapping[str, float]:
        """Columns that the model does not use, with the share of current customers outside of the training range."""
        return getattr(self.model, "out_of_range", {})

    def log_odds(self, features: Features) -> Floats:
        """Return the calibrated log odds of churn, row by row."""
        return self.calibration(self.model.log_odds(features))

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the terms of the model, with the slope of the calibration as factor."""
        return tuple(each.times(self.calibration.slope) for each in self.model.terms())

    def probability(self, features: Features) -> Floats:
        """Return the probability of churn."""
        from scipy.special import expit

        return np.asarray(expit(self.log_odds(features)), dtype=np.float64)


def train(training: TrainingSet, name: str) -> CalibratedModel:
    """Train a churn model, and calibrate it on the last window with a known outcome.

    Boosted trees overfit that window, so their log odds for the calibration are out of fold
    (:meth:`ckm.models.churn.boosted.BoostedModel.out_of_fold_log_odds`).

    Raises
    ------
    NotEnoughDataError
        Too little training data.
    UnknownNameError
        No model of that name.
    """
    if name not in FITS:
        raise UnknownNameError("model", name, MODELS)
    training.require_events()
    model = FITS[name](training)
    log_odds = fitted_log_odds(model, training)
    calibration = recalibrate(log_odds[-1], training.windows[-1].churned)
    return CalibratedModel(model, calibration.shrunk(credibility(log_odds, training)))


def fitted_log_odds(model: ChurnModel, training: TrainingSet) -> tuple[Floats, ...]:
    """Return the log odds of the customers of each training window, shape (n,) each; of boosted trees, out of fold."""
    found = []
    for window in training.windows:
        # a feature whose data source begins later is absent from early windows: NaN, as in training
        known = {name: column(window.features, name, len(window)) for name in training.names}
        found.append(
            model.out_of_fold_log_odds(known, window.keys)
            if isinstance(model, BoostedModel)
            else on_day(model, window.day).log_odds(known)
        )
    return tuple(found)


def train_all(training: TrainingSet, names: Sequence[str]) -> dict[str, CalibratedModel | NotEnoughDataError]:
    """Train several models on the same training set, :data:`SIDE_BY_SIDE` at a time; see :func:`train`.

    Every fit is computed by one thread, so that the results do not depend on the number of processors.

    Parameters
    ----------
    training
        Training set.
    names
        Names of models, simplest first.

    Returns
    -------
    dict
        By name, in the order of ``names``, the trained model, or the error of a model with too little training data.
    """

    def trained(name: str) -> CalibratedModel | NotEnoughDataError:
        try:
            return train(training, name)
        except NotEnoughDataError as problem:
            return problem

    with one_thread(), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:  # one_thread has found the libraries before
        try:  # the last is the costliest: the others are trained beside it
            training_of = {name: pool.submit(trained, name) for name in reversed(names)}
            return {name: training_of[name].result() for name in names}
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)  # an interrupt waits for the running models only
            raise


def require_trained(trained: Mapping[str, CalibratedModel | NotEnoughDataError]) -> tuple[CalibratedModel, ...]:
    """Return the models of :func:`train_all`, or raise the error of the first model that could not be trained."""
    for each in trained.values():
        if isinstance(each, NotEnoughDataError):
            raise each
    return tuple(each for each in trained.values() if not isinstance(each, NotEnoughDataError))


def credibility(log_odds: Sequence[Floats], training: TrainingSet) -> float:
    """Return the share of the last window's shift that is expected to persist, estimated from past windows.

    The shift of a window is the mean change of the log odds by a calibration on this window. The credibility is the
    coefficient of the regression, without intercept, of a window's shift on the shift of the window one horizon
    earlier. It is shrunk towards :data:`EVEN_CREDIBILITY` with the weight of :data:`PRIOR_PAIRS` pairs of windows, and
    clipped to 0 and 1.

    Parameters
    ----------
    log_odds
        Log odds of the customers of each window, by a model trained on ``training``; see :func:`fitted_log_odds`.
    training
        Training set.
    """
    shifts = {
        window.day: float((recalibrate(each, window.churned)(each) - each).mean())
        for window, each in zip(training.windows, log_odds, strict=True)
    }
    earlier_days = {day: _nearest(shifts, day - training.horizon, training.horizon // 6) for day in shifts}
    pairs = np.array([(shifts[then], shifts[day]) for day, then in earlier_days.items() if then is not None])
    if not len(pairs):
        return EVEN_CREDIBILITY
    earlier, later = pairs.T
    usual = float(np.square(earlier).mean())
    if usual == 0:
        return EVEN_CREDIBILITY
    slope = (float(earlier @ later) + EVEN_CREDIBILITY * PRIOR_PAIRS * usual) / ((len(pairs) + PRIOR_PAIRS) * usual)
    return float(np.clip(slope, 0.0, 1.0))


def _nearest(days: Iterable[int], wanted: int, within: int) -> int | None:
    """Return the day nearest to ``wanted``; None if it is more than ``within`` days from it."""
    nearest = min(days, key=lambda day: (abs(day - wanted), day))
    return nearest if abs(nearest - wanted) <= within else None


def on_day(model: ChurnModel, day: int) -> ChurnModel:
    """Return the model for features as of a day; only the seasonal model depends on the day."""
    return model.on(day) if isinstance(model, SeasonalModel) else model
