"""The past days on which a model learns and is tested: each ends early enough for its outcome to be known."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np

from ckm.errors import NotEnoughDataError

TESTS = 4
"""Cut-offs at which the models are compared."""
TRAININGS = 12
"""Cut-offs that a model learns from at most, the latest ones."""
STEP_SLACK = 4
"""A step differs from the usual one by a fourth at most."""
YEAR = 365
SHORTEST_HORIZON = 7
"""Days; what a customer does within less says nothing."""
NAMES_OVERDUE = "'ckm segment --by lifecycle' names who is overdue by their own purchase interval"
"""What works with little data, as a hint."""
STEPS_PER_HORIZON = 3
"""Cut-offs within one horizon. Closer ones see nearly the same customers do nearly the same."""
HORIZONS = 3
"""Of history: one to see customers, one to learn what follows, one to test it."""


@dataclass(frozen=True)
class Calendar:
    """What history there is, and how far the question looks ahead. All in whole days.

    Attributes
    ----------
    first_day, last_day
        Of the history.
    horizon
        Days that the question looks ahead.
    closed
        First and last day of each time in which the shop sold nothing though it usually would have. A cut-off less than
        a horizon before or after one teaches nothing: nobody could buy, and all had been silent.
    interval
        Mean days between the purchases of customers who buy on fixed days; None where few do.
    yearly
        Whether the shop is closed at the same time of each year: its cut-offs lie whole years apart, where customers
        stand as they do today.
    """

    first_day: int
    last_day: int
    horizon: int
    closed: tuple[tuple[int, int], ...] = ()
    interval: float | None = None
    yearly: bool = False

    @cached_property
    def step(self) -> int:
        """Days between two cut-offs: a third of the horizon, rounded up; a year in a shop that is closed each year.

        Customers who buy on fixed days stand at the same point of their interval at every cut-off, if the step is a
        part of it. For them the step is the one nearby whose cut-offs lie at the most different points.
        """
        if self.yearly:
            return YEAR
        usual = -(-self.horizon // STEPS_PER_HORIZON)
        interval = self.interval
        if interval is None:
            return usual
        nearby = range(max(1, usual - usual // STEP_SLACK), usual + usual // STEP_SLACK + 1)
        return max(nearby, key=lambda step: (_least_apart(step, interval), -abs(step - usual), -step))

    @property
    def _needed(self) -> int:
        """Days of history without which nothing is learned and tested."""
        return 2 * self.horizon + -(-self.horizon // STEPS_PER_HORIZON)

    @property
    def is_short(self) -> bool:
        """Whether the history is shorter than three horizons: one to see customers, one to learn, one to test."""
        return self.last_day - self.first_day < HORIZONS * self.horizon

    @property
    def earliest(self) -> int:
        """First day that is worth looking at: one horizon after the first, so that silences had time to differ.

        In a short history it is a step after the first: seeing customers for a third of a horizon is better than not
        learning at all.
        """
        return self.first_day + (-(-self.horizon // STEPS_PER_HORIZON) if self.is_short else self.horizon)

    def trainings(self, day: int) -> tuple[int, ...]:
        """Return the cut-offs whose outcome is known by ``day``, earliest first."""
        return self._latest(day - self.horizon, TRAININGS)

    def tests(self) -> tuple[int, ...]:
        """Return the cut-offs to compare models at, earliest first: the latest whose outcome is known by the last day.

        Raises
        ------
        NotEnoughDataError
            Less history than a third of a horizon to see customers, one to learn what follows, one to test.
        """
        found = tuple(each for each in self._latest(self.last_day - self.horizon, TESTS) if self.trainings(each))
        if not found:
            self._refuse()
        return found

    def _refuse(self) -> NoReturn:
        days, needed = self.last_day - self.first_day, self._needed
        closed = ", none of them near a time in which the shop sold nothing" if days >= needed else ""
        raise NotEnoughDataError(
            f"{days} days of history; to look {self.horizon} days ahead, {needed} are needed{closed}: to see "
            "customers, to learn what followed, and to test it",
            hint=self._what_works(days),
            days=days,
            needed=needed,
        )

    def _what_works(self, days: int) -> str:
        shorter = min(days // HORIZONS, self.horizon - 1)
        least = max(SHORTEST_HORIZON, math.ceil(self.interval or 0) + 1)
        if days >= self._needed or shorter < least:
            return f"{NAMES_OVERDUE}; or load more history"
        return f"--horizon {shorter}d, or load more history"

    @property
    def is_enough(self) -> bool:
        """Whether there is a day to test at and one to learn from before it."""
        return any(self.trainings(each) for each in self._latest(self.last_day - self.horizon, TESTS))

    def is_disturbed(self, day: int) -> bool:
        """Return whether a day is closed, or less than a horizon before or after a closure."""
        return any(first - self.horizon <= day <= last + self.horizon for first, last in self.closed)

    def _latest(self, latest: int, most: int) -> tuple[int, ...]:
        days = range(latest, self.earliest - 1, -self.step)
        return tuple(reversed([each for each in days if not self.is_disturbed(each)][:most]))


def _least_apart(step: int, interval: float) -> float:
    """Return the least distance of two cut-offs within an interval that repeats, in days rounded to a tenth."""
    points = np.sort(np.arange(TRAININGS) * step % interval)
    return round(float(np.diff(np.append(points, points[0] + interval)).min()), 1)
