"""Candidate predictions of spend: purchase model, last year's spend, and boosted trees."""

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
CANDIDATES = (BTYD, LAST_SPEND, BOOSTED)
TREES, RATE, LEAVES, SHRINKAGE = 60, 0.08, 4, 1.0
"""Settings of the trees. Few small trees are enough to correct a good prediction, and a past window may have few
customers."""
SMALLEST_LEAF = 100
BINS = 64
"""Bins per feature: with weights, 255 bins take longer to compute than the trees."""
FEWEST_BUYERS = 50
"""Fewest customers with spend, over all windows, to fit trees."""
LEAST_BASE = 0.05
"""Smallest base prediction, as a share of the mean: a customer with no expected spend can still buy."""
TWEEDIE_POWER = 1.5
"""Tweedie power: the variance of spend grows as this power of its mean, between counts (1) and amounts (2)."""
MOST_LOG_ODDS = 12.0


@dataclass(frozen=True)
class BacktestWindow:
    """A past day: the data known on it, and the spend in the days after it.

    Attributes
    ----------
    snapshot
        The customers as of the day.
    btyd
        Purchase model and order value model, as of the day.
    days
        Length of the window after the day.
    spend, orders
        Spend and purchase days of each customer in the window.
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
        """Logarithm of actual ÷ expected average order value; 0 if either is 0."""
        orders = self.btyd.orders(self.snapshot, self.days)
        expected = float((orders * self.btyd.order_value(self.snapshot)).sum())
        came, there = float(self.spend.sum()), float(self.orders.sum())
        if min(came, there, expected) <= 0:
            return 0.0
        return float(np.log(came / there) - np.log(expected / orders.sum()))


@dataclass(frozen=True)
class CandidateForecast:
    """Predictions of all candidates for a horizon, as of a day.

    Attributes
    ----------
    snapshot, btyd
        Customers and purchase model as of the day.
    window
        Length of the training windows of the trees.
    horizon
        Days ahead. The trees multiply the horizon's prediction of the other candidates.
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
        """Expected spend of each customer by candidate.

        ``last_spend`` assumes last year's rate; changes of the rate are fitted elsewhere. The trees predict a factor on
        the mean of the other two candidates.
        """
        found = {
            BTYD: self.btyd.orders(self.snapshot, self.horizon) * self.btyd.order_value(self.snapshot),
            LAST_SPEND: self.snapshot.rate * self.horizon,
        }
        if self.trees is not None:
            with one_thread():
                factor = self.trees.predict(_design(self.snapshot, self.btyd, self.window))
            found[BOOSTED] = _base(found[BTYD], found[LAST_SPEND]) * factor
        return found

    @cached_property
    def no_purchase(self) -> Floats:
        """Log odds of each customer of no purchase within the horizon."""
        groups = self.snapshot.buyers.groups
        histories = groups.histories
        log_odds = self.btyd.model.no_order_log_odds(histories.x, histories.t_x, histories.T, float(self.horizon))
        return np.asarray(np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)[groups.position])


def grow_trees(windows: Sequence[BacktestWindow], seed: int) -> Any:
    """Return trees that predict the factor of actual to expected spend; None with too few buyers.

    Gradient boosting (Friedman 2001) of spend ÷ :func:`_base`, with a log link and the weights of a Tweedie
    distribution (Jørgensen 1987). The trees need not learn a customer's level of spend, which they could not, because a
    leaf contains many customers. The number of trees is fixed and they are fitted on one thread, so every run gives the
    same result.

    Parameters
    ----------
    windows
        Past windows of equal length.
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
    design = np.concatenate([_design(each.snapshot, each.btyd, each.days) for each in windows])
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
    """Return the positive base prediction: the mean of the other candidates, scaled to equal totals."""
    total, gone = float(btyd.sum()), float(last_spend.sum())
    mean = (btyd + last_spend * (total / gone)) / 2 if gone > 0 else btyd
    return np.asarray(mean + LEAST_BASE * max(float(mean.mean()), 1e-9))


def _design(snapshot: SpendSnapshot, btyd: BtydSpend, days: int) -> Floats:
    """Return the features of the trees: the purchase history and the purchase model's prediction."""
    expected, value = btyd.orders(snapshot, days), btyd.order_value(snapshot)
    return np.column_stack([snapshot.features(days), expected, np.log1p(expected * value)])
