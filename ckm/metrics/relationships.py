"""Customer relationships: active customers and their groups, purchase frequency and order value."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ckm.customers.calendar import day_number
from ckm.customers.day_totals import NO_DAY
from ckm.customers.ledger import NO_VALUE
from ckm.customers.period import Period
from ckm.metrics.customer_balance import customer_balance
from ckm.metrics.metric import Metric, Missing
from ckm.models.intervals import wilson
from ckm.schema import PARTY_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext

SECTION = "relationships"
COHORT_DAYS = 365
"""Days for a second purchase, and length of a cohort."""


class _Number(NamedTuple):
    value: float | None
    n: int | None = None
    lo: float | None = None
    hi: float | None = None


UNKNOWN = _Number(None)


def relationship_metrics(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the metrics of customers and their purchases in the period, and by party type.

    If the data do not cover the comparison period, the groups (new, retained, reactivated, lost) are unknown: their
    values are None with the reason ``no_comparison``, and no metric has a ``previous`` value. If the data do not cover
    the last 730 days, most first purchases in the data are not first purchases, so the repeat rate of the cohort is
    None (``short_history``).
    """
    now, before = _numbers(context), _numbers(context.before) if context.before else {}
    metrics = [
        Metric(name, *_parts(number), before.get(name, UNKNOWN).value, before.get(name, UNKNOWN).n)
        for name, number in now.items()
    ]
    missing = [] if context.incomparable is None else [Missing(SECTION, *context.incomparable)]
    if context.is_comparable and context.ledger.begins >= context.compared.first:
        missing.append(Missing(SECTION, "no_earlier_purchases"))
    if not context.covers(_cohort_year(context)):
        there = (context.period.last - context.ledger.begins).days
        missing.append(Missing(SECTION, "short_history", (("there", there), ("needed", 2 * COHORT_DAYS))))
    if "customers" in context.tables:
        metrics += _by_party(context)
    else:
        missing.append(Missing(SECTION, "no_customers_table"))
    return tuple(metrics), tuple(missing)


def _parts(number: _Number) -> tuple[float | None, tuple[()], int | None, float | None, float | None]:
    return number.value, (), number.n, number.lo, number.hi


def _numbers(context: ReportContext) -> dict[str, _Number]:
    ledger, period = context.ledger, context.period
    who, orders, days = customer_balance(context), ledger.orders_between(period), ledger.purchase_days_between(period)
    active, bought = int(who.active.sum()), int(orders.sum())
    purchases = ledger.money(int(ledger.net_between(period).sum() - ledger.returns_between(period).sum()))
    known = context.is_comparable
    retained, before = int(who.retained.sum()), int(who.active_before.sum())
    gaps = _gaps_ended(context)
    return {
        "customers_active": _Number(active),
        "customers_new": _Number(int(who.new.sum())) if known else UNKNOWN,
        "customers_retained": _Number(retained) if known else UNKNOWN,
        "customers_reactivated": _Number(int(who.reactivated.sum())) if known else UNKNOWN,
        "customers_lost": _Number(int(who.lost.sum())) if known else UNKNOWN,
        "retention_rate": _rate(retained, before) if known else UNKNOWN,
        "orders": _Number(bought),
        "purchase_days": _Number(int(days.sum())),
        "orders_per_customer": _Number(bought / active if active else None, n=active),
        "average_order_value": _Number(purchases / bought if bought else None, n=bought),
        "repeat_rate_period": _rate(int((days > 1).sum()), active),
        "repeat_rate_cohort": _rate(*_bought_again(context)) if context.covers(_cohort_year(context)) else UNKNOWN,
        "median_interpurchase_days": _Number(float(np.median(gaps)) if len(gaps) else None, n=len(gaps)),
    }


def _rate(part: int, whole: int) -> _Number:
    return _Number(part / whole if whole else None, whole, *wilson(part, whole))


def _cohort_year(context: ReportContext) -> Period:
    """Return the 365 days before the last 365 days.

    Customers whose first purchase is in this period are observed for 365 days after it.
    """
    last = context.period.last - timedelta(COHORT_DAYS)
    return Period(last - timedelta(COHORT_DAYS - 1), last)


def _bought_again(context: ReportContext) -> tuple[int, int]:
    """Return two counts of the customers of the cohort year: who bought again within 365 days, and all."""
    ledger, year = context.ledger, _cohort_year(context)
    first, second = ledger.first_day, ledger.second_day
    cohort = (first >= day_number(year.first)) & (first <= day_number(year.last))
    again = cohort & (second != NO_DAY)
    return int((second[again] - first[again] <= COHORT_DAYS).sum()), int(cohort.sum())


def _gaps_ended(context: ReportContext) -> NDArray[np.int32]:
    """Return the interpurchase intervals that ended in the period, in days and in any order."""
    period = context.period

    def ended(part: Ledger) -> NDArray[np.int32]:
        visits = part.purchases
        later = np.flatnonzero(visits.within(period))
        later = later[later > visits.bounds[visits.code[later]]]
        return visits.day[later] - visits.day[later - 1]

    return np.concatenate(context.ledger.of_parts(ended))


def _by_party(context: ReportContext) -> list[Metric]:
    """Return the metrics of active customers and revenue by party type; :data:`NO_VALUE` is the unknown type.

    Types without active customers and revenue are omitted.
    """
    types = (*PARTY_TYPES, NO_VALUE)
    position = dict(zip(PARTY_TYPES, range(len(PARTY_TYPES)), strict=True))
    party = (
        context.parties["party_type"].replace_strict(position, default=len(position), return_dtype=pl.Int64).to_numpy()
    )
    now = _party_sums(context, party)
    before = _party_sums(context.before, party) if context.before else None
    there = [row for row in range(len(types)) if now[row].any() or (before is not None and before[row].any())]
    metrics = []
    for column, name in enumerate(("party_customers", "party_revenue")):
        unit = context.ledger.scale if name == "party_revenue" else 1
        for row in there:
            previous = None if before is None else int(before[row, column]) / unit
            metrics.append(Metric(name, int(now[row, column]) / unit, (("party_type", types[row]),), previous=previous))
    return metrics


def _party_sums(context: ReportContext, party: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return active customers and net in the period, shape (types, 2); ``party`` is the type of each customer."""
    sums = np.zeros((len(PARTY_TYPES) + 1, 2), dtype=np.int64)
    np.add.at(sums[:, 0], party, context.ledger.bought_between(context.period))
    np.add.at(sums[:, 1], party, context.ledger.net_between(context.period))
    return sums
