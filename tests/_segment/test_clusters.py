"""Clusters: simulated groups are found, and equal customers give equal bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
import yaml

from ckm._segment.clusters import learn
from ckm._segment.clusters.learn import ClustersDefinition, fit_clusters, read_clusters
from ckm._segment.definition import Definition, TrainingData
from ckm.errors import NotEnoughDataError, UsageError
from ckm.models.clusters import cluster_stability as stability
from ckm.models.clusters.cluster_stability import adjusted_rand_index
from ckm.settings import SegmentSettings
from ckm.yamlfile import read_yaml
from tests.conftest import OTHER_THREADS, ROOT

GROUPS = {
    "weekly": {"frequency": 40, "gap_median_days": 7, "order_value_mean": 30, "categories": 6, "discount_share": 0.05},
    "rare": {"frequency": 3, "gap_median_days": 120, "order_value_mean": 25, "categories": 2, "discount_share": 0.05},
    "bulk": {"frequency": 12, "gap_median_days": 30, "order_value_mean": 900, "categories": 3, "discount_share": 0.1},
    "sales": {"frequency": 9, "gap_median_days": 50, "order_value_mean": 60, "categories": 4, "discount_share": 0.8},
}


@cache
def shop(seed: int = 1, each: int = 60) -> pl.DataFrame:
    """Return ``each`` customers of each of four habits; the column ``group`` has the habit."""
    random = np.random.default_rng(seed)
    frames = []
    for place, (group, habits) in enumerate(GROUPS.items()):
        columns = {name: value * random.lognormal(0, 0.1, each) for name, value in habits.items()}
        columns["discount_share"] = habits["discount_share"] + random.normal(0, 0.02, each)
        gap = columns["gap_median_days"]
        columns |= {"usual_gap_days_before": gap, "gap_last_days": gap * (3 if group == "rare" else 1)}
        ids = [f"C{4 * number + place:04}" for number in range(each)]
        money = columns["frequency"] * columns["order_value_mean"]
        frames.append(pl.DataFrame({"customer_id": ids, **columns, "monetary": money, "group": [group] * each}))
    return pl.concat(frames).sort("customer_id")


@pytest.fixture(autouse=True)
def _few_bootstraps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stability, "BOOTSTRAPS", 5)
    monkeypatch.setattr(stability, "BOOTSTRAP_RESTARTS", 2)


def fit(frame: pl.DataFrame, previous: Definition | None = None) -> ClustersDefinition:
    table = cast("Any", SimpleNamespace(frame=frame))
    return fit_clusters(TrainingData(table, lambda _: table, SegmentSettings(), 0, previous))


@cache
def fitted() -> ClustersDefinition:
    return fit(shop())


def reread(definition: ClustersDefinition, folder: Path, **instead: object) -> ClustersDefinition:
    path = folder / "definition.yaml"
    path.write_text(yaml.safe_dump({**definition.to_plain(), **instead}, sort_keys=False), encoding="utf-8")
    document = read_yaml(path)
    assert document is not None
    return read_clusters(document)


@pytest.mark.slow
def test_simulated_groups_are_found() -> None:
    assigned = fitted().assign(shop())
    truth = shop()["group"].rank("dense").cast(pl.Int64).to_numpy()
    assert adjusted_rand_index(assigned["cluster"].to_numpy(), truth) == 1.0
    names = dict(zip(shop()["group"], assigned["segment"], strict=True))
    assert "discount-driven" in names["sales"]
    assert "big baskets" in names["bulk"]
    assert "short gaps" in names["weekly"]


@pytest.mark.slow
def test_clusters_are_ordered_by_mean_monetary_value() -> None:
    money = [each.money for each in fitted().clusters]
    assert money == sorted(money, reverse=True)


def test_every_row_has_a_segment_a_place_and_a_distance() -> None:
    nothing = pl.DataFrame({column: [None] for column in fitted().needs}, schema_overrides={})
    assigned = fitted().assign(nothing.cast(pl.Float64))
    names = [segment.name for segment in fitted().segments]
    assert assigned["segment"][0] == names[assigned["cluster"][0] - 1]
    assert assigned.schema == {"segment": pl.String, "cluster": pl.Int64, "distance": pl.Float64}
    assert fitted().assign(shop().clear()).height == 0


@pytest.mark.slow
def test_the_order_of_the_rows_changes_nothing() -> None:
    shuffled = shop().sample(fraction=1, shuffle=True, seed=3)
    assert fit(shuffled) == fitted()
    assert (
        fitted()
        .assign(shuffled)
        .equals(
            pl.concat([shop().select("customer_id"), fitted().assign(shop())], how="horizontal")
            .join(shuffled.select("customer_id"), on="customer_id", how="right", maintain_order="right")
            .select("segment", "cluster", "distance")
        )
    )


def fitted_to_many() -> str:
    frame = shop(each=200)
    definition = fit(frame)
    return yaml.safe_dump(definition.to_plain()) + definition.assign(frame).write_csv()


PROBE = """
from tests._segment import test_clusters
test_clusters.stability.BOOTSTRAPS = 5
test_clusters.stability.BOOTSTRAP_RESTARTS = 2
print(test_clusters.fitted_to_many(), end="")
"""


@pytest.mark.slow
def test_one_thread_and_two_give_the_same_bytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, check=True, cwd=ROOT, env={**os.environ, **OTHER_THREADS}
    )
    assert done.stdout.decode() == fitted_to_many()


def test_a_definition_reads_back_as_it_was_written(tmp_path: Path) -> None:
    assert reread(fitted(), tmp_path) == fitted()


@pytest.mark.parametrize(
    ("instead", "message"),
    [
        ({"clip": 4}, "'clip' can only be 3"),
        ({"features": []}, "'features' is empty"),
        ({"clusters": []}, "'clusters' is empty"),
        ({"fitted": "many"}, "a number is expected"),
        ({"speed": 1}, "unknown key 'speed'"),
    ],
)
def test_an_invalid_definition_is_reported_with_its_line(
    tmp_path: Path, instead: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=rf"definition.yaml:\d+: {message}"):
        reread(fitted(), tmp_path, **instead)


def test_two_clusters_with_one_name_are_reported(tmp_path: Path) -> None:
    twins = replace(fitted(), clusters=tuple(replace(each, name="same") for each in fitted().clusters))
    with pytest.raises(UsageError, match="two clusters have the same name"):
        reread(twins, tmp_path)


@pytest.mark.slow
def test_a_refit_keeps_names_and_order_if_few_customers_change() -> None:
    named = replace(
        fitted(),
        clusters=tuple(replace(each, name=f"ours {place}") for place, each in enumerate(fitted().clusters[::-1])),
    )
    later = shop().with_columns(pl.col("order_value_mean") * 1.1, pl.col("frequency") + 1).slice(8)
    again = fit(later, previous=named)
    assert [each.name for each in again.clusters] == ["ours 0", "ours 1", "ours 2", "ours 3"]
    assert again.clusters != named.clusters


@pytest.mark.slow
def test_a_new_cluster_gets_its_own_name_and_a_position_by_monetary_value() -> None:
    old = replace(fitted(), clusters=fitted().clusters[:1] + fitted().clusters[2:])
    again = fit(shop(), previous=old)
    assert again.clusters == fitted().clusters


@pytest.mark.slow
def test_one_outlier_makes_no_cluster_of_its_own() -> None:
    first = pl.col("customer_id") == "C0000"
    spoilt = shop().with_columns(
        pl.when(first).then(1e12).otherwise(pl.col("order_value_mean")).alias("order_value_mean")
    )
    assert min(each.customers for each in fit(spoilt).clusters) >= 59


@pytest.mark.slow
def test_missing_and_constant_features_are_left_out_with_a_remark() -> None:
    frame = shop().drop("categories").with_columns(discount_share=pl.lit(0.0), gap_last_days=pl.lit(None, pl.Int64))
    definition = fit(frame)
    assert definition.left_out == ("gap_stretch", "categories", "discount_share")
    assert "categories" not in definition.needs
    assert "categories" in definition.remarks(definition.assign(frame))[1]


@pytest.mark.slow
def test_clusters_of_noise_are_reported_as_not_stable() -> None:
    random = np.random.default_rng(2)
    columns = {name: random.lognormal(0, 1, 150) for name in shop().columns if name not in ("customer_id", "group")}
    frame = pl.DataFrame({"customer_id": [f"{number:03}" for number in range(150)], **columns})
    definition = fit(frame)
    assert definition.remarks(definition.assign(frame))[0].startswith("the clusters are not stable")


def test_too_few_customers_are_refused_with_both_numbers() -> None:
    with pytest.raises(NotEnoughDataError, match="99 customers with a purchase, 100 needed"):
        fit(shop().head(99))


@pytest.mark.parametrize("kinds", [1, 2])
def test_identical_customers_are_refused(kinds: int) -> None:
    frame = pl.concat([shop().head(kinds)] * 120).with_columns(customer_id=pl.int_range(pl.len()).cast(pl.String))
    with pytest.raises(NotEnoughDataError, match="too alike to be divided"):
        fit(frame)


@pytest.mark.slow
def test_above_the_limit_clusters_are_fitted_to_a_sample_and_all_customers_assigned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(learn, "MOST_FITTED", 150)
    monkeypatch.setattr(learn, "MOST_TRIED", 120)
    definition = fit(shop())
    assert (definition.fitted, sum(each.customers for each in definition.clusters)) == (150, 240)
    assert fit(shop().sample(fraction=1, shuffle=True, seed=9)) == definition
    assert "150 of 240 customers" in definition.remarks(definition.assign(shop()))[-1]


def test_details_show_the_stability_of_each_number_and_the_centres() -> None:
    tried, centres = fitted().details()
    assert tried.frame["clusters"].to_list() == list(range(3, 11))
    assert centres.frame["segment"].to_list() == [segment.name for segment in fitted().segments]
    assert set(tried.formats) < set(tried.frame.columns)
    assert set(centres.formats) < set(centres.frame.columns)


@pytest.mark.slow
def test_assigning_imports_neither_scikit_learn_nor_scipy(tmp_path: Path) -> None:
    reread(fitted(), tmp_path)
    shop().write_parquet(tmp_path / "shop.parquet")
    code = (
        "import sys, polars as pl\n"
        "from pathlib import Path\n"
        "from ckm._segment.clusters.learn import read_clusters\n"
        "from ckm.yamlfile import read_yaml\n"
        "definition = read_clusters(read_yaml(Path('definition.yaml')))\n"
        "definition.assign(pl.read_parquet('shop.parquet')); definition.details()\n"
        "print(sorted({'sklearn', 'scipy'} & set(sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path, env=environment
    )
    assert done.stdout == "[]\n"
