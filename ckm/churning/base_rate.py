"""The average customer's risk, which the levels of a warning are multiples of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ckm.churning.snapshot import Snapshot
    from ckm.models.churn.window import Features, Flags, Floats, TrainingSet

DIGITS = 2
"""Decimals of a base rate: levels do not move with its noise from one day to the next."""


def past_base_rate(past: TrainingSet) -> float | None:
    """Return the share that left, over all past windows, of the customers who could still be lost; None without any.

    Who had no spend in 12 months, or had been silent for longer than their own long gap and the horizon together, is
    not counted: they are no warning, and almost all of them leave.
    """
    customers = left = 0
    for window in past.windows:
        counts = can_be_lost(window.features, window.features["spend_12mo"], past.horizon)
        customers += int(counts.sum())
        left += int(window.away[counts].sum())
    return left / customers if customers else None


def base_rate(past_rate: float | None, today: Snapshot, probability: Floats) -> float:
    """Return the share of the customers who can still be lost and leave: the lower of past and expected.

    The past keeps it where it is when more customers leave than usual: then more are with a warning, not the same
    number as ever. What is expected lowers it where the customers have changed, as a cohort does that has outlived its
    one-time buyers: measured against these, nobody would be at risk.
    """
    mine = probability[can_be_lost(today.features, today.value, today.horizon)]
    rates = [past_rate] if past_rate is not None else []
    rates += [float(mine.mean())] if len(mine) else []
    return round(min(rates, default=0.0), DIGITS)


def can_be_lost(features: Features, value: Floats, horizon: int) -> Flags:
    """Whether each customer is worth something and not gone, as :func:`ckm.churning.levels.give_levels` has it."""
    found: Flags = (value > 0) & (features["gap_p80_days"] + horizon - features["days_silent"] >= 0)
    return found
