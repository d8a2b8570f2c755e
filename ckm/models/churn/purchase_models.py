"""Models of buying until leaving, one per day, fitted on what was known then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.models.btyd.mbgnbd import MBGNBD

    Floats = NDArray[np.float64]

NEEDS = ("purchase_days", "tenure_days", "days_silent")
"""Features that hold a customer's history of purchases: how many, since when, how long ago."""


@dataclass
class PurchaseModels:
    """MBG/NBD by day, each fitted once.

    MBG/NBD and not BG/NBD: half of the customers of many shops bought once, and for BG/NBD none of these ever left.
    """

    _by_day: dict[int, MBGNBD | NotEnoughDataError] = field(default_factory=dict, repr=False)

    def require(self, day: int, features: Mapping[str, Floats], seed: int) -> MBGNBD:
        """Return the model of customers as they stood on ``day``.

        Raises
        ------
        NotEnoughDataError
            Too few of them ever came back.
        """
        if day not in self._by_day:
            self._by_day[day] = _fitted(features, seed)
        found = self._by_day[day]
        if isinstance(found, NotEnoughDataError):
            raise found
        return found

    def get(self, day: int, features: Mapping[str, Floats], seed: int) -> MBGNBD | None:
        """Return the same, None where there is none."""
        try:
            return self.require(day, features, seed)
        except NotEnoughDataError:
            return None


def no_order_log_odds(model: MBGNBD, features: Mapping[str, Floats], horizon: int) -> Floats:
    """Return the log odds of no order within ``horizon`` days; of a row by nothing but its features.

    Shapley values mix the features of two customers, so that more days of silence than of tenure may meet: the tenure
    is then the silence, and who bought once has a last purchase on the day of the first.
    """
    x, t_x, tenure = _histories(features)
    return np.asarray(model.no_order_log_odds(x, t_x, tenure, float(horizon)), dtype=np.float64)


def _fitted(features: Mapping[str, Floats], seed: int) -> MBGNBD | NotEnoughDataError:
    from ckm.models.btyd.mbgnbd import fit_mbgnbd

    try:
        return fit_mbgnbd(*_histories(features), seed=seed)
    except NotEnoughDataError as problem:
        return problem


def _histories(features: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    # by the silence, not by the last purchase: mixing rows must never lower the score of a longer silence
    x = np.maximum(features["purchase_days"] - 1, 0.0)
    silent = features["days_silent"]
    tenure = np.maximum(features["tenure_days"], silent)
    once = x == 0
    tenure = np.where(once, silent, np.maximum(tenure, silent + x))  # x more days with a purchase take x days
    return x, np.where(once, 0.0, tenure - silent), tenure
