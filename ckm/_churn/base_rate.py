"""Base rate: the churn rate of customers who can still be retained; warning levels are multiples of its odds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckm._churn.customer_snapshot import CustomerSnapshot
    from ckm.models.churn.training_set import Features, Flags, Floats, TrainingSet

DIGITS = 2
"""Decimals of a base rate, so that small daily changes do not change the levels."""


def past_base_rate(past: TrainingSet) -> float | None:
    """Return the churn rate of the customers who could still be retained, over all past windows; None without any.

    Excludes customers without spend in 12 months, and customers whose days without a purchase exceed their own long
    interval plus the horizon: these customers get no warning, and almost all of them churn.
    """
    customers = churned = 0
    for window in past.windows:
        counts = can_be_retained(window.features, window.features["spend_12mo"], past.horizon)
        customers += int(counts.sum())
        churned += int(window.churned[counts].sum())
    return churned / customers if customers else None


def base_rate(past_rate: float | None, today: CustomerSnapshot, probability: Floats) -> float:
    """Return the base rate: the lower of the past churn rate and the mean churn probability of today.

    The past rate does not rise in a period of high churn, so that the period has more warnings. The mean probability
    lowers the base rate if the customers have changed: after the one-time buyers of a cohort have churned, the past
    rate would be too high for the remaining customers, and none of them would get a warning.
    """
    mine = probability[can_be_retained(today.features, today.value, today.horizon)]
    rates = [past_rate] if past_rate is not None else []
    rates += [float(mine.mean())] if len(mine) else []
    return round(min(rates, default=0.0), DIGITS)


def can_be_retained(features: Features, value: Floats, horizon: int) -> Flags:
    """Return whether each customer has a positive value and has not churned, as in ``give_levels``; shape (n,)."""
    found: Flags = (value > 0) & (features["gap_p80_days"] + horizon - features["days_silent"] >= 0)
    return found
