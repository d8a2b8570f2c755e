"""Interpurchase times: the days between a customer's purchase days, and their quantiles as of a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import DAY_BITS, DAY_MASK, EPOCH, NEVER, NO_DAY, unpack_day
from ckm.models.purchase_interval import GAP_DIGITS, population_gap, shrunk_gap

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from ckm.customers.day_totals import DayTotals

    Codes = NDArray[np.uint32]
    Floats = NDArray[np.float64]


LONG_SHARE = 0.8
"""Quantile of a customer's intervals that defines the long interval."""
MOST_CELLS = 2**23
"""Maximum cells of the grid of lengths and counts; 64 MB."""


@dataclass(frozen=True)
class Gaps:
    """Interpurchase intervals of all customers, sorted by customer and length, so that quantiles are positions.

    Attributes
    ----------
    codes
        Customer codes.
    lengths
        Length in days, at least 1.
    ends
        Day on which each interval ended, in days since 1970-01-01.
    customers
        Number of codes.
    """

    codes: Codes
    lengths: NDArray[np.int32]
    ends: NDArray[np.int32]
    customers: int

    @classmethod
    def of(cls, purchases: DayTotals) -> Gaps:
        """Return the intervals between each customer's purchase days."""
        codes, days = purchases.code, purchases.day
        same = codes[1:] == codes[:-1]
        own = codes[1:][same]  # sorting by customer and length does not change the codes
        keys = own.astype(np.int64)
        keys <<= DAY_BITS
        keys += np.diff(days)[same]
        keys <<= DAY_BITS
        keys += days[1:][same]
        keys += EPOCH
        keys = pl.Series(keys).sort().to_numpy()
        return cls(
            codes=own,
            lengths=(keys >> DAY_BITS & DAY_MASK).astype(np.int32),
            ends=unpack_day(keys),
            customers=purchases.customers,
        )

    def by(self, day: int) -> Gaps:
        """Return the intervals that had ended by ``day``."""
        seen = self.ends <= day
        if seen.all():
            return self
        return Gaps(self.codes[seen], self.lengths[seen], self.ends[seen], self.customers)

    def counts(self) -> NDArray[np.int64]:
        """Return the number of intervals of each customer code."""
        return np.bincount(self.codes, minlength=self.customers)

    def histogram(self) -> pl.DataFrame:
        """Return the number of intervals (``count``) by length (``gap``) and by number of intervals of the customer.

        That number is in ``gaps_of_customer``.
        """
        counts = self.counts()
        own = np.repeat(counts, counts)  # one element per interval, sorted by customer
        width = int(counts.max(initial=0)) + 1
        height = int(self.lengths.max(initial=0)) + 1
        if width * height <= MOST_CELLS:  # with a history of some years, a grid takes a tenth of the time of grouping
            found = np.bincount(self.lengths * np.int64(width) + own, minlength=1)
            cells = np.flatnonzero(found)
            return pl.DataFrame({"gap": cells // width, "gaps_of_customer": cells % width, "count": found[cells]})
        return (
            pl.DataFrame({"gap": self.lengths, "gaps_of_customer": own})
            .group_by("gap", "gaps_of_customer")
            .agg(count=pl.len().cast(pl.Int64))
        )


@dataclass(frozen=True)
class InterpurchaseTimes:
    """Purchase intervals of each customer as of a day, in days; NaN without repeat purchases.

    Attributes
    ----------
    gaps
        Number of intervals.
    median, p80
        Median and 80th percentile of the customer's intervals, shrunk to the population's
        (:func:`ckm.models.purchase_interval.shrunk_gap`).
    last_ratio
        Last interval ÷ the median of the intervals before it; NaN for one-time buyers.
    population_median, population_p80
        Median and 80th percentile over all customers, each customer with equal weight; None without repeat purchases.
    """

    gaps: NDArray[np.int64]
    median: Floats
    p80: Floats
    last_ratio: Floats
    population_median: float | None
    population_p80: float | None


def population_gaps(histogram: pl.DataFrame) -> tuple[float | None, float | None]:
    """Return the median and 80th percentile of the intervals in :meth:`Gaps.histogram`; None without intervals."""
    return population_gap(histogram, 0.5), population_gap(histogram, LONG_SHARE)


def interpurchase_times(
    gaps: Gaps, last_days: NDArray[np.int32], population: tuple[float | None, float | None]
) -> InterpurchaseTimes:
    """Return the interpurchase times of every customer as of a day.

    Parameters
    ----------
    gaps
        Intervals that had ended by the day.
    last_days
        Day of each customer's last purchase up to that day; any value for customers without a purchase.
    population
        Median and 80th percentile of the intervals of all customers (:func:`population_gaps`).
    """
    counts = gaps.counts()
    starts = np.cumsum(counts) - counts
    usual, long = population
    last, rank = last_gaps(gaps, starts, last_days)
    median = quantiles(gaps.lengths, starts, counts, 0.5)
    p80 = quantiles(gaps.lengths, starts, counts, 0.8)
    before = quantiles(gaps.lengths, starts, np.maximum(counts - 1, 0), 0.5, without=rank)
    usual_before = _shrunk(before, np.maximum(counts - 1, 0), usual)
    return InterpurchaseTimes(
        gaps=counts,
        median=_shrunk(median, counts, usual),
        p80=_shrunk(p80, counts, long),
        last_ratio=last / usual_before,
        population_median=usual,
        population_p80=long,
    )


def long_intervals(gaps: Gaps, population: tuple[float | None, float | None]) -> Floats:
    """Return ``p80`` of :func:`interpurchase_times` alone: the long interval of each customer code, NaN without one."""
    counts = gaps.counts()
    p80 = quantiles(gaps.lengths, np.cumsum(counts) - counts, counts, LONG_SHARE)
    return _shrunk(p80, counts, population[1])


def last_gaps(gaps: Gaps, starts: NDArray[np.int64], last_days: NDArray[np.int32]) -> tuple[Floats, NDArray[np.int64]]:
    """Return each customer's last interval (NaN without one), and its rank by length in the customer's intervals.

    The last interval ended on the day in ``last_days``; ``starts`` is the index of each customer's first interval.
    """
    at = np.flatnonzero(gaps.ends == last_days[gaps.codes])
    last = np.full(gaps.customers, np.nan)
    last[gaps.codes[at]] = gaps.lengths[at]
    rank = np.zeros(gaps.customers, np.int64)
    rank[gaps.codes[at]] = at - starts[gaps.codes[at]]
    return last, rank


def quantiles(
    lengths: NDArray[np.int32],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    share: float,
    without: NDArray[np.int64] | None = None,
) -> Floats:
    """Return the quantile ``share`` of each group of sorted lengths; NaN for an empty group.

    Group i is ``lengths[starts[i] : starts[i] + counts[i]]``; quantiles are interpolated linearly (type 7 in Hyndman
    and Fan 1996). ``without`` is the rank of one element of each group that is excluded.
    """
    found = np.full(len(counts), np.nan)
    some = np.flatnonzero(counts)
    position = (counts[some] - 1) * share
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, counts[some] - 1)
    part = position - low
    if without is not None:
        low += low >= without[some]
        high += high >= without[some]
    below, above = lengths[starts[some] + low], lengths[starts[some] + high]
    found[some] = below + (above - below) * part
    return found


def _shrunk(own: Floats, counts: NDArray[np.int64], population: float | None) -> Floats:
    frame = pl.DataFrame({"own": own, "gaps": counts}).with_columns(pl.col("own").fill_nan(None))
    # with_columns, not select: without repeat purchases the expression is one literal null
    drawn = frame.with_columns(drawn=shrunk_gap(pl.col("own"), pl.col("gaps"), population))["drawn"]
    return drawn.fill_null(float("nan")).to_numpy()


def purchase_interval(median: Floats, between: ArrayLike, gaps: NDArray[np.int64]) -> Floats:
    """Return the customer's purchase interval: the median interval, or the mean interval if that is longer.

    The mean is longer for customers who buy in bursts: with three purchases in each December, the median interval is a
    few days, but a purchase in June is unlikely. The value is not shrunk to the population, because it describes the
    customer's history.

    Parameters
    ----------
    median
        Median of each customer's intervals in days; NaN without an interval.
    between
        Days from the first purchase to the last; any value without intervals.
    gaps
        Number of the customer's intervals.
    """
    mean = np.asarray(between, dtype=np.float64) / np.maximum(gaps, 1)
    usual: Floats = np.where(gaps > 0, np.maximum(median, mean), np.nan)
    return usual.round(GAP_DIGITS)


def customer_intervals(purchases: DayTotals, gaps: Gaps) -> pl.DataFrame:
    """Return each customer's interpurchase times, not shrunk to the population; one row per customer code.

    Parameters
    ----------
    purchases
        Purchases as of a day.
    gaps
        Intervals between these purchases; later intervals are ignored.

    Returns
    -------
    pl.DataFrame
        ``first_purchase`` (Date, null without a purchase), ``gaps`` (Int64, number of intervals). In days, and null
        without intervals: ``median_interpurchase_days``, ``gap_p80`` (Float64), ``gap_last`` (Int64), ``before_median``
        and ``before_p80`` (Float64, without the last interval); ``interval`` and ``before_interval`` (Float64,
        :func:`purchase_interval` with and without the last interval).
    """
    first, last = purchases.first_days(), purchases.last_days()
    known = gaps.by(int(purchases.day.max(initial=-NEVER)))
    counts = known.counts()
    starts = np.cumsum(counts) - counts
    ended, rank = last_gaps(known, starts, last)
    earlier = np.maximum(counts - 1, 0)
    columns = {
        "median_interpurchase_days": quantiles(known.lengths, starts, counts, 0.5),
        "gap_p80": quantiles(known.lengths, starts, counts, LONG_SHARE),
        "before_median": quantiles(known.lengths, starts, earlier, 0.5, without=rank),
        "before_p80": quantiles(known.lengths, starts, earlier, LONG_SHARE, without=rank),
    }
    between = last.astype(np.int64) - first
    columns["interval"] = purchase_interval(columns["median_interpurchase_days"], between, counts)
    columns["before_interval"] = purchase_interval(columns["before_median"], between - np.nan_to_num(ended), earlier)
    frame = pl.DataFrame({"first_purchase": first, "gaps": counts, "gap_last": ended, **columns})
    return frame.with_columns(
        pl.when(pl.col("first_purchase") != NO_DAY).then(pl.col("first_purchase").cast(pl.Date)),
        pl.col("gap_last").fill_nan(None).cast(pl.Int64),
        pl.col(*columns).fill_nan(None),
    )
