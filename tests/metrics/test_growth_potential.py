"""Growth potential: the gap to the peak year by hand, and values equal to those of ``ckm segment --by value``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ckm.config import Config, Workspace
from ckm.metrics import feature_sample as sample_module
from ckm.metrics.context import ReportContext
from ckm.metrics.feature_sample import read_features
from ckm.metrics.growth_potential import (
    GrowthPotential,
    growth_potential_metrics,
    peak_year_value,
    read_growth_potential,
)
from ckm.metrics.margin import Margin
from ckm.metrics.metric import Metrics, Missing
from ckm.segment import segment_customers
from tests.metrics.known import example_context, example_growth_potential, example_margin
from tests.metrics.rows import context, row, tables
from tests.metrics.shop import shop_context
from tests.metrics.stores import example_shop

ALL = Margin(None, 1.0)


def capacity(of: ReportContext) -> GrowthPotential:
    found = read_growth_potential(of, read_features(of))
    assert isinstance(found, GrowthPotential)
    return found


def test_the_gap_to_the_peak_year_of_the_small_shop_by_hand() -> None:
    # net by year   2025   2024   2023   less than in the best
    # anna           270    100     50
    # bern            30      0     20
    # cara             0    300      0   300
    # dong          1000   1000      0
    # elif            90     80      0
    # hugo          1900   1000      0
    # ines             0   35-35     0
    # kiri             0     15     15    15
    # (fred, gabi, juri, lena are new; otto only gave something back)
    of = shop_context()
    assert peak_year_value(of.ledger) == (315.0, 2)
    metrics, missing = growth_potential_metrics(of, Missing("growth_potential", "few_customers"), ALL)
    peak = Metrics(metrics).get("peak_year_value")
    assert peak is not None
    assert (peak.value, peak.n, peak.previous) == (315.0, 2, 20.0)  # in 2024 bern had bought 20 the year before
    assert missing == (Missing("growth_potential", "few_customers"),)


def test_data_of_one_year_have_no_peak_year() -> None:
    of = context(tables(row("ann", 0), row("bob", 300)))
    metrics, missing = growth_potential_metrics(of, Missing("growth_potential", "few_customers"), ALL)
    assert metrics == ()
    assert missing[1] == Missing("growth_potential", "short_history", (("needed", 24),))


@pytest.mark.slow
def test_few_customers_are_reported_with_their_number() -> None:
    of = shop_context()
    found = read_growth_potential(of, read_features(of))
    assert found == Missing("growth_potential", "few_customers", (("there", 9), ("needed", 30)))


@pytest.mark.slow
def test_values_are_those_of_segment_by_value_for_who_bought_within_the_year() -> None:
    of, found = example_context(), example_growth_potential()
    theirs = segment_customers(dict(of.tables), by="value").customers.filter(pl.col("recency_days") < 365)
    said = Metrics(growth_potential_metrics(of, found, example_margin())[0])
    for name in ("current_value", "potential_value", "headroom"):
        assert said.value(name) == pytest.approx(theirs[name].sum(), abs=0.01)
    for segment, customers, headroom in theirs.group_by("segment").agg(pl.len(), pl.sum("headroom")).iter_rows():
        assert said.value("headroom_customers", segment=segment) == customers
        assert said.value("headroom", segment=segment) == pytest.approx(headroom, abs=0.01)
    boxes = said.all("headroom", "segment")
    assert [each.of("segment") for each in boxes] == ["protect", "grow", "maintain", "monitor"]
    assert sum(each.value for each in boxes) == pytest.approx(said.value("headroom"), abs=0.05)


@pytest.mark.slow
def test_the_saved_definition_of_a_workspace_is_applied_unchanged(tmp_path: Path) -> None:
    kept = segment_customers(example_shop(), by="value", as_of=date(2025, 6, 30), name="value")
    kept.definition.save(tmp_path / "segments" / "value.yaml")
    of = replace(example_context(), workspace=Workspace(tmp_path, Config()))
    found = capacity(of)
    assert found.remarks[0] == "current and potential value by definition 'value' version 1"
    definition = kept.definition.definition
    assert found.customers["segment"].to_list() == definition.assign(found.sample.table.frame)["segment"].to_list()
    assert found.sample.table.population == kept.definition.population


@pytest.mark.slow
def test_parts_of_the_customers_add_up_to_all() -> None:
    of, found = example_context(), example_growth_potential()
    persons = (of.parties["party_type"] == "person").fill_null(value=False).to_numpy()
    whole, *parts = (
        Metrics(growth_potential_metrics(each, found, ALL)[0]) for each in (of, of.only(persons), of.only(~persons))
    )
    for name in ("current_value", "potential_value", "headroom", "peak_year_value"):
        assert sum(each.value(name) for each in parts) == pytest.approx(whole.value(name), abs=0.05)


@pytest.mark.slow
def test_a_sample_of_many_customers_has_an_interval_around_the_true_total(monkeypatch: pytest.MonkeyPatch) -> None:
    of = example_context()
    whole = Metrics(growth_potential_metrics(of, example_growth_potential(), ALL)[0])
    monkeypatch.setattr(sample_module, "FEW_ROWS", 1_000)
    monkeypatch.setattr(sample_module, "SAMPLE", 1_000)
    found = capacity(of)
    assert found.customers.height == 1_000
    said = Metrics(growth_potential_metrics(of, found, ALL)[0])
    assert said.value("current_value") == pytest.approx(whole.value("current_value"), abs=0.05)  # no cost: from all
    for name in ("potential_value", "headroom"):
        estimate = said.get(name)
        assert estimate is not None
        assert estimate.lo < whole.value(name) < estimate.hi
    shuffled = {
        name: each.collect().sample(fraction=1.0, shuffle=True, seed=1).lazy() for name, each in of.tables.items()
    }
    again = context(shuffled)
    assert growth_potential_metrics(again, capacity(again), ALL) == growth_potential_metrics(of, found, ALL)


def test_the_interval_of_a_sample_has_its_coverage() -> None:
    rng = np.random.default_rng(0)
    truth = rng.gamma(0.5, 100, 5_000)
    held = 0
    for _ in range(400):
        drawn = rng.choice(truth, 500, replace=False)
        table = type("Table", (), {"frame": pl.DataFrame({"a": drawn})})()
        found = sample_module.FeatureSample(table, len(truth)).total(drawn)
        held += found.lo <= truth.sum() <= found.hi
    assert 0.91 < held / 400 < 0.98
