"""Tables with a label: column types, cross-validation without leakage, and errors for unusable labels."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ckm.errors import InputError, NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.churn.labelled_models import fit_labelled, stratified_folds
from ckm.models.churn.tabular import OTHER, fit_encoding
from ckm.models.metrics import roc_auc
from ckm.models.sampling import id_hashes

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[4] / "shared" / "data")


def _table(n: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(1)
    months = random.integers(0, 60, n)
    plan = random.choice(["monthly", "yearly"], n)
    churned = random.random(n) < 1 / (1 + np.exp(0.08 * months - 1.5 * (plan == "monthly")))
    charges = [" " if month == 0 else f"{month * 9.5:.2f}" for month in months]
    columns = {
        "id": [f"k{i:04d}" for i in range(n)],
        "months": months,
        "charges": charges,
        "plan": plan,
        "shop": ["x"] * n,
    }
    return pl.DataFrame({**columns, "left": np.where(churned, "Yes", "No")})


TABLE = _table()


@cache
def fitted():
    return fit_labelled(TABLE, "left", "Yes", "id")


def test_text_of_numbers_and_blanks_is_read_as_numbers():
    encoding = fit_encoding(TABLE.drop("id", "left"))
    assert encoding.numbers == ("months", "charges")
    assert "shop" in encoding.left_out
    assert np.isnan(encoding(TABLE)["charges"]).sum() == (TABLE["charges"] == " ").sum()


def test_text_of_dates_is_read_as_day_numbers():
    table = pl.DataFrame({"seen": ["2025-01-01", " 2025-01-03", "", "2025-02-01 10:00:00", None, "1970-01-02"]})
    encoding = fit_encoding(table)
    assert encoding.numbers == ("seen",)
    days = encoding(table)["seen"]
    assert days[[1, 3]] - days[0] == pytest.approx([2, 31])
    assert days[5] == 1
    assert np.isnan(days[[2, 4]]).all()


def test_constant_columns_and_identifiers_are_left_out_with_a_reason():
    rows = range(100)
    encoding = fit_encoding(
        pl.DataFrame(
            {
                "const": ["x", " x"] * 50,
                "empty": [None, " "] * 50,
                "mail": [f"c{row}@example.org" for row in rows],
                "nearly": [f"street {row // 2 if row < 40 else row}" for row in rows],
                "serial": [str(row) for row in rows],
                "months": [row % 40 for row in rows],
            }
        )
    )
    assert dict(encoding.left_out) == {
        "const": "the same in every row",
        "empty": "the same in every row",
        "mail": "different in every row",
        "nearly": "nearly as many different values as rows",
    }
    assert encoding.all_different == ("serial",)
    assert encoding.numbers == ("serial", "months")


def test_rare_and_unseen_levels_are_pooled():
    column = ["a"] * 60 + ["b"] * 50 + ["c"] * 2
    encoding = fit_encoding(pl.DataFrame({"kind": column}))
    assert encoding.levels["kind"] == ("a", "b")
    assert encoding(pl.DataFrame({"kind": ["c", "new", None, "a"]}))[f"kind={OTHER}"].tolist() == [1, 1, 1, 0]


@pytest.mark.slow
def test_the_model_with_the_lowest_log_loss_out_of_fold_is_chosen():
    best = min(fitted().scores, key=lambda score: score.log_loss)
    assert best.model == fitted().model
    assert best.auc > 0.7
    assert {score.model for score in fitted().scores} == {"logistic", "splines", "boosted", "average"}


@pytest.mark.slow
def test_the_id_is_no_feature():
    telling = TABLE.with_columns(
        id=pl.when(pl.col("left") == "Yes").then(1000).otherwise(5000) + pl.int_range(pl.len())
    )
    assert fit_labelled(telling, "left", "Yes", "id").scores[0].auc == pytest.approx(fitted().scores[0].auc, abs=0.05)


@pytest.mark.slow
def test_noise_has_no_predictive_power_out_of_fold():
    random = np.random.default_rng(2)
    noise = TABLE.select("id", "left").with_columns(noise=pl.Series(random.normal(size=TABLE.height)))
    assert fit_labelled(noise, "left", "Yes", "id").scores[0].auc < 0.6


@pytest.mark.slow
def test_scores_do_not_depend_on_the_order_of_the_rows():
    again = fit_labelled(TABLE.sample(fraction=1.0, shuffle=True, seed=3), "left", "Yes", "id")
    assert (again.log_odds == fitted().log_odds).all()
    assert again.scores == fitted().scores


@pytest.mark.slow
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_rows_with_a_blank_label_are_scored_and_do_not_change_the_fit(blank):
    more = TABLE.head(30).with_columns(id=pl.col("id").str.replace("k", "a"), left=pl.lit(blank, pl.String))
    fit = fit_labelled(pl.concat([more, TABLE]), "left", "Yes", "id")
    assert fit.scores == fitted().scores
    assert (fit.log_odds == fitted().log_odds).all()
    assert fit.blank.ids.to_list() == more["id"].to_list()
    features = {name: values[:30] for name, values in fit.features.items()}
    assert fit.blank.log_odds == pytest.approx(fit.fitted.log_odds(features), abs=1e-12)
    assert ((fit.blank.probability > 0) & (fit.blank.probability < 1)).all()


@pytest.mark.slow
def test_unlabelled_customers_of_telco_are_ranked_as_well_as_labelled_ones():
    path = SHARED / "churn" / "Telco-Customer-Churn.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    telco = pl.read_csv(path, infer_schema=False).sort("customerID")
    blank = pl.Series(id_hashes(telco["customerID"].to_list()) % 10 == 0)
    table = telco.with_columns(Churn=pl.when(blank).then(pl.lit("")).otherwise("Churn"))
    fit = fit_labelled(table, "Churn", "Yes", "customerID")
    assert fit.blank.ids.to_list() == telco.filter(blank)["customerID"].to_list()
    assert roc_auc((telco.filter(blank)["Churn"] == "Yes").to_numpy(), fit.blank.log_odds) >= 0.845


@pytest.mark.slow
def test_only_the_leaking_column_is_reported():
    dice = np.random.default_rng(4)
    reasons = pl.Series(dice.choice(["price", "service"], TABLE.height))
    telling = TABLE.with_columns(reason=pl.when(pl.col("left") == "Yes").then(reasons))
    assert [leak.column for leak in fit_labelled(telling, "left", "Yes", "id").leaks] == ["reason"]
    assert not fitted().leaks


def test_folds_are_stratified_by_outcome():
    churned = np.arange(100) < 20
    folds = stratified_folds(churned, [str(i) for i in range(100)], 0)
    assert [int(churned[folds == fold].sum()) for fold in range(5)] == [4] * 5


@pytest.mark.slow
def test_the_score_of_a_row_depends_on_the_row_only():
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
        (TABLE.with_columns(left=pl.lit(" ")), "Yes", NotEnoughDataError, "'left' is blank in all rows"),
        (TABLE.head(60), "Yes", NotEnoughDataError, "50 are needed"),
        (TABLE.select("id", "left", "shop"), "Yes", NotEnoughDataError, "no column"),
        (TABLE.drop("left"), "Yes", UnknownNameError, "left"),
    ],
)
def test_an_unusable_table_is_an_error(table, positive, error, words):
    with pytest.raises(error, match=words):
        fit_labelled(table, "left", positive, "id")
