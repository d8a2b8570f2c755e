"""Spend forecast of each customer over a horizon, by an ensemble that is fitted to past windows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.spend.btyd_spend import fit_btyd_spend, with_order_value
from ckm.models.spend.candidates import BTYD, LAST_SPEND, BacktestWindow, CandidateForecast, grow_trees
from ckm.models.spend.ensemble_shares import combined, fit_shares
from ckm.models.spend.prediction_interval import PredictionErrors, coverage, fit_interval, total_half_width
from ckm.models.spend.spend_snapshot import SpendSnapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ckm.models.btyd.histories import Floats
    from ckm.models.btyd.model import TransactionModel
    from ckm.models.btyd.purchases import PurchaseHistory

MOST_SAMPLED = 20_000
"""Maximum number of customers per window, a sample; five windows then have 100,000 rows."""
PARTS = 3
"""Number of windows that must fit into the history: for features, training and test."""
SHORTEST = 28
"""Shortest window in days; in a shorter one hardly any customer buys twice."""
WINDOWS, TESTS = 5, 3
"""Maximum numbers of past windows, and of tests among them; the latest are used."""
STEPS_PER_WINDOW = 2
EVEN_CREDIBILITY = 0.5
"""Prior credibility of the error of a past total: a part of it is drift, which persists; the rest is season and noise.
If both have the same variance, 1/2 is the best linear estimate (Bühlmann 1967)."""
PRIOR_PAIRS = 3
"""Weight of the prior credibility, in pairs of tests."""
FEWEST_CUSTOMERS = 100


@dataclass(frozen=True)
class SpendTest:
    """Predictions for a past window by models that were trained before it, and the actual spend.

    Attributes
    ----------
    day, days
        Last day of the training data, and length in days of the window after it.
    candidates
        Expected spend of each customer by candidate, before the total is corrected.
    expected
        Ensemble prediction, with shares and a correction of the total from the tests whose windows had ended by the
        day.
    no_purchase
        Log odds of no purchase in the window, by customer.
    spend
        Actual spend of each customer in the window.
    """

    day: int
    days: int
    candidates: Mapping[str, Floats]
    expected: Floats
    no_purchase: Floats
    spend: Floats

    @property
    def ends(self) -> int:
        """Last day of the window."""
        return self.day + self.days

    @property
    def mean_absolute_error(self) -> float:
        """Mean absolute error of the customers' spend."""
        return float(np.abs(self.expected - self.spend).mean())

    def errors(self, shares: Mapping[str, float]) -> PredictionErrors:
        """Return expected and actual spend, from which intervals are fitted, for an ensemble with ``shares``."""
        return PredictionErrors(combined(self.candidates, shares), self.no_purchase, self.spend, self.days)

    @property
    def total_error(self) -> float:
        """Logarithm of actual ÷ expected total spend; 0 if either is 0."""
        return _log_ratio(self.spend, self.expected)


@dataclass(frozen=True)
class SpendForecast:
    """Expected spend of each customer over a horizon, with an 80 % prediction interval.

    Attributes
    ----------
    spend
        Expected spend of each customer as of the day, shape (n,).
    low, high
        Ends of each customer's interval, inclusive, shape (n,); None if too few customers bought in past windows.
    total_half_width
        Half width of the 95 % interval of the logarithm of the total; None without a test.
    shares
        Shares of the candidates in the ensemble.
    correction
        Factor by which the total was corrected.
    horizon, window
        Length in days of the predicted period, and of the past windows: equal, or shorter windows if the history is
        shorter than three horizons.
    tests
        Tests, earliest first. Empty if the history is too short; then only the purchase model is used.
    coverage
        Share of the test customers whose spend was within an interval fitted to other customers; None without a test.
    """

    spend: Floats
    low: Floats | None
    high: Floats | None
    total_half_width: float | None
    shares: Mapping[str, float]
    correction: float
    horizon: int
    window: int
    tests: tuple[SpendTest, ...]
    coverage: float | None


