"""Design of the experiment of an audience: covariates, baseline, power, share of the holdout, strata and arms."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._audience.candidates import ARM
from ckm._outcome.covariates import complete_risk
from ckm.assignments import HOLDOUT, TREATED, Stratum, draw_holdout
from ckm.customers.day_totals import NO_DAY
from ckm.customers.period import Period
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.experiments.power import audience_size, detectable_mean, detectable_rate, needed_share
from ckm.models.quantiles import quantile_cuts
from ckm.names import LESS_IS_BETTER, METRICS, RATES
from ckm.wording import counted

if TYPE_CHECKING:
    from datetime import date

    from ckm._outcome.metric_values import ShopRecord

SHARE = 0.2
"""Default share of the holdout."""
WINDOW_DAYS = 30
YEAR_DAYS = 365
GROUPS = 3
"""Number of quantile groups of value, and of risk; each combination of two groups is a stratum."""
FEWEST_OF_STRATUM = 10
"""Minimum average number of persons per stratum; with fewer, all persons are one stratum."""
BASELINE_WINDOWS = 4
"""Number of windows before the assignment from which the metric without treatment is estimated."""
MONEY_DIGITS, DIGITS = 2, 6


@dataclass(frozen=True)
class AudienceOptions:
    """Options of a new audience; see :func:`ckm.audience.new`."""

    origin: str
    as_of: date | None = None
    budget: int | None = None
    metric: str = "order"
    window: int = WINDOW_DAYS
    holdout: float | None = None
    smallest_effect: float | None = None
    entry: str = ""
    offer: str = ""
    salt: str | None = None
    adjust: bool = False
    seed: int = 0

    def check(self) -> None:
        """Validate the options.

        Raises
        ------
        UnknownNameError
            The metric does not exist.
        UsageError
            A number is out of range, or both a holdout and a smallest effect are given.
        """
        if self.metric not in METRICS:
            raise UnknownNameError("metric", self.metric, METRICS, where="--metric")
        if self.window < 1:
            raise UsageError(f"invalid window: {self.window} days", hint="use at least 1")
        if self.budget is not None and self.budget < 1:
            raise UsageError(f"invalid budget: {self.budget} contacts", hint="use at least 1")
        if self.holdout is not None and not 0 < self.holdout < 1:
            raise UsageError("the share of the holdout is above 0 and below 1", hint="--holdout 0.2")
        if self.smallest_effect is not None and self.holdout is not None:
            raise UsageError("--holdout and --smallest-effect contradict each other", hint="choose one")
        if self.smallest_effect is not None and self.smallest_effect <= 0:
            raise UsageError("the smallest effect is above 0", hint="--smallest-effect 0.05 is 5 points of a rate")


def with_figures(listed: pl.DataFrame, shop: ShopRecord, metric: str, window: int) -> pl.DataFrame:
    """Return the candidates with the columns value, risk and before, sorted by expected gain, then value, descending.

    Parameters
    ----------
    listed
        One row per candidate with the columns of :data:`ckm._audience.candidates.COLUMNS`.
    shop
        Ledger and tables as of the day of the assignment.
    metric, window
        Primary metric, and number of days of its window.

    Returns
    -------
    pl.DataFrame
        The columns of ``listed``, and value (net sales of the last 365 days), risk (churn probability of the origin;
        else days since the last purchase; null without a purchase) and before (the metric in the last ``window``
        days). Rows with a null expected gain are last.
    """
    persons = listed["customer_id"].to_list()
    year = Period(shop.as_of - timedelta(days=YEAR_DAYS - 1), shop.as_of)
    before = Period(shop.as_of - timedelta(days=window - 1), shop.as_of)
    positions = shop.positions(persons)
    known = np.maximum(positions, 0)
    value = np.where(positions >= 0, shop.ledger.net_between(year)[known] / shop.ledger.scale, 0.0)
    last = shop.ledger.purchases.last_days().astype(np.int64)
    bought = (positions >= 0) & (last[known] != NO_DAY)
    silent = pl.DataFrame({"days": shop.ledger.today - last[known], "bought": bought}).select(
        pl.when("bought").then(pl.col("days").cast(pl.Float64))
    )
    figures = listed.with_columns(
        value=pl.Series(value).round(MONEY_DIGITS),
        risk=pl.coalesce("risk", silent.to_series()),
        before=pl.Series(shop.values(metric, persons, before)).round(MONEY_DIGITS),
    )
    return figures.sort("expected_gain", "value", "customer_id", descending=[True, True, False], nulls_last=True)


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


def assigned(chosen: pl.DataFrame, salt: str, share: float) -> tuple[pl.DataFrame, list[Stratum]]:
    """Assign each person to a stratum and an arm.

    Parameters
    ----------
    chosen
        One row per person with customer_id, value and risk; with a column ``arm``, it is used.
    salt
        Salt of the hashes that draw the holdout.
    share
        Share of the holdout, in (0, 1).

    Returns
    -------
    tuple
        The persons with the columns stratum and arm, sorted by customer_id; and the strata. Arms of a file, and fewer
        than 90 persons, have one stratum ``all``.
    """
    if ARM in chosen.columns:
        held = int((chosen[ARM] == HOLDOUT).sum())
        return chosen.with_columns(stratum=pl.lit("all")).sort("customer_id"), [Stratum("all", chosen.height, held)]
    name: pl.Expr | pl.Series = pl.lit("all")
    if chosen.height >= GROUPS * GROUPS * FEWEST_OF_STRATUM:
        figures = chosen.select("value", complete_risk())
        value, risk = (quantile_cuts(figures[each], GROUPS).score(pl.col(each)) for each in ("value", "risk"))
        name = figures.select(pl.format("value {}, risk {}", value, risk)).to_series()
    grouped = chosen.with_columns(stratum=name)
    by_stratum = {
        str(stratum): rows["customer_id"].to_list()
        for (stratum,), rows in grouped.group_by("stratum", maintain_order=True)
    }
    strata, holdout = draw_holdout(by_stratum, salt, share)
    arm = pl.when(pl.col("customer_id").is_in(sorted(holdout))).then(pl.lit(HOLDOUT)).otherwise(pl.lit(TREATED))
    return grouped.with_columns(arm=arm).sort("customer_id"), strata
