"""Design of the experiment of an audience: options, covariates, strata, arms and assignment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._audience.candidates import ARM, CHURN
from ckm._audience.power import MONEY_DIGITS, baseline_of, detectable_effect, holdout_share
from ckm._outcome.covariates import complete_risk
from ckm.assignments import FROM_FILE, HOLDOUT, RULE, TREATED, Assignment, Stratum, draw_holdout
from ckm.customers.day_totals import NO_DAY
from ckm.customers.period import Period
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.experiments.power import audience_size
from ckm.models.quantiles import quantile_cuts
from ckm.names import METRICS
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm._audience.candidates import Candidates
    from ckm._outcome.metric_values import ShopRecord

WINDOW_DAYS = 30
YEAR_DAYS = 365
GROUPS = 3
"""Number of quantile groups of value, and of risk; each combination of two groups is a stratum."""
FEWEST_OF_STRATUM = 10
"""Minimum average number of persons per stratum; with fewer, all persons are one stratum."""
COVARIATES = ("before", "value", "risk")
"""Columns of the members that an adjusted effect uses as covariates."""
MEMBER_COLUMNS = (
    "customer_id",
    "arm",
    "stratum",
    "why",
    "entry",
    "value",
    "risk",
    "before",
    "expected_gain",
    "segment",
)


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


def designed(
    name: str, listed: pl.DataFrame, found: Candidates, shop: ShopRecord, options: AudienceOptions
) -> tuple[Assignment, pl.DataFrame]:
    """Return the assignment and the members of a new audience.

    Parameters
    ----------
    name, options
        Name and options of the audience.
    listed
        Candidates with the reason of suppression (null if the person may be contacted).
    found
        The candidates before suppressions, with the facts of their origin.
    shop
        Ledger and tables as of the day of the assignment.

    Returns
    -------
    tuple
        The assignment; and one row per member with the columns of :data:`MEMBER_COLUMNS`, sorted by customer_id.
    """
    metric, window = options.metric, options.window
    eligible = with_figures(_eligible(listed), shop, metric, window)
    baseline = baseline_of(eligible, shop, metric, window, by_risk=options.origin == CHURN)
    share = holdout_share(eligible, options, baseline)
    budget = None if found.has_arms else options.budget
    chosen = eligible.head(audience_size(eligible.height, share, budget))
    salt = options.salt if options.salt is not None else f"{name} {shop.as_of}"
    members, strata = assigned(chosen, salt, share)
    held = sum(each.holdout for each in strata)
    if not 0 < held < members.height:
        raise NotEnoughDataError(
            f"{counted(members.height, 'person')}: one of the arms would be empty", hint="choose another holdout"
        )
    members = members.with_columns(
        entry=pl.coalesce(pl.lit(options.entry or None, pl.String), "entry").fill_null("")
    ).select(MEMBER_COLUMNS)
    detectable = detectable_effect(metric, baseline, members.height - held, held)
    path = Path(options.origin)
    return Assignment(
        name=name,
        origin=path.name if path.exists() else options.origin,
        assigned_on=shop.as_of,
        metric=metric,
        window_days=window,
        share=share,
        salt="" if found.has_arms else salt,
        rule=FROM_FILE if found.has_arms else RULE,
        strata=tuple(strata),
        entry=options.entry,
        offer=options.offer,
        entries=not options.entry and bool((members["entry"] != "").any()),
        covariates=COVARIATES if options.adjust else (),
        baseline=baseline,
        detectable=detectable if isfinite(detectable) else None,
        suppressed=_counts(listed),
    ), members


def _eligible(listed: pl.DataFrame) -> pl.DataFrame:
    """Return the candidates who may be contacted.

    Raises
    ------
    NotEnoughDataError
        They are fewer than two.
    """
    found = listed.filter(pl.col("suppressed").is_null())
    if found.height < 2:
        left = ", ".join(f"{reason} {count:,}" for reason, count in _counts(listed).items())
        raise NotEnoughDataError(
            f"{counted(found.height, 'person')} of {listed.height:,} may be contacted"
            f"{f' (left out: {left})' if left else ''}, 2 are needed",
            hint=f"choose another origin{', or wait until the reasons no longer apply' if left else ''}",
        )
    return found


def _counts(listed: pl.DataFrame) -> Mapping[str, int]:
    """Return the number of suppressed persons by reason."""
    return dict(listed.drop_nulls("suppressed").group_by("suppressed").len().sort("suppressed").rows())
