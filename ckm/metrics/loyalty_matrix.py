"""Loyalty matrix of behaviour and attitude, and the list of loyal customers with the rule that each meets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm._segment.lifecycle.definition import ACTIVE_STAGES
from ckm.customers.calendar import months_before
from ckm.customers.period import MONTHS_OF_A_YEAR, Period, period_until
from ckm.metrics.loyalty_rules import LoyaltyRules, load_loyalty_rules
from ckm.metrics.metric import Metric, Missing
from ckm.metrics.ratings import Ratings, read_ratings

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext
    from ckm.metrics.lifecycle import Lifecycle

    Mask = NDArray[np.bool_]

STEADY = "steady"
CELLS = ("true", "spurious", "latent", "none")
"""High or low behaviour × high or low attitude, with the names of Dick and Basu (1994, figure 2)."""
LOYAL_COLUMNS: dict[str, Any] = {
    "customer_id": pl.String,
    "rule": pl.String,
    "orders": pl.Int64,
    "revenue": pl.Float64,
    "last_purchase": pl.Date,
    "attitude": pl.String,
}
"""Columns of :class:`LoyalCustomers`."""


@dataclass(frozen=True)
class LoyalCustomers:
    """The list of loyal customers.

    Attributes
    ----------
    frame
        One row per loyal customer, largest revenue first: customer_id; rule (a name of
        ``ckm/data/loyalty_rules.yaml``); orders and revenue of the period; last_purchase; attitude (scale and newest
        rating, ``nps_0_10=9``; null without a response).
    """

    frame: pl.DataFrame


@dataclass(frozen=True)
class BehaviourAndAttitude:
    """Behaviour and attitude of all customers at the end of a period.

    Each mask has one element per customer of the ledger, in the order of their codes.

    Attributes
    ----------
    active
        Whether a customer has a purchase in the period.
    often, steady
        Whether a customer shows the behaviour of this name; :mod:`ckm.metrics.loyalty_rules` defines both.
    high, low
        Whether the attitude is high, or low; a customer for whom both are false has no rating.
    answers
        Newest rating of each customer, from :meth:`ckm.metrics.ratings.Ratings.newest_of_any`.
    """

    active: Mask
    often: Mask
    steady: Mask
    high: Mask
    low: Mask
    answers: pl.DataFrame

    def cells(self) -> dict[str, Mask]:
        """Masks of the active customers with a rating, by cell of :data:`CELLS`."""
        often, active = self.often, self.active
        masks = (often & self.high, often & self.low, ~often & self.high, ~often & self.low)
        return {name: active & mask for name, mask in zip(CELLS, masks, strict=True)}

    def loyal(self, rules: LoyaltyRules) -> dict[str, Mask]:
        """Return, for each rule, the mask of the active customers who meet it and no rule before it."""
        behaviour = {"often": self.often, STEADY: self.steady}
        attitude = {"high": self.high, "low": self.low, "unknown": ~(self.high | self.low)}
        left, found = self.active, {}
        for rule in rules.rules:
            fits = behaviour[rule.behaviour] & np.logical_or.reduce([attitude[each] for each in rule.attitudes])
            found[rule.name] = left & fits
            left = left & ~fits
        return found


def loyalty_metrics(
    context: ReportContext, lifecycle: Lifecycle | None, ratings: Ratings | None = None
) -> tuple[LoyalCustomers, tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the list of loyal customers, and the metrics of their number and of the loyalty matrix.

    Without a known purchase interval, behaviour is unknown. Without ratings there are no cells, and only the rules
    without an attitude apply.

    Parameters
    ----------
    context
        Input of the report.
    lifecycle
        Life cycle of the context; None if the purchase interval is unknown.
    ratings
        Ratings of the context, if read already.
    """
    rules = load_loyalty_rules()
    if lifecycle is None:
        return LoyalCustomers(pl.DataFrame(schema=LOYAL_COLUMNS)), (), (Missing("loyalty", "no_rhythm"),)
    ratings = ratings or read_ratings(context)
    here = _behaviour_and_attitude(context, lifecycle, ratings, rules)
    then = None
    if context.before is not None and lifecycle.earlier is not None:
        then = _behaviour_and_attitude(context.before, lifecycle.earlier, ratings, rules)
    loyal, loyal_then = here.loyal(rules), None if then is None else then.loyal(rules)
    # No purchase is known in a year before the data begin, so that more steady customers would be an artefact.
    reached = context.ledger.begins <= _years(context.compared.last, rules.steady_years)[-1].first
    judged = {rule.name for rule in rules.rules if reached or rule.behaviour != STEADY}
    metrics = [
        Metric(
            "loyal_customers",
            float(mask.sum()),
            (("rule", rule),),
            previous=None if loyal_then is None or rule not in judged else float(loyal_then[rule].sum()),
        )
        for rule, mask in loyal.items()
    ]
    customers = LoyalCustomers(_list(context, here, loyal))
    if not (here.active & (here.high | here.low)).any():
        # without a table of interactions, the satisfaction metrics already give the reason
        missing = (Missing("loyalty", "no_ratings"),) if "interactions" in context.tables else ()
        return customers, tuple(metrics), missing
    return customers, (*_cells(context, here, then), *metrics), ()


