"""Demand in the next weeks, by product or category and segment; the function behind ``ckm forecast``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._forecast.weekly_demand import MEASURES, REVENUE, UNITS, weekly_demand
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import LEAST
from ckm.customers.required_tables import require_transactions
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.demand import COVERAGE, SAME_WEEKS, Demand, forecast_demand, weeks_needed
from ckm.remark import assumption, basis, doubt
from ckm.result import Result
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from numpy.typing import NDArray

    from ckm.dataset import Dataset
    from ckm.dataset.source import Source

PRODUCT, CATEGORY = "product", "category"
COLUMN = {PRODUCT: "product_id", CATEGORY: "category"}
FEWEST_WEEKS, MOST_WEEKS = 4, 13
RECENT_WEEKS = 4
ROUGH = 0.5
"""Weighted absolute error of the backtest from which a remark says that the forecast of one item is rough."""


@dataclass(frozen=True)
class DemandForecast(Result):
    """Expected demand of the next weeks.

    Attributes
    ----------
    frame
        One row per item (and segment), largest expected demand first: ``item``, ``segment`` (with segments),
        ``recent`` (mean per week of the last four weeks), ``per_week``, ``expected`` (all weeks), ``low``, ``high``
        (80 % interval of ``expected``), ``change`` (``per_week`` divided by ``recent``, less 1; null without recent
        demand).
    weekly
        One row per item (and segment) and week: ``item``, ``segment``, ``week`` (first day), ``expected``.
    summary
        One row per method of the backtest: ``method``, ``error`` (WAPE), ``chosen``.
    as_of
        Last day of the history.
    by, measure, weeks
        ``product`` or ``category``; ``units``, ``buyers`` or ``revenue``; number of weeks.
    method
        Chosen method.
    remarks
        Notes for the reader, as sentences.
    """

    frame: pl.DataFrame
    weekly: pl.DataFrame
    summary: pl.DataFrame
    as_of: date
    by: str
    measure: str
    weeks: int
    method: str
    remarks: tuple[str, ...] = ()


def forecast(
    source: Source = None,
    *,
    by: str | None = None,
    measure: str = UNITS,
    weeks: int = 4,
    segments: bool = False,
    as_of: date | None = None,
    min_group_size: int = 5,
    progress: Callable[[str], None] = lambda stage: None,
) -> DemandForecast:
    """Forecast the demand of the next weeks, for whoever plans stock and purchase.

    A dozen simple methods compete on the past: from each week of the last half year, each method forecasts the weeks
    that followed. The one with the smallest error is used for all items and named; simple exponential smoothing is
    used unless another method is better by more than the standard error of the difference. Interval: split conformal
    on these errors, by the size of the forecast.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, a table, or a dataset.
    by
        ``product`` or ``category``; None means products, or categories where no line has a product.
    measure
        ``units`` (a line without a quantity counts one), ``buyers`` per week, or ``revenue``. Returns are left out.
    weeks
        Number of weeks, 4 to 13.
    segments
        Whether to divide the demand by the segments of ``ckm segment``.
    as_of
        Last day of the history; None means the last day of the data, without outliers.
    min_group_size
        With ``segments``: fewest customers of an item and segment; smaller ones are left out and counted.
    progress
        Called with the name of each stage.

    Raises
    ------
    UsageError
        A parameter is invalid.
    NotEnoughDataError
        The history is too short, or no line has a product or category.

    Examples
    --------
    >>> forecast("shop", by="category").frame  # doctest: +SKIP
    """
    _refuse(by, measure, weeks)
    progress("reading")
    dataset = dataset_of(source)
    transactions = require_transactions(dataset.tables, dataset.config.time_zone)
    ledger = cached_ledger(
        dataset.tables,
        find_cache(dataset),
        as_of=as_of,
        time_zone=dataset.config.time_zone,
        needs=LEAST,
    )
    chosen = by or default_item(transactions)
    column = COLUMN[chosen]
    if column not in transactions.collect_schema():
        raise NotEnoughDataError(f"the data have no column '{column}'", hint="map one: ckm help mapping")
    found = weekly_demand(
        transactions,
        column,
        measure,
        as_of=ledger.as_of,
        time_zone=dataset.config.time_zone,
        segments=_segments(dataset, ledger.as_of) if segments else None,
    )
    length = found.values.shape[1]
    if length < weeks_needed(weeks) or not len(found.values):
        raise NotEnoughDataError(
            f"{counted(length, 'whole week')} of data up to {ledger.as_of}, {weeks_needed(weeks)} are needed to test a "
            f"forecast of {weeks} weeks"
            if len(found.values)
            else f"no purchase line has a {chosen}",
            hint="load earlier exports" if len(found.values) else f"map the column {column}: ckm help mapping",
        )
    progress("testing the methods")
    made = forecast_demand(found.values, weeks)
    recent = found.values[:, -RECENT_WEEKS:].mean(axis=1)
    frame = found.series.with_columns(
        recent=pl.Series(recent.round(2)),
        per_week=pl.Series(made.weekly.mean(axis=1).round(2)),
        expected=pl.Series(made.total.round(1)),
        low=pl.Series(made.low.round(1)),
        high=pl.Series(made.high.round(1)),
        change=pl.Series(_change(made.weekly.mean(axis=1), recent), nan_to_null=True),
        number=pl.Series(np.arange(len(recent))),
    )
    small = frame.filter(pl.col("customers") < min_group_size) if segments else frame.clear()
    shown = frame.join(small, on="number", how="anti").sort("expected", "item", descending=[True, False])
    keys = ["item", "segment"] if segments else ["item"]
    starts = [ledger.as_of + timedelta(days=1 + 7 * week) for week in range(weeks)]
    weekly = pl.concat(
        [
            shown.select(*keys, week=pl.lit(start), expected=pl.Series(per_week[shown["number"].to_numpy()].round(2)))
            for start, per_week in zip(starts, made.weekly.T, strict=True)
        ]
    ).sort("week", *keys)
    errors = sorted(made.errors.items(), key=lambda each: (each[1], each[0]))
    return DemandForecast(
        frame=shown.select(*keys, "recent", "per_week", "expected", "low", "high", "change"),
        weekly=weekly,
        summary=pl.DataFrame(
            [(name, round(error, 4), name == made.method) for name, error in errors],
            schema={"method": pl.String, "error": pl.Float64, "chosen": pl.Boolean},
            orient="row",
        ),
        as_of=ledger.as_of,
        by=chosen,
        measure=measure,
        weeks=weeks,
        method=made.method,
        remarks=(
            *dataset.remarks,
            basis(f"{measure} by {chosen}, {weeks} weeks after {ledger.as_of}, from {counted(length, 'week')} of data"),
            *_quality(made, chosen, weeks),
            *_left_out(found.without_item, small.height, chosen),
            *((assumption("prices stay as they are"),) if measure == REVENUE else ()),
        ),
    )


def _refuse(by: str | None, measure: str, weeks: int) -> None:
    if by is not None and by not in COLUMN:
        raise UnknownNameError("item", by, list(COLUMN), where="by")
    if measure not in MEASURES:
        raise UnknownNameError("measure", measure, list(MEASURES))
    if not FEWEST_WEEKS <= weeks <= MOST_WEEKS:
        raise UsageError(f"{weeks} weeks", hint=f"a forecast is of {FEWEST_WEEKS} to {MOST_WEEKS} weeks")


def default_item(transactions: pl.LazyFrame) -> str:
    """Return ``product`` if any line has a product, else ``category`` if any has one, else ``product``."""
    schema = transactions.collect_schema()
    for name, column in COLUMN.items():
        if column in schema and transactions.select(pl.col(column).is_not_null().any()).collect().item():
            return name
    return PRODUCT


def _segments(dataset: Dataset, as_of: date) -> pl.DataFrame:
    from ckm.segment import segment

    return segment(dataset, as_of=as_of, keep=False).frame.select("customer_id", "segment")


def _change(per_week: NDArray[np.float64], recent: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(recent > 0, (per_week / np.where(recent > 0, recent, 1.0) - 1).round(4), np.nan)


def _quality(made: Demand, by: str, weeks: int) -> Iterator[str]:
    error = made.errors[made.method]
    yield (
        f"method '{made.method}': error {error:.0%} of the demand in {counted(made.origins, 'past forecast')} of "
        f"{weeks} weeks; low and high are {COVERAGE:.0%} intervals from the errors of these forecasts"
    )
    if error > ROUGH:
        yield doubt(f"the forecast of one {by} is rough: its mean error is {error:.0%} of the demand")
    if SAME_WEEKS not in made.errors:
        yield doubt("the data are too short to forecast the season of the year: two years are needed")


def _left_out(without_item: int, small: int, by: str) -> Iterator[str]:
    if without_item:
        yield f"left out: {counted(without_item, 'purchase line')} without a {by}"
    if small:
        yield f"left out: {counted(small, 'combination')} of {by} and segment with too few customers"
