"""Expected gain of an offer per customer, contact selection within a budget, and the profit curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import UsageError

if TYPE_CHECKING:
    from ckm.settings import ChurnSettings

POINTS = 50
"""Largest number of rows of a profit curve."""
SAME_ORDER = 0.99
"""Rank correlation from which two orders of the customers count as equal."""
FEWEST_ORDERED = 3
"""Fewest customers for a comparison of two orders."""
DIGITS = 2
"""Decimals of an expected gain; the assumptions are not more precise."""


@dataclass(frozen=True)
class Assumptions:
    """Assumptions about an offer.

    Attributes
    ----------
    offer_success_rate
        γ: share of churning customers whom the offer retains.
    anyway_share
        ψ: share of retained customers who take the offer.
    offer_share, offer_amount
        Cost δ of an accepted offer: share of the customer's value plus an amount of currency.
    contact_cost
        f: cost of contacting one customer, in units of currency.
    measured
        Where and with which interval γ was measured (:mod:`ckm._churn.measured_offer`); empty if it is assumed. The
        others are never measured.
    """

    offer_success_rate: float
    anyway_share: float
    offer_share: float
    offer_amount: float
    contact_cost: float
    measured: str = ""

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
        """Return the assumptions as one sentence, for every output with an expected gain.

        ``value`` is the measure of customer value: margin, or revenue without known costs.
        """
        costs = []
        if self.offer_share:
            costs.append(f"{_percent(self.offer_share)} of the customer's {value} of 12 months")
        if self.offer_amount or not costs:
            costs.append(f"{self.offer_amount:,.2f} {currency}")
        measured = f" ({self.measured})" if self.measured else ""
        return (
            f"assumptions: an offer retains {_percent(self.offer_success_rate)} of churning customers{measured}; "
            f"{_percent(self.anyway_share)} of retained customers take it too; an accepted offer costs "
            f"{' and '.join(costs)}; a contact costs {self.contact_cost:,.2f} {currency}"
        )


@dataclass(frozen=True)
class ProfitCurve:
    """Expected gain of contacting the first customers of a list, as a function of their number.

    The list is sorted by expected gain, highest first.

    Attributes
    ----------
    frame
        At most :data:`POINTS` rows: customers (Int64, length of the list), last_gain (of its last customer),
        expected_gain (of the whole list), in units of currency. Includes the rows of ``best`` and ``break_even``.
    best
        Length of the list with the largest expected gain: the number of customers with a positive gain.
    best_gain
        Expected gain of the list of length ``best``.
    break_even
        Longest list without an expected loss; zero if the first gain is negative.
    customers
        Length of the longest list.
    """

    frame: pl.DataFrame
    best: int
    best_gain: float
    break_even: int
    customers: int

    def sentence(self, currency: str) -> str:
        """Return one sentence on the best length of the list, and on its expected gain."""
        if not self.customers:
            return "no customer to contact"
        if not self.best:
            return f"each of the {self.customers:,} contacts has an expected loss"
        if self.best == self.customers:
            beyond = "these are all customers"
        elif self.break_even == self.customers:
            beyond = f"a list of all {self.customers:,} has an expected gain too"
        else:
            beyond = f"a list of more than {self.break_even:,} has an expected loss"
        return f"most profitable length {self.best:,}: expected gain {self.best_gain:,.2f} {currency}; {beyond}"


def expected_gain(p_churn: pl.Expr, value: pl.Expr, assumptions: Assumptions, *, churn_cost: float = 1.0) -> pl.Expr:
    """Return the expected gain of contacting a customer with an offer, compared with no contact.

        p γ (λ V − δ) − (1 − p) ψ δ − f          δ = offer_share · max(V, 0) + offer_amount

    With ψ = 1 and λ = 1 this is the contribution of one customer to the profit of a campaign in Neslin, Gupta,
    Kamakura, Lu and Mason (2006, Journal of Marketing Research 43(2), 204-211). The gain of a customer with negative
    value is negative.

    Parameters
    ----------
    p_churn
        Churn probability, 0 to 1.
    value
        V: value of the last 12 months.
    assumptions
        γ, ψ, δ and f.
    churn_cost
        λ: churn cost, a share of V (:func:`ckm._churn.churn_cost.churn_cost`).

    Returns
    -------
    pl.Expr
        Units of currency, to the hundredth; null if the probability or the value is unknown.
    """
    p, v = _known(p_churn), _known(value)
    offer = assumptions.offer_share * v.clip(lower_bound=0.0) + assumptions.offer_amount
    gain = (
        p * assumptions.offer_success_rate * (churn_cost * v - offer)
        - (1.0 - p) * assumptions.anyway_share * offer
        - assumptions.contact_cost
    )
    return gain.round(DIGITS) + 0.0  # no -0.0


def by_gain(customers: pl.DataFrame) -> pl.DataFrame:
    """Return the rows sorted by expected gain, largest first, nulls last; equal gains by ``customer_id``."""
    return customers.sort("expected_gain", "customer_id", descending=[True, False], nulls_last=True)


def choose(customers: pl.DataFrame, budget: int | None = None) -> pl.DataFrame:
    """Return the customers to contact, highest expected gain first.

    A customer to contact has a warning within the lead time, is not suppressed, and has a positive expected gain. There
    can be fewer of them than the budget allows.

    Parameters
    ----------
    customers
        customer_id, expected_gain, level (null without a warning), suppressed (null if not), past_lead_time.
    budget
        Largest number of contacts; None means no limit.

    Raises
    ------
    UsageError
        The budget is below 1.
    """
    if budget is not None and budget < 1:
        raise UsageError(f"invalid budget: {budget} contacts", hint="use at least 1")
    reached = customers.filter(
        pl.col("level").is_not_null(),
        pl.col("suppressed").is_null(),
        ~pl.col("past_lead_time"),
        pl.col("expected_gain") > 0,
    )
    chosen = by_gain(reached)
    return chosen if budget is None else chosen.head(budget)


def order_is_of_value_at_risk(customers: pl.DataFrame) -> bool:
    """Return whether all expected gains are positive and (nearly) in the order of the value at risk.

    If so, the assumed offer success rate decides whether a contact pays, and not the data.

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
    """Return the cumulative expected gain by length of the list.

    Parameters
    ----------
    gains
        Expected gain per customer, in any order; nulls are ignored.
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
    """Return lengths of a list, evenly spaced from 1 to ``customers``, with the best and the break-even length."""
    even = POINTS - 2
    spread = {1 + round(step * (customers - 1) / (even - 1)) for step in range(even)} if customers else set()
    return spread | {length for length in (best, break_even) if length}


def _known(number: pl.Expr) -> pl.Expr:
    """Return ``number`` with null in place of NaN and infinity."""
    return pl.when(number.cast(pl.Float64).is_finite()).then(number.cast(pl.Float64))


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
