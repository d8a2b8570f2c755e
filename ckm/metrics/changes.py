"""Revenue and the drivers of its change: factors, kinds of customers and slices that add up to the change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ckm.customers.ledger import NO_VALUE, OTHER
from ckm.metrics.comparison import PeriodComparison
from ckm.metrics.decomposition import FACTORS, Totals, revenue_effects, rounded_parts
from ckm.metrics.dimensions import MOST_VALUES, CustomerDimension, customer_dimensions
from ckm.metrics.metric import CHANGE_DIGITS, Metric, Missing
from ckm.metrics.poisson_errors import gradient, interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext

    Floats = NDArray[np.float64]

OF_ROWS = ("channel", "category")
"""Columns of the transactions that can be drivers of a change; ``--by`` accepts any column."""
NO_CUSTOMER = "(no customer)"
"""Slice of a customer dimension for rows without a customer."""
UNNAMED = frozenset({NO_VALUE, OTHER, NO_CUSTOMER})
"""Slices that are no value of their dimension: without a value, of the values after the eight largest, of guests."""

Sliced = dict[str, tuple[int, int]]
"""Revenue by slice in the previous and this period, as integers."""


def change_metrics(
    context: ReportContext, comparison: PeriodComparison | None = None, parts: Sequence[CustomerDimension] | None = None
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the revenue of the period, and the drivers of its change.

    - ``revenue`` and its components: with and without a customer, before and after returns;
    - ``change_by_customers``, ``change_by_frequency``, ``change_by_order_value``, ``change_by_returns`` and
      ``change_by_calendar`` (:func:`ckm.metrics.decomposition.revenue_effects`), which add up to the difference of
      ``revenue_of_customers`` between the whole periods to the cent, each with its interval
      (:mod:`ckm.metrics.poisson_errors`);
    - ``revenue_by_slice``, the revenue by channel and category;
    - ``change_by_kind``, which adds up to the change of ``revenue_of_customers``, and ``change_by_slice``, which adds
      up to that of ``revenue`` in each dimension; of periods of unequal length over equally many days.

    Parameters
    ----------
    context
        Input of the report.
    comparison
        Comparison of both periods; None to compute it.
    parts
        Dimensions of the customers; None to compute them.
    """
    revenue = (*_revenue(context, context.is_comparable), *_revenue_by_slice(context))
    if context.incomparable is not None:
        return revenue, (Missing("changed", *context.incomparable),)
    comparison = comparison or PeriodComparison.of(context)
    return (*revenue, *_effects(comparison), *_kinds(comparison), *_slices(comparison, parts)), ()


def _revenue(context: ReportContext, comparable: bool) -> tuple[Metric, ...]:
    ledger = context.ledger
    wanted = [context.period, context.compared] if comparable else [context.period]
    of_customers = [ledger.revenue_of_customers(each) for each in wanted]
    guest_sums = [ledger.guests.sums(each) for each in wanted]
    returned = [
        -int(ledger.returns_between(each).sum()) - guests[1] for each, guests in zip(wanted, guest_sums, strict=True)
    ]
    without = [sum(guests) for guests in guest_sums]
    whole = [known + unknown for known, unknown in zip(of_customers, without, strict=True)]
    returners = [int((ledger.return_days_between(each) > 0).sum()) for each in wanted]
    period = context.period
    there = int(ledger.summed(lambda part: _with_lines(part, period)))

    def metric(name: str, sums: list[int], *counts: int) -> Metric:
        values, (n, previous_n) = [ledger.money(each) for each in sums], (*counts, None, None)[:2]
        previous = values[1] if len(values) > 1 else None
        return Metric(name, values[0], n=n, previous=previous, previous_n=previous_n)

    return (
        metric("revenue", whole),
        metric("revenue_of_customers", of_customers, there),
        metric("revenue_without_customer", without),
        metric("revenue_returns", returned, *returners),
    )


