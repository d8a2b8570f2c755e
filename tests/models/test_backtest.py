"""Walk-forward backtest: cut-offs, data known at each cut-off, and the stack."""

from functools import cache

import numpy as np
import pytest

from ckm.errors import NotEnoughDataError
from ckm.models.backtest import BASELINE, training_set_at, walk_forward
from ckm.models.churn.stack import STACK
from ckm.models.churn.training import MODELS, train
from ckm.models.cutoffs import Calendar
from tests.models.churn.shop import HORIZON, make_shop

SHOP = make_shop()
CALENDAR = Calendar(0, 200, HORIZON)
CUTOFFS = CALENDAR.tests()


@cache
def walked():
    return walk_forward(SHOP.window, CUTOFFS, CALENDAR, models=("rule", "btyd", "scorecard"))


def test_training_windows_of_a_test_cutoff_end_by_that_cutoff():
    assert CUTOFFS == (140, 150, 160, 170)
    for day in CUTOFFS:
        assert max(CALENDAR.trainings(day)) + HORIZON == day
        assert min(CALENDAR.trainings(day)) >= HORIZON


def test_too_short_a_history_is_an_error_with_the_days_present_and_needed():
    with pytest.raises(NotEnoughDataError, match=r"69 days of history.*70 are needed") as caught:
        Calendar(0, 69, HORIZON).tests()
    assert "the longest that the data can test" in str(caught.value.hint)
    assert Calendar(0, 69, 23).tests()
    with pytest.raises(NotEnoughDataError) as caught:
        Calendar(0, 20, HORIZON).tests()
    assert "ckm segment --by lifecycle" in str(caught.value.hint)


@pytest.mark.parametrize("days", [70, 80, 89])
def test_in_a_short_history_training_begins_after_a_third_of_a_horizon(days):
    calendar = Calendar(0, days, HORIZON)
    assert calendar.is_short
    assert len(calendar.tests()) == 1 + (days - 70) // calendar.step
    assert calendar.trainings(calendar.tests()[0])[0] >= calendar.step
    assert not Calendar(0, 90, HORIZON).is_short


def test_no_cutoff_is_within_a_horizon_of_a_closure():
    closed = Calendar(0, 400, HORIZON, ((200, 260),))
    for days in (closed.tests(), closed.trainings(closed.tests()[-1]), closed.trainings(280)):
        assert all(day < 200 - HORIZON or day > 260 + HORIZON for day in days)
    assert closed.tests() == (340, 350, 360, 370)
    assert closed.is_near_closure(285)
    assert not closed.is_near_closure(291)


def test_cutoffs_of_a_shop_with_yearly_closures_are_whole_years_apart():
    calendar = Calendar(0, 1_500, 365, yearly=True)
    assert calendar.tests() == (1_500 - 2 * 365, 1_500 - 365)
    assert calendar.trainings(1_500) == (1_500 - 3 * 365, 1_500 - 2 * 365, 1_500 - 365)
    assert Calendar(0, 365 + 365 + 122, 365, yearly=True).is_enough
    assert not Calendar(0, 365 + 365 + 121, 365, yearly=True).is_enough


@pytest.mark.parametrize(("horizon", "interval"), [(60, 30.4), (30, 7.0), (180, 91.3), (60, 14.0), (45, 30.4)])
def test_cutoffs_are_spread_over_a_fixed_purchase_interval(horizon, interval):
    calendar = Calendar(0, 20 * horizon, horizon, (), interval)
    points = np.sort(np.array(calendar.trainings(20 * horizon)) % interval)
    apart = np.diff(np.append(points, points[0] + interval))
    assert apart.max() <= max(interval / 4, 2)
    assert abs(calendar.step - horizon / 3) <= horizon / 12 + 1


def test_three_horizons_are_enough_for_one_test():
    assert Calendar(0, 3 * HORIZON, HORIZON).tests() == (2 * HORIZON,)


@pytest.mark.slow
def test_all_models_the_baseline_and_the_stack_are_scored_at_every_cutoff():
    assert [(score.model, score.cutoff) for score in walked().scores] == [
        (model, day) for model in (BASELINE, "rule", "btyd", "scorecard", STACK) for day in CUTOFFS
    ]
    assert walked().mean("scorecard").auc > 0.65
    assert walked().mean(BASELINE).log_loss < 0.75


@pytest.mark.slow
def test_the_log_loss_of_the_stack_is_near_that_of_its_best_model():
    losses = {name: walked().mean(name).log_loss for name in walked().models}
    assert losses[STACK] <= min(losses.values()) + 0.005
    assert losses[STACK] < losses[BASELINE] - 0.02
    assert sum(walked().weights.values()) == pytest.approx(1)


@pytest.mark.slow
def test_the_expected_calibration_error_is_an_interval_around_the_mean_and_none_with_one_cutoff():
    low, high = walked().expected_error(STACK)
    assert 0 <= low <= walked().mean(STACK).calibration_error <= high
    one = walk_forward(SHOP.window, CUTOFFS[-1:], CALENDAR, models=("rule",))
    assert one.expected_error(STACK) is None


@pytest.mark.slow
def test_a_score_equals_that_of_a_model_trained_on_data_that_end_at_the_cutoff():
    day = CUTOFFS[0]
    then = SHOP.until(day)
    today = then.window(day).features
    model = train(training_set_at(then.window, Calendar(0, day, HORIZON), day, today), "scorecard")
    alone = walk_forward(SHOP.window, [day], CALENDAR, models=("scorecard",))
    losses = np.logaddexp(0, np.where(SHOP.window(day).churned, -1, 1) * model.log_odds(today))
    assert alone.mean("scorecard").log_loss == pytest.approx(float(losses.mean()), abs=1e-12)


@pytest.mark.slow
def test_a_model_that_cannot_be_trained_is_left_out_with_its_reason():
    def once_only(day):
        window = SHOP.window(day)
        return type(window)(
            day, {**window.features, "purchase_days": np.ones(len(window))}, window.churned, window.keys
        )

    result = walk_forward(once_only, CUTOFFS[-1:], CALENDAR, models=("rule", "btyd"))
    assert result.models == (BASELINE, "rule", STACK)
    assert set(result.left_out) == {"btyd"}
    assert set(result.weights) == {BASELINE, "rule"}


def test_too_few_customers_are_an_error():
    few = make_shop(customers=60)
    with pytest.raises(NotEnoughDataError, match="100 are needed"):
        walk_forward(few.window, CUTOFFS, CALENDAR)


def test_models_are_ordered_from_the_simplest():
    assert MODELS == ("recency", "rule", "btyd", "seasonal", "scorecard", "boosted")
