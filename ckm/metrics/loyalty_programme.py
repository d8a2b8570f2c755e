"""Loyalty programme: members, points liability, activity, and members compared with matched non-members."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.calendar import months_before
from ckm.customers.day_totals import NO_DAY
from ckm.customers.ledger import NO_VALUE
from ckm.customers.period import Period
from ckm.metrics.metric import Metric
from ckm.models.intervals import mean, wilson

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext

    Integers = NDArray[np.int64]
    Mask = NDArray[np.bool_]

TABLE = "memberships"
POINTS = ("points_earned", "points_redeemed", "points_expired", "points_balance")
MONTHS_BEFORE = 12
"""Months before joining whose net sales are compared."""
NEAR = float(np.log(1.25))
"""Largest difference of the logarithms of 1 + value before joining within a pair: 25 %."""
FEWEST_PAIRS = 30
"""Fewest pairs whose mean difference has a usable t interval."""


@dataclass(frozen=True)
class MatchedDifference:
    """Mean difference of net sales per member, with the ends of its 95 % interval and the number of pairs."""

    value: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True)
class Programme:
    """The loyalty programme on a day, and the purchases of its members in a period.

    Attributes
    ----------
    members
        One row per member: customer_id, tier, joined_on, points_earned, points_redeemed, points_balance; null if
        unknown.
    active
        Number of members with a purchase in the period.
    difference
        Members compared with matched non-members; None with fewer than :data:`FEWEST_PAIRS` pairs.
    """

    members: pl.DataFrame
    active: int
    difference: MatchedDifference | None

    @property
    def tiers(self) -> list[tuple[str, int]]:
        """Number of members by tier, largest first; ``(none)`` without a tier. Empty if no tier is known."""
        if not self.members["tier"].drop_nulls().len():
            return []
        counted = self.members.group_by(pl.col("tier").fill_null(NO_VALUE)).len()
        return counted.sort("len", "tier", descending=[True, False]).rows()

    @property
    def balance(self) -> float | None:
        """Sum of the balances above zero; None if no balance is known."""
        known = self.members["points_balance"].drop_nulls()
        return float(known.filter(known > 0).sort().sum()) if known.len() else None

    @property
    def redemption(self) -> float | None:
        """Redeemed points as a share of the earned ones; None if either is unknown or none was earned."""
        known = self.members.drop_nulls(["points_earned", "points_redeemed"])
        earned = float(known["points_earned"].sort().sum())
        return float(known["points_redeemed"].sort().sum()) / earned if earned > 0 else None

    @property
    def activity(self) -> tuple[float, float | None, float | None]:
        """Share of active members with the ends of its Wilson interval."""
        return self.active / self.members.height, *wilson(self.active, self.members.height)


def programme_metrics(context: ReportContext) -> tuple[Metric, ...]:
    """Return the metrics of the loyalty programme, with those of the comparison period; none without members."""
    memberships = context.tables.get(TABLE)
    found = read_programme(memberships, context.ledger, context.period)
    if found is None:
        return ()
    before = read_programme(memberships, context.ledger, context.compared) if context.is_comparable else None
    count, previous_n = found.members.height, None if before is None else before.members.height
    point = context.config.loyalty.point_value
    share, low, high = found.activity
    earlier = None if before is None else before.activity[0]
    metrics = [
        Metric("members", count, n=count, previous=previous_n, previous_n=previous_n),
        Metric("member_activity_rate", share, n=count, lo=low, hi=high, previous=earlier, previous_n=previous_n),
    ]
    before_tiers = {} if before is None else dict(before.tiers)
    metrics += [
        Metric("members_by_tier", number, (("tier", tier),), previous=before_tiers.get(tier))
        for tier, number in found.tiers
    ]
    for name, value, previous in (
        ("points_liability", _worth(found, point), _worth(before, point)),
        ("point_redemption_rate", found.redemption, None if before is None else before.redemption),
    ):
        if value is not None:
            metrics.append(Metric(name, value, n=count, previous=previous, previous_n=previous_n))
    pairs = found.difference
    if pairs is not None:
        metrics.append(Metric("member_difference", pairs.value, n=pairs.pairs, lo=pairs.low, hi=pairs.high))
    return tuple(metrics)


def _worth(programme: Programme | None, point: float | None) -> float | None:
    """Return the value of all points; None if it is not known."""
    balance = None if programme is None else programme.balance
    return None if balance is None or point is None else balance * point


def read_programme(memberships: pl.LazyFrame | None, ledger: Ledger, period: Period) -> Programme | None:
    """Return the programme as of the last day of a period; None without a member by then.

    Parameters
    ----------
    memberships
        The table of snapshots; None without it.
    ledger
        Purchases and returns of all customers.
    period
        Period of the purchases.
    """
    if memberships is None:
        return None
    members = members_on(memberships, period.last)
    if members.is_empty():
        return None
    codes = ledger.customers.cast(pl.String).alias("customer_id").to_frame().with_row_index("code")
    joined = members.select("customer_id").join(codes, on="customer_id", how="left", maintain_order="left")
    places = joined["code"].cast(pl.Int64).fill_null(-1).to_numpy()  # -1: without a purchase or return
    bought = ledger.bought_between(period)
    return Programme(members, int(bought[places[places >= 0]].sum()), _difference(members, places, ledger, period))


def members_on(memberships: pl.LazyFrame, day: date) -> pl.DataFrame:
    """Return the newest snapshot of each member by a day, sorted by customer.

    A snapshot without a day is older than all others. A customer with several accounts has the points of all, and the
    tier of the one with most points earned.

    Returns
    -------
    pl.DataFrame
        customer_id, tier (String), joined_on (Date; the first one), points_earned, points_redeemed, points_balance
        (Float64). The balance is earned less redeemed and expired points where it is not known.
    """
    types: dict[str, pl.DataType] = {
        "tier": pl.String(), "joined_on": pl.Date(), "on": pl.Date(), **dict.fromkeys(POINTS, pl.Float64())
    }  # fmt: skip
    schema = memberships.collect_schema()
    rows = memberships.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in types.items() if name not in schema
    )
    rest = pl.col("points_earned") - pl.col("points_redeemed").fill_null(0) - pl.col("points_expired").fill_null(0)
    known = rows.filter(pl.col("on").is_null() | (pl.col("on") <= day)).with_columns(
        points_balance=pl.coalesce("points_balance", rest)
    )
    newest = known.filter(
        pl.col("on").fill_null(pl.date(1, 1, 1)) == pl.col("on").fill_null(pl.date(1, 1, 1)).max().over("customer_id")
    )
    points = ("points_earned", "points_redeemed", "points_balance")
    return (
        newest.sort("customer_id", "points_earned", "points_balance", "tier", descending=[False, True, True, False],
                    nulls_last=True)
        .group_by("customer_id", maintain_order=True)
        .agg(
            pl.col("tier").drop_nulls().first(),
            pl.col("joined_on").min(),
            *(pl.when(pl.col(name).count() > 0).then(pl.col(name).sum()).alias(name) for name in points),
        )
        .sort("customer_id")
        .collect()
    )  # fmt: skip


def _difference(members: pl.DataFrame, places: Integers, ledger: Ledger, period: Period) -> MatchedDifference | None:
    """Return the difference of net sales between members and non-members that are alike before joining.

    A member who joined before the period is paired with a non-member whose first purchase is in the same quarter, and
    whose net sales in the 12 months before the month of joining differ by at most :data:`NEAR`; each non-member is in
    one pair. Members choose to join, so the difference is no proof of an effect.
    """
    joined = members["joined_on"].to_list()
    is_member = np.zeros(len(ledger.customers), dtype=bool)
    is_member[places[places >= 0]] = True
    quarters = _quarters(ledger.first_day)
    net = ledger.net_between(period) / ledger.scale
    by_month: dict[date, list[int]] = {}
    for place, day in zip(places.tolist(), joined, strict=True):
        if place >= 0 and day is not None and day < period.first and quarters[place] >= 0:
            by_month.setdefault(day.replace(day=1), []).append(place)
    free = ~is_member & (quarters >= 0)
    differences: list[float] = []
    for month in sorted(by_month):
        last = month - timedelta(days=1)
        before = ledger.net_between(Period(months_before(last, MONTHS_BEFORE) + timedelta(days=1), last)) / ledger.scale
        value = np.log1p(np.maximum(before, 0.0))
        chosen = np.array(by_month[month], dtype=np.int64)
        for quarter in np.unique(quarters[chosen]).tolist():
            others = np.flatnonzero(free & (quarters == quarter))
            for member, other in _pairs(chosen[quarters[chosen] == quarter], others, value):
                free[other] = False
                differences.append(float(net[member] - net[other]))
    if len(differences) < FEWEST_PAIRS:
        return None
    low, high = mean(differences)
    assert low is not None
    assert high is not None
    return MatchedDifference(float(np.sort(np.array(differences)).mean()), low, high, len(differences))


def _pairs(members: Integers, others: Integers, value: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pair each member with the non-member of the nearest value who is in no pair yet, largest values first.

    Parameters
    ----------
    members, others
        Codes of members and of non-members.
    value
        Logarithm of 1 + net sales before joining, by code.
    """
    left = others[np.argsort(value[others], kind="stable")].tolist()
    values = value[left].tolist() if left else []
    found = []
    for member in members[np.argsort(-value[members], kind="stable")].tolist():
        at = bisect_left(values, value[member])
        near = [place for place in (at - 1, at) if 0 <= place < len(values)]
        if not near:
            continue
        best = min(near, key=lambda place: abs(values[place] - value[member]))
        if abs(values[best] - value[member]) <= NEAR:
            values.pop(best)
            found.append((member, left.pop(best)))
    return found


def _quarters(first_day: NDArray[np.int32]) -> Integers:
    """Return the calendar quarter of each first purchase as a number; -1 without a purchase."""
    known = first_day != NO_DAY
    months = np.where(known, first_day, 0).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.where(known, months // 3, -1)
