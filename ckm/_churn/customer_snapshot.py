"""Snapshot: features of every customer at the end of a day, and the churn label of the horizon after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ckm._churn.feature_catalogue import load_catalogue
from ckm._churn.seasonal_buyers import YEAR, bought_same_season
from ckm.customers.calendar import calendar_day, day_number, months_before
from ckm.customers.columns import margin
from ckm.customers.day_totals import unpack_day
from ckm.customers.interpurchase import interpurchase_times
from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.customers.day_totals import DayTotals
    from ckm.customers.history import History, ShopOnDay

    Codes = NDArray[np.uint32]
    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

RECENT_DAYS = 90
"""Days for which complaints, returns, late deliveries and ratings count as recent."""
COUNT_WINDOWS = {"purchase_days_90d": 90, "purchase_days_180d": 180, "purchase_days_12mo": 365}
"""Windows in days for counts of purchase days: a quarter, half a year, a year."""


@dataclass(frozen=True)
class CustomerSnapshot:
    """Features of every customer with a purchase up to the cut-off.

    Attributes
    ----------
    day
        Cut-off, in days since 1970-01-01; later rows are not used.
    horizon
        Days that the prediction looks ahead; the feature ``same_season`` depends on it.
    customers
        Codes, ascending: positions in :attr:`ckm.customers.history.History.customers`. The other arrays are parallel.
    features
        By name, in the order of ``ckm/data/churn_features.yaml``; NaN where a customer has no value. Features
        whose sources have no rows by the day are absent.
    value
        Margin of the last 12 months in the unit of the currency, as ``margin_12mo`` of the feature table.
    last_order
        Day of the last purchase.
    median_interpurchase_days
        Median purchase interval, shrunk towards the median of all customers; NaN if no customer bought twice.
    has_open_complaint
        Whether a complaint of the last 180 days is open.
    bought_same_season
        Whether the customer is a seasonal buyer (:func:`ckm._churn.seasonal_buyers.bought_same_season`).
    """

    day: int
    horizon: int
    customers: Codes
    features: Mapping[str, Floats]
    value: Floats
    last_order: NDArray[np.int32]
    median_interpurchase_days: Floats
    has_open_complaint: NDArray[np.bool_]
    bought_same_season: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.customers)


def snapshot(history: History, day: int, horizon: int) -> CustomerSnapshot:
    """Return the snapshot of all customers with a purchase by the end of ``day``.

    Parameters
    ----------
    history
        Result of :func:`ckm.customers.history.read_history`.
    day
        The cut-off, in days since 1970-01-01.
    horizon
        Days that the prediction looks ahead.

    Raises
    ------
    NotEnoughDataError
        There is no purchase up to the day, or the history ends before the day.
    """
    _check_day(history, day)
    if not history.ledger.is_partitioned:
        return _snapshot(history, day, horizon)
    job = partial(_part_snapshot, day=day, horizon=horizon)
    return _joined([each for each in history.of_parts(job, days=(day,)) if each is not None])


def _part_snapshot(history: History, day: int, horizon: int) -> CustomerSnapshot | None:
    """Return the snapshot of some customers, with the codes of all; None if none of them has a purchase."""
    if not len(history.customers) or history.ledger.purchases.day.min() > day:
        return None
    found = _snapshot(history, day, horizon)
    return replace(found, customers=history.own_codes[found.customers])


def _joined(parts: list[CustomerSnapshot]) -> CustomerSnapshot:
    """Return the snapshot of the customers of all parts, whose features are freed one by one."""
    order = np.argsort(np.concatenate([each.customers for each in parts]))

    def joined(arrays: list[NDArray[Any]]) -> NDArray[Any]:
        return np.concatenate(arrays)[order]

    features = [dict(each.features) for each in parts]
    parts = [replace(each, features={}) for each in parts]
    first = parts[0]
    return CustomerSnapshot(
        day=first.day,
        horizon=first.horizon,
        customers=joined([each.customers for each in parts]),
        features={name: joined([each.pop(name) for each in features]) for name in list(features[0])},
        value=joined([each.value for each in parts]),
        last_order=joined([each.last_order for each in parts]),
        median_interpurchase_days=joined([each.median_interpurchase_days for each in parts]),
        has_open_complaint=joined([each.has_open_complaint for each in parts]),
        bought_same_season=joined([each.bought_same_season for each in parts]),
    )


def _snapshot(history: History, day: int, horizon: int) -> CustomerSnapshot:
    at = _Cut.of(history, day, horizon)
    features = {**_frequency(at), **_spend(at), **_breadth(at), **_service(at), **_satisfaction(at)}
    names = load_catalogue().names
    open_complaints = features.get("open_complaints")
    return CustomerSnapshot(
        day=day,
        horizon=horizon,
        customers=at.who,
        features={name: features[name].astype(np.float64) for name in names if name in features},
        value=_margin(at),
        last_order=at.last,
        median_interpurchase_days=features["gap_median_days"],
        has_open_complaint=np.zeros(len(at.who), np.bool_) if open_complaints is None else open_complaints > 0,
        bought_same_season=bought_same_season(at.purchases, at.start, at.stop, day),
    )


def churned_within(history: History, snapshot: CustomerSnapshot, horizon: int) -> NDArray[np.bool_]:
    """Return the churn label: no purchase in the ``horizon`` days after the snapshot.

    Raises
    ------
    NotEnoughDataError
        The history ends before the horizon does.
    """
    end = snapshot.day + horizon
    if end > history.as_of:
        raise NotEnoughDataError(
            f"the outcome {horizon} days after {calendar_day(snapshot.day)} is unknown: "
            f"the history ends on {calendar_day(history.as_of)}",
            hint=f"the last day with a known outcome is {calendar_day(history.as_of - horizon)}",
            horizon_days=horizon,
        )
    purchases = history.ledger.purchases
    churned: NDArray[np.bool_] = purchases.count(snapshot.customers, snapshot.day, end) == 0
    return churned


@dataclass(frozen=True)
class _Cut:
    """Customers with a purchase up to the cut-off, and the range of each customer's purchases in the ledger."""

    history: History
    day: int
    horizon: int
    who: Codes
    purchases: DayTotals
    start: Integers
    stop: Integers
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    last_of_code: NDArray[np.int32]
    _ends: dict[tuple[str, int], Integers] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, history: History, day: int, horizon: int) -> _Cut:
        purchases = history.ledger.purchases
        everyone = np.arange(len(history.customers), dtype=np.uint32)
        start, stop = purchases.start(everyone), purchases.after(everyone, day)
        bought = stop > start
        if not bought.any():
            raise _no_purchase(day, int(purchases.day.min()))
        last_of_code = np.full(len(everyone), -day - 1, np.int32)
        last_of_code[bought] = unpack_day(purchases.keys[stop[bought] - 1])
        who = everyone[bought]
        start, stop = start[bought], stop[bought]
        first = unpack_day(purchases.keys[start])
        return cls(history, day, horizon, who, purchases, start, stop, first, last_of_code[bought], last_of_code)

    @property
    def shop(self) -> ShopOnDay:
        """Facts of all customers as of the cut-off."""
        return self.history.on(self.day)

    @property
    def codes(self) -> int:
        """Number of customer codes in the ledger."""
        return len(self.last_of_code)

    @property
    def tenure(self) -> NDArray[np.int32]:
        """Days since the first purchase."""
        return self.day - self.first

    def months_ago(self, months: int) -> int:
        """Return the day before the last ``months`` calendar months."""
        return day_number(months_before(calendar_day(self.day), months))

    def spent(self, name: str, after: int) -> Integers:
        """Return the sum ``name`` of each customer's purchases and returns after the day ``after``."""
        spent = self.purchases.total(name, self.end("purchases", after), self.stop)
        for others in ("later_lines", "returns"):
            totals: DayTotals = getattr(self.history.ledger, others)
            if name in totals.totals:
                spent = spent + totals.total(name, self.end(others, after), self.end(others, self.day))
        return spent

    def end(self, entries: str, day: int) -> Integers:
        """Return :meth:`ckm.customers.day_totals.DayTotals.after` for the customers, each day searched once.

        ``entries`` is ``purchases``, ``later_lines`` or ``returns``.
        """
        if (entries, day) not in self._ends:
            totals: DayTotals = getattr(self.history.ledger, entries)
            is_cut = entries == "purchases" and day == self.day
            self._ends[entries, day] = self.stop if is_cut else totals.after(self.who, day)
        return self._ends[entries, day]

    def bought(self, after: int, until: int) -> Integers:
        """Return the number of purchase days of each customer in the days ``(after, until]``."""
        return self.end("purchases", until) - self.end("purchases", after)


