"""Churn model ``seasonal``: the purchase model MBG/NBD with time in seasonal days."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from ckm.models.churn.purchase_models import NEEDS, seasonal_log_odds
from ckm.models.shapley import FunctionTerm, WeightedTerm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ckm.models.btyd.mbgnbd import MBGNBD
    from ckm.models.churn.seasonal_clock import SeasonalClock
    from ckm.models.churn.training_set import Features, TrainingSet


@dataclass(frozen=True)
class SeasonalModel:
    """Log odds of no order within the horizon, by a purchase model in seasonal days.

    Attributes
    ----------
    purchases
        Purchase model, in seasonal days.
    clock
        Conversion of calendar days to seasonal days.
    day
        As-of day of the features (days since 1970-01-01).
    horizon
        Horizon in days.
    """

    name: ClassVar[str] = "seasonal"
    purchases: MBGNBD
    clock: SeasonalClock
    day: int
    horizon: int

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log odds of churn."""
        return seasonal_log_odds(self.purchases, self.clock, features, self.day, self.horizon)

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the log odds as one term."""
        return (WeightedTerm(1.0, FunctionTerm(NEEDS, self.log_odds)),)

    def on(self, day: int) -> SeasonalModel:
        """Return the model for features as of another day."""
        return replace(self, day=day)


def fit_seasonal(training: TrainingSet) -> SeasonalModel:
    """Fit the purchase model to the purchases up to the as-of day, in seasonal days by the season of the last year.

    Raises
    ------
    NotEnoughDataError
        Too few repeat customers, or less than fifteen months of history.
    """
    purchases, clock = training.purchase_models.require_seasonal(training.day, training.features, training.seed)
    return SeasonalModel(purchases, clock, training.day, training.horizon)
