"""Spend of each customer over a horizon, by candidates that competed on past windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.spend.candidates import BTYD, LAST_SPEND, BacktestWindow, Outlook, grow_trees
from ckm.models.spend.ensemble_shares import combined, fit_shares
from ckm.models.spend.ordered_spend import fit_ordered_spend, with_order_value
from ckm.models.spend.prediction_interval import Missed, coverage, fit_interval, total_reach
from ckm.models.spend.spend_snapshot import Purchases, SpendSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm.models.btyd.histories import Floats
    from ckm.models.btyd.model import TransactionModel

LEARNED_FROM = 20_000
"""Customers that windows are made of, where there are more: five windows are then 100,000 rows."""
PARTS = 3
"""A history is cut into so many windows at least: to see customers, to learn what followed, to test it."""
SHORTEST = 28
"""Days: in a shorter window most shops see nobody twice."""
WINDOWS, TESTS = 5, 3
"""Windows that are learned from, and tests among them, at most: the latest."""
STEPS_PER_WINDOW = 2
EVEN_CREDIBILITY = 0.5
"""How much of a past total's error is believed where nothing is known: part of it is drift, which stays, and part
season and chance, which do not (Bühlmann 1967)."""
PRIOR_PAIRS = 3
"""So many pairs of windows weigh as much as that guess."""
FEWEST_CUSTOMERS = 100


@dataclass(frozen=True)
class SpendTest:
    """What was expected of a past window by candidates that knew nothing of it, and what came.

    Attributes
    ----------
    day, days
        Last day that was known, and length of what followed.
    candidates
        Expected spend of each customer by candidate, before the total is calibrated.
    expected
        The combination, by shares and a correction of the total learned from the tests that had closed by the day.
    no_purchase
        Log odds of no purchase.
    spend
        What came.
    """

    day: int
    days: int
    candidates: Mapping[str, Floats]
    expected: Floats
    no_purchase: Floats
    spend: Floats

    @property
    def ends(self) -> int:
        """Last day of what followed."""
        return self.day + self.days

    @property
    def mean_absolute_error(self) -> float:
        """Of a customer's spend."""
        return float(np.abs(self.expected - self.spend).mean())

    def missed(self, shares: Mapping[str, float]) -> Missed:
        """Return what intervals of a combination by other shares are learned from."""
        return Missed(combined(self.candidates, shares), self.no_purchase, self.spend, self.days)

    @property
    def total_error(self) -> float:
        """Logarithm of the spend that came over what was expected; 0 without either."""
        return _log_ratio(self.spend, self.expected)


@dataclass(frozen=True)
class SpendForecast:
    """Expected spend of each customer over a horizon, with a prediction interval of 80 %.

    Attributes
    ----------
    spend
        Expected, one entry per customer as of the day.
    low, high
        Ends of the interval of each, both included; None where too few bought in past windows.
    total_reach
        Of the logarithm of the total, to either side of its 95 % interval; None without a test.
    shares
        Of the candidates in the combination.
    correction
        Factor by which past totals were calibrated.
    horizon, window
        Days ahead, and length of the tests: the horizon, or shorter where the history is less than three of it.
    tests
        Earliest first; empty where the history is too short, and the model of ordering stands alone.
    coverage
        Share of the customers of the tests within an interval learned from others; None without one.
    """

    spend: Floats
    low: Floats | None
    high: Floats | None
    total_reach: float | None
    shares: Mapping[str, float]
    correction: float
    horizon: int
    window: int
    tests: tuple[SpendTest, ...]
    coverage: float | None


