"""Model card: means over the cut-offs, intervals of the deciles, and gain curves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.model_card import CardDecile, Gain
from tests._churn.example_card import CUT_OFFS, example_card, score


def test_a_mean_weights_the_cut_offs_equally() -> None:
    scores = (
        score("rule", CUT_OFFS[0], 10, roc_auc=0.7, log_loss=0.4),
        score("rule", CUT_OFFS[1], 1_000, roc_auc=0.8, log_loss=0.6),
    )
    card = example_card(scores=scores)
    assert card.mean("rule", "roc_auc") == pytest.approx(0.75)
    assert card.mean("rule", "log_loss") == pytest.approx(0.5)
    assert card.mean("rule", "brier") is None
    assert card.mean("nobody", "roc_auc") is None


def test_the_interval_is_wilsons() -> None:
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I: 81 of 263, and 0 of 20
    assert CardDecile(263, 0.3, 81 / 263).interval == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert CardDecile(20, 0.3, 0.0).interval == pytest.approx((0.0, 0.1611), abs=5e-5)


@given(st.integers(0, 5_000), st.floats(0, 1))
def test_an_interval_contains_the_observed_rate_and_lies_within_0_and_1(n: int, observed: float) -> None:
    low, high = CardDecile(n, 0.5, observed).interval
    assert 0 <= low <= observed + 1e-12
    assert observed - 1e-12 <= high <= 1


def test_a_gain_between_two_points_is_interpolated_linearly() -> None:
    gain = Gain("rule", (0.0, 0.5, 1.0), (0.0, 0.8, 1.0))
    assert [gain.at(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)] == pytest.approx([0.0, 0.4, 0.8, 0.9, 1.0])
