"""Churn probability of each customer: calibrated models, stacked with weights from their backtest, as of today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm._churn.base_rate import past_base_rate
from ckm._churn.customer_snapshot import CustomerSnapshot, churned_within, snapshot
from ckm._churn.horizon import check_fixed_intervals, check_horizon, default_horizons
from ckm._churn.typical_customer import TypicalRetainedCustomer, typical_retained_customer
from ckm.customers.calendar import calendar_day
from ckm.customers.closures import yearly_closures
from ckm.customers.fixed_intervals import fixed_intervals
from ckm.errors import NotEnoughDataError
from ckm.models.backtest import Backtest, training_set_at, walk_forward
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.seasonal_clock import RepeatPurchases
from ckm.models.churn.stack import StackModel
from ckm.models.churn.training import MODELS, CalibratedModel, require_trained, train_all
from ckm.models.churn.training_set import TrainingSnapshot
from ckm.models.cutoffs import STEPS_PER_HORIZON, YEAR, Calendar
from ckm.models.sampling import id_hashes
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckm._churn.horizon import Horizon
    from ckm.customers.history import History

AUTO = "auto"
CHOICES = (AUTO, *MODELS)
WHOLE_YEAR = 334
"""Shortest horizon in days that counts as a whole year of seasons: a year less a month."""
MOST_TRAINED_ON = 50_000
"""Largest number of customers in training and backtest; above it, a sample by hashed id, the same at all cut-offs."""


@dataclass(frozen=True)
class Forecast:
    """Churn probabilities of all customers.

    Attributes
    ----------
    history
        Purchases and contacts of all customers.
    horizon
        Days that the prediction looks ahead.
    today
        Snapshot of all customers as of the as-of date.
    model
        Trained on past windows, calibrated on the window that closed last.
    probability
        Probability of no purchase within the horizon, shape (n,), parallel to ``today``.
    typical
        Typical retained customer, the reference of the reasons.
    backtest
        Scores of the models at past cut-offs; None without a backtest.
    past_base_rate
        Churn rate, over past windows, of the customers who could still be retained; None without any.
    """

    history: History
    horizon: Horizon
    today: CustomerSnapshot
    model: CalibratedModel | StackModel
    probability: NDArray[np.float64]
    typical: TypicalRetainedCustomer
    backtest: Backtest | None
    past_base_rate: float | None

    @property
    def has_short_history(self) -> bool:
        """Whether the history is shorter than three horizons; see :class:`ckm.models.cutoffs.Calendar`."""
        return Calendar(self.history.first_day, self.history.as_of, self.horizon.days).is_short


def forecast(
    history: History,
    horizon: Horizon,
    *,
    model: str = AUTO,
    compare: bool = False,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Forecast:
    """Train on past windows, and predict the churn probability of each customer.

    Parameters
    ----------
    history
        History of all customers.
    horizon
        Days that the prediction looks ahead.
    model
        One of :data:`ckm.models.churn.training.MODELS`; ``auto`` stacks them by their backtest
        (:class:`ckm.models.churn.stack.StackModel`).
    compare
        Run the backtest even if a model is named.
    seed
        Random seed.
    progress
        Called with the name of each stage.

    Raises
    ------
    NotEnoughDataError
        Too little history for training or backtest; the message states how much is needed.
    """
    check_horizon(history, horizon.days)
    check_fixed_intervals(history, horizon.days)
    calendar = _calendar(history, horizon.days)
    window = _Windows(history, horizon.days, progress)
    purchase_models = PurchaseModels(repeat_purchases(history))
    backtest = None
    if model == AUTO or compare:
        backtest = walk_forward(window, calendar.tests(), calendar, seed=seed, purchase_models=purchase_models)
        progress("backtest done")
    today = snapshot(history, history.as_of, horizon.days)
    weights = backtest.weights if backtest is not None and model == AUTO else {model: 1.0}
    past = training_set_at(window, calendar, history.as_of, today.features, seed=seed, purchase_models=purchase_models)
    progress("training")
    parts = require_trained(train_all(past, tuple(weights)))
    fitted = StackModel(parts, tuple(weights.values())) if model == AUTO else parts[0]
    progress("scoring")
    return Forecast(
        history=history,
        horizon=horizon,
        today=today,
        model=fitted,
        probability=fitted.probability(today.features),
        typical=typical_retained_customer(past),
        backtest=backtest,
        past_base_rate=past_base_rate(past),
    )


def forecast_default(
    history: History,
    *,
    model: str = AUTO,
    compare: bool = False,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Forecast:
    """Return the forecast with the longest of the default horizons that the data can test.

    Parameters are those of :func:`forecast`.

    Raises
    ------
    NotEnoughDataError
        No customer bought again, or the data can test none of :func:`ckm._churn.horizon.default_horizons`; the error is
        the error of the shortest horizon, which needs the least data.
    """
    horizons = default_horizons(history)
    refusals: list[NotEnoughDataError] = []
    for days in horizons.days:
        horizon = horizons.shortened(days, refusals[0]) if refusals else horizons.default
        try:
            return forecast(history, horizon, model=model, compare=compare, seed=seed, progress=progress)
        except NotEnoughDataError as refusal:
            refusals.append(refusal)
    shortest = refusals[-1]
    if len(refusals) == 1:
        raise shortest
    raise NotEnoughDataError(
        f"the data can test no horizon of {', '.join(map(str, horizons.days))} days; at {horizons.days[-1]} days: "
        f"{shortest}",
        hint=shortest.hint,
        **shortest.details,
    ) from shortest


class _Windows:
    """Training snapshots by cut-off, each computed once."""

    def __init__(self, history: History, horizon: int, progress: Callable[[str], None]) -> None:
        self._history = history
        self._horizon = horizon
        self._progress = progress
        keys = id_hashes(history.customers.to_list())
        only = _sample(keys, MOST_TRAINED_ON)
        if only is not None:
            self._history, keys = history.only(only), keys[only]
        elif history.ledger.is_partitioned:
            self._history = history.only(np.arange(len(keys)))
        self._keys = keys
        self._made: dict[int, TrainingSnapshot] = {}

    def __call__(self, day: int) -> TrainingSnapshot:
        if day not in self._made:
            self._progress("backtest")
            then = snapshot(self._history, day, self._horizon)
            churned = churned_within(self._history, then, self._horizon)
            self._made[day] = TrainingSnapshot(day, then.features, churned, self._keys[then.customers])
        return self._made[day]


def _calendar(history: History, horizon: int) -> Calendar:
    """Return the cut-offs of a history.

    Raises
    ------
    NotEnoughDataError
        The as-of date is less than a horizon after a closure, or long after the last row.
    """
    end = history.full_ledger.left_out.data_end
    if end is not None and end.silent_days * STEPS_PER_HORIZON > horizon:
        raise NotEnoughDataError(
            f"{end.sentence}: purchases since then are unknown",
            hint=f"--as-of {end.last}, or load the missing data",
            silent_days=end.silent_days,
            horizon_days=horizon,
        )
    fixed = fixed_intervals(history.ledger)
    season = yearly_closures(history.closures)
    yearly = bool(season) and horizon >= WHOLE_YEAR
    closed = tuple((each.first, each.last) for each in history.closures if not (yearly and each in season))
    interval = fixed.mean_days if fixed else None
    calendar = Calendar(history.first_day, history.as_of, horizon, closed, interval, yearly)
    if calendar.is_near_closure(history.as_of):
        closure = history.closures[-1]
        later = f"--as-of {calendar_day(closure.last + horizon + 1)} or later, when the data reach that day"
        whole = Calendar(history.first_day, history.as_of, YEAR, yearly=True)
        raise NotEnoughDataError(
            f"{closure.sentence}; no past window shows what customers do within {counted(horizon, 'day')} of a closure",
            hint=f"--horizon {YEAR}d, which contains the yearly closure; or {later}"
            if closure in season and whole.is_enough
            else f"{later}; or load the missing data",
            closed_days=closure.days,
            horizon_days=horizon,
        )
    return calendar


def repeat_purchases(history: History) -> RepeatPurchases:
    """Return the shop's number of repeat purchase days on each day up to the as-of date."""
    first, last = history.first_day, history.as_of
    repeated, known = history.ledger.summed(lambda part: np.stack(part.purchases.repeats_by_day(first, last)))
    return RepeatPurchases(first, repeated, known)


def _sample(keys: NDArray[np.uint64], most: int) -> NDArray[np.intp] | None:
    """Return the positions of the ``most`` smallest keys, in order; None if there are at most ``most`` keys."""
    if len(keys) <= most:
        return None
    return np.sort(np.argsort(keys, kind="stable")[:most])
