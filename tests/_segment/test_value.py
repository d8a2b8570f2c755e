"""Segments by value: four segments, a fixed definition, and a valid check of the headroom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm._segment.definition import TrainingData
from ckm._segment.value import headroom
from ckm._segment.value.definition import ValueDefinition, fit_value, read_value
from ckm._segment.value.headroom import learn_potential
from ckm._segment.value.headroom_check import compare_later
from ckm.customers.excluded_rows import LeftOut
from ckm.customers.features import FeatureTable, Population, feature_table
from ckm.errors import NotEnoughDataError, UsageError
from ckm.settings import SegmentSettings
from ckm.yamlfile import read_yaml
from tests.conftest import ROOT, examples

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[3] / "shared" / "data") / "transactions"
NOW, THEN = date(2026, 6, 30), date(2025, 6, 30)
BOXES = ["protect", "grow", "maintain", "monitor"]
PLACES = ("NO", "null", "~", "1e3", "Zürich", "กรุงเทพมหานคร", "臺北市", "a: b", None)


def shop(customers: int = 600, seed: int = 0) -> pl.DataFrame:
    """Features of customers whose spend grows with breadth and is ten times as large for companies."""
    dice = np.random.default_rng(seed)
    breadth = dice.integers(1, 7, customers)
    company = dice.random(customers) < 0.2
    bought = dice.random(customers) < 0.7
    value = bought * breadth * np.where(company, 200.0, 20.0) * np.exp(0.8 * dice.standard_normal(customers))
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(customers)],
            "tenure_days": dice.integers(20, 900, customers),
            "categories": breadth,
            "gap_median_days": dice.uniform(5, 90, customers).round(2),
            "party_type": np.where(company, "company", "person"),
            "channel_main": dice.choice(["web", "till"], customers),
            "region": [PLACES[each] for each in dice.integers(0, len(PLACES), customers)],
            "country": "DE",
            "margin_12mo": (value - 5 * (dice.random(customers) < 0.05)).round(2),
        }
    )


def table(frame: pl.DataFrame, as_of: date = NOW) -> FeatureTable:
    known = frozenset(name for name in frame.columns if frame[name].null_count() < frame.height)
    return FeatureTable(frame, as_of, "EUR", "UTC", 10_000, Population(), LeftOut(1, 0, 0, 0, 0, 0), known)


def no_data(_: date) -> FeatureTable:
    raise NotEnoughDataError("no purchase by a known customer on or before that day")


def fitted(now: pl.DataFrame, then: pl.DataFrame | None = None, **options: Any) -> ValueDefinition:
    at: Callable[[date], FeatureTable] = no_data if then is None else lambda day: table(then, day)
    return fit_value(TrainingData(table(now), at, SegmentSettings(**options)))


def written(definition: ValueDefinition, folder: Path) -> Path:
    path = folder / "value.yaml"
    path.write_text(yaml.safe_dump(definition.to_plain(), allow_unicode=True), encoding="utf-8")
    return path


def reread(definition: ValueDefinition, folder: Path) -> ValueDefinition:
    entry = read_yaml(written(definition, folder))
    assert entry is not None
    return read_value(entry)


@pytest.fixture(scope="module")
def now() -> pl.DataFrame:
    return shop()


@pytest.fixture(scope="module")
def checked(now: pl.DataFrame) -> ValueDefinition:
    return fitted(now, shop(500, seed=3))


def test_every_customer_is_in_the_segment_of_the_cuts(now: pl.DataFrame, checked: ValueDefinition) -> None:
    found = checked.assign(now)
    assert [each.name for each in checked.segments] == BOXES
    for segment, value, potential, room, _ in found.iter_rows():
        high_value = value > 0 and value >= checked.current_value_cut.at
        high_headroom = room > 0 and room >= checked.headroom_cut.at
        assert segment == BOXES[2 * (not high_headroom) + (not high_value)]
        assert room == pytest.approx(max(0.0, potential - value), abs=0.006)
    assert found["current_value"].to_list() == now["margin_12mo"].to_list()
    assert found.drop("peers").null_count().sum_horizontal().item() == 0


def test_cuts_are_medians_of_the_values_above_zero(now: pl.DataFrame, checked: ValueDefinition) -> None:
    found = checked.assign(now)
    for column, cut in (("current_value", checked.current_value_cut), ("headroom", checked.headroom_cut)):
        above = found[column].filter(found[column] > 0)
        assert (above >= cut.at).mean() == pytest.approx(0.5, abs=0.01)


def test_eighty_percent_of_customers_have_a_current_value_up_to_the_percentile(checked: ValueDefinition) -> None:
    assert checked.coverage == pytest.approx(0.8, abs=0.02)
    assert 0.05 < checked.skill < 1


def test_cuts_of_the_settings_are_used(now: pl.DataFrame) -> None:
    definition = fitted(now, current_value_cut=100.0, headroom_cut=0.0)
    found = definition.assign(now)
    is_high = pl.col("segment").is_in(["protect", "maintain"])
    assert found.filter(is_high != (pl.col("current_value") >= 100)).is_empty()
    assert found.filter(pl.col("segment").is_in(["protect", "grow"]) != (pl.col("headroom") > 0)).is_empty()
    assert "100.00 (as set)" in definition.remarks(found)[0]


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(order=st.permutations(range(60)))
def test_a_customers_segment_depends_on_no_other_row(
    now: pl.DataFrame, checked: ValueDefinition, order: list[int]
) -> None:
    assert_frame_equal(checked.assign(now[order]), checked.assign(now)[order])


def test_equal_customers_are_in_the_same_segment(now: pl.DataFrame, checked: ValueDefinition) -> None:
    twins = pl.concat([now[:40], now[:40].with_columns(customer_id="twin-" + pl.col("customer_id"))])
    found = checked.assign(twins)
    assert_frame_equal(found[:40], found[40:])


def test_shuffled_rows_give_the_same_definition(now: pl.DataFrame, checked: ValueDefinition) -> None:
    then = shop(500, seed=3)
    assert fitted(now.sample(fraction=1, shuffle=True, seed=5), then.reverse()) == checked


def test_a_sample_depends_on_ids_and_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headroom, "SAMPLE", 500)
    many = shop(1_500)
    first = learn_potential(many, seed=0)
    assert learn_potential(many[::-1].sort("customer_id"), seed=0) == first
    assert learn_potential(many, seed=1) != first


def test_written_models_are_read_back_exactly(now: pl.DataFrame, checked: ValueDefinition, tmp_path: Path) -> None:
    unchecked = fitted(now)
    assert checked.check is not None
    assert unchecked.check is None
    assert reread(checked, tmp_path) == checked
    assert reread(unchecked, tmp_path) == unchecked
    assert_frame_equal(reread(checked, tmp_path).assign(now), checked.assign(now))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("by: median", "by: mean", "'by' is none of"),
        ("name: grow", "name: protect", "four segments with different names"),
        ("intercept: ", "intercept: x", "a number is expected"),
        ("since: '2025", "since: 'x2025", "a date is expected"),
        ("skill:", "skil:", "unknown key 'skil'"),
        ("- customers\n", "- people\n", "the last column is not 'customers'"),
        ("- - person\n", "- - person\n    - more\n", "4 values are expected, there are 5"),
    ],
)
def test_a_mistake_in_the_file_is_reported_with_its_line(
    checked: ValueDefinition, tmp_path: Path, old: str, new: str, says: str
) -> None:
    path = written(checked, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    entry = read_yaml(path)
    assert entry is not None
    with pytest.raises(UsageError, match=rf"value\.yaml:\d+: .*{says}"):
        read_value(entry)


@pytest.mark.slow
def test_assigning_from_a_file_imports_no_scikit_learn(
    now: pl.DataFrame, checked: ValueDefinition, tmp_path: Path
) -> None:
    now.write_parquet(tmp_path / "now.parquet")
    program = (
        "import sys, polars, pathlib\n"
        "from ckm._segment.value.definition import read_value\n"
        "from ckm.yamlfile import read_yaml\n"
        "found = read_value(read_yaml(pathlib.Path(sys.argv[1]))).assign(polars.read_parquet(sys.argv[2]))\n"
        "print(found['segment'].n_unique(), {'sklearn', 'scipy'} & set(sys.modules))"
    )
    words = [sys.executable, "-c", program, str(written(checked, tmp_path)), str(tmp_path / "now.parquet")]
    done = subprocess.run(words, capture_output=True, check=True, encoding="utf-8", cwd=ROOT)
    assert done.stdout.split() == ["4", "set()"]


def test_peers_are_counted_when_the_definition_is_made(now: pl.DataFrame, checked: ValueDefinition) -> None:
    alike = ["party_type", "channel_main", "region"]
    counts = now.join(now.group_by(alike).len(), on=alike, nulls_equal=True, how="left", maintain_order="left")
    told = [count if count >= 30 else None for count in counts["len"]]
    assert checked.assign(now)["peers"].to_list() == told
    stranger = now[:1].with_columns(region=pl.lit("never seen"))
    assert checked.assign(stranger)["peers"].to_list() == [None]
    few = sum(count < 30 for count in counts["len"])
    assert 0 < few < now.height
    remark = f"{few} of 600 customers have fewer than 30 peers (same party_type, channel_main, region)"
    assert any(remark in each for each in checked.remarks(checked.assign(now)))


def test_features_unknown_for_all_customers_are_left_out(now: pl.DataFrame) -> None:
    bare = now.select("customer_id", "tenure_days", "margin_12mo", pl.lit(None, dtype=pl.String).alias("region"))
    definition = fitted(bare)
    assert definition.needs == ("margin_12mo", "tenure_days")
    assert definition.assign(bare)["peers"].unique().to_list() == [600]
    without_region = fitted(now.with_columns(region=pl.lit(None, dtype=pl.String)))
    assert "country" in without_region.needs
    assert "region" not in without_region.needs


def test_customers_without_a_purchase_have_a_segment_too(now: pl.DataFrame, checked: ValueDefinition) -> None:
    prospect = now[:1].select(
        pl.when(pl.col(name) != pl.col(name)).then(pl.col(name)).alias(name) if name != "customer_id" else name
        for name in now.columns
    )
    assert prospect.null_count().sum_horizontal().item() == len(now.columns) - 1
    assert checked.assign(prospect)["current_value"].to_list() == [0.0]
    assert checked.assign(prospect)["segment"].to_list()[0] in {"grow", "monitor"}


def test_customers_of_equal_spend_are_in_one_segment(now: pl.DataFrame) -> None:
    alike = now.with_columns(margin_12mo=pl.lit(100.0))
    assert fitted(alike).assign(alike)["segment"].n_unique() == 1


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (shop(29).with_columns(margin_12mo=pl.lit(9.0)), "29 of 29 customers with a positive value"),
        (shop().with_columns(margin_12mo=pl.lit(0.0)), "0 of 600 customers with a positive value"),
        (shop().with_columns(margin_12mo=pl.lit(-4.0)), "0 of 600 customers with a positive value"),
    ],
    ids=["few", "zero", "negative"],
)
def test_too_few_customers_with_spend_are_refused_with_numbers(frame: pl.DataFrame, says: str) -> None:
    with pytest.raises(NotEnoughDataError, match=says) as raised:
        fitted(frame)
    assert raised.value.details["needed"] == 30


@pytest.mark.parametrize(
    ("then", "says"),
    [
        (None, "no purchase by a known customer"),
        (shop().with_columns(pl.col("tenure_days").clip(upper_bound=200)), "200 days before 2025-06-30, 330 needed"),
        (shop(120), "120 customers a year earlier, 200 needed"),
    ],
    ids=["no data", "short history", "few"],
)
def test_a_check_that_cannot_be_made_is_reported(now: pl.DataFrame, then: pl.DataFrame | None, says: str) -> None:
    definition = fitted(now, then)
    assert definition.check is None
    assert says in definition.remarks(definition.assign(now))[-1]
    assert len(definition.details()) == 1


def a_year_later(then: pl.DataFrame, value: pl.Series) -> ValueDefinition:
    return fitted(then.with_columns(value.round(2).alias("margin_12mo")), then)


@pytest.mark.slow
def test_headroom_that_customers_use_within_a_year_is_found_to_predict_growth() -> None:
    then = shop(1_500)
    potential = then.with_columns(learn_potential(then, 0).spend().alias("potential"))["potential"]
    check = a_year_later(then, 0.5 * then["margin_12mo"] + 0.5 * potential).check
    assert check is not None
    assert check.low > 0
    assert "headroom predicted growth" in check.finding
    assert check.quintiles[-1].growth > check.quintiles[0].growth


@pytest.mark.slow
def test_growth_by_regression_to_the_mean_alone_is_not_attributed_to_headroom() -> None:
    then = shop(1_500)
    check = a_year_later(then, shop(1_500, seed=8)["margin_12mo"].sample(fraction=1, shuffle=True, seed=1)).check
    assert check is not None
    assert check.quintiles[-1].growth > check.quintiles[0].growth + 50
    assert check.low < 0 < check.high
    assert "not shown to predict growth" in check.finding


@pytest.mark.slow
def test_headroom_that_predicts_less_growth_is_reported() -> None:
    then = shop(1_500)
    potential = then.with_columns(learn_potential(then, 0).spend().alias("potential"))["potential"]
    check = a_year_later(then, then["margin_12mo"] + 400 - 0.5 * potential).check
    assert check is not None
    assert check.high < 0
    assert "predicted less growth" in check.finding


def test_the_comparison_at_equal_spend_is_a_regression_within_each_decile() -> None:
    dice = np.random.default_rng(4)
    value, headroom = dice.uniform(0, 100, 2_000).round(2), dice.uniform(0, 50, 2_000).round(2)
    later = value + headroom * dice.standard_normal(2_000)
    found = compare_later(pl.DataFrame({"current_value": value, "headroom": headroom}), pl.Series(later))
    edges = np.quantile(value, np.arange(1, 10) / 10, method="inverted_cdf")
    deciles = [np.flatnonzero((value[:, None] > edges).sum(axis=1) == each) for each in range(10)]
    effects, errors = [], []
    for rows, decile in zip(deciles, found["deciles"], strict=True):
        upper = headroom[rows] > np.quantile(headroom[rows], 0.5, method="inverted_cdf")
        design = np.column_stack([np.ones(len(rows)), upper, value[rows]])
        coefficients, *_ = np.linalg.lstsq(design, later[rows], rcond=None)
        bread = np.linalg.inv(design.T @ design)
        residual = later[rows] - design @ coefficients
        meat = design.T @ (design * residual[:, None] ** 2)
        errors.append(np.sqrt((bread @ meat @ bread)[1, 1] * len(rows) / (len(rows) - 3)))
        effects.append(coefficients[1])
        assert decile.difference == pytest.approx(effects[-1], rel=1e-4)
        assert decile.high - decile.low == pytest.approx(2 * 1.959964 * errors[-1], rel=1e-4)
    assert found["difference"] == pytest.approx(np.mean(effects), rel=1e-2)
    assert sum(each.customers for each in found["quintiles"]) == 2_000


@pytest.mark.slow
def test_without_an_effect_of_headroom_95_of_100_intervals_contain_zero() -> None:
    dice, held = np.random.default_rng(0), 0
    for _ in range(100):
        value = (50 * np.exp(1.2 * dice.standard_normal(600)) * (dice.random(600) < 0.8)).round(2)
        room = np.maximum(0, 120 * np.exp(0.5 * dice.standard_normal(600)) - value).round(2)
        later = 0.6 * value * np.exp(0.7 * dice.standard_normal(600)) + 20 * dice.random(600)
        found = compare_later(pl.DataFrame({"current_value": value, "headroom": room}), pl.Series(later))
        held += found["low"] <= 0 <= found["high"]
    assert held == pytest.approx(95, abs=3)


def test_details_show_every_coefficient_and_both_comparisons(checked: ValueDefinition) -> None:
    coefficients, quintiles, deciles = checked.details()
    assert set(coefficients.frame["feature"]) == set(checked.potential.features)
    assert quintiles.frame["customers"].sum() == 500
    assert {"difference", "low", "high"} <= set(deciles.frame.columns)
    for detail in checked.details():
        assert set(detail.formats) <= set(detail.frame.columns)


@pytest.mark.slow
def test_online_retail_has_80_percent_coverage_and_four_large_segments() -> None:
    path = SHARED / "online_retail_2009_2010.parquet"
    if not path.exists():
        pytest.skip(f"needs {path}: set CKM_SHARED")
    transactions = pl.scan_parquet(path).select(
        customer_id=pl.col("Customer ID").cast(pl.String),
        ordered_at=pl.col("InvoiceDate").str.to_datetime().dt.replace_time_zone("UTC"),
        net=(pl.col("Quantity") * pl.col("Price")).round(4),
        currency=pl.lit("GBP"),
        type=pl.when(pl.col("Invoice").str.starts_with("C")).then(pl.lit("return")).otherwise(pl.lit("sale")),
    )
    tables = {"transactions": transactions}
    found = feature_table(tables)
    definition = fit_value(TrainingData(found, lambda day: feature_table(tables, as_of=day), SegmentSettings()))
    assigned = definition.assign(found.frame)
    assert definition.coverage == pytest.approx(0.8, abs=0.01)
    assert assigned["segment"].value_counts()["count"].min() > 500
    assert "8 days before 2009-12-09, 330 needed" in definition.remarks(assigned)[-1]


@pytest.mark.parametrize("interval", [7, 27, 28, 30, 61, 91])
def test_members_who_pay_the_same_are_in_one_segment_whenever_they_joined(run, tmp_path, interval):
    dice = np.random.default_rng(interval)
    start, members = date(2022, 1, 1), 200
    rows = [
        (f"m{member}", start + timedelta(days=int(joined) + interval * bill), 29.9)
        for member, joined in enumerate(dice.integers(0, interval, members))
        for bill in range(900 // interval)
    ]
    path = tmp_path / "club.csv"
    pl.DataFrame(rows, schema=["customer_id", "date", "amount"], orient="row").write_csv(path)
    found = run("segment", path, "--by", "value", "-f", "json")
    assert found.exit_code == 0, found.stderr
    boxes = {each["segment"]: each["customers"] for each in json.loads(found.stdout)}
    assert boxes == {"protect": 0, "grow": 0, "maintain": members, "monitor": 0}
