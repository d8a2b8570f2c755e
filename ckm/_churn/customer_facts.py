"""Raw facts of customers for the sentences of reasons, and their medians over returning customers.

Features of customers with few purchases are estimates, shrunk towards all customers. They improve probabilities, but
are not facts ("orders every 52 days" about a one-time buyer). Sentences use only raw facts, which can be counted in the
customer's rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ckm._churn.customer_snapshot import snapshot
from ckm._churn.seasonal_buyers import YEAR
from ckm.customers.calendar import calendar_day, day_number, months_before
from ckm.customers.interpurchase import last_gaps, quantiles

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from ckm._churn.customer_snapshot import CustomerSnapshot
    from ckm.customers.day_totals import DayTotals
    from ckm.customers.history import History

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

LONGEST_SEASON = 180
"""Longest horizon in days for the fact ``same_season``; a longer horizon covers most of the year."""
FEWEST_INTERVAL_DAYS = 3
"""Fewest purchase days for a median of the customer's own intervals: two intervals."""
ESTIMATES = frozenset({"gap_median_days", "gap_p80_days", "gap_last_ratio"})
"""Features that are shrunk towards all customers, and therefore no raw facts."""
OWN = (
    "median_interpurchase_days",
    "gap_last",
    "gap_before",
    "gap_ratio",
    "orders",
    "order_value",
    "last_day_value",
    "earlier_days",
    "earlier_day_value",
    "last_day_ratio",
    "spend_6mo",
    "spend_previous_6mo",
    "spend_6mo_change",
    "discounted",
    "returned",
    "lost_purchases",
    "category_purchases",
    "season_days",
    "year_days",
)
"""Names of raw facts that are not features; :func:`customer_facts` defines them."""


