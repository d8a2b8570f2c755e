"""The past days on which a model learns and is tested: each ends early enough for its outcome to be known."""

from __future__ import annotations

from dataclasses import dataclass

from ckm.errors import NotEnoughDataError

TESTS = 4
"""Cut-offs at which the models are compared."""
TRAININGS = 12
"""Cut-offs that a model learns from at most, the latest ones."""
STEPS_PER_HORIZON = 3
"""Cut-offs within one horizon. Closer ones see nearly the same customers do nearly the same."""


@dataclass(frozen=True)
class Calendar:
    """What history there is, and how far the question looks ahead. All in whole days.

    Attributes
    ----------
    first_day, last_day
        Of the history.
    horizon
        Days that the question looks ahead.
    """

    first_day: int
    last_day: int
    horizon: int

    @property
    def step(self) -> int:
        """Days between two cut-offs, a third of the horizon, rounded up."""
        return -(-self.horizon // STEPS_PER_HORIZON)

    @property
    def earliest(self) -> int:
        """First day that is worth looking at: one horizon after the first, so that silences had time to differ."""
        return self.first_day + self.horizon

    def trainings(self, day: int) -> tuple[int, ...]:
        """Return the cut-offs whose outcome is known by ``day``, earliest first; the last is ``day - horizon``."""
        latest = day - self.horizon
        days = [latest - number * self.step for number in range(TRAININGS)]
        return tuple(each for each in reversed(days) if each >= self.earliest)

    def tests(self) -> tuple[int, ...]:
        """Return the cut-offs to compare models at, earliest first: the latest whose outcome is known by the last day.

        Raises
        ------
        NotEnoughDataError
            Less than three horizons of history: one to see customers, one to learn what follows, one to test.
        """
        latest = self.last_day - self.horizon
        days = [latest - number * self.step for number in range(TESTS)]
        found = tuple(each for each in reversed(days) if self.trainings(each))
        if not found:
            days_there, needed = self.last_day - self.first_day, STEPS_PER_HORIZON * self.horizon
            raise NotEnoughDataError(
                f"{days_there} days of history; to look {self.horizon} days ahead, {needed} are needed: to see "
                "customers, to learn what followed, and to test it",
                hint="ask for a shorter --horizon, or choose --model rule",
                days=days_there,
                needed=needed,
            )
        return found
