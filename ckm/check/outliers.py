"""Outliers among amounts and quantities, found in a histogram."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.check.table_statistics import BINS_PER_E
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts

MAD_TO_SIGMA = 1.4826
"""Standard deviations per median absolute deviation of a normal distribution (Iglewicz & Hoaglin 1993, p. 11)."""


class OutlierCount(NamedTuple):
    """Outliers on one side of the median.

    Attributes
    ----------
    side
        ``above`` or ``below``.
    rows
        Number of outliers.
    multiple
        Ratio of the most extreme value to the median (inverse below it).
    factor
        Ratio above which a value is an outlier.
    """

    side: str
    rows: int
    multiple: float
    factor: float


def outliers(measured: TableCounts, limits: CheckLimits) -> Iterator[Finding]:
    """Find outliers in positive ``net`` per currency and ``quantity`` of sales: a warning above ``outlier_share``."""
    for (column, currency), bins in measured.spread.group_by("column", "currency", maintain_order=True):
        total = int(bins["rows"].sum())
        if total < max(limits.min_rows, 1):
            continue
        for far in far_from_median(bins, limits):
            part = far.rows / total
            yield Finding(
                check="outliers",
                severity=Severity.warning if part > limits.outlier_share else Severity.info,
                table=measured.subject.name,
                column=str(column),
                part=f"{currency} {far.side}" if currency else far.side,
                message=f"{counted(far.rows, 'row')} ({share(part)}) with a {column}"
                f"{f' in {currency}' if currency else ''} more than {far.factor:,.0f} times {far.side} the median, "
                f"the farthest {far.multiple:,.0f} times",
                count=far.rows,
                value=far.multiple,
                limit=far.factor,
                hint="check the decimal mark, unit and currency of the source",
            )


def far_from_median(bins: pl.DataFrame, limits: CheckLimits) -> Iterator[OutlierCount]:
    """Find the outliers of a log-scale histogram (``bin``, ``rows``) on both sides of the median.

    Amounts are skewed, so distance is measured on the logarithm x: z = |x − median| / (1.4826 · MAD), a modified
    z-score (Iglewicz & Hoaglin, *How to Detect and Handle Outliers*, 1993). Each side of the median has its own MAD,
    because logarithms can be skewed too (Rosenmai, *Using the Median Absolute Deviation to Find Outliers*, 2013).
    If most values are equal, MAD is zero and every other value would be an outlier; ``outlier_factor`` is the minimum
    distance.
    """
    median = _median(bins)
    least = math.log(max(limits.outlier_factor, 1.0)) * BINS_PER_E
    for side, sign in (("above", 1), ("below", -1)):
        distances = bins.select((sign * (pl.col("bin") - median)).alias("bin"), "rows").filter(pl.col("bin") >= 0)
        threshold = max(limits.outlier_z * MAD_TO_SIGMA * _median(distances), least)
        far = distances.filter(pl.col("bin") > threshold)
        if far.height:
            farthest = int(far.select(pl.col("bin").max()).item())
            yield OutlierCount(side, int(far["rows"].sum()), _factor(farthest), _factor(threshold))


def _median(bins: pl.DataFrame) -> int:
    """Return the weighted lower median of ``bin``."""
    ordered = bins.group_by("bin").agg(pl.col("rows").sum()).sort("bin")
    half = ordered["rows"].sum() / 2
    return int(ordered.filter(pl.col("rows").cum_sum() >= half)["bin"][0])


def _factor(distance: float) -> float:
    return math.exp(distance / BINS_PER_E)