def _with_lines(ledger: Ledger, period: Period) -> NDArray[np.int64]:
    """Return the number of customers with a purchase or a return in a period, shape ()."""
    return np.asarray(np.logical_or.reduce([each.counts_in(period) > 0 for each in ledger.all_lines]).sum())


def _effects(comparison: PeriodComparison) -> tuple[Metric, ...]:
    ledger, metrics = comparison.context.ledger, []
    for which, (factor, effect) in enumerate(effects(comparison).items()):
        lo, hi = (ledger.money(round(end)) for end in interval(effect, effect_error(comparison, which)))
        n = returning_customers(comparison) if factor == "returns" else None
        metrics.append(Metric(f"change_by_{factor}", ledger.money(effect), n=n, lo=lo, hi=hi))
    return tuple(metrics)


def effects(comparison: PeriodComparison, *, in_equal_days: bool = False) -> dict[str, int]:
    """Return the effect of each factor on the revenue of known customers, as integers that add up to its change.

    ``in_equal_days`` means the change over equally many days of both periods, else over the whole periods.
    """
    before, now = comparison.totals
    if in_equal_days:
        days = min(comparison.days)
        before, now = before.in_days(days), now.in_days(days)
    parts = rounded_parts(
        revenue_effects(before, now), round(now.revenue - before.revenue), comparison.context.ledger.scale
    )
    return dict(zip(FACTORS, parts, strict=True))


def returning_customers(comparison: PeriodComparison) -> int:
    """Return the number of customers with a return in either period."""
    before, now = comparison.equal_days
    return int(((before.all_returns > 0) | (now.all_returns > 0)).sum())


def shows_effect(totals: tuple[Totals, Totals], factor: str, *, in_equal_days: bool = False) -> bool:
    """Return whether a factor has an effect: the calendar only if the days differ, returns only if there are any."""
    if factor == "calendar":
        return not in_equal_days and totals[0].days != totals[1].days
    return factor != "returns" or any(each.returns for each in totals)


def effect_error(comparison: PeriodComparison, which: int) -> float:
    """Return the standard error of an effect, in integers of money.

    If a period has no customers, the whole change of the purchases is the effect of customers.
    """
    totals, width = comparison.sums.totals, len(comparison.equal_days[0].columns)
    if not totals[0] or not totals[width]:
        slopes = {"customers": (0, 0, -1, 0, 0, 0, 1, 0), "returns": (0, 0, 0, 1, 0, 0, 0, -1)}
        return comparison.sums.error_of(slopes.get(FACTORS[which], (0,) * 2 * width))

    def effect(at: Floats) -> float:
        before, now = (
            Totals(days, float(part[0]), *(float(one) / each.share for one in part[1:]))
            for days, each, part in zip(comparison.days, comparison.equal_days, (at[:width], at[width:]), strict=True)
        )
        return revenue_effects(before, now)[which]

    return comparison.sums.error_of(gradient(effect, totals))


def _kinds(comparison: PeriodComparison) -> list[Metric]:
    sums = ((comparison.net_before[chosen].sum(), comparison.net[chosen].sum()) for chosen in comparison.kinds.values())
    return [
        Metric("change_by_kind", _in_equal_days(comparison, before, now), (("kind", kind),), n=int(chosen.sum()))
        for (kind, chosen), (before, now) in zip(comparison.kinds.items(), sums, strict=True)
    ]


def _slices(comparison: PeriodComparison, parts: Sequence[CustomerDimension] | None) -> list[Metric]:
    counts = customers_by_slice(comparison, parts)
    return [
        Metric(
            "change_by_slice",
            _in_equal_days(comparison, before, now),
            (("dimension", dimension), ("value", value)),
            n=counts.get((dimension, value)),
        )
        for dimension, slices in revenue_by_slice(comparison, parts).items()
        for value, (before, now) in slices.items()
    ]