@dataclass(frozen=True)
class ReturningCustomers:
    """Customers who bought in the horizon up to the as-of date, with their facts as of the day before the horizon.

    Attributes
    ----------
    day
        Day of the facts, in days since 1970-01-01.
    facts
        By name, one element per customer; NaN where unknown.
    """

    day: int
    facts: Mapping[str, Floats]

    def median(self, name: str) -> float:
        """Return the lower median of the fact ``name``, which is the value of a customer; NaN without values."""
        known = self.sorted(name)
        return float(known[(len(known) - 1) // 2]) if len(known) else float("nan")

    def sorted(self, name: str) -> Floats:
        """Return the values of the fact ``name`` that are not NaN, in ascending order."""
        values = self.facts.get(name, np.empty(0))
        return np.sort(values[~np.isnan(values)])


def customer_facts(
    history: History,
    then: CustomerSnapshot,
    rows: NDArray[np.intp] | None = None,
    *,
    names: Collection[str] | None = None,
) -> dict[str, Floats]:
    """Return name to values of the raw facts of customers as of the day of a snapshot; NaN where unknown.

    These are the features of the snapshot that are not :data:`ESTIMATES`, and:

    median_interpurchase_days, gap_last, gap_before, gap_ratio
        Median of the own purchase intervals; last interval; median of the earlier intervals; last ÷ earlier. NaN below
        :data:`FEWEST_INTERVAL_DAYS` purchase days.
    orders, order_value
        Orders of all time, and net of all purchases per order.
    last_day_value, earlier_days, earlier_day_value, last_day_ratio
        Net of the last purchase day; number of earlier purchase days; their mean net; last ÷ mean.
    spend_6mo, spend_previous_6mo, spend_6mo_change
        Net of purchases before returns in the last 6 calendar months and in the 6 before, and the relative change; the
        change is NaN without a purchase before these 12 months.
    discounted, returned
        Discount ÷ (net + discount), and returns ÷ purchases, of all time.
    lost_purchases, category_purchases
        Purchases of the last 12 months, counted by day and category: in discontinued categories, and in all.
    same_season
        The feature of this name; NaN without a purchase day in the year, or for horizons above :data:`LONGEST_SEASON`.
    season_days, year_days
        Number of purchase days of the last 365 days: those a year before the horizon, and all.

    Parameters
    ----------
    history
        History of the snapshot.
    then
        Snapshot of the customers as of a day.
    rows
        Positions of the requested customers in the snapshot, ascending; None for all.
    names
        Names of the facts that are needed; None for all.
    """
    if not history.ledger.is_partitioned:
        return _facts(history, then, rows)
    wanted = np.zeros(len(history.customers), dtype=np.bool_)
    wanted[then.customers if rows is None else then.customers[rows]] = True
    day, horizon = then.day, then.horizon
    found = history.of_parts(lambda part, mine: _part_facts(part, day, horizon, mine, names), wanted, days=(day,))
    return _joined(found)


def _part_facts(
    history: History, day: int, horizon: int, wanted: NDArray[np.bool_], names: Collection[str] | None
) -> tuple[NDArray[np.uint32], dict[str, Floats]]:
    """Return the codes and facts of some of the customers in the mask ``wanted``."""
    if not wanted.any():
        return np.zeros(0, np.uint32), {}
    then = snapshot(history, day, horizon)
    rows = np.flatnonzero(wanted[then.customers])
    facts = _facts(history, then, rows)
    kept = {name: values for name, values in facts.items() if names is None or name in names}
    return history.own_codes[then.customers[rows]], kept


def _joined(parts: list[tuple[NDArray[np.uint32], dict[str, Floats]]]) -> dict[str, Floats]:
    """Return the facts of the customers of all parts, in the order of their codes; those of the parts are freed."""
    found = [(codes, facts) for codes, facts in parts if len(codes)]
    if not found:
        return {}
    order = np.argsort(np.concatenate([codes for codes, _ in found]))
    return {name: np.concatenate([facts.pop(name) for _, facts in found])[order] for name in list(found[0][1])}


def _facts(history: History, then: CustomerSnapshot, rows: NDArray[np.intp] | None) -> dict[str, Floats]:
    who = then.customers if rows is None else then.customers[rows]
    features = {name: values if rows is None else values[rows] for name, values in then.features.items()}
    at = _Customers(history, then.day, then.horizon, who)
    facts = {name: values for name, values in features.items() if name not in ESTIMATES}
    facts |= _frequency(at, facts["purchase_days"]) | _spend(at) | _season(at)
    if "same_season" in facts:
        has_share = (facts["year_days"] > 0) & (then.horizon <= LONGEST_SEASON)
        facts["same_season"] = np.where(has_share, facts["same_season"], np.nan)
    if "category_lost" in features:
        facts |= _categories(at)
    return facts


def returning_customers(history: History, day: int, horizon: int) -> ReturningCustomers:
    """Return the customers who bought in the ``horizon`` days up to ``day``, with their facts before these days.

    The result is empty if fewer days than ``horizon`` have passed since the first purchase.
    """
    since = day - horizon
    found = history.of_parts(lambda part: _returned(part, since, day), days=(since,))
    return ReturningCustomers(since, _joined(found))


def _returned(history: History, since: int, day: int) -> tuple[NDArray[np.uint32], dict[str, Floats]]:
    """Return the codes and facts as of the day ``since`` of the customers who bought from then to ``day``."""
    if not len(history.customers) or history.ledger.purchases.day.min() > since:
        return np.zeros(0, np.uint32), {}
    then = snapshot(history, since, day - since)
    back = np.flatnonzero(history.ledger.purchases.count(then.customers, since, day) > 0)
    return history.own_codes[then.customers[back]], _facts(history, then, back)


@dataclass(frozen=True)
class _Customers:
    """The requested customers as of the day of a snapshot, with their purchases up to that day."""

    history: History
    day: int
    horizon: int
    who: NDArray[np.uint32]

    def months_ago(self, months: int) -> int:
        return day_number(months_before(calendar_day(self.day), months))

    def money(self, name: str, after: int | None, *kinds: DayTotals) -> Floats:
        """Return each customer's sum ``name`` of ``kinds`` after a day, in units of currency; shape (n,).

        Without a day the sum is of all time.
        """
        total = np.zeros(len(self.who), np.int64)
        for each in kinds:
            if name in each.totals:
                start = each.start(self.who) if after is None else each.after(self.who, after)
                total = total + each.total(name, start, each.after(self.who, self.day))
        return total / self.history.ledger.scale


def _frequency(at: _Customers, purchase_days: Floats) -> dict[str, Floats]:
    purchases = at.history.ledger.purchases
    gaps = at.history.ledger.gaps.by(at.day)
    counts = gaps.counts()
    starts = np.cumsum(counts) - counts
    last_days = np.full(gaps.customers, -at.day - 1, np.int32)
    last_days[at.who] = purchases.day[purchases.after(at.who, at.day) - 1]
    last, rank = last_gaps(gaps, starts, last_days)
    before = quantiles(gaps.lengths, starts, np.maximum(counts - 1, 0), 0.5, without=rank)[at.who]
    median, last = quantiles(gaps.lengths, starts, counts, 0.5)[at.who], last[at.who]
    known = purchase_days >= FEWEST_INTERVAL_DAYS
    facts = {"median_interpurchase_days": median, "gap_last": last, "gap_before": before, "gap_ratio": last / before}
    return {name: np.where(known, values, np.nan) for name, values in facts.items()}


def _spend(at: _Customers) -> dict[str, Floats]:
    ledger, who = at.history.ledger, at.who
    purchases = ledger.purchases
    start, stop = purchases.start(who), purchases.after(who, at.day)
    bought = at.money("net", None, *ledger.bought)
    orders = purchases.total("orders", start, stop).astype(np.float64)
    last = purchases.total("net", stop - 1, stop) / ledger.scale
    earlier_days = (stop - start - 1).astype(np.float64)
    earlier = _ratio(purchases.total("net", start, stop - 1) / ledger.scale, earlier_days)
    half = at.money("net", at.months_ago(6), *ledger.bought)
    half_before = at.money("net", at.months_ago(12), *ledger.bought) - half
    discount = at.money("discount", None, *ledger.bought)
    facts = {
        "orders": orders,
        "order_value": bought / orders,
        "last_day_value": last,
        "earlier_days": earlier_days,
        "earlier_day_value": earlier,
        "last_day_ratio": _ratio(last, earlier),
        "spend_6mo": half,
        "spend_previous_6mo": half_before,
        "spend_6mo_change": np.where(
            purchases.day[start] <= at.months_ago(12), _ratio(half - half_before, half_before), np.nan
        ),
        "returned": _ratio(0.0 - at.money("net", None, ledger.returns), bought),
    }
    if at.history.on(at.day).has_discounts:
        facts["discounted"] = _ratio(discount, bought + discount)
    return facts


def _season(at: _Customers) -> dict[str, Floats]:
    purchases, a_year_ago = at.history.ledger.purchases, at.day - YEAR
    return {
        "season_days": purchases.count(at.who, a_year_ago, min(a_year_ago + at.horizon, at.day)).astype(np.float64),
        "year_days": purchases.count(at.who, a_year_ago, at.day).astype(np.float64),
    }


def _categories(at: _Customers) -> dict[str, Floats]:
    categories = at.history.ledger.categories
    within = (categories.days > at.months_ago(12)) & (categories.days <= at.day)
    lost = within & categories.are_in(at.history.on(at.day).lost)[categories.items]
    customers = len(at.history.customers)
    return {
        "lost_purchases": np.bincount(categories.codes[lost], minlength=customers)[at.who].astype(np.float64),
        "category_purchases": np.bincount(categories.codes[within], minlength=customers)[at.who].astype(np.float64),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return ``part / whole``; NaN if the whole is not positive."""
    found = np.full(len(part), np.nan)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
