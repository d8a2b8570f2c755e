"""Walk-forward backtest: at past cut-offs, models are trained on earlier windows and scored on the outcome."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models import metrics
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.stack import STACK, combined, fit_weights
from ckm.models.churn.training import MODELS, train_all
from ckm.models.churn.training_set import TrainingSet, sampled_windows
from ckm.models.cutoffs import OTHERWISE
from ckm.models.model_score import ModelScore, score

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Features, TrainingSnapshot
    from ckm.models.cutoffs import Calendar

    Floats = NDArray[np.float64]
    Keys = NDArray[np.uint64]
    MakeWindow = Callable[[int], TrainingSnapshot]

BASELINE = "recency"
"""Name of the baseline model, which predicts from days since the last purchase alone."""
FEWEST_CUSTOMERS = 100
GAIN_POINTS = 50
"""Number of steps of a gain curve."""
INTERVAL = 0.8
"""Level of the prediction interval of the next window's calibration error."""


@dataclass(frozen=True)
class Curves:
    """Reliability and gain curves of a model, pooled over all cut-offs.

    Attributes
    ----------
    reliability
        Reliability table by decile.
    share, churned_reached
        Gain curve at equal steps: share of all customers, highest score first, and share of all churned customers
        among them; shape (:data:`GAIN_POINTS` + 1,).
    """

    reliability: metrics.Reliability
    share: Floats
    churned_reached: Floats


@dataclass(frozen=True)
class Backtest:
    """Result of a walk-forward backtest.

    Attributes
    ----------
    horizon
        Horizon in days.
    cutoffs
        Tested cut-offs, earliest first (days since 1970-01-01).
    scores
        One score per model and cut-off. At each cut-off, the stack has weights fitted on the other cut-offs.
    curves
        Curves by model.
    weights
        Positive weights of the models in the stack, fitted on all cut-offs.
    left_out
        Models that could not be trained, with the reason.
    """

    horizon: int
    cutoffs: tuple[int, ...]
    scores: tuple[ModelScore, ...]
    curves: Mapping[str, Curves]
    weights: Mapping[str, float]
    left_out: Mapping[str, str]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the compared models, the stack last."""
        return tuple(dict.fromkeys(score.model for score in self.scores))

    def expected_error(self, model: str) -> tuple[float, float] | None:
        """Return the prediction interval of the next window's calibration error; None with one cut-off.

        ``mean ± t(0.9, n - 1) s sqrt(1 + 1 / n)``, not below 0: the 80 % prediction interval of one more draw from a
        normal distribution, with mean and standard deviation ``s`` of the cut-offs' errors (Hahn and Meeker 1991,
        *Statistical Intervals*, sec. 4.7). The outcomes of neighbouring cut-offs overlap, so ``n`` is the number of
        horizons that the cut-offs span, plus one.
        """
        errors = np.array([each.calibration_error for each in self.scores if each.model == model])
        if len(errors) < 2:
            return None
        from scipy.stats import t

        apart = max((self.cutoffs[-1] - self.cutoffs[0]) / self.horizon + 1, 2.0)
        draws = min(apart, float(len(errors)))
        reach = float(t.ppf((1 + INTERVAL) / 2, draws - 1) * errors.std(ddof=1) * np.sqrt(1 + 1 / draws))
        return max(float(errors.mean()) - reach, 0.0), float(errors.mean()) + reach

    def mean(self, model: str) -> ModelScore:
        """Return the mean of a model's scores over the cut-offs; ``cutoff`` is the last one, ``n`` the sum."""
        mine = [score for score in self.scores if score.model == model]
        names = ("base_rate", "auc", "average_precision", "log_loss", "brier", "calibration_error", "lift_top_decile")
        means: dict[str, Any] = {name: float(np.mean([getattr(score, name) for score in mine])) for name in names}
        return replace(mine[-1], n=sum(score.n for score in mine), **means)


def training_set_at(
    make_window: MakeWindow, calendar: Calendar, day: int, features: Features, **known: Any
) -> TrainingSet:
    """Return the training set as of ``day``: a sample of the windows with a known outcome, and the features on ``day``.

    Parameters
    ----------
    make_window
        Function from a cut-off to its window, called for the cut-offs of :meth:`Calendar.trainings`.
    calendar
        Calendar of the history.
    day, features
        As-of day, and features of the customers on it.
    **known
        ``seed`` and ``purchase_models`` of :class:`ckm.models.churn.training_set.TrainingSet`.
    """
    windows = sampled_windows([make_window(each) for each in calendar.trainings(day)])
    return TrainingSet(windows, day, features, calendar.horizon, **known)


