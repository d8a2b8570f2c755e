"""Holm's correction of p values, compared with a worked example, and p value of an effect with an interval."""

from __future__ import annotations

import pytest

from ckm.models.experiments.effect import Effect
from ckm.models.experiments.multiplicity import holm, p_value
from ckm.models.experiments.newcombe import newcombe


def test_the_adjusted_p_values_equal_those_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_adjusted_p_values_are_at_most_one() -> None:
    assert holm([0.9, 0.6, 0.7]) == [1.0, 1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("counts", [((60, 100), (30, 100)), ((50, 100), (40, 100)), ((52, 100), (50, 100))])
def test_p_is_below_five_percent_exactly_where_the_interval_excludes_zero(
    counts: tuple[tuple[int, int], tuple[int, int]],
) -> None:
    found = newcombe(*counts)
    assert (p_value(found) < 0.05) == found.excludes_zero


def test_an_effect_of_zero_has_a_p_value_of_one() -> None:
    assert p_value(Effect(0.0, -1.0, 1.0, 0.5, 0.5, "")) == 1.0
