"""Sample-ratio test: whether the sizes of the arms agree with the declared share of the holdout."""

from __future__ import annotations

import math

MISMATCH = 0.001
"""p value below which the sizes contradict the share (Fabijan et al. 2019, KDD, 2156-2164); chance alone gives such a
result in one of a thousand campaigns."""


def sample_ratio(treated: int, holdout: int, share: float) -> float:
    """Return the p value of the chi-squared test of the sizes of two arms, with one degree of freedom.

    Parameters
    ----------
    treated, holdout
        Number of customers of each arm.
    share
        Declared share of the holdout, in (0, 1).
    """
    customers = treated + holdout
    expected = customers * share
    chi_squared = (holdout - expected) ** 2 * (1 / expected + 1 / (customers - expected))
    return math.erfc(math.sqrt(chi_squared / 2))
