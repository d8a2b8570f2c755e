"""The predictions of spend that compete: the model of ordering, last year's spend, and boosted trees."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.models.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm.models.btyd.histories import Floats
    from ckm.models.spend.ordered_spend import OrderedSpend
    from ckm.models.spend.spend_snapshot import SpendSnapshot

BTYD, LAST_SPEND, BOOSTED = "btyd", "last_spend", "boosted"
CANDIDATES = (BTYD, LAST_SPEND, BOOSTED)
TREES, RATE, LEAVES, SHRINKAGE = 60, 0.08, 4, 1.0
"""Small trees and few: they correct a prediction that is nearly right, and a past window may have few customers."""
SMALLEST_LEAF = 100
BINS = 64
"""Of a feature: cutting weighted ones into 255 takes longer than growing the trees."""
FEWEST_BUYERS = 50
"""So many with spend, and so many without or more, that trees are grown."""
LEAST_BASE = 0.05
"""Of the mean: what the trees multiply is at least so much, as a customer of whom nothing is expected may buy."""
TWEEDIE_POWER = 1.5
"""The variance of a spend grows as this power of its expectation: between counts of orders (1) and amounts (2)."""
MOST_LOG_ODDS = 12.0


@dataclass(frozen=True)
class BacktestWindow:
    """A past day, what was known by it, and the spend of the days that followed.

    Attributes
    ----------
    snapshot
        The customers as of the day.
    btyd
        Model of ordering and of an order's value, as of the day.
    days
        Length of what followed.
    spend, orders
        Of each customer in these days; orders are purchase days.
    """

    snapshot: SpendSnapshot
    btyd: OrderedSpend
    days: int
    spend: Floats
    orders: Floats

    @property
    def ends(self) -> int:
        """Last day of what followed."""
        return self.snapshot.day + self.days

    @cached_property
    def value_error(self) -> float:
        """Logarithm of the spend of an order that came over what was expected of one; 0 without either."""
        orders = self.btyd.orders(self.snapshot, self.days)
        expected = float((orders * self.btyd.order_value(self.snapshot)).sum())
        came, there = float(self.spend.sum()), float(self.orders.sum())
        if min(came, there, expected) <= 0:
            return 0.0
        return float(np.log(came / there) - np.log(expected / orders.sum()))


@dataclass(frozen=True)
class Outlook:
    """What the candidates expect of customers, as of a day, over a horizon.

    Attributes
    ----------
    snapshot, btyd
        The customers and the model as of the day.
    window
        Length of the windows that the trees learned from.
    horizon
        Days ahead. The trees multiply what the other candidates expect of the horizon.
    trees
        The fitted ``HistGradientBoostingRegressor``; None where there were too few customers to grow them.
    """

    snapshot: SpendSnapshot
    btyd: OrderedSpend
    window: int
    horizon: int
    trees: Any = None

    @cached_property
    def spend(self) -> Mapping[str, Floats]:
        """Expected spend of each customer by candidate.

        That of ``last_spend`` goes on at the rate of last year; by how much the rate changes is learned elsewhere. Of
        the mean of both the trees say by what factor a customer spends more or less.
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
        """Log odds of no purchase of each customer within the horizon."""
        groups = self.snapshot.buyers.groups
        histories = groups.histories
        log_odds = self.btyd.model.no_order_log_odds(histories.x, histories.t_x, histories.T, float(self.horizon))
        return np.asarray(np.clip(log_odds, -MOST_LOG_ODDS, MOST_LOG_ODDS)[groups.position])


def grow_trees(windows: Sequence[BacktestWindow], seed: int) -> Any:
    """Return trees that say by what factor customers spent more or less than expected; None where too few bought.

    Gradient boosting (Friedman 2001) of spend over :func:`_base`, with a logarithm as link and weights of a Tweedie
    distribution (Jørgensen 1987): a tree never has to find again that a large customer is large, which it could not, as
    one leaf holds many customers. A fixed number of trees, on one thread, the same on every run.

    Parameters
    ----------
    windows
        Past ones, all of one length.
    seed
        Of the trees.
    """
    if sum(int((each.spend > 0).sum()) for each in windows) < FEWEST_BUYERS:
        return None
    if sum(len(each.spend) for each in windows) < 2 * SMALLEST_LEAF:
        return None
    from sklearn.ensemble import HistGradientBoostingRegressor

    bases = []
    for each in windows:
        outlook = Outlook(each.snapshot, each.btyd, each.days, each.days).spend
        bases.append(_base(outlook[BTYD], outlook[LAST_SPEND]))
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
    """Return what the trees multiply, above zero: the mean of the other candidates at equal totals."""
    total, gone = float(btyd.sum()), float(last_spend.sum())
    mean = (btyd + last_spend * (total / gone)) / 2 if gone > 0 else btyd
    return np.asarray(mean + LEAST_BASE * max(float(mean.mean()), 1e-9))


def _design(snapshot: SpendSnapshot, btyd: OrderedSpend, days: int) -> Floats:
    """Return what the trees see: the features of the history, and what the model of ordering expects."""
    expected, value = btyd.orders(snapshot, days), btyd.order_value(snapshot)
    return np.column_stack([snapshot.features(days), expected, np.log1p(expected * value)])