def _check_day(history: History, day: int) -> None:
    if day > history.as_of:
        raise NotEnoughDataError(
            f"the history ends on {calendar_day(history.as_of)}, before the cut-off {calendar_day(day)}"
        )
    if history.ledger.is_partitioned:
        first = int(history.ledger.days_with_purchases[0][0])
        if first > day:
            raise _no_purchase(day, first)


def _no_purchase(day: int, first: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"no purchase by {calendar_day(day)}", hint=f"the first purchase is of {calendar_day(first)}"
    )


def _frequency(at: _Cut) -> dict[str, NDArray[Any]]:
    usual = interpurchase_times(at.history.ledger.gaps.by(at.day), at.last_of_code, at.shop.usual)
    a_year_ago = at.day - YEAR
    same = at.bought(a_year_ago, min(a_year_ago + at.horizon, at.day))
    whole_year = at.bought(a_year_ago, at.day)
    return {
        "days_silent": at.day - at.last,
        "purchase_days": at.stop - at.start,
        **{name: at.bought(at.day - days, at.day) for name, days in COUNT_WINDOWS.items()},
        "gap_median_days": usual.median[at.who],
        "gap_p80_days": usual.p80[at.who],
        "gap_last_ratio": usual.last_ratio[at.who],
        "same_season": np.where(at.tenure >= YEAR, same / np.maximum(whole_year, 1), np.nan),
        "tenure_days": at.tenure,
    }


