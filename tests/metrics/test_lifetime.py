"""Customer lifetime value of whole shops: totals, parts, published results, and reasons for missing values."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from ckm.config import Config
from ckm.metrics.context import ReportContext
from ckm.metrics.lifetime import Lifetime, lifetime_metrics, read_lifetime
from ckm.metrics.margin import Margin, read_margin
from ckm.metrics.metric import Metrics, Missing
from ckm.settings import LoyaltySettings
from tests.metrics.known import example_context, example_lifetime
from tests.metrics.rows import context, row, tables
from tests.metrics.shop import shop_context
from tests.metrics.stores import example_frames, example_shop
from tests.test_segment import cdnow

ALL = Margin(None, 1.0)


def lifetime(of: ReportContext, margin: Margin = ALL) -> Lifetime:
    found = read_lifetime(of, margin)
    assert isinstance(found, Lifetime)
    return found


def test_the_margin_of_the_small_shop_is_what_its_costed_rows_leave() -> None:
    # with a cost, by the end of 2025: 500 + 1000 + 500 + 80 + 600 + 90 + 900 + 400 + 300 + 1100 - 100 = 5370
    # their cost:                       300 +  800 + 300 + 40 + 360 + 45 + 720 + 240 + 200 +  880 -  80 = 3805
    # bought by known customers: 85 + 2530 + 3905 = 6520; given back: 35 + 142 = 177
    found = read_margin(shop_context())
    assert found.share == pytest.approx((5370 - 3805) / 5370, rel=1e-6)
    assert found.kept == pytest.approx((6520 - 177) / 6520, abs=1e-6)
    assert found.of_purchases == pytest.approx(found.share * found.kept)


def test_the_margin_does_not_see_later_rows() -> None:
    early = read_margin(shop_context(as_of=date(2024, 12, 31)))
    assert early.share == pytest.approx((2080 - 1440) / 2080, rel=1e-6)  # 500 + 1000 + 500 + 80; 300 + 800 + 300 + 40


def test_too_few_repeat_buyers_are_reported_with_their_number() -> None:
    found = read_lifetime(shop_context(), ALL)
    assert found == Missing(
        "growth_potential", "few_repeat_buyers", (("there", 8), ("needed", 20))
    )  # not fred, ines, juri, lena
    assert lifetime_metrics(shop_context(), found) == ((), (found,))


def test_one_customer_and_one_day_have_no_lifetime() -> None:
    for rows in ([row("ann", 3)], [row(f"c{number}", 3) for number in range(50)]):
        found = read_lifetime(context(tables(*rows)), ALL)
        assert isinstance(found, Missing)
        assert found.numbers == (("there", 0), ("needed", 20))


@pytest.mark.slow
def test_equal_customers_have_equal_shares_of_the_lifetime_value() -> None:
    rows = [row(f"c{who:02}", day, 10.0) for who in range(40) for day in range(0, 360, 30)]
    found = lifetime(context(tables(*rows)))
    metrics = Metrics(lifetime_metrics(context(tables(*rows)), found)[0])
    assert np.ptp(found.value) == pytest.approx(0, abs=1e-9)
    assert [each.value for each in metrics.all("clv_share", "tenth")] == pytest.approx([0.1] * 10, abs=1e-6)
    # 12 orders of 10 in 360 days, going on: about 12 a year, of which the discount leaves more than 11
    assert metrics.value("clv_mean") == pytest.approx(115, abs=10)


@pytest.mark.slow
def test_the_value_is_orders_times_their_value_times_the_margin() -> None:
    whole = example_lifetime()
    free = replace(example_context(), config=replace(Config(), loyalty=LoyaltySettings(discount=0.0)))
    undiscounted = lifetime(free, Margin(0.5, 0.9))
    assert undiscounted.orders == pytest.approx(whole.orders, rel=1e-12)
    full = undiscounted.value.sum() / 0.45 * whole.margin.of_purchases
    assert full / 1.1 < whole.value.sum() < full


@pytest.mark.slow
def test_totals_and_deciles_of_the_example_shop_agree() -> None:
    of, found = example_context(), example_lifetime()
    metrics, missing = lifetime_metrics(of, found)
    said = Metrics(metrics)
    assert said.value("clv") == pytest.approx(found.value.sum(), abs=0.01)
    assert said.value("clv_mean") == pytest.approx(found.value.mean(), abs=0.01)
    shares = [each.value for each in said.all("clv_share", "tenth")]
    assert sum(shares) == pytest.approx(1, abs=1e-5)
    assert shares == sorted(shares, reverse=True)
    for name in ("holdout_orders", "holdout_money"):
        assert len(said.all(name, "tenth", "what")) == 20
    orders = said.all("holdout_orders", "tenth", "what")
    actual = sum(each.value for each in orders if each.of("what") == "actual")
    assert said.value("holdout_total_orders", model=found.model.name, what="actual") == actual
    assert missing == (Missing("growth_potential", "no_cost"),)
    assert found.chosen_by == "holdout"
    independence = said.get("independence")
    assert independence is not None
    assert independence.lo < independence.value < independence.hi


@pytest.mark.slow
def test_a_part_of_the_customers_has_a_part_of_the_value_and_parts_add_up() -> None:
    of, found = example_context(), example_lifetime()
    persons = (of.parties["party_type"] == "person").fill_null(value=False).to_numpy()
    parts = [lifetime_metrics(of.only(which), found)[0] for which in (persons, ~persons)]
    assert {each.name for each in parts[0]} == {"clv", "clv_mean", "clv_share"}
    values = [Metrics(each).value("clv") for each in parts]
    assert sum(values) == pytest.approx(found.value.sum(), abs=0.02)


@pytest.mark.slow
def test_lifetime_values_depend_neither_on_later_rows_nor_on_the_order_of_rows() -> None:
    frames = example_frames()
    day = date(2025, 12, 31)
    known = frames["transactions"].filter(pl.col("ordered_at").dt.convert_time_zone("UTC").dt.date() <= day)
    shuffled = known.sample(fraction=1.0, shuffle=True, seed=3).lazy()
    bases = context(example_shop(), as_of=day), context({**example_shop(), "transactions": shuffled}, as_of=day)
    one, other = (lifetime_metrics(of, lifetime(of, read_margin(of))) for of in bases)
    assert one == other


@pytest.mark.slow
def test_the_report_on_cdnow_has_the_published_orders_of_weeks_40_to_78() -> None:
    of = context({"transactions": cdnow("CDNOW_sample.txt", customer=1, day=2, dollars=4)}, as_of=date(1998, 6, 30))
    found = lifetime(of)
    said = Metrics(lifetime_metrics(of, found)[0])
    # 546 days from 1997-01-01 to 1998-06-30: half of them are weeks 40 to 78
    totals = {
        each.of("model"): each.value
        for each in said.all("holdout_total_orders", "model", "what")
        if each.of("what") == "predicted"
    }
    assert totals == pytest.approx({"Pareto/NBD": 1665.5, "MBG/NBD": 1576.7, "BG/NBD": 1653.4}, abs=0.1)
    assert next(iter(totals)) == found.model.name == "Pareto/NBD"
    assert said.value("holdout_total_orders", model="BG/NBD", what="actual") == 1882
    assert sum(
        each.value for each in said.all("holdout_money", "tenth", "what") if each.of("what") == "actual"
    ) == pytest.approx(70_976.39)
    assert any("came nearest" in remark for remark in found.remarks)


@pytest.mark.slow
def test_backtest_error_and_model_weights_are_reported_with_the_value() -> None:
    found = example_lifetime()
    said = Metrics(lifetime_metrics(example_context(), found)[0])
    latest = found.forecast.tests[-1]
    assert latest.day + latest.days == example_context().ledger.today
    assert said.value("clv_past_days") == latest.days
    assert said.value("clv_past_error") == pytest.approx(np.abs(latest.expected - latest.spend).mean(), abs=0.01)
    assert said.value("clv_past_spend", what="actual") == pytest.approx(latest.spend.sum(), abs=0.01)
    assert sum(each.value for each in said.all("clv_weight", "model")) == pytest.approx(1, abs=1e-5)
    assert 0.7 <= said.value("clv_past_coverage") <= 1
    whole = said.get("clv")
    assert whole.lo < whole.value < whole.hi
    assert any("was off by" in remark for remark in found.remarks)


def test_a_short_history_has_a_value_without_interval_and_says_so() -> None:
    rows = [row(f"c{who:02}", day, 10.0 + who) for who in range(40) for day in range(who % 5, 60, 5 + who % 9)]
    of = context(tables(*rows))
    found = lifetime(of)
    metrics, missing = lifetime_metrics(of, found)
    whole = Metrics(metrics).get("clv")
    assert (whole.lo, whole.hi) == (None, None)
    assert found.spend_bounds is None
    assert {each.reason for each in missing} & {"no_spend_test", "no_holdout"}
    assert not Metrics(metrics).all("clv_weight", "model")
