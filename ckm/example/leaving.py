"""Why customers leave: weekly odds, multiplied by the troubles they are in.

In week ``w`` a customer who is still there leaves with odds ``base × Π multiplier`` over the troubles of that week: a
discrete proportional-odds model, so that a logistic regression on customer-weeks finds the multipliers again.
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

    from ckm.example.dice import Dice
    from ckm.example.people import Customer

WEEK = 7


@dataclass(frozen=True)
class Trouble:
    """Something that went wrong for a customer, and the days on which it weighs (both included)."""

    kind: str
    first: int
    last: int


@dataclass(frozen=True)
class Leaving:
    """When and why a customer left, and the odds of that week against a week without trouble."""

    day: int
    reason: str
    odds_ratio: float


Exposure = Counter[tuple[str, tuple[str, ...], bool]]
"""Customer-weeks by group, the troubles of the week and whether the customer left in it."""


def trouble(kind: str, first: int, *, until: int | None = None) -> Trouble:
    """Return a trouble that weighs as long as its kind does, or until it is calibrated."""
    last = first + WEEK * int(words("troubles")[kind]["weeks"]) - 1
    return Trouble(kind, first, last if until is None else min(last, until))


def odds_ratio(kinds: Iterable[str]) -> float:
    """Return by how much troubles multiply the churn odds."""
    return prod((float(words("troubles")[kind]["odds"]) for kind in kinds), start=1.0)


def leaves_between(
    customer: Customer, troubles: list[Trouble], after: int, until: int, dice: Dice, exposure: Exposure
) -> Leaving | None:
    """Return whether the customer leaves in one of the weeks that end in ``(after, until]``.

    Weeks are counted from the day the customer joined, so that orders do not reset them. ``exposure`` gains the
    weeks lived through.
    """
    first_end = after + WEEK - (after - customer.joined) % WEEK
    for week_end in range(first_end, min(until, days.LAST) + 1, WEEK):
        kinds = tuple(sorted({each.kind for each in troubles if each.first <= week_end <= each.last}))
        ratio = odds_ratio(kinds)
        odds = customer.traits["odds"] * ratio
        left = dice.chance(odds / (1 + odds))
        exposure[customer.group, kinds, left] += 1
        if left:
            return Leaving(week_end, _reason(kinds, ratio, dice), ratio)
    return None


def _reason(kinds: tuple[str, ...], ratio: float, dice: Dice) -> str:
    """Return the cause: ``drift`` as often as the customer would have left anyway, else a trouble by its weight."""
    if not kinds or dice.chance(1 / ratio):
        return "drift"
    return dice.weighted({kind: odds_ratio([kind]) - 1 for kind in kinds})