def _behaviour_and_attitude(
    context: ReportContext, lifecycle: Lifecycle, ratings: Ratings | None, rules: LoyaltyRules
) -> BehaviourAndAttitude:
    ledger, last = context.ledger, context.period.last
    is_active_now = lifecycle.is_in(*ACTIVE_STAGES)
    days = ledger.purchase_days_between(period_until(last, rules.often_months))
    steady = np.logical_and.reduce([ledger.bought_between(year) for year in _years(last, rules.steady_years)])
    count = len(ledger.customers)
    high, low = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)
    answers = _answers(ratings, period_until(last, rules.attitude_months))
    codes = answers["code"].to_numpy()
    is_high = (answers["rating"] >= answers["scale"].replace_strict(rules.high, return_dtype=pl.Float64)).to_numpy()
    high[codes[is_high]], low[codes[~is_high]] = True, True
    return BehaviourAndAttitude(
        active=ledger.bought_between(context.period),
        often=is_active_now & (days >= context.config.loyalty.min_orders),
        steady=is_active_now & steady,
        high=high,
        low=low,
        answers=answers,
    )


def _years(last: date, years: int) -> list[Period]:
    """Return ``years`` consecutive periods of twelve months, latest first; the latest period ends on ``last``."""
    ends = [months_before(last, MONTHS_OF_A_YEAR * back) for back in range(years)]
    return [period_until(end, MONTHS_OF_A_YEAR) for end in ends]


def _answers(ratings: Ratings | None, period: Period) -> pl.DataFrame:
    if ratings is None:
        return pl.DataFrame(schema={"code": pl.UInt32, "scale": pl.String, "rating": pl.Float64})
    return ratings.newest_of_any(period)


def _cells(context: ReportContext, here: BehaviourAndAttitude, then: BehaviourAndAttitude | None) -> list[Metric]:
    ledger = context.ledger
    now, before = here.cells(), None if then is None else then.cells()
    net = ledger.net_between(context.period)
    net_before = None if before is None else ledger.net_between(context.compared)
    counts, revenue = [], []
    for name, mask in now.items():
        place, was = (("loyalty", name),), None if before is None else before[name]
        counts.append(
            Metric("loyalty_matrix_cell", float(mask.sum()), place, previous=None if was is None else float(was.sum()))
        )
        spent = None if was is None or net_before is None else ledger.money(int(net_before[was].sum()))
        revenue.append(
            Metric(
                "loyalty_matrix_cell_revenue",
                ledger.money(int(net[mask].sum())),
                place,
                n=int(mask.sum()),
                previous=spent,
            )
        )
    return [*counts, *revenue]


def _list(context: ReportContext, here: BehaviourAndAttitude, loyal: dict[str, Mask]) -> pl.DataFrame:
    ledger: Ledger = context.ledger
    rule = np.full(len(ledger.customers), -1)
    for position, mask in enumerate(loyal.values()):
        rule[mask] = position
    codes = np.flatnonzero(rule >= 0)
    ratings_now = here.answers.select(
        pl.col("code").cast(pl.Int64),
        attitude=pl.format("{}={}", "scale", pl.col("rating").cast(pl.String).str.strip_suffix(".0")),
    )
    last = ledger.until(context.period.last).last_day
    return (
        pl.DataFrame(
            {
                "code": codes,
                "customer_id": ledger.customers.gather(codes),
                "rule": pl.Series(list(loyal), dtype=pl.String).gather(rule[codes]),
                "orders": ledger.orders_between(context.period)[codes],
                "net": ledger.net_between(context.period)[codes],
                "last_purchase": pl.Series(last[codes]).cast(pl.Date),
            }
        )
        .join(ratings_now, on="code", how="left", maintain_order="left")
        .with_columns(revenue=pl.col("net") / ledger.scale)
        .sort("net", "customer_id", descending=[True, False])
        .select(pl.col(name).cast(dtype) for name, dtype in LOYAL_COLUMNS.items())
    )
