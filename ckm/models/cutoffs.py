"""Cut-offs of training and test windows: past days whose outcome is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import numpy as np

from ckm.errors import NotEnoughDataError

TESTS = 4
"""Maximum number of test cut-offs; the latest are used."""
TRAININGS = 12
"""Maximum number of training cut-offs; the latest are used."""
STEP_SLACK = 4
"""A step differs from a third of the horizon by at most one part in this number (a quarter)."""
YEAR = 365
OTHERWISE = (
    "without --horizon the longest that the data can test is used; 'ckm segment --by lifecycle' names who is overdue "
    "by their own purchase interval"
)
"""Hint for a horizon that the data cannot test; it names no number of days, which could be refused as well."""
STEPS_PER_HORIZON = 3
"""Number of cut-offs per horizon; windows of closer cut-offs are nearly identical."""
HORIZONS = 3
"""Horizons in a history that is not short: one each for features, training and test."""


@dataclass(frozen=True)
class Calendar:
    """Extent of the history, and horizon, from which cut-offs are chosen. Days are days since 1970-01-01.

    Attributes
    ----------
    first_day, last_day
        First and last day of the history.
    horizon
        Days that the prediction looks ahead.
    closed
        First and last day of each closure. Cut-offs within a horizon before or after a closure are not used, because
        customers could not buy.
    interval
        Mean interval in days of customers who buy at fixed intervals; None if few do.
    yearly
        Whether the shop closes at the same time every year; cut-offs are then whole years apart.
    """

    first_day: int
    last_day: int
    horizon: int
    closed: tuple[tuple[int, int], ...] = ()
    interval: float | None = None
    yearly: bool = False

    @cached_property
    def step(self) -> int:
        """Days between two cut-offs: a third of the horizon, rounded up; a year if the shop closes every year.

        If most customers buy at a fixed interval, a step that divides this interval would put all cut-offs at the same
        few days of the billing cycle. Then the step is the one, up to 25 % shorter or longer than a third of the
        horizon, whose cut-offs are spread most evenly over the interval.
        """
        if self.yearly:
            return YEAR
        usual = -(-self.horizon // STEPS_PER_HORIZON)
        interval = self.interval
        if interval is None:
            return usual
        nearby = range(max(1, usual - usual // STEP_SLACK), usual + usual // STEP_SLACK + 1)
        return max(nearby, key=lambda step: (_smallest_distance(step, interval), -abs(step - usual), -step))

    @property
    def _needed(self) -> int:
        """Fewest days of history for training and test."""
        return 2 * self.horizon + -(-self.horizon // STEPS_PER_HORIZON)

    @property
    def is_short(self) -> bool:
        """Whether the history is shorter than three horizons (one each for features, training and test)."""
        return self.last_day - self.first_day < HORIZONS * self.horizon

    @property
    def earliest(self) -> int:
        """Earliest possible cut-off: a horizon after the first day, so that recency can vary.

        In a short history, it is a third of a horizon after the first day.
        """
        return self.first_day + (-(-self.horizon // STEPS_PER_HORIZON) if self.is_short else self.horizon)

    def trainings(self, day: int) -> tuple[int, ...]:
        """Return the training cut-offs whose outcome is known by ``day``, earliest first."""
        return self._latest(day - self.horizon, TRAININGS)

    def tests(self) -> tuple[int, ...]:
        """Return the test cut-offs, earliest first: the latest whose outcome is known by the last day.

        Raises
        ------
        NotEnoughDataError
            Less history than 2⅓ horizons: a third for features, one for training, one for test.
        """
        found = tuple(each for each in self._latest(self.last_day - self.horizon, TESTS) if self.trainings(each))
        if not found:
            self._refuse()
        return found

    def _refuse(self) -> NoReturn:
        days, needed = self.last_day - self.first_day, self._needed
        closed = ", away from closures" if days >= needed else ""
        raise NotEnoughDataError(
            f"{days} days of history; to look {self.horizon} days ahead, {needed} are needed{closed}: for "
            "features, training and test",
            hint=f"{OTHERWISE}; or load more history",
            days=days,
            needed=needed,
        )

    @property
    def is_enough(self) -> bool:
        """Whether the history has a test cut-off with a training cut-off before it."""
        return any(self.trainings(each) for each in self._latest(self.last_day - self.horizon, TESTS))

    def is_near_closure(self, day: int) -> bool:
        """Return whether a day is in a closure, or within a horizon before or after one."""
        return any(first - self.horizon <= day <= last + self.horizon for first, last in self.closed)

    def _latest(self, latest: int, most: int) -> tuple[int, ...]:
        days = range(latest, self.earliest - 1, -self.step)
        return tuple(reversed([each for each in days if not self.is_near_closure(each)][:most]))


def _smallest_distance(step: int, interval: float) -> float:
    """Return the smallest distance between cut-offs modulo the interval, in days, rounded to 0.1."""
    points = np.sort(np.arange(TRAININGS) * step % interval)
    return round(float(np.diff(np.append(points, points[0] + interval)).min()), 1)