def forecast_spend(
    purchases: PurchaseHistory,
    day: int,
    horizon: int,
    model: TransactionModel,
    *,
    first_day: int | None = None,
    seed: int = 0,
) -> SpendForecast:
    """Predict the spend of each customer over a horizon.

    Three candidates (purchase model × order value model; spend rate of the last year × a fitted ratio; boosted trees)
    are trained on the data known at past days and tested on the windows that followed. The forecast is their weighted
    mean with the shares that had the smallest error in these tests. If the history is shorter than three horizons, a
    window is a third of it, and the trees' factor is applied to the base prediction for the horizon. If windows would
    be shorter than :data:`SHORTEST` days, only the purchase model is used. A million customers take about ten seconds,
    most of it for prediction.

    Parameters
    ----------
    purchases
        Purchases of all customers; purchases after the day are ignored.
    day
        As-of day, as a day number.
    horizon
        Length of the predicted period in days.
    model
        Purchase model fitted to the purchases by the day. For past windows a model of the same name is fitted.
    first_day
        First day of the data; None: the day of the first purchase.
    seed
        Random seed of samples and trees.
    """
    today = SpendSnapshot(purchases, day)
    begins = purchases.first_day if first_day is None else first_day
    window = min(horizon, (day - begins + 1) // (PARTS * STEPS_PER_WINDOW) * STEPS_PER_WINDOW)
    past = _PastWindows(_sampled(purchases, today, seed), begins, day, horizon, window, model.name, seed)
    tests = past.tests
    forecast = CandidateForecast(
        today, with_order_value(model, today, seed), window, horizon, past.trees(day) if tests else None
    )
    candidates = past.with_calibrated_totals(forecast, day)
    shares = past.shares(day, candidates) if tests else {BTYD: 1.0}
    correction = past.correction(day, shares) if tests else 1.0
    spend = correction * combined(candidates, shares)
    errors = [each.errors(shares) for each in tests]
    interval = fit_interval(errors) if tests else None
    low, high = (None, None) if interval is None else interval.bounds(spend, forecast.no_purchase, horizon)
    return SpendForecast(
        spend=spend,
        low=low,
        high=high,
        total_half_width=total_half_width([each.total_error for each in tests], horizon / window) if tests else None,
        shares=shares,
        correction=correction,
        horizon=horizon,
        window=window,
        tests=tests,
        coverage=coverage(errors) if interval is not None else None,
    )


@dataclass(frozen=True)
class _PastWindows:
    """Past windows, and what is fitted to the windows that had ended by a day."""

    purchases: PurchaseHistory
    begins: int
    day: int
    horizon: int
    window: int
    model: str
    seed: int

    @cached_property
    def windows(self) -> tuple[BacktestWindow, ...]:
        """Windows, earliest first, without windows that have too few customers or repeat purchases."""
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
        """Tests: the latest windows that have earlier windows to train on; only windows that had ended are used."""
        tested = [each for each in self.windows if self._closed(each.snapshot.day)][-TESTS:]
        found: list[SpendTest] = []
        for each in tested:
            found.append(self._tested(each, [test for test in found if test.ends <= each.snapshot.day]))
        return tuple(found)

    def trees(self, day: int) -> Any:
        """Return trees trained on the windows that had ended by a day."""
        return grow_trees(self._closed(day), self.seed)

    def with_calibrated_totals(self, forecast: CandidateForecast, day: int) -> dict[str, Floats]:
        """Return the candidates' predictions, with totals corrected by the windows that had ended by a day.

        If windows are as long as the horizon, ``last_spend`` is multiplied by actual ÷ expected spend of past windows.
        If they are shorter, this ratio would be too high, because more customers churn within the horizon. Then all
        candidates are scaled to the total of the purchase model, after half of its last error in the average order
        value (which does not depend on the length of a window) is corrected.
        """
        found, closed = dict(forecast.spend), self._closed(day)
        if self.horizon > self.window:
            error = closed[-1].value_error if closed else 0.0
            total = float(found[BTYD].sum()) * float(np.exp(EVEN_CREDIBILITY * error))
            return {name: each * (total / each.sum()) if each.sum() > 0 else each for name, each in found.items()}
        actual = sum(float(each.spend.sum()) for each in closed)
        expected = sum(float(each.snapshot.rate.sum()) * each.days for each in closed)
        if expected > 0:
            found[LAST_SPEND] = found[LAST_SPEND] * (actual / expected)
        return found

    def shares(self, day: int, candidates: Mapping[str, Floats]) -> dict[str, float]:
        """Return the weights of the candidates in the forecast, fitted to the backtests that had ended by ``day``."""
        return _shares([each for each in self.tests if each.ends <= day], candidates)

    def correction(self, day: int, shares: Mapping[str, float]) -> float:
        """Return the factor that corrects the total spend; see :meth:`_correction`.

        It is computed from the backtests whose windows had ended by ``day``.
        """
        tests = [each for each in self.tests if each.ends <= day]
        return self._correction(tests, shares)

    def _tested(self, window: BacktestWindow, closed: Sequence[SpendTest]) -> SpendTest:
        day = window.snapshot.day
        forecast = CandidateForecast(window.snapshot, window.btyd, self.window, self.window, self.trees(day))
        candidates = self.with_calibrated_totals(forecast, day)
        shares = _shares(closed, candidates)
        expected = self._correction(closed, shares) * combined(candidates, shares)
        return SpendTest(day, self.window, candidates, expected, forecast.no_purchase, window.spend)

    def _correction(self, tests: Sequence[SpendTest], shares: Mapping[str, float]) -> float:
        """Return the ratio of actual to expected total spend of the latest backtest, to the power of its credibility.

        1 if windows are shorter than the horizon, because a bias could then not be separated from the season.
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
            fit = fit_btyd_spend(snapshot, self.model, self.seed)
        except NotEnoughDataError:
            return None
        codes, until = snapshot.buyers.codes, day + self.window
        spend, orders = self.purchases.spent(codes, day, until), self.purchases.days(codes, day, until)
        return BacktestWindow(snapshot, fit, self.window, spend, orders)


def _shares(tests: Sequence[SpendTest], candidates: Mapping[str, Floats]) -> dict[str, float]:
    """Return the shares of the candidates that occur in all tests; equal shares without tests."""
    tested = [name for name in candidates if all(name in each.candidates for each in tests)]
    return fit_shares(tested, [(each.candidates, each.spend) for each in tests])


def _credibility(pairs: Floats) -> float:
    """Return the credibility, 0 to 1: the coefficient of the regression of later on earlier errors, shrunk."""
    if not len(pairs) or not (usual := float(np.square(pairs[:, 0]).mean())):
        return EVEN_CREDIBILITY
    slope = float(pairs[:, 0] @ pairs[:, 1]) + EVEN_CREDIBILITY * PRIOR_PAIRS * usual
    return float(np.clip(slope / ((len(pairs) + PRIOR_PAIRS) * usual), 0.0, 1.0))


def _log_ratio(actual: Floats, expected: Floats) -> float:
    of, over = float(actual.sum()), float(expected.sum())
    return float(np.log(of / over)) if of > 0 and over > 0 else 0.0


def _sampled(purchases: PurchaseHistory, today: SpendSnapshot, seed: int) -> PurchaseHistory:
    codes = today.buyers.codes
    if len(codes) <= MOST_SAMPLED:
        return purchases
    step = len(codes) / MOST_SAMPLED
    rows = ((np.arange(MOST_SAMPLED) + np.random.default_rng(seed).random()) * step).astype(np.int64)
    return purchases.of(codes[rows.clip(0, len(codes) - 1)])
