"""Power of an audience: baseline of the metric, smallest detectable effect, and share of the holdout."""

from __future__ import annotations

from datetime import timedelta
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from ckm._audience.candidates import ARM
from ckm.assignments import HOLDOUT
from ckm.customers.period import Period
from ckm.errors import NotEnoughDataError
from ckm.models.experiments.power import audience_size, detectable_mean, detectable_rate, needed_share
from ckm.names import LESS_IS_BETTER, RATES
from ckm.wording import counted

if TYPE_CHECKING:
    import polars as pl

    from ckm._audience.design import AudienceOptions
    from ckm._outcome.metric_values import ShopRecord

SHARE = 0.2
"""Default share of the holdout."""
BASELINE_WINDOWS = 4
"""Number of windows before the assignment from which the metric without treatment is estimated."""
MONEY_DIGITS, DIGITS = 2, 6
"""Decimals of amounts, and of shares."""


def baseline_of(
    eligible: pl.DataFrame, shop: ShopRecord, metric: str, window: int, *, by_risk: bool
) -> tuple[float, float]:
    """Return the mean and the standard deviation of the metric that are expected without treatment.

    Parameters
    ----------
    eligible
        One row per person with customer_id and risk.
    shop
        Ledger and tables as of the day of the assignment.
    metric, window
        Primary metric, and number of days of its window.
    by_risk
        Whether ``risk`` is a churn probability, from which the rate of order or churn is estimated: customers with a
        churn warning have no recent orders. For other metrics, and if false, the estimate is from the last
        :data:`BASELINE_WINDOWS` windows before the assignment.
    """
    if by_risk and metric in ("order", "churn"):
        stays = 1 - float(eligible["risk"].mean() or 0.0)  # type: ignore[arg-type]
        rate = stays if metric == "order" else 1 - stays
        return round(rate, DIGITS), round(sqrt(rate * (1 - rate)), DIGITS)
    persons = eligible["customer_id"].to_list()
    values = np.concatenate(
        [
            shop.values(
                metric,
                persons,
                Period(shop.as_of - timedelta(days=window * (k + 1) - 1), shop.as_of - timedelta(days=window * k)),
            )
            for k in range(BASELINE_WINDOWS)
        ]
    )
    mean = float(values.mean())
    deviation = sqrt(mean * (1 - mean)) if metric in RATES else float(values.std())
    return round(mean, DIGITS), round(deviation, DIGITS)


def detectable_effect(metric: str, baseline: tuple[float, float], treated: int, holdout: int) -> float:
    """Return the smallest beneficial effect per person that is detected with a power of 80 %; a positive number.

    Infinity if no effect is detected, or if the standard deviation of an amount is 0, as in windows without a purchase:
    then it is unknown.

    Parameters
    ----------
    metric
        Primary metric. The effect of a rate is a difference of shares; of churn and complaints it is a decrease.
    baseline
        Mean and standard deviation without treatment.
    treated, holdout
        Number of persons in each arm.
    """
    mean, deviation = baseline
    if metric in RATES:
        return round(detectable_rate(_desired_rate(metric, mean), treated, holdout), DIGITS)
    return round(detectable_mean(deviation, treated, holdout), MONEY_DIGITS) if deviation else inf


def _desired_rate(metric: str, mean: float) -> float:
    """Return the rate that a treatment should increase: that of a metric, or of its absence if less is better."""
    return 1 - mean if metric in LESS_IS_BETTER else mean


def holdout_share(eligible: pl.DataFrame, options: AudienceOptions, baseline: tuple[float, float]) -> float:
    """Return the share of the holdout, in (0, 1).

    It is the given share; else the share in the file that has the arms; else the smallest share with which the
    smallest effect that matters is detected; else :data:`SHARE`.

    Raises
    ------
    NotEnoughDataError
        The smallest effect that matters is not detected even with arms of equal size, or its power is unknown.
    """
    if ARM in eligible.columns:
        return options.holdout or round(float((eligible[ARM] == HOLDOUT).sum()) / eligible.height, DIGITS)
    effect, budget = options.smallest_effect, options.budget
    if effect is None:
        return options.holdout or SHARE
    mean, deviation = baseline
    rate = _desired_rate(options.metric, mean) if options.metric in RATES else None
    if rate is None and not deviation:
        raise NotEnoughDataError(
            f"the metric '{options.metric}' was equal for all customers in the {BASELINE_WINDOWS} windows before: the "
            "effect that can be detected is unknown",
            hint=f"--holdout {SHARE:g}, or --metric order",
        )
    share = needed_share(effect, eligible.height, rate=rate, deviation=deviation, budget=budget)
    if share is None:
        size = audience_size(eligible.height, 0.5, budget)
        smallest = detectable_effect(options.metric, baseline, size - size // 2, max(1, size // 2))
        raise NotEnoughDataError(
            f"{counted(size, 'customer')} in equal arms detect effects of {smallest:.3g} or more, not of {effect:g}",
            hint="choose more customers, or a larger smallest effect",
        )
    return share