def forecast_spend(
    purchases: Purchases,
    day: int,
    horizon: int,
    model: TransactionModel,
    *,
    first_day: int | None = None,
    seed: int = 0,
) -> SpendForecast:
    """Predict the spend of each customer over a horizon.

    The model of ordering times that of an order's value, last year's spend times a learned ratio, and boosted trees are
    each learned from what was known at past days, compared with the windows that followed, and combined by the shares
    that did best there. Where the history is less than three horizons the windows are a third of it, and what the trees
    expect grows to the horizon as the model of ordering says. Where it is too short for that, the model of ordering
    stands alone. A million customers take some ten seconds, most of them to apply.

    Parameters
    ----------
    purchases
        Of all customers; what comes after the day is not read.
    day
        As of which.
    horizon
        Days ahead.
    model
        Of ordering, as of the day. In past windows one of the same name is fitted to what was known then.
    first_day
        Of the data; None means the first purchase.
    seed
        Of samples and trees.
    """
    today = SpendSnapshot(purchases, day)
    begins = purchases.first_day if first_day is None else first_day
    window = min(horizon, (day - begins + 1) // (PARTS * STEPS_PER_WINDOW) * STEPS_PER_WINDOW)
    past = _Past(_sampled(purchases, today, seed), begins, day, horizon, window, model.name, seed)
    tests = past.tests
    outlook = Outlook(today, with_order_value(model, today, seed), window, horizon, past.trees(day) if tests else None)
    candidates = past.levelled(outlook, day)
    shares = past.shares(day, candidates) if tests else {BTYD: 1.0}
    correction = past.correction(day, shares) if tests else 1.0
    spend = correction * combined(candidates, shares)
    missed = [each.missed(shares) for each in tests]
    interval = fit_interval(missed) if tests else None
    low, high = (None, None) if interval is None else interval.bounds(spend, outlook.no_purchase, horizon)
    return SpendForecast(
        spend=spend,
        low=low,
        high=high,
        total_reach=total_reach([each.total_error for each in tests], horizon / window) if tests else None,
        shares=shares,
        correction=correction,
        horizon=horizon,
        window=window,
        tests=tests,
        coverage=coverage(missed) if interval is not None else None,
    )


@dataclass(frozen=True)
class _Past:
    """Windows of the past, and what is learned from those that had closed by a day."""

    purchases: Purchases
    begins: int
    day: int
    horizon: int
    window: int
    model: str
    seed: int

    @cached_property
    def windows(self) -> tuple[BacktestWindow, ...]:
        """Earliest first; those with too few customers or repeat purchases left out."""
        if self.window < SHORTEST:
            return ()
        found = []
        for number in reversed(range(WINDOWS)):
            day = self.day - self.window - number * self._step
            if day - self.begins + 1 >= self.window and (window := self._window(day)) is not None:
                found.append(window)
        return tuple(found)

    @cached_property
    def tests(self) -> tuple[SpendTest, ...]:
        """The latest windows before which another one had closed; each learns from those only."""
        tested = [each for each in self.windows if self._closed(each.snapshot.day)][-TESTS:]
        found: list[SpendTest] = []
        for each in tested:
            found.append(self._tested(each, [test for test in found if test.ends <= each.snapshot.day]))
        return tuple(found)

    def trees(self, day: int) -> Any:
        """Grow trees on the windows that had closed by a day."""
        return grow_trees(self._closed(day), self.seed)

    def levelled(self, outlook: Outlook, day: int) -> dict[str, Floats]:
        """Return what the candidates expect, with the totals that can be learned from windows closed by a day.

        Windows as long as the horizon say by how much last year's rate changes. Shorter ones do not, as customers
        leave: there the total of all candidates is that of the model of ordering, which knows how fast they do. What
        its orders are worth is corrected, for that does not hang on the length of a window.
        """
        found, closed = dict(outlook.spend), self._closed(day)
        if self.horizon > self.window:
            error = closed[-1].value_error if closed else 0.0
            total = float(found[BTYD].sum()) * float(np.exp(EVEN_CREDIBILITY * error))
            return {name: each * (total / each.sum()) if each.sum() > 0 else each for name, each in found.items()}
        came = sum(float(each.spend.sum()) for each in closed)
        gone = sum(float(each.snapshot.rate.sum()) * each.days for each in closed)
        if gone > 0:
            found[LAST_SPEND] = found[LAST_SPEND] * (came / gone)
        return found

    def shares(self, day: int, candidates: Mapping[str, Floats]) -> dict[str, float]:
        """Return the shares of candidates by the tests that had closed by a day."""
        return _shares([each for each in self.tests if each.ends <= day], candidates)

    def correction(self, day: int, shares: Mapping[str, float]) -> float:
        """Return the factor by which totals were off in the tests that had closed by a day."""
        tests = [each for each in self.tests if each.ends <= day]
        return self._correction(tests, shares)

    def _tested(self, window: BacktestWindow, closed: Sequence[SpendTest]) -> SpendTest:
        day = window.snapshot.day
        outlook = Outlook(window.snapshot, window.btyd, self.window, self.window, self.trees(day))
        candidates = self.levelled(outlook, day)
        shares = _shares(closed, candidates)
        expected = self._correction(closed, shares) * combined(candidates, shares)
        return SpendTest(day, self.window, candidates, expected, outlook.no_purchase, window.spend)

    def _correction(self, tests: Sequence[SpendTest], shares: Mapping[str, float]) -> float:
        """Return the factor of the latest test, believed as far as earlier ones told of later ones.

        Windows that are shorter than the horizon tell a bias from a season no better than chance: they correct nothing.
        """
        tests = [each for each in tests if shares.keys() <= each.candidates.keys()]
        if not tests or self.horizon > self.window:
            return 1.0
        errors = {each.day: _log_ratio(each.spend, combined(each.candidates, shares)) for each in tests}
        apart = self._step * STEPS_PER_WINDOW
        pairs = np.array([(errors[day - apart], error) for day, error in errors.items() if day - apart in errors])
        return float(np.exp(_credibility(pairs) * errors[tests[-1].day]))

    @property
    def _step(self) -> int:
        return -(-self.window // STEPS_PER_WINDOW)

    def _closed(self, day: int) -> tuple[BacktestWindow, ...]:
        return tuple(each for each in self.windows if each.ends <= day)

    def _window(self, day: int) -> BacktestWindow | None:
        snapshot = SpendSnapshot(self.purchases, day)
        if len(snapshot.buyers) < FEWEST_CUSTOMERS:
            return None
        try:
            fit = fit_ordered_spend(snapshot, self.model, self.seed)
        except NotEnoughDataError:
            return None
        codes, until = snapshot.buyers.codes, day + self.window
        spend, orders = self.purchases.spent(codes, day, until), self.purchases.days(codes, day, until)
        return BacktestWindow(snapshot, fit, self.window, spend, orders)


def _shares(tests: Sequence[SpendTest], candidates: Mapping[str, Floats]) -> dict[str, float]:
    """Return the shares of the candidates that all tests have; of all candidates where there is no test."""
    tested = [name for name in candidates if all(name in each.candidates for each in tests)]
    return fit_shares(tested, [(each.candidates, each.spend) for each in tests])


def _credibility(pairs: Floats) -> float:
    """Return the coefficient of later errors on earlier ones, drawn towards :data:`EVEN_CREDIBILITY`, from 0 to 1."""
    if not len(pairs) or not (usual := float(np.square(pairs[:, 0]).mean())):
        return EVEN_CREDIBILITY
    slope = float(pairs[:, 0] @ pairs[:, 1]) + EVEN_CREDIBILITY * PRIOR_PAIRS * usual
    return float(np.clip(slope / ((len(pairs) + PRIOR_PAIRS) * usual), 0.0, 1.0))


def _log_ratio(came: Floats, expected: Floats) -> float:
    of, over = float(came.sum()), float(expected.sum())
    return float(np.log(of / over)) if of > 0 and over > 0 else 0.0


def _sampled(purchases: Purchases, today: SpendSnapshot, seed: int) -> Purchases:
    codes = today.buyers.codes
    if len(codes) <= LEARNED_FROM:
        return purchases
    step = len(codes) / LEARNED_FROM
    rows = ((np.arange(LEARNED_FROM) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return purchases.of(codes[rows.clip(0, len(codes) - 1)])
