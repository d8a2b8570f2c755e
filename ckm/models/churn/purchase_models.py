"""Purchase models (MBG/NBD) by cut-off, fitted to earlier purchases, in calendar days or in seasonal days."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
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
"""Features that a purchase model needs: frequency, tenure, recency."""


@dataclass
class PurchaseModels:
    """Cache of MBG/NBD models by day; each is fitted once, also if several threads need it.

    MBG/NBD is used because one-time buyers, half of the customers of many shops, cannot churn in BG/NBD.

    Attributes
    ----------
    season
        Repeat purchases by day, for seasonal clocks; None if unknown.
    """

    season: RepeatPurchases | None = None
    _by_day: dict[int, MBGNBD | NotEnoughDataError] = field(default_factory=dict, repr=False)
    _seasonal: dict[int, MBGNBD | NotEnoughDataError] = field(default_factory=dict, repr=False)
    _fitting: Lock = field(default_factory=Lock, repr=False, compare=False)

    def require(self, day: int, features: Mapping[str, Floats], seed: int) -> MBGNBD:
        """Return the purchase model of ``day``.

        Raises
        ------
        NotEnoughDataError
            Too few repeat customers.
        """
        with self._fitting:
            if day not in self._by_day:
                self._by_day[day] = _fitted(_histories(features), seed)
        return _known(self._by_day[day])

    def get(self, day: int, features: Mapping[str, Floats], seed: int) -> MBGNBD | None:
        """Return the purchase model of ``day``; None if it cannot be fitted."""
        try:
            return self.require(day, features, seed)
        except NotEnoughDataError:
            return None

    def require_seasonal(self, day: int, features: Mapping[str, Floats], seed: int) -> tuple[MBGNBD, SeasonalClock]:
        """Return the purchase model in seasonal days, and its seasonal clock.

        Raises
        ------
        NotEnoughDataError
            Too few repeat customers, or too little history for a season.
        """
        if self.season is None:
            raise NotEnoughDataError("season is not modelled: purchases by day are unknown")
        clock = self.season.clock(day)
        with self._fitting:
            if day not in self._seasonal:
                self._seasonal[day] = _fitted(_in_season(_histories(features), clock, day), seed)
        return _known(self._seasonal[day]), clock


def no_order_log_odds(model: MBGNBD, features: Mapping[str, Floats], horizon: int) -> Floats:
    """Return the log odds of no order within ``horizon`` days, row by row.

    Shapley values need rows that combine the features of two customers, in which recency can exceed tenure. Tenure is
    then set to recency, or to the least tenure that allows the number of purchase days.
    """
    x, t_x, tenure = _histories(features)
    return np.asarray(model.no_order_log_odds(x, t_x, tenure, float(horizon)), dtype=np.float64)


def seasonal_log_odds(
    model: MBGNBD, clock: SeasonalClock, features: Mapping[str, Floats], day: int, horizon: int
) -> Floats:
    """Return the log odds of no order within ``horizon`` days of ``day``, by a purchase model in seasonal days."""
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
    # computed from recency, so that in combined rows a longer recency never lowers the log odds
    x = np.maximum(features["purchase_days"] - 1, 0.0)
    silent = features["days_silent"]
    tenure = np.maximum(features["tenure_days"], silent)
    once = x == 0
    tenure = np.where(once, silent, np.maximum(tenure, silent + x))  # x repeat purchase days need at least x days
    return x, np.where(once, 0.0, tenure - silent), tenure
