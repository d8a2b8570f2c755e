"""rule: the silence against the customer's own rhythm, as a probability by what followed in the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.models.churn.window import Features, Past

    Floats = NDArray[np.float64]

STEPS = 40
"""Steps of equally many customers that the silences are counted in."""
PRIOR = 10.0
"""So many customers of the usual share join each step, so that none is said to be certain."""


@dataclass(frozen=True)
class RuleModel:
    """Log odds by silence in long gaps, straight between steps, never falling.

    Attributes
    ----------
    gaps
        Silence in own long gaps (``days_silent / gap_p80_days``), ascending.
    odds
        Log odds there.
    """

    name: ClassVar[str] = "rule"
    gaps: tuple[float, ...]
    odds: tuple[float, ...]

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of staying away."""
        return np.interp(silence_in_gaps(features), self.gaps, self.odds)

    def to_plain(self) -> dict[str, object]:
        """Return the steps."""
        return {"model": self.name, "gaps": list(self.gaps), "log_odds": list(self.odds)}


def silence_in_gaps(features: Features) -> Floats:
    """Return days silent over the long gap of the customer's own; over a day where nobody has a gap."""
    return features["days_silent"] / np.nan_to_num(features["gap_p80_days"], nan=1.0)


def fit_rule(past: Past) -> RuleModel:
    """Count who stayed away after which silence, and make it never fall.

    Isotonic regression by pooling adjacent violators (Ayer et al. 1955, *Ann. Math. Statist.* 26(4), 641-647) on steps
    of equally many customers, each joined by :data:`PRIOR` customers of the usual share: finite log odds at both ends.

    Raises
    ------
    NotEnoughDataError
        Too few left or stayed.
    """
    from scipy.optimize import isotonic_regression

    past.require_events()
    silence = np.concatenate([silence_in_gaps(window.features) for window in past.windows])
    away = past.away
    usual = away.mean()
    inner = np.unique(np.quantile(silence, np.arange(1, STEPS) / STEPS))
    step = np.searchsorted(inner, silence, side="left")
    n = np.bincount(step)
    there = n > 0
    n = n[there]
    middle = np.bincount(step, weights=silence)[there] / n
    share = (np.bincount(step, weights=away)[there] + PRIOR * usual) / (n + PRIOR)
    share = isotonic_regression(share, weights=n + PRIOR).x
    return RuleModel(tuple(middle.tolist()), tuple(np.log(share / (1 - share)).tolist()))
