"""What customers are worth now, what they could be worth, and what they bought in their own best year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.period import MONTHS_OF_A_YEAR, period_until
from ckm.errors import NotEnoughDataError
from ckm.metrics.metric import Measure, Missing
from ckm.metrics.feature_sample import METHOD, Estimate, FeatureSample
from ckm.metrics.customer_segments import kept_definition, learning
from ckm.segmentation.value.definition import fit_value

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.metrics.context import Basis
    from ckm.metrics.margin import Margin

SECTION = "growth_potential"
MONEY_DIGITS = 2
VALUES = ("current_value", "potential_value", "headroom")


@dataclass(frozen=True)
class Capacity:
    """What customers are worth, and could be.

    Attributes
    ----------
    customers
        customer_id, segment, current_value, potential_value, headroom, by ``customer_id``: of everybody with a
        purchase, or of a sample.
    sample
        The features behind it.
    segments
        Names of the boxes, best first.
    remarks
        Which definition, and of how many customers.
    """

    customers: pl.DataFrame
    sample: FeatureSample
    segments: tuple[str, ...]
    remarks: tuple[str, ...]


def read_capacity(basis: Basis, sample: FeatureSample) -> Capacity | Missing:
    """Give each customer current value, potential value and a box, as ``ckm segment --by value`` does.

    The definition is the one that the workspace keeps, else it is learned now, without the check on a later year. With
    more rows than :data:`ckm.metrics.feature_sample.FEW_ROWS` it is done for a sample of the customers.

    Parameters
    ----------
    basis
        Of all customers.
    sample
        Of :func:`ckm.metrics.feature_sample.read_features`.
    """
    saved, table = kept_definition(basis, METHOD, of=METHOD), sample.table
    try:
        definition = saved.definition if saved else fit_value(learning(basis, table))
    except NotEnoughDataError as error:
        return Missing.too_few(SECTION, "few_customers", error)
    assigned = definition.assign(table.frame).select("segment", *VALUES)
    said = f"definition '{saved.name}' version {saved.version}" if saved else "a definition learned now"
    remarks = [f"current and potential value by {said}"]
    if not sample.is_everybody:
        remarks.append(
            f"potential value of {table.frame.height:,} of {sample.of:,} customers, a systematic sample by id"
        )
    return Capacity(
        pl.concat([table.frame.select("customer_id"), assigned], how="horizontal"),
        sample,
        tuple(each.name for each in definition.segments),
        (*remarks, *(each for each in table.remarks if "margin_12mo" in each)),
    )


def capacity_measures(
    basis: Basis, capacity: Capacity | Missing, margin: Margin
) -> tuple[tuple[Measure, ...], tuple[Missing, ...]]:
    """Return values and headroom of who bought in the last 12 months, and what they once bought more.

    Parameters
    ----------
    basis
        Of the customers to measure: all, or a part.
    capacity
        Of all customers (:func:`read_capacity`).
    margin
        Of all customers.
    """
    measures: list[Measure] = []
    missing: list[Missing] = []
    if isinstance(capacity, Missing):
        missing.append(capacity)
    else:
        measures += _values(basis, capacity, margin)
    peak = peak_year_value(basis.ledger)
    if peak is None:
        missing.append(Missing(SECTION, "short_history", (("needed", 2 * MONTHS_OF_A_YEAR),)))
    else:
        before = None if basis.before is None else peak_year_value(basis.before.ledger)
        measures.append(
            Measure("peak_year_value", peak[0], n=peak[1], previous=before and before[0], previous_n=before and before[1])
        )
    return tuple(measures), tuple(missing)


def peak_year_value(ledger: Ledger) -> tuple[float, int] | None:
    """Return what customers bought less in the last 12 months than in their own best, and how many bought less.

    Years are those that end as the last one does, as far back as the data go. Who only gave something back never had
    a year. None where the data do not go back a year.
    """
    years = _years(ledger.as_of, ledger.begins)
    if len(years) == 1:
        return None
    last = ledger.net_between(years[0])
    best = last
    for year in years[1:]:
        best = np.maximum(best, ledger.net_between(year))
    less = np.where(ledger.purchases.has_any, best - last, 0)
    return round(ledger.money(int(less.sum())), MONEY_DIGITS), int((less > 0).sum())


def bought_in_year(ledger: Ledger) -> NDArray[np.bool_]:
    """Whether each customer of a ledger bought in its last 12 months, by code."""
    return ledger.bought_between(period_until(ledger.as_of, MONTHS_OF_A_YEAR))


def _years(as_of: date, first: date) -> list[Period]:
    """Years in a row that end with a day, the last first; the earliest may begin before the data do."""
    years = [period_until(as_of, MONTHS_OF_A_YEAR)]
    while years[-1].first > first:
        years.append(period_until(years[-1].first - timedelta(1), MONTHS_OF_A_YEAR))
    return years


def _values(basis: Basis, capacity: Capacity, margin: Margin) -> list[Measure]:
    ledger = basis.ledger
    active = bought_in_year(ledger)
    ids = ledger.customers.filter(pl.Series(active)).implode()
    # Of a part of the customers the others of the sample count as zeros: so the interval is right.
    counts = capacity.customers["customer_id"].is_in(ids).to_numpy()
    there = int(active.sum())

    def sum_of(values: NDArray[np.float64]) -> Estimate:
        return capacity.sample.total(np.where(counts, values, 0.0))

    sums = {name: sum_of(capacity.customers[name].to_numpy()) for name in VALUES}
    if margin.share is None:
        year = ledger.net_between(period_until(ledger.as_of, MONTHS_OF_A_YEAR))
        sums["current_value"] = Estimate(round(ledger.money(int(year[active].sum())), MONEY_DIGITS))
    measures = [Measure(name, each.value, (), there, each.lo, each.hi) for name, each in sums.items()]
    headroom, segment = capacity.customers["headroom"].to_numpy(), capacity.customers["segment"]
    for name in capacity.segments:
        inside = (segment == name).to_numpy()
        of = (("segment", name),)
        money, number = sum_of(np.where(inside, headroom, 0.0)), sum_of(inside.astype(np.float64))
        measures.append(Measure("headroom", money.value, of, round(number.value), money.lo, money.hi))
        measures.append(Measure("headroom_customers", round(number.value), of, None, number.lo, number.hi))
    return measures
