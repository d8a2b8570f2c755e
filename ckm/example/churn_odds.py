"""Churn of simulated customers: weekly odds, multiplied by the customer's troubles.

In week ``w`` an active customer churns with odds ``base × Π multiplier`` over the troubles of that week. This is a
discrete proportional-odds model, so a logistic regression on customer-weeks recovers the multipliers.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.example.customers import Customer
    from ckm.example.random_stream import RandomStream

WEEK = 7


@dataclass(frozen=True)
class Trouble:
    """A trouble of a customer, and the days on which it has an effect (both included)."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Churn:
    """Time and cause of a churn, and the odds of that week relative to a week without trouble."""

    day: int
    reason: str
    odds_ratio: float


Exposure = Counter[tuple[str, tuple[str, ...], bool]]
"""Customer-weeks by group, troubles of the week, and whether the customer churned in it."""


def trouble(kind: str, first: int, *, until: int | None = None) -> Trouble:
    """Return a trouble that begins on day ``first`` and ends after the duration of its kind or on ``until``."""
    last = first + WEEK * int(words("troubles")[kind]["weeks"]) - 1
    return Trouble(kind, first, last if until is None else min(last, until))


def odds_ratio(kinds: Iterable[str]) -> float:
    """Return the factor by which troubles multiply the churn odds."""
    return prod((float(words("troubles")[kind]["odds"]) for kind in kinds), start=1.0)


def churn_between(
    customer: Customer, troubles: list[Trouble], after: int, until: int, stream: RandomStream, exposure: Exposure
) -> Churn | None:
    """Return the churn of the customer in one of the weeks that end in ``(after, until]``, if any.

    Weeks are counted from the day the customer joined, so that orders do not restart them. The weeks are added to
    ``exposure``.
    """
    first_end = after + WEEK - (after - customer.joined) % WEEK
    for week_end in range(first_end, min(until, days.LAST) + 1, WEEK):
        kinds = (
            tuple(sorted({each.kind for each in troubles if each.first <= week_end <= each.last})) if troubles else ()
        )
        ratio = odds_ratio(kinds) if kinds else 1.0
        odds = customer.traits["odds"] * ratio
        left = stream.chance(odds / (1 + odds))
        exposure[customer.group, kinds, left] += 1
        if left:
            return Churn(week_end, _reason(kinds, ratio, stream), ratio)
    return None


def _reason(kinds: tuple[str, ...], ratio: float, stream: RandomStream) -> str:
    """Return the reason of a churn.

    It is ``drift`` with the probability 1 / ``ratio``, else one of the troubles with a probability in proportion to its
    odds ratio minus 1.
    """
    if not kinds or stream.chance(1 / ratio):
        return "drift"
    return stream.weighted({kind: odds_ratio([kind]) - 1 for kind in kinds})
