"""Scaling of features for clustering: logarithms, shrinkage by number of purchases, robust centre and scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLIP = 3.0
"""Scaled values are clipped to ±3, so that a single outlier does not form a cluster."""
PRIOR_PURCHASES = 5.0
"""Prior weight of the typical value in a feature that is computed from purchases, in purchases."""
IQR_OF_NORMAL = 1.349
"""Interquartile range of a normal distribution, in standard deviations, by which the IQR is divided."""
WINSOR = 0.01
"""Share of values at each end that is winsorized: replaced by the quantile there, for means and standard deviations."""

LEAST_LOG_SPREAD = 0.05
"""Smallest spread of a feature on the log scale: a standard deviation of 5 %."""
LEAST_SPREAD = 0.01
"""Smallest spread of any other feature; these are shares from 0 to 1."""


@dataclass(frozen=True)
class Recipe:
    """Definition of a feature for clustering by columns of the feature table.

    Attributes
    ----------
    name
        Name of the feature.
    column
        Column of the feature.
    over
        Denominator column of a ratio; None if the feature is no ratio.
    log
        Whether the feature is ``sign(x) log(1 + |x|)``. A ratio is a difference of such logarithms in any case.
    evidence
        Column with the number of purchases that the feature is computed from; None if it needs no shrinkage.
    """

    name: str
    column: str
    over: str | None = None
    log: bool = False
    evidence: str | None = None

    @property
    def is_logarithm(self) -> bool:
        """Whether the feature is on the log scale, so that its differences are factors."""
        return self.log or self.over is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of all columns that the feature is computed from."""
        return tuple(column for column in (self.column, self.over, self.evidence) if column is not None)


@dataclass(frozen=True)
class Scaling:
    """Scaling of a feature, fitted to all customers.

    Attributes
    ----------
    recipe
        Definition of the feature.
    typical
        Value that replaces null, and towards which customers with few purchases are shrunk; after the logarithm.
    centre, scale
        Centre that is subtracted, and scale by which is divided; after logarithm and shrinkage.
    """

    recipe: Recipe
    typical: float
    centre: float
    scale: float

    def apply(self, columns: Mapping[str, Floats]) -> Floats:
        """Return the scaled feature, shape (n,), between ``-CLIP`` and ``CLIP``; never NaN."""
        values = _shrunk(self.recipe, _transformed(self.recipe, columns), columns, self.typical)
        return np.clip((values - self.centre) / self.scale, -CLIP, CLIP)


def fit_scaling(recipe: Recipe, columns: Mapping[str, Floats], rounded: Callable[[float], float]) -> Scaling | None:
    """Fit the scaling of a feature: typical value, centre and scale.

    A feature ``x`` with ``recipe.evidence``, of a customer with ``n`` purchases, is shrunk to
    ``(n x + w typical) / (n + w)`` with ``w`` = :data:`PRIOR_PURCHASES` and ``typical`` the winsorized mean: the
    credibility formula of Bühlmann and Gisler (2005), *A Course in Credibility Theory*, ch. 3, with a fixed weight.
    Otherwise one-time buyers, whose shares are 0 or 1, would form clusters of their own. Without ``recipe.evidence``,
    ``typical`` is the median. The centre is the median, and the scale is ``max(IQR / 1.349, s)`` with ``s`` the
    winsorized standard deviation, because the interquartile range is 0 if most customers have the same value.

    Parameters
    ----------
    recipe
        The feature.
    columns
        One number per customer and column; NaN for null.
    rounded
        Function that rounds each fitted number.

    Returns
    -------
    Scaling | None
        None for a feature that hardly varies: all values are null, or the scale before shrinkage is below
        :data:`LEAST_LOG_SPREAD` or :data:`LEAST_SPREAD`.
    """
    values = _transformed(recipe, columns)
    known = values[~np.isnan(values)]
    if not len(known) or _spread(known) < (LEAST_LOG_SPREAD if recipe.is_logarithm else LEAST_SPREAD):
        return None
    typical = rounded(float(np.mean(_winsorized(known)) if recipe.evidence else np.median(known)))
    shrunk = _shrunk(recipe, values, columns, typical)
    return Scaling(recipe, typical, rounded(float(np.median(shrunk))), rounded(_spread(shrunk)))


def scaled_points(scalings: Sequence[Scaling], columns: Mapping[str, Floats]) -> Floats:
    """Return the scaled features, shape (n, scalings)."""
    return np.column_stack([scaling.apply(columns) for scaling in scalings])


def _spread(values: Floats) -> float:
    low, high = np.quantile(values, [0.25, 0.75])
    return float(max((high - low) / IQR_OF_NORMAL, np.std(_winsorized(values))))


def _transformed(recipe: Recipe, columns: Mapping[str, Floats]) -> Floats:
    values = columns[recipe.column]
    if recipe.over is not None:
        return _signed_log(values) - _signed_log(columns[recipe.over])
    return _signed_log(values) if recipe.log else values


def _signed_log(values: Floats) -> Floats:
    return np.sign(values) * np.log1p(np.abs(values))


def _shrunk(recipe: Recipe, values: Floats, columns: Mapping[str, Floats], typical: float) -> Floats:
    filled = np.where(np.isnan(values), typical, values)
    if recipe.evidence is None:
        return filled
    purchases = np.nan_to_num(columns[recipe.evidence], nan=0.0)
    return (purchases * filled + PRIOR_PURCHASES * typical) / (purchases + PRIOR_PURCHASES)


def _winsorized(values: Floats) -> Floats:
    return np.clip(values, *np.quantile(values, [WINSOR, 1 - WINSOR]))
