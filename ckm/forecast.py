"""Demand in the next weeks, by product or category and segment; the function behind ``ckm forecast``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._forecast.segment_blocks import segment_blocks
from ckm._forecast.weekly_demand import MEASURES, REVENUE, UNITS, weekly_demand
from ckm.customers.required_tables import require_transactions
from ckm.customers.row_days import data_days
from ckm.dataset.source import dataset_of
from ckm.errors import NotEnoughDataError, UnknownNameError, UsageError
from ckm.models.demand import Demand, forecast_demand, weeks_needed
from ckm.models.demand_intervals import COVERAGE, FEWEST_SILENT, NEW_WEEKS, silent_weeks
from ckm.models.demand_methods import SEASONAL
from ckm.remark import assumption, basis, doubt
from ckm.result import Result
from ckm.time_zones import end_of_day
from ckm.wording import counted, some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    from numpy.typing import NDArray

    from ckm._forecast.weekly_demand import WeeklyDemand
    from ckm.customers.row_days import DataDays
    from ckm.dataset.source import Source

PRODUCT, CATEGORY = "product", "category"
COLUMN = {PRODUCT: "product_id", CATEGORY: "category"}
FEWEST_WEEKS, MOST_WEEKS = 4, 13
RECENT_WEEKS = 4
MOST_NAMED = 5
"""Most items that a remark names."""
ROUGH = 0.5
"""WAPE of the backtest above which a remark says that the forecast of a single item is rough."""


@dataclass(frozen=True)
class DemandForecast(Result):
    """Result of :func:`forecast`: expected demand of the next weeks, in units of ``measure``.

    Attributes
    ----------
    frame
        One row per item (and segment), largest expected demand first: ``item``, ``segment`` (if divided by segments),
        ``recent`` (mean per week of the last four weeks), ``per_week`` (expected mean per week), ``expected`` (sum of
        all weeks), ``low``, ``high`` (80 % interval of ``expected``; null for new items without one), ``change``
        (``per_week / recent - 1``; null without recent demand).
    weekly
        One row per item (and segment) and week: ``item``, ``segment``, ``week`` (first day), ``expected``.
    summary
        One row per method of the backtest: ``method``, ``error`` (WAPE, a share of the demand), ``chosen``.
    as_of
        Last day of the history.
    by, measure, weeks
        ``product`` or ``category``; ``units``, ``buyers`` or ``revenue``; number of weeks.
    method
        Methods of the forecast, with their weights.
    remarks
        Notes on the result, as sentences.
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
    """Forecast the demand of the next weeks by product or category, to plan stock and purchasing.

    A backtest compares simple methods: from each week of the last half year (with 2¼ years of data, of the last year),
    each forecasts the weeks that followed.
    The forecast of all items is the mean of the best method and of the median of all methods; the best method has the
    more weight, the larger its gain is by its standard error. The interval is conformal, from the errors of backtest
    forecasts of similar size in the last year.

    Parameters
    ----------
    source
        A workspace, a file or a folder of transactions, a table, or a dataset.
    by
        ``product`` or ``category``; None means products, or categories if no line has a product.
    measure
        ``units`` (a line without a quantity counts one), ``buyers`` (distinct customers per week), or ``revenue`` (net
        sales). Returns are left out.
    weeks
        Number of weeks to forecast, 4 to 13.
    segments
        Whether to divide the demand by the segments of ``ckm segment``.
    as_of
        Last day of the history; None means the newest day that is not stray (:mod:`ckm.customers.usual_days`).
    min_group_size
        With ``segments``: fewest customers of a combination of item and segment. Smaller combinations are left out; a
        remark has their number.
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
    dataset = dataset_of(source).known_on(as_of)
    zone = dataset.config.time_zone
    transactions = require_transactions(dataset.tables, zone)
    days = data_days(transactions, zone, as_of=as_of, keep_stray_dates=dataset.config.keeps_stray_dates)
    transactions = transactions.filter(pl.col("ordered_at") < end_of_day(days.as_of, zone))
    chosen = by or default_item(transactions)
    if COLUMN[chosen] not in transactions.collect_schema():
        raise NotEnoughDataError(f"the data have no column '{COLUMN[chosen]}'", hint="map one: ckm help mapping")
    if segments:
        progress("segments of past weeks")
    found = weekly_demand(
        transactions,
        COLUMN[chosen],
        measure,
        first=days.first,
        as_of=days.as_of,
        time_zone=zone,
        segments=segment_blocks(dataset, days.as_of, days.first, weeks) if segments else None,
    )
    _require_history(found, weeks, days.as_of, chosen)
    progress("testing the methods")
    made = forecast_demand(found.values, weeks)
    items = _items(found, made)
    is_small = pl.col("buyers") < (min_group_size if segments else 0)
    shown = items.filter(~is_small).sort("expected", "item", "segment", descending=[True, False, False])
    keys = ["item", "segment"] if segments else ["item"]
    return DemandForecast(
        frame=shown.select(*keys, "recent", "per_week", "expected", "low", "high", "change"),
        weekly=_weekly(shown, keys, days.as_of, weeks),
        summary=_methods(made),
        as_of=days.as_of,
        by=chosen,
        measure=measure,
        weeks=weeks,
        method=made.method,
        remarks=(
            *dataset.remarks,
            *_history(days, found, measure, chosen, weeks),
            *_quality(made, chosen, weeks),
            *_changed_items(items, chosen, found.values.shape[1], data_end=days.end is not None),
            *_left_out(found.without_item, items.filter(is_small).height, chosen),
            *((assumption("prices stay as they are"),) if measure == REVENUE else ()),
        ),
    )


def _items(found: WeeklyDemand, made: Demand) -> pl.DataFrame:
    """Return one row per series: the columns of ``DemandForecast.frame``, and those that remarks and filters use.

    The latter are ``weekly`` (expected demand by week), ``buyers``, ``weeks_sold`` and ``silent``.
    """
    recent, per_week = found.values[:, -RECENT_WEEKS:].mean(axis=1), made.weekly.mean(axis=1)
    return found.series.with_columns(
        *(() if "segment" in found.series.columns else (pl.lit(None, pl.String).alias("segment"),)),
        recent=pl.Series(recent.round(2)),
        per_week=pl.Series(per_week.round(2)),
        expected=pl.Series(made.total.round(1)),
        low=pl.Series(made.low.round(1), nan_to_null=True),
        high=pl.Series(made.high.round(1), nan_to_null=True),
        change=pl.Series(_change(per_week, recent), nan_to_null=True),
        weekly=pl.Series(made.weekly.round(2), dtype=pl.Array(pl.Float64, made.weekly.shape[1])),
        silent=pl.Series(silent_weeks(found.values, np.array([found.values.shape[1]]))[0]),
    )


def _weekly(shown: pl.DataFrame, keys: list[str], as_of: date, weeks: int) -> pl.DataFrame:
    starts = [as_of + timedelta(days=1 + 7 * week) for week in range(weeks)]
    rows = shown.select(*keys, week=pl.lit(starts, pl.List(pl.Date)), expected=pl.col("weekly").arr.to_list())
    return rows.explode("week", "expected").sort("week", *keys)


def _methods(made: Demand) -> pl.DataFrame:
    errors = sorted(made.errors.items(), key=lambda each: (each[1], each[0]))
    return pl.DataFrame(
        [(name, round(error, 4), name in made.used) for name, error in errors],
        schema={"method": pl.String, "error": pl.Float64, "chosen": pl.Boolean},
        orient="row",
    )


def _require_history(found: WeeklyDemand, weeks: int, as_of: date, by: str) -> None:
    series, length = found.values.shape
    if not series and found.without_item:
        raise NotEnoughDataError(f"no purchase line has a {by}", hint=f"map the column {COLUMN[by]}: ckm help mapping")
    if length < weeks_needed(weeks):
        raise NotEnoughDataError(
            f"{counted(length, 'whole week')} of data up to {as_of}, {weeks_needed(weeks)} are needed to test a "
            f"forecast of {weeks} weeks",
            hint="load earlier exports",
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


def _change(per_week: NDArray[np.float64], recent: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(recent > 0, (per_week / np.where(recent > 0, recent, 1.0) - 1).round(4), np.nan)


def _history(days: DataDays, found: WeeklyDemand, measure: str, by: str, weeks: int) -> Iterator[str]:
    length = found.values.shape[1]
    yield basis(f"{measure} by {by}, {weeks} weeks after {days.as_of}, from {counted(length, 'week')} of data")
    if days.end is not None:
        yield doubt(f"{days.end.sentence}; the weeks since then count as weeks without demand")


def _changed_items(items: pl.DataFrame, by: str, weeks: int, *, data_end: bool) -> Iterator[str]:
    new = items.filter(pl.col("weeks_sold") <= NEW_WEEKS, pl.col("weeks_sold") < weeks - NEW_WEEKS)
    if new.height:
        named = new.sort("expected", descending=True)["item"].unique(maintain_order=True)
        without = ", without an interval: too few in the past" if new["low"].null_count() else ""
        yield doubt(
            f"first sold in the last {NEW_WEEKS} weeks, so the forecast is uncertain{without}: "
            + some(named.to_list(), MOST_NAMED)
        )
    silent = items.filter(pl.col("silent") > 0, pl.col("expected") >= 1)
    if silent.height and not data_end:
        named = silent.sort("expected", descending=True)["item"].unique(maintain_order=True)
        yield doubt(
            f"no demand in the last {FEWEST_SILENT} weeks or longer, which is unusual for the {by}: "
            f"{some(named.to_list(), MOST_NAMED)}; discontinued, renamed or out of stock?"
        )


def _quality(made: Demand, by: str, weeks: int) -> Iterator[str]:
    error = made.error
    yield (
        f"method {made.method}: error {error:.0%} of the demand in {counted(made.origins, 'past forecast')} of "
        f"{weeks} weeks; low and high are {COVERAGE:.0%} intervals from the errors of these forecasts"
    )
    if error > ROUGH:
        yield doubt(f"the forecast of one {by} is rough: its mean error is {error:.0%} of the demand")
    if not made.errors.keys() & set(SEASONAL):
        yield doubt("the data are too short to forecast the season of the year: two years are needed")


def _left_out(without_item: int, small: int, by: str) -> Iterator[str]:
    if without_item:
        yield f"left out: {counted(without_item, 'purchase line')} without a {by}"
    if small:
        yield f"left out: {counted(small, 'combination')} of {by} and segment with too few customers"
