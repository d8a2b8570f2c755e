"""Labelled tables: types are found, nothing leaks, bad labels are said so."""

from functools import cache

import numpy as np
import polars as pl
import pytest

from ckm.errors import InputError, NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.churn.labelled import fit_labelled, stratified_folds
from ckm.models.churn.tabular import OTHER, learn_encoding


def _table(n: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(1)
    months = random.integers(0, 60, n)
    plan = random.choice(["monthly", "yearly"], n)
    away = random.random(n) < 1 / (1 + np.exp(0.08 * months - 1.5 * (plan == "monthly")))
    charges = [" " if month == 0 else f"{month * 9.5:.2f}" for month in months]
    columns = {
        "id": [f"k{i:04d}" for i in range(n)],
        "months": months,
        "charges": charges,
        "plan": plan,
        "shop": ["x"] * n,
    }
    return pl.DataFrame({**columns, "left": np.where(away, "Yes", "No")})


TABLE = _table()


@cache
def fitted():
    return fit_labelled(TABLE, "left", "Yes", "id")


def test_text_that_is_numbers_with_blanks_is_numbers():
    encoding = learn_encoding(TABLE.drop("id", "left"))
    assert encoding.numbers == ("months", "charges")
    assert "shop" in encoding.left_out
    assert np.isnan(encoding(TABLE)["charges"]).sum() == (TABLE["charges"] == " ").sum()


def test_rare_and_unheard_of_values_are_taken_together():
    column = ["a"] * 60 + ["b"] * 50 + ["c"] * 2
    encoding = learn_encoding(pl.DataFrame({"kind": column}))
    assert encoding.levels["kind"] == ("a", "b")
    assert encoding(pl.DataFrame({"kind": ["c", "new", None, "a"]}))[f"kind={OTHER}"].tolist() == [1, 1, 1, 0]


@pytest.mark.slow
def test_out_of_fold_it_ranks_well_and_the_lowest_log_loss_is_chosen():
    best = min(fitted().scores, key=lambda score: score.log_loss)
    assert best.model == fitted().model
    assert best.auc > 0.7
    assert {score.model for score in fitted().scores} == {"logistic", "splines", "boosted", "average"}


@pytest.mark.slow
def test_the_id_is_never_learned_from():
    telling = TABLE.with_columns(
        id=pl.when(pl.col("left") == "Yes").then(1000).otherwise(5000) + pl.int_range(pl.len())
    )
    assert fit_labelled(telling, "left", "Yes", "id").scores[0].auc == pytest.approx(fitted().scores[0].auc, abs=0.05)


@pytest.mark.slow
def test_noise_is_not_learned_out_of_fold():
    random = np.random.default_rng(2)
    noise = TABLE.select("id", "left").with_columns(noise=pl.Series(random.normal(size=TABLE.height)))
    assert fit_labelled(noise, "left", "Yes", "id").scores[0].auc < 0.6


@pytest.mark.slow
def test_the_order_of_the_rows_changes_nothing():
    again = fit_labelled(TABLE.sample(fraction=1.0, shuffle=True, seed=3), "left", "Yes", "id")
    assert (again.log_odds == fitted().log_odds).all()
    assert again.scores == fitted().scores


def test_folds_hold_the_outcomes_in_equal_parts():
    away = np.arange(100) < 20
    folds = stratified_folds(away, [str(i) for i in range(100)], 0)
    assert [int(away[folds == fold].sum()) for fold in range(5)] == [4] * 5


@pytest.mark.slow
def test_the_fitted_model_scores_a_row_by_itself():
    alone = {name: values[3:4] for name, values in fitted().features.items()}
    assert fitted().fitted.log_odds(alone)[0] == pytest.approx(
        fitted().fitted.log_odds(fitted().features)[3], abs=1e-12
    )


@pytest.mark.parametrize(
    ("table", "positive", "error", "words"),
    [
        (TABLE.with_columns(left=pl.lit("Yes")), "Yes", NotEnoughDataError, "same in all"),
        (TABLE.with_columns(left=pl.Series(["a", "b", "c", "a"] * 100)), "a", UsageError, "3 different"),
        (TABLE, "yes!", UsageError, "never has"),
        (TABLE.with_columns(id=pl.lit("one")), "Yes", InputError, "not unique"),
        (TABLE.with_columns(id=pl.lit(None, pl.String)), "Yes", InputError, "no 'id'"),
        (TABLE.with_columns(left=pl.lit(None, pl.String)), "Yes", InputError, "no 'left'"),
        (TABLE.head(60), "Yes", NotEnoughDataError, "50 are needed"),
        (TABLE.select("id", "left", "shop"), "Yes", NotEnoughDataError, "no column"),
        (TABLE.drop("left"), "Yes", UnknownNameError, "left"),
    ],
)
def test_a_table_that_cannot_be_learned_from_is_said_so(table, positive, error, words):
    with pytest.raises(error, match=words):
        fit_labelled(table, "left", positive, "id")
