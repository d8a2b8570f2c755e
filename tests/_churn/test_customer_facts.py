"""Facts of customers: the ledger gives the same numbers as a recount of the rows, as of any day."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm._churn.customer_facts import ESTIMATES, OWN, ReturningCustomers, customer_facts, returning_customers
from ckm._churn.customer_snapshot import snapshot
from ckm.customers.calendar import calendar_day
from ckm.customers.history import read_history
from tests._churn.recount import Recount
from tests._churn.shops import FIRST, SPAN, bought, contacts, features_of, order, orders, tables
from tests.conftest import examples

NOT_COUNTED_AGAIN = frozenset({"gap_ratio", "last_day_ratio", "earlier_days", "spend_6mo_change", "category_lost"})
"""Facts that are ratios of other facts, and features that no sentence states."""


@pytest.mark.slow
@settings(max_examples=examples(25))
@given(rows=orders, said=contacts, day=st.integers(0, SPAN), horizon=st.integers(1, 200))
def test_every_fact_equals_a_recount_of_the_rows(rows: list, said: list, day: int, horizon: int) -> None:  # type: ignore[type-arg]
    at = FIRST + day
    known = tables(rows, said)
    if not bought([row for row in rows if row[1].date() <= calendar_day(at)]):
        return
    history = read_history(known, as_of=calendar_day(at))
    then = snapshot(history, at, horizon)
    facts = customer_facts(history, then)
    truth = Recount(known["transactions"].collect(), calendar_day(at), horizon, "UTC", known["interactions"].collect())
    for position, who in enumerate(history.customers.gather(then.customers)):
        mine = truth.now[who]
        for name in set(facts) & set(mine) - NOT_COUNTED_AGAIN:
            said_value, true = float(facts[name][position]), mine[name]
            assert said_value == pytest.approx(np.nan if true is None else true, nan_ok=True, abs=1e-6), (who, name)


def test_facts_are_the_documented_ones_without_estimates() -> None:
    rows = [order("ann", day) for day in (0, 10, 40)] + [order("bob", 5), order("bob", 5, -3.0, "return")]
    history = read_history(tables(rows))
    facts = customer_facts(history, snapshot(history, history.as_of, 30))
    optional = {"discounted", "lost_purchases", "category_purchases"}
    assert set(OWN) - optional <= set(facts)
    assert not ESTIMATES & set(facts)
    assert facts["median_interpurchase_days"].tolist() == pytest.approx([20.0, np.nan], nan_ok=True)
    assert facts["gap_last"].tolist() == pytest.approx([30.0, np.nan], nan_ok=True)


def test_two_purchase_days_have_an_estimated_interval_but_no_own_one() -> None:
    history = read_history(tables([order("ann", 0), order("ann", 50), *(order("bob", day) for day in (0, 7, 14, 21))]))
    then = snapshot(history, history.as_of, 30)
    assert features_of(history, then, "ann")["gap_median_days"] > 0
    assert np.isnan(customer_facts(history, then)["median_interpurchase_days"][0])


def test_returning_customers_have_their_facts_of_one_horizon_ago() -> None:
    rows = [order("ann", 0), order("ann", 90), order("bob", 10), order("cho", 0), order("cho", 60), order("cho", 95)]
    history = read_history(tables(rows), as_of=calendar_day(FIRST + 100))
    found = returning_customers(history, FIRST + 100, 30)
    assert found.day == FIRST + 70
    assert found.facts["days_silent"].tolist() == [70.0, 10.0]
    assert found.median("days_silent") == 10.0
    assert found.median("purchase_days") == 1.0


def test_before_a_horizon_has_passed_there_are_no_returning_customers_and_no_medians() -> None:
    history = read_history(tables([order("ann", 0), order("ann", 5)]))
    found = returning_customers(history, history.as_of, 30)
    assert found == ReturningCustomers(FIRST + 5 - 30, {})
    assert np.isnan(found.median("days_silent"))


def test_the_recount_finds_a_changed_number_in_any_sentence() -> None:
    """The recount is able to fail: it finds every number that was changed."""
    rows = [order("ann", day, net=40.0) for day in (0, 10, 40)] + [order("bob", 5), order("bob", 70)]
    frame = pl.LazyFrame(tables(rows)["transactions"].collect())
    truth = Recount(frame.collect(), calendar_day(FIRST + 100), 60)
    true = "no order for 60 days; median interval 20 days (3 purchase days)"
    assert truth.mistakes("ann", "silent", true) == []
    for false in (
        true.replace("60", "61"),
        true.replace("20", "21"),
        true.replace("3", "4"),
        true.replace("order", "sale"),
    ):
        assert truth.mistakes("ann", "silent", false), false
    of_two = "no order for 30 days; median interval 65 days (2 purchase days)"
    assert len(truth.mistakes("bob", "silent", of_two)) == 2
    assert truth.as_of - timedelta(days=truth.horizon) == calendar_day(FIRST + 40)
