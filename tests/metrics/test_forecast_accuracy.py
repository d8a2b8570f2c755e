"""Accuracy of saved spend forecasts: compared with the transactions of the horizon."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from ckm.config import Config, Workspace
from ckm.dataset import Dataset
from ckm.loyalty import LoyaltyOptions, loyalty_report
from ckm.metrics.context import ReportContext
from ckm.metrics.forecast_accuracy import ANALYSIS, forecast_accuracy_metrics, save_expected_spend, score_expected_spend
from ckm.store import Store
from tests.metrics.known import example_context, example_lifetime
from tests.metrics.rows import Row, context, on, tables

pytestmark = pytest.mark.slow  # the lifetime values of the example shop
AS_OF = date(2026, 6, 30)


def test_a_saved_forecast_is_scored_by_the_rows_after_it_once_its_horizon_has_passed(tmp_path: Path) -> None:
    lifetime = replace(example_lifetime(), months=3)
    store = Store(tmp_path / "store")
    then = AS_OF - timedelta(lifetime.horizon_days)
    save_expected_spend(store, lifetime, then)
    save_expected_spend(store, lifetime, then)  # twice is once
    save_expected_spend(store, lifetime, then + timedelta(1))  # whose horizon has not passed
    assert len(store.runs(ANALYSIS)) == 2
    of = example_context()
    scored = score_expected_spend(of, store)
    assert scored is not None
    assert (scored.as_of, scored.until) == (then, AS_OF)
    assert scored.expected == pytest.approx(lifetime.spend.round(2).sum(), abs=0.01)
    period = replace(of.period, first=then + timedelta(1))
    known = of.ledger.purchases.has_any
    assert scored.came == pytest.approx(of.ledger.money(int(of.ledger.net_between(period)[known].sum())), abs=0.01)
    assert {each.name: each.value for each in forecast_accuracy_metrics(scored)} == {
        "spend_expected": scored.expected,
        "spend_came": scored.came,
    }


def test_a_forecast_is_not_scored_by_days_that_the_data_do_not_cover(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    lifetime = replace(example_lifetime(), months=3)
    of = example_context()
    late = replace(of, ledger=of.ledger.as_read_on(AS_OF + timedelta(60)))
    save_expected_spend(store, lifetime, AS_OF - timedelta(60))
    assert late.data_end == AS_OF
    assert score_expected_spend(late, store) is None
    save_expected_spend(store, lifetime, AS_OF - timedelta(92))
    assert score_expected_spend(late, store) is not None


def steady(last: date) -> list[Row]:
    """Return three years of customers with an order of 20.00 every few weeks; some of them churn."""
    rows = []
    for who in range(160):
        day, stays = date(2023, 1, 1) + timedelta(who), 300 + 41 * who % 900
        while day <= last and (day - date(2023, 1, 1)).days < stays + who:
            rows.append(on(day, f"c{who:03}", 20.0))
            day += timedelta(11 + who * 7 % 40)
    return rows


@pytest.mark.usefixtures("coarse")
def test_a_report_saves_its_forecast_and_a_later_one_scores_it(tmp_path: Path) -> None:
    config = Config()
    data = tables(*steady(date(2025, 12, 31)))
    dataset = Dataset(data, "shop", workspace=Workspace(tmp_path, config))
    dry = loyalty_report(dataset, LoyaltyOptions(as_of=date(2024, 12, 31), keep=False, cache=False), config)
    assert Store(tmp_path / "store").runs(ANALYSIS) == []
    first = loyalty_report(dataset, LoyaltyOptions(as_of=date(2024, 12, 31), cache=False), config)
    assert first.report.metrics.table().equals(dry.report.metrics.table())
    (run,) = Store(tmp_path / "store").runs(ANALYSIS)
    assert run.as_of == date(2024, 12, 31)
    later = loyalty_report(dataset, LoyaltyOptions(as_of=date(2025, 12, 31), cache=False), config).report
    of: ReportContext = context(data)
    year = sum(each[2] for each in steady(date(2025, 12, 31)) if each[1].year == 2025 and is_known_by_2024(each[0]))
    assert later.metrics.value("spend_came") == year
    assert later.spend_scored is not None
    assert later.spend_scored.last <= of.as_of
    saved = Store(tmp_path / "store").read_run(run)["expected_spend"].sum()
    assert later.metrics.value("spend_expected") == pytest.approx(saved, abs=0.01)


def is_known_by_2024(who: str) -> bool:
    return date(2023, 1, 1) + timedelta(int(who[1:])) <= date(2024, 12, 31)
