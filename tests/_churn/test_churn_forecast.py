"""The default horizon is the longest one that the data can test; a horizon that the user chose is never changed."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from ckm._churn.churn_forecast import forecast, forecast_default
from ckm._churn.forecast_remarks import forecast_remarks
from ckm._churn.horizon import Horizon, default_horizons
from ckm.customers.history import History, read_history
from ckm.errors import NotEnoughDataError
from ckm.remark import Importance, importance_of
from tests._churn.shops import START, Row, order, retail, tables

pytestmark = [pytest.mark.usefixtures("coarse"), pytest.mark.slow]


def history(rows: list[Row]) -> History:
    return read_history(tables(rows))


@pytest.fixture(scope="module")
def thin() -> History:
    """200 customers in eight months."""
    return history(retail(200, 240, 35))


def test_a_thin_shop_gets_the_longest_horizon_that_its_data_can_test_and_is_told_first(
    thin: History, coarse: None
) -> None:
    assert default_horizons(thin).days == (60, 30)
    with pytest.raises(NotEnoughDataError) as refusal:
        forecast(thin, Horizon(60, "60 days, as given"))
    found = forecast_default(thin)
    assert found.horizon.days == 30
    first = sorted(forecast_remarks(found), key=importance_of)[0]
    assert first == f"horizon 30 days, not the default 60, which the data cannot test: {refusal.value}"
    assert importance_of(first) is Importance.doubt
    assert found.horizon.reasoning.startswith("30 days: the longest of 60, 30 that the data can test")


def test_the_shorter_horizon_gives_the_probabilities_that_the_user_gets_by_naming_it(thin: History) -> None:
    named = forecast(thin, Horizon(30, "30 days, as given"))
    assert (forecast_default(thin).probability == named.probability).all()


def test_a_past_day_has_the_horizon_of_the_data_cut_on_that_day() -> None:
    rows, day = retail(200, 240, 35), 225
    whole = read_history(tables(rows), as_of=START.date() + timedelta(day))
    cut = read_history(tables([row for row in rows if row[1] < START + timedelta(day + 1)]))
    assert whole.as_of == cut.as_of
    assert forecast_default(whole).horizon == forecast_default(cut).horizon


def test_a_young_shop_gets_a_horizon_that_fits_its_history() -> None:
    young = history(retail(600, 110, 60, repeat=0.7))
    assert default_horizons(young).days == (60, 30)
    shortened = forecast_default(young).horizon.shortened
    assert shortened is not None
    assert "109 days of history; to look 60 days ahead, 140 are needed" in shortened


def test_no_horizon_is_shorter_than_the_fixed_interval_of_business_customers() -> None:
    """300 firms order every 91 days, so that an active firm may order nothing within 30, 60 or 90 days."""
    firms = history([order(f"firm{n}", 91 * k + n * 91 // 300) for n in range(300) for k in range(4)])
    assert default_horizons(firms).days == (180,)
    with pytest.raises(NotEnoughDataError, match="to look 180 days ahead, 420 are needed"):
        forecast_default(firms)


def test_no_horizon_is_shorter_than_the_median_interval_of_a_seasonal_shop() -> None:
    """Customers buy in two Christmas seasons, and are active in the eleven months between."""
    chance = random.Random(3)
    rows = [order("ann", 0)]
    rows += [order(f"c{n}", 270 + 365 * year + chance.randint(0, 30)) for n in range(300) for year in range(2)]
    [days] = default_horizons(history(rows)).days
    assert days >= 365
    with pytest.raises(NotEnoughDataError, match=f"to look {days} days ahead"):
        forecast_default(history(rows))


def test_a_shop_that_no_horizon_suits_is_refused_with_the_needs_of_the_shortest() -> None:
    few = history(retail(80, 240, 50))
    assert default_horizons(few).days == (60, 30)
    with pytest.raises(NotEnoughDataError) as alone:
        forecast(few, Horizon(30, "30 days, as given"))
    with pytest.raises(NotEnoughDataError) as refusal:
        forecast_default(few)
    assert str(refusal.value) == f"the data can test no horizon of 60, 30 days; at 30 days: {alone.value}"
    assert (refusal.value.hint, refusal.value.details) == (alone.value.hint, alone.value.details)


def test_data_that_can_test_the_default_keep_it() -> None:
    long = history(retail(400, 900, 40))
    found = forecast_default(long)
    assert (found.horizon, found.horizon.shortened) == (default_horizons(long).default, None)
