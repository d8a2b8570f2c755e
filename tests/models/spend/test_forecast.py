"""Spend forecast: fitted to past windows, independent of later purchases."""

from __future__ import annotations

import numpy as np
import pytest

from ckm.models.btyd.purchases import Purchases
from ckm.models.spend import forecast as forecast_module
from ckm.models.spend.candidates import BOOSTED, BTYD, LAST_SPEND
from ckm.models.spend.forecast import forecast_spend
from ckm.models.spend.spend_snapshot import SpendSnapshot
from tests.models.spend.shops import model, purchases, shop

DAY, HORIZON = 700, 120
SHOP = shop()


def test_a_snapshot_contains_only_purchases_by_its_day() -> None:
    known = purchases([(0, 10, 5.0), (0, 30, 7.0), (0, 50, 9.0), (2, 20, 4.0), (5, 60, 1.0)])
    snapshot = SpendSnapshot(known, 40)
    assert snapshot.buyers.codes.tolist() == [0, 2]
    assert snapshot.spent.tolist() == [12.0, 4.0]
    assert snapshot.mean_value.tolist() == [6.0, 4.0]
    assert snapshot.rate.tolist() == pytest.approx([12 / 31, 4 / 31])
    assert known.spent(snapshot.buyers.codes, 40, 60).tolist() == [9.0, 0.0]
    assert known.days(snapshot.buyers.codes, 10, 50).tolist() == [2.0, 1.0]


def test_features_do_not_depend_on_later_purchases() -> None:
    kept = SHOP.day <= DAY
    cut = Purchases(SHOP.code[kept], SHOP.day[kept], SHOP.money[kept])
    assert SpendSnapshot(SHOP, DAY).features(HORIZON) == pytest.approx(
        SpendSnapshot(cut, DAY).features(HORIZON), nan_ok=True
    )


def test_the_forecast_does_not_depend_on_later_purchases() -> None:
    kept = SHOP.day <= DAY
    cut = Purchases(SHOP.code[kept], SHOP.day[kept], SHOP.money[kept])
    fitted = model(cut, DAY)
    one, other = (forecast_spend(of, DAY, HORIZON, fitted) for of in (SHOP, cut))
    assert np.array_equal(one.spend, other.spend)
    assert one.low is not None
    assert other.low is not None
    assert np.array_equal(one.low, other.low)
    assert (one.shares, one.correction, one.coverage) == (other.shares, other.correction, other.coverage)


def test_with_a_long_history_test_windows_are_as_long_as_the_horizon() -> None:
    found = forecast_spend(SHOP, DAY, HORIZON, model(SHOP, DAY))
    assert found.window == HORIZON
    assert [each.day for each in found.tests] == [DAY - 240, DAY - 180, DAY - 120]
    assert set(found.shares) <= {BTYD, LAST_SPEND, BOOSTED}
    assert sum(found.shares.values()) == pytest.approx(1)
    came = SHOP.spent(SpendSnapshot(SHOP, DAY).buyers.codes, DAY, DAY + HORIZON)
    assert found.spend.sum() == pytest.approx(came.sum(), rel=0.25)
    assert found.total_half_width is not None
    assert abs(np.log(came.sum() / found.spend.sum())) < found.total_half_width
    assert found.low is not None
    assert found.high is not None
    within = (found.low <= came) & (came <= found.high)
    assert 0.72 <= within.mean() <= 0.9
    peers = [np.abs(each - came).mean() for each in found.tests[-1:] for each in (np.full(len(came), came.mean()),)]
    assert np.abs(found.spend - came).mean() < peers[0]


def test_with_less_than_three_horizons_of_history_windows_are_a_third_of_it() -> None:
    found = forecast_spend(SHOP, DAY, 365, model(SHOP, DAY))
    assert found.window == 232  # 701 days / 3, even
    assert [each.day for each in found.tests] == [DAY - 232]
    assert found.correction == 1.0
    shorter = forecast_spend(SHOP, DAY, 180, model(SHOP, DAY))
    assert found.spend.sum() > shorter.spend.sum()


def test_with_too_short_a_history_only_the_purchase_model_is_used() -> None:
    day = 80
    found = forecast_spend(SHOP, day, 90, model(SHOP, day))
    assert (found.shares, found.tests, found.low, found.total_half_width) == ({BTYD: 1.0}, (), None, None)
    assert found.spend.min() > 0


def test_models_are_fitted_to_a_sample_and_predict_all_customers(monkeypatch) -> None:
    fitted = model(SHOP, DAY)
    whole = forecast_spend(SHOP, DAY, HORIZON, fitted)
    monkeypatch.setattr(forecast_module, "MOST_SAMPLED", 300)
    sampled = forecast_spend(SHOP, DAY, HORIZON, fitted)
    assert len(sampled.spend) == len(whole.spend)
    assert len(sampled.tests[-1].spend) <= 300
    assert sampled.spend.sum() == pytest.approx(whole.spend.sum(), rel=0.2)


def test_twice_the_money_is_twice_the_forecast() -> None:
    double = Purchases(SHOP.code, SHOP.day, SHOP.money * 2)
    fitted = model(SHOP, DAY)
    one, two = forecast_spend(SHOP, DAY, HORIZON, fitted), forecast_spend(double, DAY, HORIZON, fitted)
    assert two.spend.sum() == pytest.approx(2 * one.spend.sum(), rel=0.02)
