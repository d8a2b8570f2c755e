"""Walking forward: the right cut-offs, what was known then, and the simplest model that is not clearly worse."""

import math
from functools import cache

import numpy as np
import pytest

from ckm.errors import NotEnoughDataError
from ckm.models.backtest import PEER, final_model, walk_forward
from ckm.models.churn.learn import MODELS
from ckm.models.cutoffs import Calendar
from tests.models.churn.shop import HORIZON, make_shop

SHOP = make_shop()
CALENDAR = Calendar(0, 200, HORIZON)
CUTOFFS = CALENDAR.tests()


@cache
def walked():
    return walk_forward(SHOP.window, CUTOFFS, CALENDAR, models=("rule", "btyd", "scorecard"))


def test_every_cutoff_has_an_outcome_and_a_past_whose_outcomes_were_known():
    assert CUTOFFS == (140, 150, 160, 170)
    for day in CUTOFFS:
        assert max(CALENDAR.trainings(day)) + HORIZON == day
        assert min(CALENDAR.trainings(day)) >= HORIZON


def test_too_short_a_history_is_refused_with_what_is_there_and_needed():
    with pytest.raises(NotEnoughDataError, match=r"80 days of history.*90 are needed") as caught:
        Calendar(0, 80, HORIZON).tests()
    assert "--model rule" in str(caught.value.hint)


def test_three_horizons_are_enough_for_one_test():
    assert Calendar(0, 3 * HORIZON, HORIZON).tests() == (2 * HORIZON,)


@pytest.mark.slow
def test_every_model_is_scored_at_every_cutoff_beside_recency():
    assert [(score.model, score.cutoff) for score in walked().scores] == [
        (model, day) for model in ("rule", "btyd", "scorecard", PEER) for day in CUTOFFS
    ]
    assert math.isnan(walked().mean(PEER).log_loss)
    assert walked().mean("scorecard").auc > 0.65


@pytest.mark.slow
def test_the_chosen_model_is_the_simplest_within_a_standard_error():
    for name in walked().behind:
        difference, error = walked().behind[name]
        assert difference >= 0
        if name == walked().chosen:
            assert difference <= error
            break
        assert difference > error


@pytest.mark.slow
def test_a_score_of_the_walk_is_that_of_a_run_on_data_that_end_there():
    day = CUTOFFS[0]
    then = SHOP.until(day)
    today = then.window(day).features
    model = final_model(then.window, Calendar(0, day, HORIZON), day, today, "scorecard")
    alone = walk_forward(SHOP.window, [day], CALENDAR, models=("scorecard",))
    losses = np.logaddexp(0, np.where(SHOP.window(day).away, -1, 1) * model.log_odds(today))
    assert alone.scores[0].log_loss == pytest.approx(float(losses.mean()), abs=1e-12)


@pytest.mark.slow
def test_a_model_that_cannot_be_learned_is_left_out_and_named():
    def once_only(day):
        window = SHOP.window(day)
        return type(window)(day, {**window.features, "purchase_days": np.ones(len(window))}, window.away, window.keys)

    result = walk_forward(once_only, CUTOFFS[-1:], CALENDAR, models=("rule", "btyd"))
    assert result.chosen == "rule"
    assert set(result.left_out) == {"btyd"}


def test_too_few_customers_are_refused():
    few = make_shop(customers=60)
    with pytest.raises(NotEnoughDataError, match="100 are needed"):
        walk_forward(few.window, CUTOFFS, CALENDAR)


def test_the_kinds_of_model_are_ordered_from_the_simplest():
    assert MODELS == ("rule", "btyd", "scorecard", "boosted")
