"""Rules of targeting: cross-fitted predictions of response and uplift, by which customers are ranked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

FOLDS = 5
RIDGE = 1.0
"""Ridge penalty of the coefficients of standardised covariates: it limits predictions from few customers."""


def predicted(outcome: Floats, treated: Mask, covariates: Floats, fold: Integers) -> tuple[Floats, Floats]:
    """Return the predicted outcome of each customer without and with treatment, by cross-fitting.

    One ridge regression per arm ("two models", Hansotia and Rukstales 2002, Journal of Interactive Marketing
    16:35-46). The predictions of a fold come from models that were fitted on all other folds.

    Parameters
    ----------
    outcome
        Outcome of each customer, shape (n,).
    treated
        Whether a customer is in the treated arm, shape (n,).
    covariates
        Covariates from before the assignment, shape (n, k), without missing values.
    fold
        Fold of each customer, 0 to :data:`FOLDS` - 1, shape (n,).

    Returns
    -------
    tuple
        Predictions without and with treatment, each of shape (n,).
    """
    spread = covariates.std(axis=0)
    standard = (covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    design = np.column_stack([np.ones(len(outcome)), standard])
    penalty = RIDGE * np.diag([0.0, *[1.0] * covariates.shape[1]])
    without, with_treatment = np.zeros(len(outcome)), np.zeros(len(outcome))
    for each in range(FOLDS):
        inside = fold == each
        for arm, found in ((~treated, without), (treated, with_treatment)):
            rows = arm & ~inside
            matrix = design[rows]
            coefficients = np.linalg.pinv(matrix.T @ matrix + penalty) @ matrix.T @ outcome[rows]
            found[inside] = design[inside] @ coefficients
    return without, with_treatment


def upper_half(score: Floats, tie: Integers) -> Mask:
    """Return a mask, shape (n,), of the n // 2 customers with the largest scores.

    Parameters
    ----------
    score
        Score of each customer, shape (n,).
    tie
        Rank of each customer among customers with equal scores, smallest first, shape (n,).
    """
    chosen = np.zeros(len(score), dtype=np.bool_)
    chosen[np.lexsort((tie, -score))[: len(score) // 2]] = True
    return chosen
