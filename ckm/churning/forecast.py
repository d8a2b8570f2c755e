"""Each customer's probability of churn: models weighted by how right they were on the past, applied to today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.churning.base_rate import past_base_rate
from ckm.churning.horizon import check_fixed_intervals, check_horizon
from ckm.churning.snapshot import Snapshot, snapshot, stayed_away
from ckm.churning.typical import TypicalRetainedCustomer, typical_retained_customer
from ckm.customers.calendar import calendar_day
from ckm.customers.closures import every_year
from ckm.customers.fixed_intervals import fixed_intervals
from ckm.errors import NotEnoughDataError
from ckm.models.backtest import Backtest, past_of, walk_forward
from ckm.models.churn.learn import MODELS, CalibratedModel, learn
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.seasonal_clock import RepeatPurchases
from ckm.models.churn.stack import StackModel
from ckm.models.churn.window import TrainingSnapshot
from ckm.models.cutoffs import STEPS_PER_HORIZON, YEAR, Calendar
from ckm.models.sampling import id_hashes
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckm.churning.horizon import Horizon
    from ckm.customers.history import History

AUTO = "auto"
CHOICES = (AUTO, *MODELS)
WHOLE_YEAR = 334
"""Days of a horizon from which on it holds a season whole: a year but a month."""
MOST_LEARNED_FROM = 200_000
"""Customers whose past is learned from and compared on; with more, a sample by hashed id, the same at all cut-offs."""


@dataclass(frozen=True)
class Forecast:
    """What a model says of every customer.

    Attributes
    ----------
    history
        What is known.
    horizon
        Days that the question looks ahead.
    today
        Every customer as of the day of the question.
    model
        Learned from the past, calibrated on the window that closed last.
    probability
        Of no purchase within the horizon, shape (n,), parallel to ``today``.
    typical
        A customer like retained customers, whom reasons compare with.
    backtest
        How right the models were on the past; None where nobody asked.
    past_base_rate
        Share that left, over the past windows, of the customers who could still be lost; None without any.
    """

    history: History
    horizon: Horizon
    today: Snapshot
    model: CalibratedModel | StackModel
    probability: NDArray[np.float64]
    typical: TypicalRetainedCustomer
    backtest: Backtest | None
    past_base_rate: float | None

    @property
    def has_short_history(self) -> bool:
        """Whether there are less than three horizons of history; see :class:`ckm.models.cutoffs.Calendar`."""
        return Calendar(self.history.first_day, self.history.as_of, self.horizon.days).is_short


def forecast(
    history: History,
    horizon: Horizon,
    *,
    model: str = AUTO,
    compare: bool = False,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Forecast:
    """Learn from the past and say how likely each customer is to churn.

    Parameters
    ----------
    history
        Of all customers.
    horizon
        Days to look ahead.
    model
        One of :data:`ckm.models.churn.learn.MODELS`; ``auto`` compares them on the past and weighs them
        (:class:`ckm.models.churn.stack.StackModel`).
    compare
        Compare them also where the model is named.
    seed
        Of everything random.
    tell
        Is told what is being done.

    Raises
    ------
    NotEnoughDataError
        Too little history to learn from, or to compare models on; the message says how much is needed.
    """
    check_horizon(history, horizon.days)
    check_fixed_intervals(history, horizon.days)
    calendar = _calendar(history, horizon.days)
    window = _Windows(history, horizon.days, tell)
    fits = PurchaseModels(repeat_purchases(history))
    backtest = None
    if model == AUTO or compare:
        backtest = walk_forward(window, calendar.tests(), calendar, seed=seed, fits=fits)
        tell("comparing done")
    today = snapshot(history, history.as_of, horizon.days)
    weights = backtest.weights if backtest is not None and model == AUTO else {model: 1.0}
    past = past_of(window, calendar, history.as_of, today.features, seed=seed, fits=fits)
    parts = []
    for name in weights:
        tell(f"learning {name}")
        parts.append(learn(past, name))
    learned = StackModel(tuple(parts), tuple(weights.values())) if model == AUTO else parts[0]
    tell("scoring everybody")
    return Forecast(
        history=history,
        horizon=horizon,
        today=today,
        model=learned,
        probability=learned.probability(today.features),
        typical=typical_retained_customer(past),
        backtest=backtest,
        past_base_rate=past_base_rate(past),
    )


class _Windows:
    """Makes the window of a cut-off, once."""

    def __init__(self, history: History, horizon: int, tell: Callable[[str], None]) -> None:
        self._history = history
        self._horizon = horizon
        self._tell = tell
        self._keys = id_hashes(history.customers.to_list())
        self._only = _sample(self._keys, MOST_LEARNED_FROM)
        self._made: dict[int, TrainingSnapshot] = {}

    def __call__(self, day: int) -> TrainingSnapshot:
        if day not in self._made:
            self._tell("looking at the past")
            then = snapshot(self._history, day, self._horizon, only=self._only)
            away = stayed_away(self._history, then, self._horizon)
            self._made[day] = TrainingSnapshot(day, then.features, away, self._keys[then.customers])
        return self._made[day]


def _calendar(history: History, horizon: int) -> Calendar:
    """Return the cut-offs of a history.

    Raises
    ------
    NotEnoughDataError
        The as-of date is less than a horizon after a time in which the shop sold nothing, or long after the data end.
    """
    end = history.everybody.left_out.data_end
    if end is not None and end.silent_days * STEPS_PER_HORIZON > horizon:
        raise NotEnoughDataError(
            f"{end.sentence}: who bought since then is not known",
            hint=f"--as-of {end.last}, or load what is missing",
            silent_days=end.silent_days,
            horizon_days=horizon,
        )
    fixed = fixed_intervals(history.ledger.gaps)
    season = every_year(history.closures)
    yearly = bool(season) and horizon >= WHOLE_YEAR
    closed = tuple((each.first, each.last) for each in history.closures if not (yearly and each in season))
    interval = fixed.mean_days if fixed else None
    calendar = Calendar(history.first_day, history.as_of, horizon, closed, interval, yearly)
    if calendar.is_disturbed(history.as_of):
        closure = history.closures[-1]
        later = f"--as-of {calendar_day(closure.last + horizon + 1)} or later, when the data reach so far"
        whole = Calendar(history.first_day, history.as_of, YEAR, yearly=True)
        raise NotEnoughDataError(
            f"{closure.sentence}; what customers do within {counted(horizon, 'day')} of such a time is not in the past",
            hint=f"--horizon {YEAR}d, which holds the time whole each year; or {later}"
            if closure in season and whole.is_enough
            else f"{later}; or load what is missing",
            closed_days=closure.days,
            horizon_days=horizon,
        )
    return calendar


def repeat_purchases(history: History) -> RepeatPurchases:
    """Count the purchase days of all customers but their first ones, by day up to the as-of date."""
    purchases, days = history.ledger.purchases, history.as_of - history.first_day + 1
    bought = np.bincount(purchases.day - history.first_day, minlength=days)
    came = np.bincount(purchases.first_days() - history.first_day, minlength=days)
    return RepeatPurchases(history.first_day, bought - came, np.cumsum(came) - came)


def _sample(keys: NDArray[np.uint64], most: int) -> NDArray[np.intp] | None:
    """Return the customers with the smallest keys; None where all of them are few enough."""
    if len(keys) <= most:
        return None
    return np.sort(np.argsort(keys, kind="stable")[:most])
