"""Models of buying until churn, one per day, fitted on what was known then; in calendar days and in seasonal days."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.models.btyd.mbgnbd import MBGNBD
    from ckm.models.churn.seasonal_clock import RepeatPurchases, SeasonalClock

    Floats = NDArray[np.float64]

NEEDS = ("purchase_days", "tenure_days", "days_silent")
"""Features that hold a customer's history of purchases: how many, since when, how long ago."""


@dataclass
class PurchaseModels:
    """MBG/NBD by day, each fitted once.

    MBG/NBD and not BG/NBD: half of the customers of many shops bought once, and for BG/NBD none of these ever left.

    Attributes
    ----------
    season
        Purchases by day, from which seasonal clocks are made; None where they are not known.
    """

    season: RepeatPurchases | None = None
    _by_day: dict[int, MBGNBD | NotEnoughDataError] = field(default_factory=dict, repr=False)
    _seasonal: dict[int, MBGNBD | NotEnoughDataError] = field(default_factory=dict, repr=False)

    def require(self, day: int, features: Mapping[str, Floats], seed: int) -> MBGNBD:
        """Return the model of customers as they stood on ``day``.

        Raises
        ------
        NotEnoughDataError
            Too few of them ever came back.
        """
        if day not in self._by_day:
            self._by_day[day] = _fitted(_histories(features), seed)
        return _known(self._by_day[day])

    def get(self, day: int, features: Mapping[str, Floats], seed: int) -> MBGNBD | None:
        """Return the same, None where there is none."""
        try:
            return self.require(day, features, seed)
        except NotEnoughDataError:
            return None

    def require_seasonal(self, day: int, features: Mapping[str, Floats], seed: int) -> tuple[MBGNBD, SeasonalClock]:
        """Return the model in seasonal days, and the clock that counts them.

        Raises
        ------
        NotEnoughDataError
            Too few of the customers ever came back, or too little history to know a season.
        """
        if self.season is None:
            raise NotEnoughDataError("season is not modelled: the purchases by day are not known")
        clock = self.season.clock(day)
        if day not in self._seasonal:
            self._seasonal[day] = _fitted(_in_season(_histories(features), clock, day), seed)
        return _known(self._seasonal[day]), clock


def no_order_log_odds(model: MBGNBD, features: Mapping[str, Floats], horizon: int) -> Floats:
    """Return the log odds of no order within ``horizon`` days; of a row by nothing but its features.

    Shapley values mix the features of two customers, so that more days of silence than of tenure may meet: the tenure
    is then the silence, and who bought once has a last purchase on the day of the first.
    """
    x, t_x, tenure = _histories(features)
    return np.asarray(model.no_order_log_odds(x, t_x, tenure, float(horizon)), dtype=np.float64)


def seasonal_log_odds(
    model: MBGNBD, clock: SeasonalClock, features: Mapping[str, Floats], day: int, horizon: int
) -> Floats:
    """Return the log odds of no order within ``horizon`` days of ``day``, by a model in seasonal days."""
    x, t_x, tenure = _in_season(_histories(features), clock, day)
    ahead = float(clock(np.array([day + horizon]))[0] - clock(np.array([day]))[0])
    return np.asarray(model.no_order_log_odds(x, t_x, tenure, ahead), dtype=np.float64)


def _in_season(history: tuple[Floats, Floats, Floats], clock: SeasonalClock, day: int) -> tuple[Floats, Floats, Floats]:
    x, t_x, tenure = history
    first, last, now = clock(day - tenure), clock(day - tenure + t_x), clock(np.array([day]))
    return x, last - first, now - first


def _fitted(history: tuple[Floats, Floats, Floats], seed: int) -> MBGNBD | NotEnoughDataError:
    from ckm.models.btyd.mbgnbd import fit_mbgnbd

    try:
        return fit_mbgnbd(*history, seed=seed)
    except NotEnoughDataError as problem:
        return problem


def _known(found: MBGNBD | NotEnoughDataError) -> MBGNBD:
    if isinstance(found, NotEnoughDataError):
        raise found
    return found


def _histories(features: Mapping[str, Floats]) -> tuple[Floats, Floats, Floats]:
    # by the silence, not by the last purchase: mixing rows must never lower the score of a longer silence
    x = np.maximum(features["purchase_days"] - 1, 0.0)
    silent = features["days_silent"]
    tenure = np.maximum(features["tenure_days"], silent)
    once = x == 0
    tenure = np.where(once, silent, np.maximum(tenure, silent + x))  # x more days with a purchase take x days
    return x, np.where(once, 0.0, tenure - silent), tenure
