"""The typical retained customer: near the medians, and consistent as a whole."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ckm._churn.typical_customer import typical_retained_customer
from ckm.errors import NotEnoughDataError
from ckm.models.churn.training_set import TrainingSet, TrainingSnapshot


def past(
    features: dict[str, list[float]], churned: list[bool], *, order: NDArray[np.intp] | None = None
) -> TrainingSet:
    order = np.arange(len(churned)) if order is None else order
    columns = {name: np.array(values, dtype=float)[order] for name, values in features.items()}
    window = TrainingSnapshot(100, columns, np.array(churned)[order], np.arange(len(churned), dtype=np.uint64)[order])
    return TrainingSet((window,), 200, columns, 90)


def _histories(n: int, seed: int) -> dict[str, list[float]]:
    draw = np.random.default_rng(seed)
    tenure = draw.integers(0, 900, n)
    silent = (tenure * draw.random(n)).astype(int)
    days = 1 + (np.maximum(tenure - silent, 0) * draw.random(n) / 9).astype(int)
    return {
        "days_silent": silent.tolist(),
        "purchase_days": days.tolist(),
        "order_value_mean": draw.lognormal(4, 1, n).tolist(),
        "rating_last": np.where(draw.random(n) < 0.6, np.nan, draw.integers(0, 5, n) / 4).tolist(),
        "tenure_days": tenure.tolist(),
    }


@pytest.mark.parametrize("seed", range(5))
def test_the_purchase_history_is_that_of_one_retained_customer(seed: int) -> None:
    features = _histories(300, seed)
    churned = (np.random.default_rng(seed).random(300) < 0.5).tolist()
    found = typical_retained_customer(past(features, churned)).reference
    rows = zip(*(features[name] for name in ("days_silent", "purchase_days", "tenure_days")), churned, strict=True)
    assert (found["days_silent"], found["purchase_days"], found["tenure_days"], False) in set(rows)


def test_other_features_are_lower_medians_of_retained_customers() -> None:
    nan = float("nan")
    features = {"days_silent": [1.0] * 6, "rating_last": [0.0, 0.25, 1.0, nan, nan, 0.5]}
    found = typical_retained_customer(past(features, [False, False, False, False, False, True]))
    assert found.reference["rating_last"] == 0.25
    assert len(found.retained["rating_last"]) == 5


def test_the_order_of_the_rows_does_not_change_the_typical_customer() -> None:
    features, churned = _histories(200, 1), [False] * 200
    order = np.random.default_rng(0).permutation(200)
    assert (
        typical_retained_customer(past(features, churned)).reference
        == typical_retained_customer(past(features, churned, order=order)).reference
    )


def test_a_missing_value_makes_a_customer_neither_more_nor_less_typical() -> None:
    nan = float("nan")
    features = {
        "days_silent": [20.0, 20.0, 20.0, 21.0, 80.0],
        "same_season": [nan, nan, nan, 0.5, 0.25],
        "tenure_days": [200.0, 201.0, 202.0, 900.0, 901.0],
    }
    found = typical_retained_customer(past(features, [False] * 5)).reference
    assert found == {"days_silent": 20.0, "same_season": 0.25, "tenure_days": 202.0}


def test_features_without_values_of_retained_customers_are_not_in_the_typical_customer() -> None:
    nan = float("nan")
    found = typical_retained_customer(past({"days_silent": [1.0, 2.0], "rating_last": [nan, 1.0]}, [False, True]))
    assert set(found.reference) == {"days_silent"}


def test_without_retained_customers_there_is_no_typical_one() -> None:
    with pytest.raises(NotEnoughDataError, match="no retained customer"):
        typical_retained_customer(past({"days_silent": [1.0]}, [True]))
