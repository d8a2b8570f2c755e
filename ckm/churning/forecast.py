"""How likely each customer is to stay away: a model, chosen by how right it was on the past, applied to today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm.churning.horizon import check_horizon
from ckm.churning.snapshot import Snapshot, snapshot, stayed_away
from ckm.churning.typical import TypicalStayer, typical_stayer
from ckm.models.backtest import Backtest, past_of, walk_forward
from ckm.models.churn.learn import MODELS, CalibratedModel, learn
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.churn.window import Window
from ckm.models.cutoffs import Calendar
from ckm.models.sampling import id_hashes

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from ckm.churning.horizon import Horizon
    from ckm.customers.history import History

AUTO = "auto"
CHOICES = (AUTO, *MODELS)
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
        Learned from the past, put right by the window that closed last.
    probability
        Of no purchase within the horizon, shape (n,), parallel to ``today``.
    typical
        A customer like those who stayed, whom reasons compare with.
    backtest
        How right the models were on the past; None where nobody asked.
    """

    history: History
    horizon: Horizon
    today: Snapshot
    model: CalibratedModel
    probability: NDArray[np.float64]
    typical: TypicalStayer
    backtest: Backtest | None


def forecast(
    history: History,
    horizon: Horizon,
    *,
    model: str = AUTO,
    compare: bool = False,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Forecast:
    """Learn from the past and say how likely each customer is to stay away.

    Parameters
    ----------
    history
        Of all customers.
    horizon
        Days to look ahead.
    model
        One of :data:`ckm.models.churn.learn.MODELS`; ``auto`` compares them on the past and takes the simplest that is
        not clearly worse than the best.
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
    calendar = Calendar(history.first_day, history.last_day, horizon.days)
    window = _Windows(history, horizon.days, tell)
    fits = PurchaseModels()
    backtest = None
    if model == AUTO or compare:
        models = MODELS if compare or model == AUTO else (model,)
        backtest = walk_forward(window, calendar.tests(), calendar, models=models, seed=seed, fits=fits)
        tell("comparing done")
    name = backtest.chosen if backtest is not None and model == AUTO else model
    today = snapshot(history, history.as_of, horizon.days)
    tell(f"learning {name}")
    past = past_of(window, calendar, history.last_day, today.features, seed=seed, fits=fits)
    learned = learn(past, name)
    tell("scoring everybody")
    return Forecast(
        history=history,
        horizon=horizon,
        today=today,
        model=learned,
        probability=learned.probability(today.features),
        typical=typical_stayer(past),
        backtest=backtest,
    )


class _Windows:
    """Makes the window of a cut-off, once."""

    def __init__(self, history: History, horizon: int, tell: Callable[[str], None]) -> None:
        self._history = history
        self._horizon = horizon
        self._tell = tell
        self._keys = id_hashes(history.customers.to_list())
        self._only = _sample(self._keys, MOST_LEARNED_FROM)
        self._made: dict[int, Window] = {}

    def __call__(self, day: int) -> Window:
        if day not in self._made:
            self._tell("looking at the past")
            then = snapshot(self._history, day, self._horizon, only=self._only)
            away = stayed_away(self._history, then, self._horizon)
            self._made[day] = Window(day, then.features, away, self._keys[then.customers])
        return self._made[day]


def _sample(keys: NDArray[np.uint64], most: int) -> NDArray[np.intp] | None:
    """Return the customers with the smallest keys; None where all of them are few enough."""
    if len(keys) <= most:
        return None
    return np.sort(np.argsort(keys, kind="stable")[:most])
