"""Leaking columns of many kinds are found; strong predictors without leakage are not reported."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from ckm.models.churn.labelled_models import stratified_folds
from ckm.models.churn.leakage import ColumnEvidence, column_evidence

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[4] / "shared" / "data")
SIZES = ((100, 300), (300, 200), (400, 3_600))
"""Numbers of churned and of retained rows."""


def evidence(values: object, churned: np.ndarray) -> ColumnEvidence:
    folds = stratified_folds(churned, [str(row) for row in range(len(churned))], 0)
    (found,) = column_evidence(pl.DataFrame({"x": values}), churned, folds)
    return found


def outcomes(left: int, stayed: int) -> np.ndarray:
    return np.r_[np.ones(left, bool), np.zeros(stayed, bool)]


def reason(leaked: np.ndarray, dice: np.random.Generator) -> list[str | None]:
    return [dice.choice(["price", "service", "moved"]) if each else None for each in leaked]


def note(leaked: np.ndarray, dice: np.random.Generator) -> list[str]:
    return [f"called on {row}, no {dice.integers(10**6)}" if each else " " for row, each in enumerate(leaked)]


def cancelled_on(leaked: np.ndarray, dice: np.random.Generator) -> list[str]:
    return [f"2025-{dice.integers(1, 13):02}-{dice.integers(1, 29):02}" if each else "" for each in leaked]


def copy(leaked: np.ndarray, dice: np.random.Generator) -> list[str]:
    return ["T" if each else "F" for each in leaked]


def flag(leaked: np.ndarray, dice: np.random.Generator) -> list[int]:
    return [int(each) for each in leaked]


def status(leaked: np.ndarray, dice: np.random.Generator) -> list[str]:
    return [dice.choice(["closed", "cancelled"] if each else ["active", "new", "vip"]) for each in leaked]


def last_bill(leaked: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    return np.where(leaked, 0.0, dice.gamma(3, 20, len(leaked)).round(2))


def days_since_cancel(leaked: np.ndarray, dice: np.random.Generator) -> list[str]:
    return [str(dice.integers(1, 200)) if each else "NA" for each in leaked]


def days_to_next_bill(leaked: np.ndarray, dice: np.random.Generator) -> np.ndarray:
    return np.where(leaked, -dice.integers(1, 200, len(leaked)), dice.integers(0, 31, len(leaked)))


def paid_until(leaked: np.ndarray, dice: np.random.Generator) -> list[str]:
    return [f"20{dice.integers(22, 25) if each else 26}-0{dice.integers(1, 10)}-15" for each in leaked]


def renewal(leaked: np.ndarray, dice: np.random.Generator) -> list[str | None]:
    return [None if each else f"2026-0{dice.integers(1, 10)}-15" for each in leaked]


def list_of_exits(leaked: np.ndarray, dice: np.random.Generator) -> list[list[str] | None]:
    return [["exit"] if each else None for each in leaked]


KINDS = [
    *(reason, note, cancelled_on, copy, flag, status, last_bill, days_since_cancel, days_to_next_bill),
    *(paid_until, renewal, list_of_exits),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("covered", "mistaken"), [(1.0, 0.0), (0.97, 0.003)])
def test_a_leaking_column_is_found_also_with_noise(kind, sizes, covered, mistaken) -> None:
    churned = outcomes(*sizes)
    dice = np.random.default_rng(len(kind.__name__))
    leaked = np.where(churned, dice.random(len(churned)) < covered, dice.random(len(churned)) < mistaken)
    assert evidence(kind(leaked, dice), churned).leaks


def test_a_column_that_is_filled_only_for_churned_rows_leaks_and_is_described() -> None:
    churned = outcomes(200, 400)
    leaked = churned & (np.arange(600) % 4 > 0)
    found = evidence(reason(leaked, np.random.default_rng(0)), churned)
    assert (found.leaks, found.by) == (True, "filled")
    assert (found.positive, found.negative) == (0.75, 0.0)
    assert found.sentence("left") == (
        "x is filled in 75.0% of the rows with the positive value of left and in 0.0% of the others"
    )


@pytest.mark.parametrize("sizes", [*SIZES, (60, 140)])
@pytest.mark.parametrize("auc", [0.85, 0.89, 0.93])
@pytest.mark.parametrize("seed", range(4))
def test_a_strong_predictor_is_no_leak(sizes, auc, seed) -> None:
    churned = outcomes(*sizes)
    dice = np.random.default_rng(seed)
    risk = dice.normal(size=len(churned)) + np.sqrt(2) * norm.ppf(auc) * churned
    bands = np.searchsorted(np.quantile(risk, [0.2, 0.4, 0.6, 0.8]), risk)
    gaps = np.where(dice.random(len(churned)) < 0.3, None, risk.round(4).astype(str))
    for values in (risk, -np.exp(risk), [f"band {band}" for band in bands], gaps.tolist()):
        assert not evidence(values, churned).leaks


def test_a_column_with_informative_gaps_is_no_leak() -> None:
    churned = outcomes(300, 900)
    dice = np.random.default_rng(3)
    for left, stayed in ((0.6, 0.08), (0.9, 0.1), (0.05, 0.8), (0.02, 0.01)):
        leaked = dice.random(len(churned)) < np.where(churned, left, stayed)
        assert not evidence(reason(leaked, dice), churned).leaks


def test_few_filled_rows_are_no_leak() -> None:
    churned = outcomes(50, 50)
    leaked = churned & (np.arange(100) % 10 < 2)
    assert not evidence(reason(leaked, np.random.default_rng(0)), churned).leaks


@pytest.mark.parametrize(
    "values", [["same"] * 200, [None] * 200, list(range(200)), [f"name {row * 7919 % 200}" for row in range(200)]]
)
def test_a_column_without_information_has_a_low_auc(values) -> None:
    churned = np.arange(200) * 7919 % 3 == 0
    found = evidence(pl.Series(values), churned)
    assert not found.leaks
    assert found.auc < 0.65


def test_columns_are_sorted_by_predictive_power() -> None:
    churned = outcomes(100, 100)
    folds = stratified_folds(churned, [str(row) for row in range(200)], 0)
    dice = np.random.default_rng(0)
    frame = pl.DataFrame({"noise": dice.normal(size=200), "copy": churned, "weak": dice.normal(size=200) + churned})
    assert [each.column for each in column_evidence(frame, churned, folds)] == ["copy", "weak", "noise"]


def test_no_column_of_telco_is_a_leak() -> None:
    path = SHARED / "churn" / "Telco-Customer-Churn.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    frame = pl.read_csv(path, infer_schema=False)
    churned = (frame["Churn"] == "Yes").to_numpy()
    folds = stratified_folds(churned, frame["customerID"].to_list(), 0)
    found = column_evidence(frame.drop("Churn", "customerID"), churned, folds)
    assert not [each.column for each in found if each.leaks]
    assert found[0].auc < 0.8


def test_exactly_the_known_leaks_of_the_shared_case_are_found() -> None:
    path = SHARED.parent / "cases" / "analysis" / "leak.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    frame = pl.read_csv(path, infer_schema=False)
    churned = (frame["churn"] == "Yes").to_numpy()
    folds = stratified_folds(churned, frame["customer_id"].to_list(), 0)
    found = column_evidence(frame.drop("churn", "customer_id"), churned, folds)
    assert {each.column for each in found if each.leaks} == {"cancel_reason", "final_invoice"}
