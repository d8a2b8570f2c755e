"""What a reader should know of a forecast: the data behind it, the time it looks at, and how right its models were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.churning.forecast import WHOLE_YEAR
from ckm.customers.calendar import calendar_day
from ckm.customers.closures import closures_ahead, every_year
from ckm.customers.recent_drop import recent_drop
from ckm.models.backtest import PEER
from ckm.models.churn.stack import STACK
from ckm.models.cutoffs import HORIZONS
from ckm.schema import NO_CURRENCY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ckm.churning.forecast import Forecast
    from ckm.customers.closures import Closure
    from ckm.models.backtest import Backtest


def forecast_remarks(found: Forecast) -> list[str]:
    """Return what a reader should know of a forecast, as sentences: data, horizon, models, past scores."""
    history = found.history
    currency = history.ledger.currency
    money = "amounts not known" if currency == NO_CURRENCY else f"money in {currency}"
    remarks = [
        f"as of {calendar_day(history.as_of)}: {len(found.today):,} customers with a purchase, {money}",
        f"horizon: {found.horizon.reasoning}",
        *history.everybody.left_out.remarks,
        *history.remarks,
        *([drop.sentence] if (drop := recent_drop(history.ledger)) else []),
    ]
    if found.has_short_history:
        remarks.append(
            f"less than {HORIZONS} horizons of history: models learned from customers seen for as little as a third of "
            f"the {found.horizon.days} days; expect less of them than their past scores say"
        )
    remarks += _closure_remarks(history.closures, history.as_of, found.horizon.days)
    if found.backtest is not None:
        remarks += _backtest_remarks(found.backtest, found.model.name)
    else:
        remarks.append(f"model {found.model.name}, not compared with others; --backtest shows how right it is")
    remarks += [
        f"column {name} is left out: {share:.0%} of today's customers lie beyond what was learned from"
        for name, share in found.model.beyond.items()
    ]
    return remarks


def _closure_remarks(closed: Sequence[Closure], as_of: int, horizon: int) -> Iterator[str]:
    """Say when the shop was closed, and what that means for the past and for the days ahead."""
    season = every_year(closed) if horizon >= WHOLE_YEAR else ()
    for each in closed:
        if each not in season:
            yield f"{each.sentence}; the time around it is not learned from"
    if season:
        yield f"{season[-1].sentence}; it is so each year, and what is learned from are days whole years ago"
    elif ahead := closures_ahead(closed, as_of, horizon):
        yield (
            f"on {ahead} of the {horizon} days ahead the shop was closed in an earlier year: should it close again, "
            "fewer customers buy than is said here"
        )


def _backtest_remarks(backtest: Backtest, name: str) -> list[str]:
    mean, peer = backtest.mean(name), backtest.mean(PEER)
    days = ", ".join(str(calendar_day(day)) for day in backtest.cutoffs)
    weights = ", ".join(f"{weight:.0%} {part}" for part, weight in backtest.weights.items())
    expected = backtest.expected_error(name)
    ahead = (
        f"{expected[0]:.3f} to {expected[1]:.3f} expected in the next {backtest.horizon} days (80 % interval)"
        if expected
        else "what to expect of the next days cannot be told from one cut-off"
    )
    return [
        f"model {name}" + (f" ({weights})" if name == STACK else "") + f": on the past ({days}) "
        f"ROC AUC {_known(mean.auc)} (recency alone {_known(peer.auc)}), "
        f"Brier score {mean.brier:.4f} ({peer.brier:.4f}), calibration error {mean.calibration_error:.3f}; {ahead}",
        *(f"model {part} was not learned: {why}" for part, why in backtest.left_out.items()),
    ]


def _known(value: float) -> str:
    """Write a score; nothing ranks where all churned, or none."""
    return "not defined" if value != value else f"{value:.3f}"
