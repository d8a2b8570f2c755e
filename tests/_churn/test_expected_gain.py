"""Expected gain: the published formula, valid at its limits, and a profit curve that adds up."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm._churn.expected_gain import (
    POINTS,
    Assumptions,
    by_gain,
    choose,
    expected_gain,
    order_is_of_value_at_risk,
    profit_curve,
)
from ckm.errors import UsageError
from ckm.settings import ChurnSettings

shares = st.floats(0, 1)
values = st.floats(-1e6, 1e6)
amounts = st.floats(0, 100)
offers = st.builds(Assumptions, shares, shares, shares, amounts, amounts)
DEFAULT = Assumptions.of(ChurnSettings())


def gain(
    p: float | None, value: float | None, assumptions: Assumptions = DEFAULT, churn_cost: float = 1.0
) -> float | None:
    frame = pl.DataFrame({"p": [p], "v": [value]}, schema={"p": pl.Float64, "v": pl.Float64})
    found: float | None = frame.select(
        expected_gain(pl.col("p"), pl.col("v"), assumptions, churn_cost=churn_cost)
    ).item()
    return found


def rows(
    *gains: float | None, level: str | None = "warn", suppressed: str | None = None, late: bool = False
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:03}" for number in range(len(gains))],
            "expected_gain": pl.Series(gains, dtype=pl.Float64),
            "level": pl.Series([level] * len(gains), dtype=pl.String),
            "suppressed": pl.Series([suppressed] * len(gains), dtype=pl.String),
            "past_lead_time": pl.Series([late] * len(gains), dtype=pl.Boolean),
        }
    )


def test_the_expected_gain_equals_a_calculation_by_hand() -> None:
    """.8 · .3 · (200 − 20) − .2 · .5 · 20 − 3, with an offer of 5 % of 200 and 10 on top."""
    assert gain(0.8, 200.0, Assumptions(0.3, 0.5, 0.05, 10.0, 3.0)) == pytest.approx(
        0.8 * 0.3 * 180 - 0.2 * 0.5 * 20 - 3
    )


def test_only_the_churn_cost_can_be_saved() -> None:
    """.8 · .3 · (.5 · 200 − 20) − .2 · .5 · 20 − 3."""
    found = gain(0.8, 200.0, Assumptions(0.3, 0.5, 0.05, 10.0, 3.0), churn_cost=0.5)
    assert found == pytest.approx(0.8 * 0.3 * 80 - 0.2 * 0.5 * 20 - 3)


@given(shares, st.floats(0, 1e6), shares, shares)
def test_a_lower_churn_cost_never_gives_a_higher_gain(p: float, value: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert gain(p, value, churn_cost=low) <= gain(p, value, churn_cost=high)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("gains", "values", "decides"),
    [
        ([9.0, 5.0, 2.0], [90.0, 50.0, 20.0], True),
        ([9.0, 5.0, -2.0], [90.0, 50.0, 20.0], False),
        ([9.0, 5.0, 2.0], [20.0, 50.0, 90.0], False),
        ([9.0, 5.0], [90.0, 50.0], False),
    ],
)
def test_positive_gains_in_the_order_of_the_value_at_risk_are_detected(
    gains: list[float], values: list[float], decides: bool
) -> None:
    assert order_is_of_value_at_risk(pl.DataFrame({"expected_gain": gains, "value_at_risk": values})) is decides


@given(shares, st.floats(0, 1e6), shares, shares, amounts)
def test_if_all_retained_customers_take_the_offer_the_gain_is_the_profit_of_neslin_et_al(
    p: float, value: float, saved: float, offer_share: float, contact: float
) -> None:
    """β γ (V − δ − c) + β (1 − γ) (−c) + (1 − β) (−δ − c): Neslin et al. 2006, for one customer, no fixed cost."""
    offer = offer_share * value
    theirs = p * saved * (value - offer - contact) + p * (1 - saved) * -contact + (1 - p) * (-offer - contact)
    ours = gain(p, value, Assumptions(saved, 1.0, offer_share, 0.0, contact))
    assert ours == pytest.approx(theirs, abs=0.006)


@given(offers, shares, shares, st.floats(0, 1e6))
def test_a_higher_probability_never_gives_a_lower_gain_if_the_offer_costs_less_than_the_value(
    offer: Assumptions, one: float, other: float, value: float
) -> None:
    if offer.offer_share * value + offer.offer_amount <= value:
        low, high = sorted((one, other))
        assert gain(low, value, offer) <= gain(high, value, offer)  # type: ignore[operator]


@given(offers, shares, st.floats(-1e6, 0))
def test_a_customer_without_value_has_no_positive_gain(offer: Assumptions, p: float, value: float) -> None:
    assert gain(p, value, offer) <= 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("p", "value"), [(None, 10.0), (0.5, None), (math.nan, 10.0), (0.5, math.nan), (0.5, math.inf)]
)
def test_an_unknown_probability_or_value_gives_a_null_gain(p: float | None, value: float | None) -> None:
    assert gain(p, value) is None


def test_the_assumptions_are_one_sentence_with_every_number() -> None:
    assert DEFAULT.sentence("EUR") == (
        "assumptions: an offer retains 30 % of churning customers; 100 % of retained customers take it too; an "
        "accepted offer costs 5 % of the customer's margin of 12 months; a contact costs 1.00 EUR"
    )
    both = Assumptions(0.25, 0.5, 0.1, 5.0, 0.0).sentence("THB")
    assert "costs 10 % of the customer's margin of 12 months and 5.00 THB; a contact" in both
    assert "an accepted offer costs 0.00 EUR;" in Assumptions(0.25, 0.5, 0.0, 0.0, 0.0).sentence("EUR")


def test_customers_are_sorted_by_gain_and_ties_by_id() -> None:
    assert by_gain(rows(1.0, None, 3.0, 1.0))["customer_id"].to_list() == ["c002", "c000", "c003", "c001"]


@given(st.lists(st.floats(-10, 10) | st.none()), st.integers(1, 20))
def test_a_budget_selects_the_highest_positive_gains(gains: list[float | None], budget: int) -> None:
    chosen = choose(rows(*gains), budget)["expected_gain"].to_list()
    assert chosen == sorted((each for each in gains if each is not None and each > 0), reverse=True)[:budget]


def test_suppressed_customers_late_warnings_and_customers_without_a_warning_are_not_selected() -> None:
    assert choose(rows(5.0, suppressed="no_consent")).is_empty()
    assert choose(rows(5.0, late=True)).is_empty()
    assert choose(rows(5.0, level=None)).is_empty()
    assert choose(rows(5.0)).height == 1


def test_a_budget_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="invalid budget: 0"):
        choose(rows(1.0), 0)


@given(st.lists(st.integers(-100_000, 100_000).map(lambda cents: cents / 100), max_size=300), st.randoms())
def test_the_curve_has_the_most_profitable_and_the_break_even_length(gains: list[float], random: object) -> None:
    curve = profit_curve(pl.Series(gains, dtype=pl.Float64))
    ordered = sorted(gains, reverse=True)
    totals = [round(math.fsum(ordered[:length]), 2) for length in range(1, len(gains) + 1)]
    assert curve.best == sum(each > 0 for each in gains)
    assert curve.best_gain == pytest.approx(max([0.0, *totals]))
    assert curve.break_even == max((length for length, total in enumerate(totals, 1) if total >= 0), default=0)
    assert curve.frame.height <= POINTS
    lengths = curve.frame["customers"].to_list()
    assert curve.frame["expected_gain"].to_list() == pytest.approx([totals[length - 1] for length in lengths])
    assert {length for length in (1, curve.best, curve.break_even, len(gains)) if length and gains} <= set(lengths)
    random.shuffle(gains)  # type: ignore[attr-defined]
    again = profit_curve(pl.Series(gains, dtype=pl.Float64))
    assert again.frame.equals(curve.frame)


def test_a_curve_without_customers_and_one_of_losses_are_described() -> None:
    empty = profit_curve(pl.Series([None, math.nan], dtype=pl.Float64))
    assert (empty.best, empty.break_even, empty.customers, empty.frame.height) == (0, 0, 0, 0)
    losers = profit_curve(pl.Series([-1.0, -2.0]))
    assert "each of the 2 contacts has an expected loss" in losers.sentence("EUR")


def test_the_recommended_length_is_one_sentence() -> None:
    gains = pl.Series([10.0, 5.0, -2.0, -20.0])
    assert profit_curve(gains).sentence("EUR") == (
        "most profitable length 2: expected gain 15.00 EUR; a list of more than 3 has an expected loss"
    )
    assert profit_curve(gains.head(3)).sentence("EUR").endswith("a list of all 3 has an expected gain too")
    assert profit_curve(gains.head(2)).sentence("EUR").endswith("these are all customers")
