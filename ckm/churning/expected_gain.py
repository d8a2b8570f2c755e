"""Whom to contact: what an offer is expected to gain of each customer, and how long a list is worth writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError

if TYPE_CHECKING:
    from ckm.settings import ChurnSettings

POINTS = 50
"""Rows of a profit curve at most: enough to draw it, few enough to read."""
SAME_ORDER = 0.99
"""Rank correlation from which two orders are one for whoever works down a list."""
FEWEST_ORDERED = 3
"""Customers below whom an order says nothing."""
DIGITS = 2
"""Decimals of an expected gain. Its assumptions do not bear more, and customers who differ by less are equal."""


@dataclass(frozen=True)
class Assumptions:
    """What is assumed of an offer. None of it is learned from the data.

    Attributes
    ----------
    offer_success_rate
        γ: of those who would leave and are made the offer, the share that stays because of it.
    anyway_share
        ψ: of those who would have stayed, the share that takes the offer all the same.
    offer_share, offer_amount
        Cost δ of an offer that is taken: share of the customer's value, and units of currency on top.
    contact_cost
        f: cost of contacting one customer, in units of currency.
    """

    offer_success_rate: float
    anyway_share: float
    offer_share: float
    offer_amount: float
    contact_cost: float

    @classmethod
    def of(cls, settings: ChurnSettings) -> Assumptions:
        """Return the assumptions of a workspace."""
        return cls(
            settings.offer_success_rate,
            settings.anyway_share,
            settings.offer_share,
            settings.offer_amount,
            settings.contact_cost,
        )

    def sentence(self, currency: str, value: str = "margin") -> str:
        """Return the assumptions as one sentence, for every output that shows an expected gain.

        ``value`` is what a customer is worth: margin, or revenue where no costs are known.
        """
        costs = []
        if self.offer_share:
            costs.append(f"{_percent(self.offer_share)} of the customer's {value} of 12 months")
        if self.offer_amount or not costs:
            costs.append(f"{self.offer_amount:,.2f} {currency}")
        return (
            f"assumed, not measured: an offer keeps {_percent(self.offer_success_rate)} of those who would leave; "
            f"{_percent(self.anyway_share)} of those who would have stayed take it too; it costs "
            f"{' and '.join(costs)} when taken; a contact costs {self.contact_cost:,.2f} {currency}"
        )


@dataclass(frozen=True)
class ProfitCurve:
    """What lists of growing length are expected to gain, the best customers first.

    Attributes
    ----------
    frame
        At most :data:`POINTS` rows: customers (Int64, length of the list), last_gain (of the last customer on it),
        expected_gain (of the whole list), in units of currency. Has the rows of ``best`` and ``break_even``.
    best
        Length with the largest expected gain: those with an expected gain above zero.
    best_gain
        What that list gains.
    break_even
        Longest list that is expected not to lose money; zero where the first customer loses some.
    customers
        Length of the longest list.
    """

    frame: pl.DataFrame
    best: int
    best_gain: float
    break_even: int
    customers: int

    def sentence(self, currency: str) -> str:
        """Return how long the list should be, as one sentence."""
        if not self.customers:
            return "there is nobody to contact"
        if not self.best:
            return f"contacting any of the {self.customers:,} customers is expected to cost more than it brings"
        if self.best == self.customers:
            beyond = "that is everybody"
        elif self.break_even == self.customers:
            beyond = f"all {self.customers:,} would still gain something"
        else:
            beyond = f"beyond {self.break_even:,} the list loses money"
        return f"contacting the best {self.best:,} gains most: {self.best_gain:,.2f} {currency} expected; {beyond}"


def expected_gain(p_churn: pl.Expr, value: pl.Expr, assumptions: Assumptions, *, lost: float = 1.0) -> pl.Expr:
    """What contacting a customer with an offer is expected to gain, against leaving the customer alone.

        p γ (λ V − δ) − (1 − p) ψ δ − f          δ = offer_share · max(V, 0) + offer_amount

    With ψ = 1 and λ = 1 this is what one customer adds to the profit of a campaign in Neslin, Gupta, Kamakura, Lu and
    Mason (2006, Journal of Marketing Research 43(2), 204-211). A customer of negative value is not worth saving and
    comes out below zero.

    Parameters
    ----------
    p_churn
        Churn probability, 0 to 1.
    value
        V: what the customer brought in the last 12 months.
    assumptions
        γ, ψ, δ and f.
    lost
        λ: share of V that a silence costs (:func:`ckm.churning.churn_cost.churn_cost`).

    Returns
    -------
    pl.Expr
        Units of currency, to the hundredth; null where the probability or the value is not known.
    """
    p, v = _known(p_churn), _known(value)
    offer = assumptions.offer_share * v.clip(lower_bound=0.0) + assumptions.offer_amount
    gain = (
        p * assumptions.offer_success_rate * (lost * v - offer)
        - (1.0 - p) * assumptions.anyway_share * offer
        - assumptions.contact_cost
    )
    return gain.round(DIGITS) + 0.0  # no -0.0


def by_gain(customers: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by expected gain, the largest first; equal ones by ``customer_id``, unknown ones last."""
    return customers.sort("expected_gain", "customer_id", descending=[True, False], nulls_last=True)


