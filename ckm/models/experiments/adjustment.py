"""Adjustment of an effect by covariates from before the assignment (ANCOVA, also known as CUPED)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.models.experiments.effect import Effect
from ckm.models.intervals import Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHOD = "regression with interactions, robust standard error"


@dataclass(frozen=True)
class Adjusted:
    """An adjusted effect, and the variance that the adjustment removes.

    Attributes
    ----------
    effect
        The adjusted effect; its two means are the expected outcomes of the arms at the mean of the covariates.
    variance_reduction
        Share of the variance of the difference of means that the adjustment removes; negative if the adjustment
        increases the variance.
    """

    effect: Effect
    variance_reduction: float


def adjust(treated: Floats, holdout: Floats, of_treated: Floats, of_holdout: Floats) -> Adjusted:
    """Return the effect adjusted by covariates that were fixed before the assignment.

    A separate linear regression of the outcome on the centred covariates is fitted in each arm (Lin 2013, Annals of
    Applied Statistics 7:295-318). In large samples this never increases the variance, even if the relation is not
    linear.

    Parameters
    ----------
    treated, holdout
        Outcomes of the arms, shape (m,) and (n,).
    of_treated, of_holdout
        Covariates of the arms, shape (m, k) and (n, k), without missing values.

    Returns
    -------
    Adjusted
        The effect with its 95 % interval, and the variance reduction.
    """
    centre = np.concatenate([of_treated, of_holdout]).mean(axis=0)
    (p, v), (q, w) = _intercept(treated, of_treated - centre), _intercept(holdout, of_holdout - centre)
    half = Z * float(np.sqrt(v + w))
    plain = treated.var(ddof=1) / len(treated) + holdout.var(ddof=1) / len(holdout)
    reduction = 1 - (v + w) / float(plain) if plain else 0.0
    return Adjusted(Effect(p - q, p - q - half, p - q + half, p, q, METHOD), reduction)


def _intercept(outcome: Floats, covariates: Floats) -> tuple[float, float]:
    """Return the intercept of a linear regression, and its heteroscedasticity-consistent variance (HC2).

    Parameters
    ----------
    outcome, covariates
        Shapes (n,) and (n, k).
    """
    design = np.column_stack([np.ones(len(outcome)), covariates])
    inverse = np.linalg.pinv(design.T @ design)
    coefficients = inverse @ design.T @ outcome
    residuals = outcome - design @ coefficients
    row = design @ inverse[0]  # weights of the outcomes in the intercept
    leverage = np.clip(np.einsum("ij,jk,ik->i", design, inverse, design), 0, 1 - 1e-9)
    return float(coefficients[0]), float((row**2 * residuals**2 / (1 - leverage)).sum())
