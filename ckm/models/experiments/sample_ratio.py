"""Sample-ratio test: comparison of the sizes of the arms with the planned share of the holdout."""

from __future__ import annotations

import math

MISMATCH = 0.001
"""p value below which there is a sample-ratio mismatch (Fabijan et al. 2019, KDD, 2156-2164): one false alarm in a
thousand campaigns."""


def sample_ratio(treated: int, holdout: int, share: float) -> float:
    """Return the p value of a chi-squared test: sizes of two arms against the planned share of the holdout.

    Parameters
    ----------
    treated, holdout
        Number of customers in each arm; at least one in both arms together.
    share
        Planned share of the holdout, in (0, 1).
    """
    customers = treated + holdout
    expected = customers * share
    chi_squared = (holdout - expected) ** 2 * (1 / expected + 1 / (customers - expected))
    return math.erfc(math.sqrt(chi_squared / 2))