def _in_equal_days(comparison: PeriodComparison, before: int, now: int) -> float:
    """Return the change of a sum in money; if the periods differ in length, scaled to the days of the shorter one."""
    shares = [min(comparison.days) / days for days in comparison.days]
    return round(comparison.context.ledger.money(int(now) * shares[1] - int(before) * shares[0]), CHANGE_DIGITS)


def _revenue_by_slice(context: ReportContext) -> tuple[Metric, ...]:
    money = context.ledger.money
    return tuple(
        Metric(
            "revenue_by_slice",
            money(now),
            (("dimension", dimension), ("value", value)),
            previous=money(before) if context.is_comparable else None,
        )
        for dimension, slices in _of_rows(context, OF_ROWS).items()
        for value, (before, now) in slices.items()
    )


def named_slices(slices: Sequence[Metric]) -> Sequence[Metric]:
    """Return the slices of one dimension except :data:`UNNAMED` ones; if all are unnamed, all slices."""
    return [each for each in slices if each.of("value") not in UNNAMED] or slices


def _of_rows(context: ReportContext, columns: Sequence[str]) -> dict[str, Sliced]:
    """Return the revenue of both periods by slice, for the ``columns`` by which the ledger has separate sums."""
    ledger, found = context.ledger, {}
    for name in [each for each in columns if each in ledger.dimensions]:
        sums = [ledger.revenue_by(name, each) for each in (context.compared, context.period)]
        found[name] = _largest(sums[0], sums[1], tuple(ledger.parts) if ledger.by == name else None)
    return found


def revenue_by_slice(
    comparison: PeriodComparison, parts: Sequence[CustomerDimension] | None = None
) -> Mapping[str, Sliced]:
    """Return the revenue of both periods by dimension and slice, as integers; each dimension adds up to the total."""
    context = comparison.context
    if parts is None:
        parts = customer_dimensions(context, comparison.net + comparison.net_before)
    ledger = context.ledger
    found = _of_rows(context, tuple(dict.fromkeys((*OF_ROWS, *([ledger.by] if ledger.by is not None else [])))))
    without = [sum(ledger.guests.sums(each)) for each in (context.compared, context.period)]
    for part in parts:
        before, now = part.sums(comparison.net_before).tolist(), part.sums(comparison.net).tolist()
        slices = dict(zip(part.values, zip(before, now, strict=True), strict=True))
        found[part.dimension] = slices | ({NO_CUSTOMER: (without[0], without[1])} if any(without) else {})
    return {name: slices for name, slices in found.items() if len(slices) > 1}


def _largest(before: Mapping[str, int], now: Mapping[str, int], names: tuple[str, ...] | None) -> Sliced:
    """Return (previous, this) revenue by slice: the largest values or ``names``, ``other``, rows without a value."""
    both = {value: (before.get(value, 0), now.get(value, 0)) for value in {*before, *now}}
    own = sorted((value for value in both if value not in (OTHER, NO_VALUE)), key=lambda each: (-sum(both[each]), each))
    largest = [name for name in names if name in own] if names is not None else own[:MOST_VALUES]
    rest = [each for value, each in both.items() if value != NO_VALUE and value not in largest]
    slices = {value: both[value] for value in largest}
    if rest:
        slices[OTHER] = (sum(each[0] for each in rest), sum(each[1] for each in rest))
    if NO_VALUE in both:
        slices[NO_VALUE] = both[NO_VALUE]
    return slices


def customers_by_slice(
    comparison: PeriodComparison, parts: Sequence[CustomerDimension] | None = None
) -> dict[tuple[str, str], int]:
    """Return, for each slice of the customer dimensions, the customers with a purchase or return in either period."""
    if parts is None:
        parts = customer_dimensions(comparison.context, comparison.net + comparison.net_before)
    return {
        (part.dimension, value): count
        for part in parts
        for value, count in zip(
            part.values, part.sums(comparison.has_rows_in_either_period.astype(np.int64)).tolist(), strict=True
        )
    }