def _spend(at: _Cut) -> dict[str, NDArray[Any]]:
    purchases, ledger = at.purchases, at.history.ledger
    scale = ledger.scale
    half, year = at.months_ago(6), at.months_ago(12)
    at_half, at_year = at.end("purchases", half), at.end("purchases", year)
    recent, before = purchases.total("net", at_half, at.stop), purchases.total("net", at_year, at_half)
    bought = purchases.total("net", at.start, at.stop)
    last = purchases.total("net", at.stop - 1, at.stop)
    mean_before = _ratio(bought - last, at.stop - at.start - 1)
    features = {
        "spend_12mo": at.spent("net", year) / scale,
        "spend_change": np.where(at.first <= year, _ratio(recent - before, recent + before), np.nan),
        "order_value_mean": bought / purchases.total("orders", at.start, at.stop) / scale,
        "order_value_last_ratio": _ratio(last, mean_before),
    }
    if "discounts" in at.shop.known:
        discount = purchases.total("discount", at.start, at.stop)
        features["discount_share"] = _ratio(discount, bought + discount)
    if "returns" in at.shop.known:
        returns = ledger.returns
        since, until = returns.start(at.who), at.end("returns", at.day)
        features["return_share"] = np.nan_to_num(_ratio(-returns.total("net", since, until), bought))
        features["returns_90d"] = until - at.end("returns", at.day - RECENT_DAYS)
    return features


def _breadth(at: _Cut) -> dict[str, NDArray[Any]]:
    categories, channels = at.history.ledger.categories, at.history.ledger.channels
    year = at.months_ago(12)
    features: dict[str, NDArray[Any]] = {}
    if "categories" in at.shop.known:
        features["categories_12mo"] = categories.distinct(at.codes, year, at.day)[at.who]
        lost = categories.are_in(at.shop.lost)
        features["category_lost"] = categories.share(lost, at.codes, year, at.day)[at.who]
    if "channels" in at.shop.known:
        features["channels_12mo"] = channels.distinct(at.codes, year, at.day)[at.who]
    return features


def _service(at: _Cut) -> dict[str, NDArray[Any]]:
    deliveries, since = at.history.deliveries, at.day - RECENT_DAYS
    if deliveries.first_day > at.day:
        return {}
    return {
        "late_deliveries_90d": deliveries.late(at.codes, since, at.day)[at.who],
        "days_late_90d": deliveries.days_late(at.codes, since, at.day)[at.who],
    }


def _satisfaction(at: _Cut) -> dict[str, NDArray[Any]]:
    contacts, since = at.history.contacts, at.day - RECENT_DAYS
    features: dict[str, NDArray[Any]] = {}
    if contacts.invoices.first_day <= at.day:
        features["rejected_invoices_90d"] = contacts.invoices.count(at.codes, since, at.day)[at.who]
    if contacts.complaints.first_day <= at.day:
        features["open_complaints"] = contacts.open_complaints(at.codes, at.day)[at.who]
        features["complaints_90d"] = contacts.complaints.count(at.codes, since, at.day)[at.who]
    if contacts.ratings.first_day <= at.day:
        features["rating_last"] = contacts.last_score(at.codes, at.day)[at.who]
        features["rating_low_90d"] = contacts.low_ratings(at.codes, since, at.day)[at.who]
    return features


def _margin(at: _Cut) -> Floats:
    """Return the margin of the last 12 months, as in the feature table, in units of currency."""
    year = at.months_ago(12)
    nothing = np.zeros(len(at.who), np.int64)
    known = "costs" in at.shop.known
    sums = {
        "year_net": at.spent("net", year),
        "year_costed": at.spent("costed", year) if known else nothing,
        "year_cost": at.spent("cost", year) if known else nothing,
    }
    whole = pl.DataFrame(sums).select(margin("year", at.shop.margin_share).alias("margin"))["margin"]
    return whole.to_numpy() / at.history.ledger.scale


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    """Return ``part / whole``; NaN if the whole is not positive."""
    positive = whole > 0
    found = np.full(len(part), np.nan)
    found[positive] = part[positive] / whole[positive]
    return found
