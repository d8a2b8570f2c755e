"""Walking forward: each model learned at past cut-offs from what was known then, and held against what came."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models import metrics
from ckm.models.churn.learn import MODELS, learn
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.window import Past, thinned
from ckm.models.score import Score, score, score_of_ranking

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.learn import CalibratedModel
    from ckm.models.churn.window import Features, Window
    from ckm.models.cutoffs import Calendar

    Floats = NDArray[np.float64]
    Keys = NDArray[np.uint64]
    MakeWindow = Callable[[int], Window]

PEER = "recency"
"""Ranks customers by days of silence alone: what everybody has already. It says no probability."""
FEWEST_CUSTOMERS = 100
GAIN_POINTS = 50
"""Steps of the gain curves."""


@dataclass(frozen=True)
class Curves:
    """Reliability and gain of a model, all cut-offs together.

    Attributes
    ----------
    reliability
        By tenths; None for the peer.
    share, caught
        Of the customers, highest first, and of those who stayed away; gain at equal steps.
    """

    reliability: metrics.Reliability | None
    share: Floats
    caught: Floats


@dataclass(frozen=True)
class Backtest:
    """What came out of walking forward.

    Attributes
    ----------
    horizon
        Days that the question looks ahead.
    cutoffs
        Tested, earliest first.
    scores
        By model and cut-off; the peer's last.
    curves
        By model.
    chosen
        The simplest model that is not clearly worse than the best.
    behind
        By model: mean log loss over the best's, and its standard error.
    left_out
        Models that could not be learned, and why.
    """

    horizon: int
    cutoffs: tuple[int, ...]
    scores: tuple[Score, ...]
    curves: Mapping[str, Curves]
    chosen: str
    behind: Mapping[str, tuple[float, float]]
    left_out: Mapping[str, str]

    def mean(self, model: str) -> Score:
        """Return the mean of a model's scores over the cut-offs; ``cutoff`` is the last, ``n`` the sum."""
        mine = [score for score in self.scores if score.model == model]
        names = ("base_rate", "auc", "average_precision", "log_loss", "brier", "calibration_error", "lift_top_tenth")
        means: dict[str, Any] = {name: float(np.mean([getattr(score, name) for score in mine])) for name in names}
        return replace(mine[-1], n=sum(score.n for score in mine), **means)


def past_of(make_window: MakeWindow, calendar: Calendar, day: int, features: Features, **known: Any) -> Past:
    """Return what is known on ``day``: thinned windows whose outcome is known by then, and how customers stand.

    Parameters
    ----------
    make_window
        From a cut-off to its window. It is called for the cut-offs of :meth:`Calendar.trainings`.
    calendar
        Says which these are.
    day, features
        Today and its customers.
    **known
        ``seed`` and ``fits`` of :class:`ckm.models.churn.window.Past`.
    """
    windows = thinned([make_window(each) for each in calendar.trainings(day)])
    return Past(windows, day, features, calendar.horizon, **known)


def walk_forward(
    make_window: MakeWindow,
    cutoffs: Sequence[int],
    calendar: Calendar,
    *,
    models: Sequence[str] = MODELS,
    seed: int = 0,
    fits: PurchaseModels | None = None,
) -> Backtest:
    """Learn each model at each cut-off from what was known then, recalibration and all, and score it by what came.

    Parameters
    ----------
    make_window
        From a day to all its customers, how they stood and whether they stayed away. Called once per day. With many
        customers, let it look at a sample of them, the same on all days; 100,000 are plenty to compare models.
    cutoffs
        Days whose outcome is known: :meth:`ckm.models.cutoffs.Calendar.tests`.
    calendar
        The history's.
    models
        To compare, simplest first.
    seed
        Of everything random.
    fits
        Fitted purchase models to share with a later :func:`ckm.models.churn.learn.learn`.

    Raises
    ------
    NotEnoughDataError
        No model could be learned; the first one's reason, or too few customers.
    """
    fits = fits or PurchaseModels()
    windows: dict[int, Window] = {}

    def at(day: int) -> Window:
        if day not in windows:
            windows[day] = make_window(day)
        return windows[day]

    said: dict[str, dict[int, Floats]] = {name: {} for name in models}
    left_out: dict[str, NotEnoughDataError] = {}
    for day in cutoffs:
        today = at(day)
        _require_customers(today)
        past = past_of(at, calendar, day, today.features, seed=seed, fits=fits)
        for name in [name for name in models if name not in left_out]:
            try:
                said[name][day] = learn(past, name).log_odds(today.features)
            except NotEnoughDataError as problem:
                left_out[name] = problem
    compared = [name for name in models if name not in left_out]
    if not compared:
        raise next(iter(left_out.values()))
    tested = {day: at(day) for day in cutoffs}
    behind = _behind(tested, {name: said[name] for name in compared})
    return Backtest(
        horizon=calendar.horizon,
        cutoffs=tuple(cutoffs),
        scores=(
            *(score(name, day, tested[day].away, said[name][day]) for name in compared for day in cutoffs),
            *(score_of_ranking(PEER, day, tested[day].away, tested[day].features["days_silent"]) for day in cutoffs),
        ),
        curves={name: _curves(tested, said[name]) for name in compared} | {PEER: _curves(tested, None)},
        chosen=next(name for name in compared if behind[name][0] <= behind[name][1]),
        behind=behind,
        left_out={name: str(problem) for name, problem in left_out.items()},
    )


