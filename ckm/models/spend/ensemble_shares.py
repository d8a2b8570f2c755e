"""Weights (shares) of the candidates in the ensemble prediction of spend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ckm.models.btyd.histories import Floats

PRIOR_PENALTY = 0.1
"""Penalty factor of the squared distance from equal shares, added to the sum of the tests' relative absolute errors. It
shrinks the shares, because tests overlap and repeat the same customers."""
COARSE, FINE = 10, 50
"""Steps from 0 to 1 of the grid search: first over all shares, then around the best."""
SHARE_DIGITS = 6


def combined(predictions: Mapping[str, Floats], shares: Mapping[str, float]) -> Floats:
    """Return the weighted sum of predictions, added one at a time, so that rounding does not depend on threads."""
    total: Floats = np.zeros(len(next(iter(predictions.values()))))
    for name, share in shares.items():
        total = total + share * predictions[name]
    return total


def fit_shares(names: Sequence[str], tests: Sequence[tuple[Mapping[str, Floats], Floats]]) -> dict[str, float]:
    """Return the positive shares of the candidates, which add up to 1; equal shares without tests.

    They minimise the sum over tests of (mean absolute error ÷ mean spend) plus :data:`PRIOR_PENALTY` times the squared
    distance from equal shares. Each candidate is first scaled to the actual total, because the absolute error of skewed
    amounts would otherwise favour predictions that are too low; the total is corrected separately.

    Parameters
    ----------
    names
        Names of the candidates.
    tests
        For each test, the predictions by candidate and the actual spend, shape (n,) each. A test without spend is
        ignored.
    """
    scaled = [
        ([predictions[name] * (spend.sum() / predictions[name].sum()) for name in names], spend)
        for predictions, spend in tests
        if spend.sum() > 0 and all(predictions[name].sum() > 0 for name in names)
    ]
    equal = np.full(len(names), 1 / len(names))
    if not scaled or len(names) == 1:
        return dict(zip(names, equal.tolist(), strict=True))

    def loss(shares: Floats) -> float:
        value = PRIOR_PENALTY * float(((shares - equal) ** 2).sum())
        for predictions, spend in scaled:
            mixed = sum(share * each for share, each in zip(shares, predictions, strict=True))
            value += float(np.abs(mixed - spend).sum() / spend.sum())
        return value

    best = min(_simplex(len(names), COARSE), key=loss)
    reach = FINE // COARSE
    near = (each for each in _simplex(len(names), FINE) if np.abs(each - best).max() <= reach / FINE)
    best = min(near, key=loss)
    return {name: round(float(share), SHARE_DIGITS) for name, share in zip(names, best, strict=True) if share > 0}


def _simplex(parts: int, steps: int) -> Iterator[Floats]:
    """Yield all vectors of ``parts`` shares that are multiples of ``1 / steps`` and add up to 1."""

    def whole(left: int, number: int) -> Iterator[tuple[int, ...]]:
        if number == 1:
            yield (left,)
            return
        for first in range(left + 1):
            for rest in whole(left - first, number - 1):
                yield (first, *rest)

    for each in whole(steps, parts):
        yield np.array(each, dtype=np.float64) / steps
