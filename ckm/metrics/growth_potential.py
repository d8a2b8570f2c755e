"""Growth potential: current and potential value of customers, and the gap to their peak year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._segment.value.definition import fit_value
from ckm.customers.period import MONTHS_OF_A_YEAR, period_until
from ckm.errors import NotEnoughDataError
from ckm.metrics.customer_segments import learning, saved_definition
from ckm.metrics.feature_sample import METHOD, Estimate, FeatureSample
from ckm.metrics.metric import Metric, Missing

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext
    from ckm.metrics.margin import Margin

SECTION = "growth_potential"
MONEY_DIGITS = 2
VALUES = ("current_value", "potential_value", "headroom")


@dataclass(frozen=True)
class GrowthPotential:
    """Current and potential value of customers.

    Attributes
    ----------
    customers
        customer_id, segment, current_value, potential_value, headroom; one row per customer with a purchase, or per
        customer of a sample.
    sample
        Features from which the values were computed.
    segments
        Names of the value segments, best first.
    remarks
        Remarks for the user: the definition, and the number of customers.
    """

    customers: pl.DataFrame
    sample: FeatureSample
    segments: tuple[str, ...]
    remarks: tuple[str, ...]


def read_growth_potential(context: ReportContext, sample: FeatureSample) -> GrowthPotential | Missing:
    """Return current value, potential value and value segment of each customer, as ``ckm segment --by value`` does.

    The definition is the saved one of the workspace; otherwise one is fitted for the report, without validation on a
    later year. With more rows than :data:`ckm.metrics.feature_sample.FEW_ROWS` a sample of customers is used.

    Parameters
    ----------
    context
        Context of all customers.
    sample
        Result of :func:`ckm.metrics.feature_sample.read_features`.
    """
    saved, table = saved_definition(context, METHOD, of=METHOD), sample.table
    try:
        definition = saved.definition if saved else fit_value(learning(context, table))
    except NotEnoughDataError as error:
        return Missing.too_few(SECTION, "few_customers", error)
    assigned = definition.assign(table.frame).select("segment", *VALUES)
    used = f"definition '{saved.name}' version {saved.version}" if saved else "a definition fitted now"
    remarks = [f"current and potential value by {used}"]
    if not sample.is_complete:
        remarks.append(
            f"potential value of {table.frame.height:,} of {sample.of:,} customers, a systematic sample by id"
        )
    return GrowthPotential(
        pl.concat([table.frame.select("customer_id"), assigned], how="horizontal"),
        sample,
        tuple(each.name for each in definition.segments),
        (*remarks, *(each for each in table.remarks if "margin_12mo" in each)),
    )


def growth_potential_metrics(
    context: ReportContext, growth_potential: GrowthPotential | Missing, margin: Margin
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return current and potential value of the customers of the last 12 months, and the gap to their peak year.

    Parameters
    ----------
    context
        Context of the included customers: all, or a part.
    growth_potential
        Result of :func:`read_growth_potential` for all customers.
    margin
        Margin of all customers.
    """
    metrics: list[Metric] = []
    missing: list[Missing] = []
    if isinstance(growth_potential, Missing):
        missing.append(growth_potential)
    else:
        metrics += _values(context, growth_potential, margin)
    peak = peak_year_value(context.ledger)
    if peak is None:
        missing.append(Missing(SECTION, "short_history", (("needed", 2 * MONTHS_OF_A_YEAR),)))
    else:
        before = None if context.before is None else peak_year_value(context.before.ledger)
        metrics.append(
            Metric(
                "peak_year_value", peak[0], n=peak[1], previous=before and before[0], previous_n=before and before[1]
            )
        )
    return tuple(metrics), tuple(missing)


def peak_year_value(ledger: Ledger) -> tuple[float, int] | None:
    """Return the gap between the spend of the last 12 months and the peak year, and the customers with a gap.

    A year ends on the as-of date's day; the years go as far back as the data. Customers with returns only have no peak
    year. Both are None if the data are shorter than a year.
    """
    years = _years(ledger.as_of, ledger.begins)
    if len(years) == 1:
        return None
    last = ledger.net_between(years[0])
    best = last
    for year in years[1:]:
        best = np.maximum(best, ledger.net_between(year))
    less = np.where(ledger.has_purchase, best - last, 0)
    return round(ledger.money(int(less.sum())), MONEY_DIGITS), int((less > 0).sum())


def bought_in_year(ledger: Ledger) -> NDArray[np.bool_]:
    """Return whether each customer bought in the last 12 months of the ledger, shape (customers,)."""
    return ledger.bought_between(period_until(ledger.as_of, MONTHS_OF_A_YEAR))


def _years(as_of: date, first: date) -> list[Period]:
    """Return consecutive years back to ``first``, latest first; the latest ends on ``as_of``."""
    years = [period_until(as_of, MONTHS_OF_A_YEAR)]
    while years[-1].first > first:
        years.append(period_until(years[-1].first - timedelta(1), MONTHS_OF_A_YEAR))
    return years


def _values(context: ReportContext, growth_potential: GrowthPotential, margin: Margin) -> list[Metric]:
    ledger = context.ledger
    active = bought_in_year(ledger)
    ids = ledger.customers.filter(pl.Series(active)).implode()
    # The variance is that of the whole sample, in which the other customers have the value zero.
    counts = growth_potential.customers["customer_id"].is_in(ids).to_numpy()
    there = int(active.sum())

    def sum_of(values: NDArray[np.float64]) -> Estimate:
        return growth_potential.sample.total(np.where(counts, values, 0.0))

    sums = {name: sum_of(growth_potential.customers[name].to_numpy()) for name in VALUES}
    if margin.share is None:
        year = ledger.net_between(period_until(ledger.as_of, MONTHS_OF_A_YEAR))
        sums["current_value"] = Estimate(round(ledger.money(int(year[active].sum())), MONEY_DIGITS))
    metrics = [Metric(name, each.value, (), there, each.lo, each.hi) for name, each in sums.items()]
    headroom, segment = growth_potential.customers["headroom"].to_numpy(), growth_potential.customers["segment"]
    for name in growth_potential.segments:
        inside = (segment == name).to_numpy()
        of = (("segment", name),)
        money, number = sum_of(np.where(inside, headroom, 0.0)), sum_of(inside.astype(np.float64))
        metrics.append(Metric("headroom", money.value, of, round(number.value), money.lo, money.hi))
        metrics.append(Metric("headroom_customers", round(number.value), of, None, number.lo, number.hi))
    return metrics
