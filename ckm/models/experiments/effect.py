"""The effect of a treatment: its estimate, with the ends of an interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """Difference of the means of two arms, treated minus holdout.

    Attributes
    ----------
    estimate
        Difference of the means.
    low, high
        Ends of the 95 % interval.
    treated_mean, holdout_mean
        Mean outcome of each arm.
    method
        Method of the interval, in words.
    """

    estimate: float
    low: float
    high: float
    treated_mean: float
    holdout_mean: float
    method: str

    @property
    def excludes_zero(self) -> bool:
        """Whether zero is outside of the interval."""
        return self.low > 0 or self.high < 0