def choose(customers: pl.DataFrame, budget: int | None = None) -> pl.DataFrame:
    """Return the customers to contact, best first.

    They are with a warning, not suppressed, can still be reached in time, and are expected to gain something. A budget
    is a limit: it is not filled up with customers who are expected to lose money.

    Parameters
    ----------
    customers
        customer_id, expected_gain, level (null: no warning), suppressed (null: not), past_lead_time.
    budget
        Contacts that can be made; None means no limit.

    Raises
    ------
    UsageError
        The budget is not at least 1.
    """
    if budget is not None and budget < 1:
        raise UsageError(f"a budget of {budget} contacts is none", hint="name at least 1")
    reached = customers.filter(
        pl.col("level").is_not_null(),
        pl.col("suppressed").is_null(),
        ~pl.col("past_lead_time"),
        pl.col("expected_gain") > 0,
    )
    chosen = by_gain(reached)
    return chosen if budget is None else chosen.head(budget)


def order_is_of_value_at_risk(customers: pl.DataFrame) -> bool:
    """Whether every expected gain is positive and their order is (nearly) that of the value at risk.

    Then the data say whom to contact by nothing but ``p`` times ``V``, and what an offer is assumed to keep decides all
    the rest.

    Parameters
    ----------
    customers
        expected_gain, value_at_risk.
    """
    known = customers.select("expected_gain", "value_at_risk").drop_nulls()
    if known.height < FEWEST_ORDERED or not (known["expected_gain"] > 0).all():
        return False
    rank = known.select(pl.corr("expected_gain", "value_at_risk", method="spearman")).item()
    return rank is not None and rank >= SAME_ORDER


def profit_curve(gains: pl.Series) -> ProfitCurve:
    """Add up expected gains over lists of growing length.

    Parameters
    ----------
    gains
        Expected gain of each customer who may be contacted, in any order; nulls do not count.
    """
    ordered = gains.cast(pl.Float64).drop_nulls().drop_nans().sort(descending=True)
    total = ordered.cum_sum().round(DIGITS)
    best = int((ordered > 0).sum())
    breaking_even = (total >= 0).arg_true()
    break_even = int(breaking_even[-1]) + 1 if len(breaking_even) else 0
    curve = pl.DataFrame(
        {"customers": pl.int_range(1, len(ordered) + 1, eager=True), "last_gain": ordered, "expected_gain": total}
    )
    shown = curve.filter(pl.col("customers").is_in(sorted(_lengths(len(ordered), best, break_even))))
    return ProfitCurve(shown, best, float(total[best - 1]) if best else 0.0, break_even, len(ordered))


def _lengths(customers: int, best: int, break_even: int) -> set[int]:
    """Return lengths spread evenly from 1 to all, and the two that matter."""
    even = POINTS - 2
    spread = {1 + round(step * (customers - 1) / (even - 1)) for step in range(even)} if customers else set()
    return spread | {length for length in (best, break_even) if length}


def _known(number: pl.Expr) -> pl.Expr:
    """Return the number; null where it is none."""
    return pl.when(number.cast(pl.Float64).is_finite()).then(number.cast(pl.Float64))


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
