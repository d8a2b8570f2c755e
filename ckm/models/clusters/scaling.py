"""Scaling of features: logarithms of skewed features, and shrinkage of features that few purchases support."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLIP = 3.0
"""Values are clipped to this number of scales from the centre, so that one outlier does not form a cluster."""
PRIOR_PURCHASES = 5.0
"""Prior weight, in purchases, of the typical value of a feature that is computed from purchases."""
IQR_OF_NORMAL = 1.349
"""Interquartile range of a normal distribution, in standard deviations; it makes both measures of spread comparable."""
WINSOR = 0.01
"""Share of customers at each end that is excluded from the standard deviation."""

LEAST_LOG_SPREAD = 0.05
"""Smallest spread of a logarithm: a standard deviation of 0.05 is less than that of the lengths of months."""
LEAST_SPREAD = 0.01
"""Smallest spread of a share, in its own unit."""


@dataclass(frozen=True)
class Recipe:
    """Definition of a feature by columns of a table.

    Attributes
    ----------
    name
        Name of the feature.
    column
        Column of the feature.
    over
        Denominator column of a ratio; None if the feature is no ratio.
    log
        Whether ``sign(x) log(1 + |x|)`` is applied. A ratio always uses logarithms.
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
        """Whether differences of the scaled feature are factors."""
        return self.log or self.over is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that the feature needs."""
        return tuple(column for column in (self.column, self.over, self.evidence) if column is not None)


@dataclass(frozen=True)
class Scaling:
    """A feature with its scale, fitted to one population.

    Attributes
    ----------
    recipe
        Definition of the feature.
    typical
        Replacement of null, and target of the shrinkage for customers with few purchases; after the logarithm.
    centre, scale
        Subtrahend and divisor; after the logarithm and the shrinkage.
    """

    recipe: Recipe
    typical: float
    centre: float
    scale: float

    def apply(self, columns: Mapping[str, Floats]) -> Floats:
        """Return the feature in scales from the centre, between ``-CLIP`` and ``CLIP``; never null."""
        values = _shrunk(self.recipe, _transformed(self.recipe, columns), columns, self.typical)
        return np.clip((values - self.centre) / self.scale, -CLIP, CLIP)


def learn_scaling(recipe: Recipe, columns: Mapping[str, Floats], rounded: Callable[[float], float]) -> Scaling | None:
    """Return the scaling of a feature: typical value, centre and scale.

    ``typical`` is the median; for a feature with ``recipe.evidence`` it is the mean without the lowest and highest 1 %.
    Such a feature ``x`` of a customer with ``n`` purchases becomes
    ``(n x + w typical) / (n + w)``, ``w`` being :data:`PRIOR_PURCHASES`: the credibility formula of Bühlmann and
    Gisler (2005), *A Course in Credibility Theory*, ch. 3, with a fixed weight. Without it, one-time buyers, whose
    shares can only be 0 or 1, would be separated by chance. The centre is the median, the scale
    ``max(IQR / 1.349, s)`` with ``s`` the standard deviation without the lowest and highest 1 %. (If most customers
    share one value, the interquartile range is 0.)

    Parameters
    ----------
    recipe
        The feature.
    columns
        One number per customer and column; NaN for null.
    rounded
        Rounding function for each fitted number.

    Returns
    -------
    Scaling | None
        None for a feature that does not vary: all values are null, or the spread without the lowest and highest 1 %,
        before shrinkage, is below :data:`LEAST_LOG_SPREAD` or :data:`LEAST_SPREAD`.
    """
    values = _transformed(recipe, columns)
    known = values[~np.isnan(values)]
    if not len(known) or _spread(known) < (LEAST_LOG_SPREAD if recipe.is_logarithm else LEAST_SPREAD):
        return None
    typical = rounded(float(np.mean(_winsorized(known)) if recipe.evidence else np.median(known)))
    shrunk = _shrunk(recipe, values, columns, typical)
    return Scaling(recipe, typical, rounded(float(np.median(shrunk))), rounded(_spread(shrunk)))


def scaled_points(scalings: Sequence[Scaling], columns: Mapping[str, Floats]) -> Floats:
    """Return one row per customer and one column per scaling."""
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