def walk_forward(
    make_window: MakeWindow,
    cutoffs: Sequence[int],
    calendar: Calendar,
    *,
    models: Sequence[str] = MODELS,
    seed: int = 0,
    purchase_models: PurchaseModels | None = None,
) -> Backtest:
    """Train and calibrate each model at each cut-off on earlier windows, and score its predictions on the outcome.

    Parameters
    ----------
    make_window
        Function from a day to its window, called once per day. With many customers it should use the same sample of
        customers for all days; 100,000 are enough to compare models.
    cutoffs
        Test cut-offs, days with a known outcome: :meth:`ckm.models.cutoffs.Calendar.tests`.
    calendar
        Calendar of the history.
    models
        Models to compare besides :data:`BASELINE`, simplest first; the stack combines all of them.
    seed
        Random seed.
    purchase_models
        Fitted purchase models, to be shared with a later :func:`ckm.models.churn.training.train`.

    Raises
    ------
    NotEnoughDataError
        No model could be trained (the error is that of the first model), or a cut-off has too few customers.
    """
    purchase_models = purchase_models or PurchaseModels()
    windows: dict[int, TrainingSnapshot] = {}

    def at(day: int) -> TrainingSnapshot:
        if day not in windows:
            windows[day] = make_window(day)
        return windows[day]

    models = tuple(dict.fromkeys((BASELINE, *models)))
    predictions: dict[str, dict[int, Floats]] = {name: {} for name in models}
    left_out: dict[str, NotEnoughDataError] = {}
    for day in cutoffs:
        today = at(day)
        _require_customers(today)
        training = training_set_at(at, calendar, day, today.features, seed=seed, purchase_models=purchase_models)
        for name, trained in train_all(training, [name for name in models if name not in left_out]).items():
            if isinstance(trained, NotEnoughDataError):
                left_out[name] = trained
            else:
                predictions[name][day] = trained.log_odds(today.features)
    compared = {name: predictions[name] for name in models if name not in left_out}
    if not compared:
        raise next(iter(left_out.values()))
    tested = {day: at(day) for day in cutoffs}
    scored = {**compared, STACK: _stacked(tested, compared)}
    return Backtest(
        horizon=calendar.horizon,
        cutoffs=tuple(cutoffs),
        scores=tuple(
            score(name, day, tested[day].churned, by_day[day]) for name, by_day in scored.items() for day in cutoffs
        ),
        curves={name: _curves(tested, by_day) for name, by_day in scored.items()},
        weights=_weights(tested, compared, cutoffs),
        left_out={name: str(problem) for name, problem in left_out.items()},
    )


def _weights(
    tested: Mapping[int, TrainingSnapshot], predictions: Mapping[str, Mapping[int, Floats]], days: Sequence[int]
) -> dict[str, float]:
    names = tuple(predictions)
    return fit_weights(names, [([predictions[name][day] for name in names], tested[day].churned) for day in days])


def _stacked(
    tested: Mapping[int, TrainingSnapshot], predictions: Mapping[str, Mapping[int, Floats]]
) -> dict[int, Floats]:
    """Return the stack's log odds by cut-off, with weights fitted on the other cut-offs."""
    stacked = {}
    for day in tested:
        weights = _weights(tested, predictions, [other for other in tested if other != day])
        stacked[day] = combined([predictions[name][day] for name in weights], tuple(weights.values()))
    return stacked


def _curves(tested: Mapping[int, TrainingSnapshot], predictions: Mapping[int, Floats]) -> Curves:
    from scipy.special import expit

    churned = np.concatenate([window.churned for window in tested.values()])
    log_odds = np.concatenate([predictions[day] for day in tested])
    table = metrics.reliability(churned, np.asarray(expit(log_odds)))
    return Curves(table, *metrics.gain_curve(churned, log_odds, GAIN_POINTS))


def _require_customers(window: TrainingSnapshot) -> None:
    if len(window) < FEWEST_CUSTOMERS:
        raise NotEnoughDataError(
            f"{len(window)} customers at a past cut-off; {FEWEST_CUSTOMERS} are needed for a backtest",
            hint=OTHERWISE,
            customers=len(window),
            needed=FEWEST_CUSTOMERS,
        )
