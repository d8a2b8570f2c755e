"""Remarks on a churn forecast: its data, horizon, models and backtest scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._churn.churn_forecast import WHOLE_YEAR
from ckm.customers.calendar import calendar_day
from ckm.customers.closures import closures_ahead, yearly_closures
from ckm.customers.recent_drop import recent_drop
from ckm.models.backtest import BASELINE
from ckm.models.churn.stack import STACK
from ckm.models.cutoffs import HORIZONS
from ckm.remark import Importance, at_least, basis, doubt
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckm._churn.churn_forecast import Forecast
    from ckm.customers.closures import Closure
    from ckm.models.backtest import Backtest


def forecast_remarks(found: Forecast) -> list[str]:
    """Return remarks on the data, the horizon, the models and the backtest scores, as sentences."""
    history = found.history
    currency = history.ledger.currency
    money = "no amounts" if currency == NO_CURRENCY else f"money in {currency}"
    remarks: list[str] = [
        *([doubt(found.horizon.shortened)] if found.horizon.shortened else []),
        basis(f"as of {calendar_day(history.as_of)}: {len(found.today):,} customers with a purchase, {money}"),
        f"horizon: {found.horizon.reasoning}",
        *history.full_ledger.left_out.remarks,
        *at_least(Importance.assumption, history.remarks),
        *([doubt(drop.sentence)] if (drop := recent_drop(history.ledger)) else []),
    ]
    if found.has_short_history:
        remarks.append(
            doubt(
                f"less than {HORIZONS} horizons of history: the models are trained on customers observed for as little "
                f"as a third of the {found.horizon.days} days; expect lower accuracy than their backtest scores"
            )
        )
    remarks += map(doubt, _closure_remarks(history.closures, history.as_of, found.horizon.days))
    if found.backtest is not None:
        remarks += _backtest_remarks(found.backtest, found.model.name)
    else:
        remarks.append(doubt(f"model {found.model.name}, not backtested; --backtest measures its accuracy"))
    remarks += [
        doubt(f"feature {name} is not used: {share:.0%} of today's customers are out of range of the training set")
        for name, share in found.model.out_of_range.items()
    ]
    return remarks


def _closure_remarks(closed: Sequence[Closure], as_of: int, horizon: int) -> Iterator[str]:
    """Yield remarks on closures: no cut-off is less than a horizon away, and the shop may close again."""
    season = yearly_closures(closed) if horizon >= WHOLE_YEAR else ()
    for each in closed:
        if each not in season:
            yield f"{each.sentence}; no cut-off is near it"
    if season:
        yield f"{season[-1].sentence}; it recurs each year, so the cut-offs are whole years apart"
    elif ahead := closures_ahead(closed, as_of, horizon):
        yield (
            f"on {ahead} of the {horizon} days ahead the shop was closed in an earlier year: if it closes again, "
            "the churn probabilities are too low"
        )


def _backtest_remarks(backtest: Backtest, name: str) -> list[str]:
    mean, peer = backtest.mean(name), backtest.mean(BASELINE)
    days = ", ".join(str(calendar_day(day)) for day in backtest.cutoffs)
    weights = ", ".join(f"{weight:.0%} {part}" for part, weight in backtest.weights.items())
    expected = backtest.expected_error(name)
    ahead = (
        f"{expected[0]:.3f} to {expected[1]:.3f} expected in the next {backtest.horizon} days (80 % interval)"
        if expected
        else "one cut-off is not enough for a prediction interval"
    )
    return [
        f"model {name}" + (f" ({weights})" if name == STACK else "") + f": backtest ({days}) "
        f"ROC AUC {_known(mean.auc)} (recency alone {_known(peer.auc)}), "
        f"Brier score {mean.brier:.4f} ({peer.brier:.4f}), calibration error {mean.calibration_error:.3f}; {ahead}",
        *(f"model {part} was not trained: {why}" for part, why in backtest.left_out.items()),
    ]


def _known(value: float) -> str:
    """Return a score as text; a score of the ranking is not defined if all customers churned, or none did."""
    return "not defined" if value != value else f"{value:.3f}"
