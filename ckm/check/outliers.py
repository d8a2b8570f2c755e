"""Amounts and quantities far from the usual, told from a histogram."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.check.measure import BINS_PER_E
from ckm.check.wording import rows, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured

MAD_TO_SIGMA = 1.4826
"""Standard deviations per median absolute deviation of a normal distribution (Iglewicz & Hoaglin 1993, p. 11)."""


class Far(NamedTuple):
    """Values far from the median: how many, how far at most, and how far is far."""

    rows: int
    multiple: float
    factor: float


def outliers(measured: Measured, limits: CheckLimits) -> Iterator[Finding]:
    """Positive ``net`` per currency and ``quantity`` of sales; above ``max_outliers`` of the values a warning."""
    for (column, currency), bins in measured.spread.group_by("column", "currency", maintain_order=True):
        total = int(bins["rows"].sum())
        if total < max(limits.min_rows, 1):
            continue
        far = far_from_median(bins, limits)
        if not far.rows:
            continue
        unit = f"{column} in {currency}" if currency else str(column)
        yield Finding(
            check="outliers",
            severity=Severity.warning if far.rows / total > limits.max_outliers else Severity.info,
            table=measured.subject.name,
            column=str(column),
            part=str(currency) if currency else None,
            message=f"{rows(far.rows)} ({share(far.rows / total)}) with a {unit} more than {far.factor:,.0f} times "
            f"above or below the median, at most {far.multiple:,.0f} times",
            count=far.rows,
            value=far.multiple,
            limit=far.factor,
            hint="is the decimal mark, the unit or the currency of the source right?",
        )


def far_from_median(bins: pl.DataFrame, limits: CheckLimits) -> Far:
    """Count the values far from the median of a log-scale histogram (``bin``, ``rows``).

    Amounts are skewed, so distance is measured on the logarithm x: z = |x − median| / (1.4826 · MAD), a modified
    z-score (Iglewicz & Hoaglin, *How to Detect and Handle Outliers*, 1993). Where most values are equal, MAD is zero
    and any other value would be far; ``outlier_factor`` is the least distance that counts.
    """
    median = _median(bins)
    distances = bins.select((pl.col("bin") - median).abs().alias("bin"), "rows")
    sigma = MAD_TO_SIGMA * _median(distances)
    threshold = max(limits.outlier_z * sigma, math.log(max(limits.outlier_factor, 1.0)) * BINS_PER_E)
    far = distances.filter(pl.col("bin") > threshold)
    multiple = _factor(far["bin"].max()) if far.height else 1.0  # type: ignore[arg-type]  # an Int32 column
    return Far(int(far["rows"].sum()), multiple, _factor(threshold))


def _median(bins: pl.DataFrame) -> int:
    """Weighted lower median of ``bin``."""
    ordered = bins.group_by("bin").agg(pl.col("rows").sum()).sort("bin")
    half = ordered["rows"].sum() / 2
    return int(ordered.filter(pl.col("rows").cum_sum() >= half)["bin"][0])


def _factor(distance: float) -> float:
    return math.exp(distance / BINS_PER_E)
