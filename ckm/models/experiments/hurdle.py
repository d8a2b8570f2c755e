"""Hurdle model of money: whether a customer buys (Beta), and for how much (log-normal)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm.models.experiments.effect import Effect
from ckm.models.intervals import LEVEL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

METHOD = "hurdle model (Beta × log-normal)"
DRAWS = 20_000
"""Draws from the posterior: they leave an error of about 1 % of the interval's width."""
JEFFREYS = 0.5
"""Both parameters of the prior of a rate (Jeffreys 1946)."""
FEWEST_AMOUNTS = 3
"""Fewest amounts of one sign in an arm whose mean is estimated; with fewer the size is that of both arms together."""


def hurdle(treated: Floats, holdout: Floats, *, seed: int = 0) -> Effect:
    """Return the difference of the mean amounts per customer, with a 95 % interval that holds for few buyers.

    In each arm the share of customers with an amount has a Beta posterior, and the log amounts have a normal one with
    the non-informative prior ``1 / σ²``; ``σ²`` is that of both arms. The mean is ``p · exp(μ) · S`` with Duan's
    smearing factor ``S``, the mean of ``exp(residual)`` of both arms, so that amounts need not be log-normal to be
    added up right. Negative amounts (returns) are a second part with the same form. Two-part model: Duan, Manning,
    Morris and Newhouse (1983, Journal of Business & Economic Statistics 1:115-126); smearing: Duan (1983, Journal of
    the American Statistical Association 78:605-610).

    Parameters
    ----------
    treated, holdout
        Amount of each customer, 0 for customers without one; shape (m,) and (n,). Each arm has at least
        :data:`FEWEST_AMOUNTS` positive amounts.
    seed
        Seed of the draws.

    Returns
    -------
    Effect
        The estimate is that of the model. It differs from the difference of the two means where a few large amounts
        decide on these.
    """
    random = np.random.default_rng(seed)
    customers = (len(treated), len(holdout))
    estimate, draws = 0.0, np.zeros(DRAWS)
    for sign in (1.0, -1.0):
        logs = [np.log(sign * arm[sign * arm > 0]) for arm in (treated, holdout)]
        if not sum(map(len, logs)):
            continue
        centres, factor = _means(logs)
        means = [factor * np.exp(centre + error) for centre, error in zip(centres, _errors(logs, random), strict=True)]
        shares = [
            random.beta(len(each) + JEFFREYS, whole - len(each) + JEFFREYS, DRAWS)
            for each, whole in zip(logs, customers, strict=True)
        ]
        draws += sign * (shares[0] * means[0] - shares[1] * means[1])
        plain = [
            len(each) / whole * factor * np.exp(centre)
            for each, whole, centre in zip(logs, customers, centres, strict=True)
        ]
        estimate += sign * float(plain[0] - plain[1])
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Effect(estimate, float(low), float(high), float(treated.mean()), float(holdout.mean()), METHOD)


def _means(logs: list[Floats]) -> tuple[list[float], float]:
    """Return the mean log amount of each arm, and the smearing factor of both; arms with few amounts share a mean."""
    together = np.concatenate(logs)
    if min(map(len, logs)) < FEWEST_AMOUNTS:
        centres = [float(together.mean())] * 2
    else:
        centres = [float(each.mean()) for each in logs]
    residuals = np.concatenate([each - centre for each, centre in zip(logs, centres, strict=True)])
    return centres, float(np.exp(residuals).mean())


def _errors(logs: list[Floats], random: np.random.Generator) -> list[Floats]:
    """Return draws of the error of the mean log amount of each arm, shape (:data:`DRAWS`,)."""
    if min(map(len, logs)) < FEWEST_AMOUNTS:  # rare returns: of equal size in both arms
        return [np.zeros(DRAWS)] * 2
    freedom = sum(len(each) - 1 for each in logs)
    squares = sum(float(((each - each.mean()) ** 2).sum()) for each in logs)
    variance = squares / random.chisquare(freedom, DRAWS)
    return [random.normal(0.0, np.sqrt(variance / len(each))) for each in logs]
