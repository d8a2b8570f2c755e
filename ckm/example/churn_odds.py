"""Churn of simulated customers: the weekly odds of churn are multiplied by the odds ratios of troubles.

A trouble is a bad experience, such as a late delivery. In each week an active customer churns with the odds of the
customer's group times the odds ratio of each trouble of this week. This is a discrete proportional-odds model: a
logistic regression on customer-weeks estimates the odds ratios.
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
    """A trouble of a customer.

    Attributes
    ----------
    kind
        Kind of the trouble, such as ``late_delivery``.
    first, last
        First and last day on which the trouble increases the odds of churn (day numbers, both included).
    """

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Churn:
    """Churn of a customer.

    Attributes
    ----------
    day
        Day number of the churn.
    reason
        A kind of trouble, or ``drift`` (no trouble), ``one_purchase`` or ``faded``.
    odds_ratio
        Product of the odds ratios of the troubles in the week of the churn; 1 without trouble.
    """

    day: int
    reason: str
    odds_ratio: float


Exposure = Counter[tuple[str, tuple[str, ...], bool]]
"""Number of customer-weeks by group of customers, kinds of trouble in the week, and churn in the week."""


def trouble(kind: str, first: int, *, until: int | None = None) -> Trouble:
    """Return a trouble that begins on day ``first``.

    It ends after the number of weeks of its kind, or on day ``until`` if that is earlier.
    """
    last = first + WEEK * int(words("troubles")[kind]["weeks"]) - 1
    return Trouble(kind, first, last if until is None else min(last, until))


def odds_ratio(kinds: Iterable[str]) -> float:
    """Return the product of the odds ratios of kinds of trouble; 1 without trouble."""
    return prod((float(words("troubles")[kind]["odds"]) for kind in kinds), start=1.0)


def churn_between(
    customer: Customer, troubles: list[Trouble], after: int, until: int, stream: RandomStream, exposure: Exposure
) -> Churn | None:
    """Simulate whether a customer churns in a range of days.

    Weeks begin on the weekday on which the customer joined, whatever the days of orders.

    Parameters
    ----------
    customer, troubles
        The customer, and the customer's troubles.
    after, until
        Day numbers: the weeks that end after ``after`` and not later than ``until`` are simulated.
    stream
        Random numbers.
    exposure
        Counter to which the simulated customer-weeks are added.

    Returns
    -------
    Churn | None
        The churn, on the last day of its week; None if the customer does not churn.
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
    """Draw the reason of a churn.

    The reason is ``drift`` with a probability of 1 / ``ratio``, where ``ratio`` is the odds ratio of all troubles
    together. Else it is one of the troubles, with a probability in proportion to its odds ratio minus 1.
    """
    if not kinds or stream.chance(1 / ratio):
        return "drift"
    return stream.weighted({kind: odds_ratio([kind]) - 1 for kind in kinds})
