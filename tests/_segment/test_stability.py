"""Population stability index: the published formula, and no shift reported without one or by chance."""

from __future__ import annotations

import math
import random
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from ckm._segment.stability import (
    Distribution,
    Shift,
    chi_square_quantile,
    counts_by_feature,
    distributions,
    population_stability_index,
    read_distribution,
    shift_remark,
    shifts,
    to_plain,
)
from ckm.settings import SegmentSettings
from ckm.yamlfile import parse_yaml

columns = st.lists(st.none() | st.integers(-50, 50), min_size=1, max_size=80)


def shifted(then: dict[str, Distribution], customers: int, now: pl.DataFrame) -> tuple[Shift, ...]:
    return shifts(then, customers, counts_by_feature(then, now))


def test_the_index_follows_the_formula() -> None:
    by_hand = (0.5 - 0.4) * math.log(0.5 / 0.4) + (0.5 - 0.6) * math.log(0.5 / 0.6)
    assert population_stability_index([0.5, 0.5], [0.4, 0.6]) == pytest.approx(by_hand)


@settings(deadline=None)
@given(columns)
def test_the_training_customers_have_not_shifted(values: list[int | None]) -> None:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Int64})
    [shift] = shifted(distributions(frame, ["x"]), frame.height, frame)
    assert shift.index == pytest.approx(0, abs=1e-4)


@settings(deadline=None)
@given(columns)
def test_shares_add_up_to_one_and_survive_the_file(values: list[int | None]) -> None:
    frame = pl.DataFrame({"x": values, "word": [None if v is None else f"w{v % 30}" for v in values]},
                         schema={"x": pl.Int64, "word": pl.String})  # fmt: skip
    for distribution in distributions(frame, frame.columns).values():
        assert sum(distribution.shares) == pytest.approx(1, abs=1e-4)
        entry = parse_yaml(yaml.safe_dump(to_plain(distribution), allow_unicode=True), Path("definition.yaml"))
        assert entry is not None
        assert read_distribution(entry) == distribution


def test_two_samples_of_the_same_customers_have_not_shifted_however_small() -> None:
    dice = random.Random(1)
    for size in (60, 300, 3000):
        then = pl.DataFrame({"x": [dice.gauss(0, 1) for _ in range(size)]})
        now = pl.DataFrame({"x": [dice.gauss(0, 1) for _ in range(size)]})
        [shift] = shifted(distributions(then, ["x"]), size, now)
        assert not shift.exceeds(0.0)


def test_a_real_shift_is_named_the_largest_first() -> None:
    then = pl.DataFrame({"x": list(range(1000)), "y": list(range(1000)), "z": ["a", "b"] * 500})
    now = then.with_columns(pl.col("x") + 500, pl.col("y") + 200)
    found = shifted(distributions(then, then.columns), then.height, now)
    assert [shift.feature for shift in found] == ["x", "y", "z"]
    text = shift_remark(found, SegmentSettings())
    assert text.startswith(
        "features shifted since the definition was fitted, by a population stability index of 0.25 or more: x "
    )
    assert text.endswith("--refit is recommended")


def test_new_levels_and_missing_values_are_a_shift() -> None:
    then = pl.DataFrame({"z": ["web", "till"] * 200})
    gone = pl.DataFrame({"z": ["web", None] * 200})
    new = pl.DataFrame({"z": ["web", "phone"] * 200})
    for now in (gone, new):
        [shift] = shifted(distributions(then, ["z"]), then.height, now)
        assert shift.exceeds(0.25)


def test_dates_are_left_out() -> None:
    assert distributions(pl.DataFrame({"day": [date(2026, 1, 1)]}), ["day"]) == {}


@pytest.mark.parametrize("free", [1, 3, 9, 20])
def test_the_index_explained_by_chance_is_the_quantile_of_chi_square(free: int) -> None:
    assert chi_square_quantile(free) == pytest.approx(chi2.ppf(0.999, free), rel=0.04)