def final_model(
    make_window: MakeWindow, calendar: Calendar, day: int, features: Features, name: str, **known: Any
) -> CalibratedModel:
    """Learn the model to warn with: as in the walk, on the day of the question.

    Parameters are those of :func:`past_of`; ``name`` is :attr:`Backtest.chosen` or the user's choice.

    Raises
    ------
    NotEnoughDataError
        Too little to learn from.
    """
    return learn(past_of(make_window, calendar, day, features, **known), name)


def _behind(tested: Mapping[int, Window], said: Mapping[str, Mapping[int, Floats]]) -> dict[str, tuple[float, float]]:
    # Paired: the models answer for the same customers at the same cut-offs, so what is hard for all cancels out. Of two
    # standard errors of the mean difference the larger counts: over customers (each one's differences added up over the
    # cut-offs, as they are no independent draws) and over cut-offs (a season favours a model for all at once).
    losses = {
        name: {day: metrics.log_losses(tested[day].away, log_odds) for day, log_odds in by_day.items()}
        for name, by_day in said.items()
    }
    mean = {name: float(np.mean([loss.mean() for loss in by_day.values()])) for name, by_day in losses.items()}
    best = min(mean, key=lambda name: mean[name])
    behind = {}
    for name, by_day in losses.items():
        differences = {day: loss - losses[best][day] for day, loss in by_day.items()}
        error = max(_error_over_customers(tested, differences), _error_over_cutoffs(differences))
        behind[name] = (mean[name] - mean[best], error)
    return behind


def _error_over_customers(tested: Mapping[int, Window], differences: Mapping[int, Floats]) -> float:
    keys = np.concatenate([tested[day].keys for day in differences])
    deviations = np.concatenate([each - each.mean() for each in differences.values()])
    sizes = np.concatenate([np.full(len(each), len(each) * len(differences)) for each in differences.values()])
    _, who = np.unique(keys, return_inverse=True)
    return float(np.sqrt(np.square(np.bincount(who, weights=deviations / sizes)).sum()))


def _error_over_cutoffs(differences: Mapping[int, Floats]) -> float:
    means = np.array([each.mean() for each in differences.values()])
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0


def _curves(tested: Mapping[int, Window], said: Mapping[int, Floats] | None) -> Curves:
    from scipy.special import expit

    away = np.concatenate([window.away for window in tested.values()])
    if said is None:
        silent = np.concatenate([window.features["days_silent"] for window in tested.values()])
        return Curves(None, *metrics.gain_curve(away, silent, GAIN_POINTS))
    log_odds = np.concatenate([said[day] for day in tested])
    table = metrics.reliability(away, np.asarray(expit(log_odds)))
    return Curves(table, *metrics.gain_curve(away, log_odds, GAIN_POINTS))


def _require_customers(window: Window) -> None:
    if len(window) < FEWEST_CUSTOMERS:
        raise NotEnoughDataError(
            f"{len(window)} customers at a past cut-off; {FEWEST_CUSTOMERS} are needed to say how right a model is",
            hint="choose --model rule",
            customers=len(window),
            needed=FEWEST_CUSTOMERS,
        )
