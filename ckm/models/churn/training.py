"""A churn model of a given kind, learned from the past and calibrated by the window that closed last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import UnknownNameError
from ckm.models.calibration import Calibration, recalibrate
from ckm.models.churn.boosted import fit_boosted
from ckm.models.churn.btyd import fit_btyd
from ckm.models.churn.recency import fit_recency
from ckm.models.churn.rule import fit_rule
from ckm.models.churn.scorecard import fit_scorecard
from ckm.models.churn.seasonal import SeasonalModel, fit_seasonal
from ckm.models.churn.training_set import TrainingSet, column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import ChurnModel, Features

    Floats = NDArray[np.float64]

FITS: dict[str, Callable[[TrainingSet], ChurnModel]] = {
    "recency": fit_recency,
    "rule": fit_rule,
    "btyd": fit_btyd,
    "seasonal": fit_seasonal,
    "scorecard": fit_scorecard,
    "boosted": fit_boosted,
}
"""The kinds of model, simplest first."""
MODELS = tuple(FITS)
FLEXIBLE = frozenset({"boosted"})
"""Models that remember whom they learned from; the rest have too few parameters for it."""
EVEN_CREDIBILITY = 0.5
"""How much of the last window's shift is believed where nothing is known: what it shows is part drift, which stays,
and part season and chance, which do not. With both alike, half is the best linear guess (Bühlmann 1967)."""
PRIOR_PAIRS = 3
"""So many pairs of windows weigh as much as that guess: the pairs overlap, and a year has four seasons."""


@dataclass(frozen=True)
class CalibratedModel:
    """A churn model and the line that puts its log odds right.

    Attributes
    ----------
    model
        As it was learned.
    calibration
        Of the window that closed last.
    """

    model: ChurnModel
    calibration: Calibration

    @property
    def name(self) -> str:
        """The model's."""
        return self.model.name

    @property
    def beyond(self) -> Mapping[str, float]:
        """Share of today's customers beyond the learned range, by name of the columns that were left out for it."""
        return getattr(self.model, "beyond", {})

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn, calibrated; of a row by nothing but its features."""
        return self.calibration(self.model.log_odds(features))

    def probability(self, features: Features) -> Floats:
        """Return the probability of churn."""
        from scipy.special import expit

        return np.asarray(expit(self.log_odds(features)), dtype=np.float64)

    def to_plain(self) -> dict[str, object]:
        """Return the model and the calibration."""
        return {**self.model.to_plain(), "calibration": self.calibration.to_plain()}


def learn(past: TrainingSet, name: str) -> CalibratedModel:
    """Learn a model from the past of a day and put it right by the latest closed window.

    A model that remembers whom it learned from (:data:`FLEXIBLE`) would look better in that window than it is: there
    its scores come from two models that learned from one half of the customers each and score the other half.

    Raises
    ------
    NotEnoughDataError
        Too little to learn from.
    UnknownNameError
        No model of that name.
    """
    if name not in FITS:
        raise UnknownNameError("model", name, MODELS)
    past.require_events()
    model = FITS[name](past)
    latest = past.windows[-1]
    log_odds = _crossed(past, name) if name in FLEXIBLE else on_day(model, latest.day).log_odds(latest.features)
    return CalibratedModel(model, recalibrate(log_odds, latest.churned).drawn(credibility(model, past)))


def credibility(model: ChurnModel, past: TrainingSet) -> float:
    """Return how much of a window's shift to believe: as much as earlier windows' told of the next one's.

    A window's shift is by how much the model's mean log odds are moved to put it right there. Over the pairs of windows
    that lie one horizon apart, as the last closed window and today do, it is the coefficient of the later shift on the
    earlier, through zero, drawn towards :data:`EVEN_CREDIBILITY` by :data:`PRIOR_PAIRS` pairs, and kept from 0 to 1.

    Parameters
    ----------
    model
        As it was learned from ``past``.
    past
        Windows whose outcome is known.
    """
    shifts = {}
    for window in past.windows:
        # A source that began later is unknown in an early window, as the model was told when it learned.
        known = {name: column(window.features, name, len(window)) for name in past.names}
        log_odds = on_day(model, window.day).log_odds(known)
        shifts[window.day] = float((recalibrate(log_odds, window.churned)(log_odds) - log_odds).mean())
    earlier_days = {day: _nearest(shifts, day - past.horizon, past.horizon // 6) for day in shifts}
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
    """Return the day nearest to the wanted one, None where none is within so many days of it."""
    nearest = min(days, key=lambda day: (abs(day - wanted), day))
    return nearest if abs(nearest - wanted) <= within else None


def on_day(model: ChurnModel, day: int) -> ChurnModel:
    """Return the model to be asked about customers as they stood on a day; only a seasonal one depends on it."""
    return model.on(day) if isinstance(model, SeasonalModel) else model


def _crossed(past: TrainingSet, name: str) -> Floats:
    latest = past.windows[-1]
    log_odds = np.zeros(len(latest))
    for half in (0, 1):
        others = tuple(window.rows(window.keys % 2 != half) for window in past.windows)
        learned = FITS[name](TrainingSet(others, past.day, past.features, past.horizon, past.seed, past.fits))
        mine = latest.keys % 2 == half
        log_odds[mine] = learned.log_odds({key: values[mine] for key, values in latest.features.items()})
    return log_odds
