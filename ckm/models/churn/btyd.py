"""Churn model ``btyd``: probability of no order within the horizon by the purchase model MBG/NBD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ckm.models.churn.purchase_models import NEEDS, no_order_log_odds
from ckm.models.shapley import FunctionTerm, WeightedTerm

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ckm.models.btyd.mbgnbd import MBGNBD
    from ckm.models.churn.training_set import Features, TrainingSet


@dataclass(frozen=True)
class BtydModel:
    """Log odds of no order within the horizon, by a purchase model.

    Attributes
    ----------
    purchases
        Purchase model, in days.
    horizon
        Horizon in days.
    """

    name: ClassVar[str] = "btyd"
    purchases: MBGNBD
    horizon: int

    def log_odds(self, features: Features) -> NDArray[np.float64]:
        """Return the log odds of churn."""
        return no_order_log_odds(self.purchases, features, self.horizon)

    def terms(self) -> tuple[WeightedTerm, ...]:
        """Return the log odds as one term."""
        return (WeightedTerm(1.0, FunctionTerm(NEEDS, self.log_odds)),)


def fit_btyd(training: TrainingSet) -> BtydModel:
    """Fit the purchase model to the purchases up to the as-of day; outcomes of past windows are not needed.

    Raises
    ------
    NotEnoughDataError
        Too few repeat customers.
    """
    return BtydModel(training.purchase_models.require(training.day, training.features, training.seed), training.horizon)
