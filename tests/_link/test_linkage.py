"""Value of a pair of records in the mean of its cluster, by its probability of a match."""

from __future__ import annotations

import numpy as np

from ckm._link.linkage import NEGLIGIBLE, support
from ckm.models.linkage_clusters import clusters


def test_support_grows_with_the_probability_and_is_one_half_at_even_odds() -> None:
    probability = np.linspace(0, 1, 101)
    found = support(probability)
    assert (np.diff(found) >= 0).all()
    assert found[probability <= NEGLIGIBLE].max() == 0
    assert found[50] == 0.5
    assert (found[51:] == probability[51:]).all()


def fourth_record(*probability: float) -> bool:
    """Return whether a fourth record is merged with three records of one person, by the probabilities of the pairs."""
    left, right = np.array([0, 0, 1, 0, 1, 2]), np.array([1, 2, 2, 3, 3, 3])
    found = clusters(4, left, right, support(np.array([0.99, 0.99, 0.99, *probability])))
    return bool(found[3] == found[0])


def test_contradicting_pairs_prevent_a_merge_and_pairs_with_few_common_fields_do_not() -> None:
    assert fourth_record(0.98, 0.15, 0.15)
    assert not fourth_record(0.98, 0.001, 0.001)
