"""Design matrix of a linear model: logarithms, splines and missing-value indicators of features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Quantiles of the knots (Harrell 2015, *Regression Modeling Strategies*, table 2.3, five knots)."""
FEWEST_VALUES = 10
"""Fewest distinct values for a spline; a feature with fewer is linear."""
BEYOND = 1.0
"""Distance by which the training range is widened at each end, in standard deviations; values beyond are clipped."""
FEWEST_KNOWN = 0.05
"""Smallest share of known values; a feature with fewer is dropped. If the share of missing values is smaller than this,
they are replaced by the median without a missing-value indicator. (An indicator of a few rows has a standard deviation
near zero, so that a row with a missing value would be an outlier.)"""
MOST_CLIPPED = 0.05
"""Largest share of current customers outside of the training range; a feature with a larger share is dropped."""


@dataclass(frozen=True)
class DesignColumn:
    """Transformation of one feature to columns with mean 0 and standard deviation 1 on the training data.

    Attributes
    ----------
    name
        Name of the feature.
    logarithm
        Whether ``sign(x) log(1 + |x|)`` is applied first.
    typical
        Median after the logarithm; it replaces missing values.
    low, high
        Range after the logarithm, to which values are clipped.
    knots
        Knots of the restricted cubic spline; empty for a linear feature.
    marks_missing
        Whether there is an indicator column for missing values.
    centres, scales
        Means and standard deviations of the columns on the training data.
    """

    name: str
    logarithm: bool
    typical: float
    low: float
    high: float
    knots: tuple[float, ...]
    marks_missing: bool
    centres: tuple[float, ...] = ()
    scales: tuple[float, ...] = ()

    def raw(self, values: Floats) -> Floats:
        """Return the columns before centring and scaling; shape (n, columns)."""
        known = self._scaled(values)
        missing = np.isnan(known)
        known = np.where(missing, self.typical, np.clip(known, self.low, self.high))
        parts = [known, *restricted_cubic(known, self.knots)]
        return np.column_stack([*parts, missing] if self.marks_missing else parts)

    def __call__(self, values: Floats) -> Floats:
        """Return the columns; shape (n, columns)."""
        read: Floats = (self.raw(values) - np.asarray(self.centres)) / np.asarray(self.scales)
        return read

    def clipped(self, values: Floats) -> NDArray[np.bool_]:
        """Return a mask of the values outside of the range; false for missing values."""
        known = self._scaled(values)
        out_of_range: NDArray[np.bool_] = (known < self.low) | (known > self.high)
        return out_of_range

    def _scaled(self, values: Floats) -> Floats:
        return signed_log(values) if self.logarithm else values


def fit_columns(columns: Mapping[str, Floats], *, splines: Sequence[str]) -> tuple[DesignColumn, ...]:
    """Return the transformations of features, without constant features and those with few known values.

    Parameters
    ----------
    columns
        Training values by feature, shape (n,); NaN is a missing value.
    splines
        Names of the features that get splines if they have enough distinct values.
    """
    found = (fit_column(name, values, splines=name in splines) for name, values in columns.items())
    return tuple(column for column in found if column is not None)


def fit_ranges(columns: Mapping[str, Floats]) -> tuple[DesignColumn, ...]:
    """Return the features as :func:`fit_columns` does, for :func:`within_range` only: without centres and scales."""
    found = (_fit_range(name, values, splines=False) for name, values in columns.items())
    return tuple(column for column in found if column is not None)


def within_range(
    columns: Sequence[DesignColumn], today: Mapping[str, Floats]
) -> tuple[tuple[DesignColumn, ...], dict[str, float]]:
    """Return the columns whose range covers current customers, and the dropped columns with the share outside.

    Values outside of the range would be clipped, because a model cannot extrapolate. A column in which the share of
    such customers is larger than :data:`MOST_CLIPPED` is dropped.

    Parameters
    ----------
    columns
        Fitted transformations.
    today
        Values of current customers by feature, NaN for missing; a column that is absent here is not checked.
    """
    shares = {
        column.name: float(column.clipped(today[column.name]).mean()) for column in columns if column.name in today
    }
    out_of_range = {name: share for name, share in shares.items() if share > MOST_CLIPPED}
    return tuple(column for column in columns if column.name not in out_of_range), out_of_range


def fit_column(name: str, values: Floats, *, splines: bool) -> DesignColumn | None:
    """Return the transformation of a feature; None if it is constant or has few known values."""
    column = _fit_range(name, values, splines=splines)
    if column is None:
        return None
    raw = column.raw(values)
    scales = raw.std(axis=0)
    scales[scales == 0] = 1.0
    return replace(column, centres=tuple(raw.mean(axis=0).tolist()), scales=tuple(scales.tolist()))


def _fit_range(name: str, values: Floats, *, splines: bool) -> DesignColumn | None:
    """Return the transformation of a feature without centres and scales."""
    known = values[~np.isnan(values)]
    if len(known) < max(FEWEST_KNOWN * len(values), 1) or known.min() == known.max():
        return None
    logarithm = bool(np.abs(known).max() > 1)  # shares, and differences of shares, need no logarithm
    known = signed_log(known) if logarithm else known
    spread = float(known.std())
    return DesignColumn(
        name,
        logarithm,
        float(np.median(known)),
        float(known.min()) - BEYOND * spread,
        float(known.max()) + BEYOND * spread,
        _knots(known) if splines else (),
        bool(np.isnan(values).mean() >= FEWEST_KNOWN),
    )


def signed_log(values: Floats) -> Floats:
    """Return ``sign(x) log(1 + |x|)``, a logarithm that is defined for all numbers."""
    logarithms: Floats = np.copysign(np.log1p(np.abs(values)), values)
    return logarithms


def restricted_cubic(values: Floats, knots: Sequence[float]) -> list[Floats]:
    """Return the non-linear columns of a restricted cubic spline, which is linear beyond its outer knots.

    The truncated-power basis of Stone and Koo (1985), as in Harrell (2015, sec. 2.4.5), divided by the squared distance
    of the outer knots. There are two columns fewer than knots; none with fewer than three knots.
    """
    if len(knots) < 3:
        return []
    last, before = knots[-1], knots[-2]
    unit = (knots[-1] - knots[0]) ** 2

    cubed = [np.maximum(values - knot, 0.0) ** 3 for knot in knots]
    return [
        (cubed[place] - cubed[-2] * (last - knot) / (last - before) + cubed[-1] * (before - knot) / (last - before))
        / unit
        for place, knot in enumerate(knots[:-2])
    ]


def _knots(known: Floats) -> tuple[float, ...]:
    if len(np.unique(known)) < FEWEST_VALUES:
        return ()
    knots = np.unique(np.quantile(known, KNOTS))
    return tuple(knots.tolist()) if len(knots) > 2 else ()
