"""The effect of a treatment: estimate and ends of its interval."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effect:
    """Difference of the means of two arms, treated minus holdout.

    Attributes
    ----------
    estimate
        Difference of the means, in the unit of the outcome.
    low, high
        Ends of the 95 % interval of the difference.
    treated_mean, holdout_mean
        Mean outcome of each arm; for a rate the share of customers.
    method
        Name of the method of the interval.
    """

    estimate: float
    low: float
    high: float
    treated_mean: float
    holdout_mean: float
    method: str

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval does not contain zero."""
        return self.low > 0 or self.high < 0
