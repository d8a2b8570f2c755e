"""Candidate predictions of spend: purchase model, spend rate of the last year, and boosted trees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm.models.btyd.histories import Floats
    from ckm.models.spend.btyd_spend import BtydSpend
    from ckm.models.spend.spend_snapshot import SpendSnapshot

BTYD, LAST_SPEND, BOOSTED = "btyd", "last_spend", "boosted"
TREES, RATE, LEAVES, SHRINKAGE = 60, 0.08, 4, 1.0
"""Number of trees, learning rate, leaves per tree and L2 penalty. Few small trees are enough, because they only correct
the base prediction, and past windows may have few customers."""
SMALLEST_LEAF = 100
BINS = 64
"""Bins per feature; with sample weights, the default of 255 bins takes longer to compute than the trees."""
FEWEST_BUYERS = 50
"""Fewest customers with spend, in all windows together, to fit trees."""
LEAST_BASE = 0.05
"""Amount added to each base prediction, as a share of the mean: customers without expected spend can still buy."""
TWEEDIE_POWER = 1.5
"""Tweedie power: the variance of spend grows as this power of its mean, between counts (1) and amounts (2)."""
MOST_LOG_ODDS = 12.0
PREDICTED_AT_ONCE = 200_000
"""Customers whose features are a matrix at a time: 26 MB."""


@dataclass(frozen=True)
class BacktestWindow:
    """Past window: customers as of a day, and their spend in the days after it.

    Attributes
    ----------
    snapshot
        The customers as of the day.
    btyd
        Purchase model and order value model, fitted to purchases by the day.
    days
        Length of the window in days.
    spend, orders
        Spend and number of purchase days of each customer in the window, shape (n,).
    """

    snapshot: SpendSnapshot
    btyd: BtydSpend
    days: int
    spend: Floats
    orders: Floats

    @property
    def ends(self) -> int:
        """Last day of the window."""
        return self.snapshot.day + self.days

    @cached_property
    def value_error(self) -> float:
        """Logarithm of actual ÷ expected average order value in the window; 0 if either is 0."""
        orders = self.btyd.orders(self.snapshot, self.days)
        expected = float((orders * self.btyd.order_value(self.snapshot)).sum())
        spend, orders_made = float(self.spend.sum()), float(self.orders.sum())
        if min(spend, orders_made, expected) <= 0:
            return 0.0
        return float(np.log(spend / orders_made) - np.log(expected / orders.sum()))


@dataclass(frozen=True)
class CandidateForecast:
    """Predictions of all candidates for a horizon after a day.

    Attributes
    ----------
    snapshot, btyd
        Customers, and purchase and order value models, as of the day.
    window
        Length in days of the windows that the trees are trained on.
    horizon
        Length of the predicted period in days.
    trees
        The fitted ``HistGradientBoostingRegressor``; None with too few customers.
    """

    snapshot: SpendSnapshot
    btyd: BtydSpend
    window: int
    horizon: int
    trees: Any = None

    @cached_property
    def spend(self) -> Mapping[str, Floats]:
        """Expected spend of each customer over the horizon by candidate, shape (n,) each.

        ``btyd``: expected orders × expected order value. ``last_spend``: spend per day in the last year × days.
        ``boosted``: a factor, predicted by the trees, × the base prediction (:func:`_base`) of the other two.
        """
        found = {
            BTYD: self.btyd.orders(self.snapshot, self.horizon) * self.btyd.order_value(self.snapshot),
            LAST_SPEND: self.snapshot.rate * self.horizon,
        }
        if self.trees is not None:
            found[BOOSTED] = _base(found[BTYD], found[LAST_SPEND]) * self._factor
        return found

    @property
    def _factor(self) -> Floats:
        """Prediction of the trees, shape (n,), computed for some customers at a time, which takes less memory."""
        columns = _columns(self.snapshot, self.btyd, self.window)
        found = [np.zeros(0)]
        for first in range(0, len(self.snapshot.buyers), PREDICTED_AT_ONCE):
            design = np.column_stack([each[first : first + PREDICTED_AT_ONCE] for each in columns])
            with one_thread():
                found.append(self.trees.predict(design))
        return np.concatenate(found)

    @cached_property
    def no_purchase(self) -> Floats:
        """Log odds of no purchase within the horizon by the purchase model, shape (n,)."""
        groups = self.snapshot.buyers.groups
        histories = groups.histories
        log_odds = self.btyd.model.no_order_log_odds(histories.x, histories.t_x, histories.T, float(self.horizon))
        return np.asarray(np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)[groups.position])


def grow_trees(windows: Sequence[BacktestWindow], seed: int) -> Any:
    """Return trees that predict actual ÷ expected spend; None with too few customers or buyers.

    Gradient boosting (Friedman 2001) of spend ÷ :func:`_base` with a log link, and with the sample weights
    ``base ** (2 - power)`` of a Tweedie distribution (Jørgensen 1987). A ratio is predicted, because a leaf contains
    many customers and cannot represent the spend of each. The number of trees is fixed, and they are fitted on one
    thread, so that every run gives the same result.

    Parameters
    ----------
    windows
        Past windows with equal numbers of days.
    seed
        Random seed of the trees.
    """
    if sum(int((each.spend > 0).sum()) for each in windows) < FEWEST_BUYERS:
        return None
    if sum(len(each.spend) for each in windows) < 2 * SMALLEST_LEAF:
        return None
    from sklearn.ensemble import HistGradientBoostingRegressor

    bases = []
    for each in windows:
        forecast = CandidateForecast(each.snapshot, each.btyd, each.days, each.days).spend
        bases.append(_base(forecast[BTYD], forecast[LAST_SPEND]))
    base = np.concatenate(bases)
    ratio = np.concatenate([np.maximum(each.spend, 0.0) for each in windows]) / base
    design = np.concatenate([np.column_stack(_columns(each.snapshot, each.btyd, each.days)) for each in windows])
    with one_thread():
        return HistGradientBoostingRegressor(
            loss="poisson",
            max_iter=TREES,
            learning_rate=RATE,
            max_leaf_nodes=LEAVES,
            max_bins=BINS,
            min_samples_leaf=SMALLEST_LEAF,
            l2_regularization=SHRINKAGE,
            early_stopping=False,
            random_state=seed,
        ).fit(design, ratio, sample_weight=(base / base.mean()) ** (2 - TWEEDIE_POWER))


def _base(btyd: Floats, last_spend: Floats) -> Floats:
    """Return the base prediction, above 0: the mean of both candidates, ``last_spend`` scaled to equal totals."""
    btyd_total, last_total = float(btyd.sum()), float(last_spend.sum())
    mean = (btyd + last_spend * (btyd_total / last_total)) / 2 if last_total > 0 else btyd
    return np.asarray(mean + LEAST_BASE * max(float(mean.mean()), 1e-9))


def _columns(snapshot: SpendSnapshot, btyd: BtydSpend, days: int) -> list[Floats]:
    """Return the features of the trees, shape (n,) each: the purchase history, expected orders and expected spend."""
    expected, value = btyd.orders(snapshot, days), btyd.order_value(snapshot)
    return [*snapshot.columns(days), expected, np.log1p(expected * value)]
