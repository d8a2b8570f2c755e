"""Features on one scale: what is skewed as a logarithm, what rests on few purchases drawn to what is typical."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

CLIP = 3.0
"""A point lies at most so many scales from the centre, so that one outlier does not own a cluster."""
BORROWED_PURCHASES = 5.0
"""How many purchases the typical customer's habit counts as, where a habit is read from few purchases."""
IQR_OF_NORMAL = 1.349
"""Interquartile range of a normal distribution, in standard deviations: puts both measures of spread on one scale."""
WINSOR = 0.01
"""The share of customers at each end who do not count for the standard deviation."""

LEAST_LOG_SPREAD = 0.05
"""Of a logarithm: a standard deviation of a twentieth is less than that of the days of a month."""
LEAST_SPREAD = 0.01
"""Of a share, in its own unit."""


@dataclass(frozen=True)
class Recipe:
    """How a feature is read from the columns of a table.

    Attributes
    ----------
    name
        Of the feature.
    column
        Where it stands.
    over
        Column that it is compared with, as a ratio; None for a feature that stands alone.
    log
        Whether the logarithm of it is taken, ``sign(x) log(1 + |x|)``. A ratio is always one of logarithms.
    evidence
        Column that counts the purchases on which the feature rests; None where it needs none.
    """

    name: str
    column: str
    over: str | None = None
    log: bool = False
    evidence: str | None = None

    @property
    def is_logarithm(self) -> bool:
        """Whether differences are factors."""
        return self.log or self.over is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        return tuple(column for column in (self.column, self.over, self.evidence) if column is not None)


@dataclass(frozen=True)
class Scaling:
    """A feature and its scale, learned from one population.

    Attributes
    ----------
    recipe
        How the feature is read.
    typical
        What stands for null, and what a customer with few purchases is drawn to; after the logarithm.
    centre, scale
        What is taken off and divided by; after the logarithm and the drawing.
    """

    recipe: Recipe
    typical: float
    centre: float
    scale: float

    def apply(self, columns: Mapping[str, Floats]) -> Floats:
        """Return the feature in scales from the centre, between ``-CLIP`` and ``CLIP``; never null."""
        values = _drawn(self.recipe, _transformed(self.recipe, columns), columns, self.typical)
        return np.clip((values - self.centre) / self.scale, -CLIP, CLIP)


def learn_scaling(recipe: Recipe, columns: Mapping[str, Floats], rounded: Callable[[float], float]) -> Scaling | None:
    """Learn what is typical, the centre and the scale of a feature.

    ``typical`` is the median; of a feature that rests on purchases (``recipe.evidence``) the mean without the
    outermost hundredths. Such a feature ``x`` of a customer with ``n`` purchases becomes
    ``(n x + w typical) / (n + w)``, ``w`` being :data:`BORROWED_PURCHASES`: the credibility formula of Bühlmann and
    Gisler (2005), *A Course in Credibility Theory*, ch. 3, with a fixed weight. Without it those who bought once,
    whose shares can only be 0 or 1, would be torn apart by chance. The centre is the median, the scale
    ``max(IQR / 1.349, s)`` with ``s`` the standard deviation without the outermost hundredths: where most customers
    share one value the interquartile range says nothing.

    Parameters
    ----------
    recipe
        The feature.
    columns
        One number per customer and column; NaN for null.
    rounded
        What each learned number goes through before it is used.

    Returns
    -------
    Scaling | None
        None for a feature that tells nobody apart: all null, or its spread before it is drawn is below
        :data:`LEAST_LOG_SPREAD` or :data:`LEAST_SPREAD`, but for the outermost hundredths.
    """
    values = _transformed(recipe, columns)
    known = values[~np.isnan(values)]
    if not len(known) or _spread(known) < (LEAST_LOG_SPREAD if recipe.is_logarithm else LEAST_SPREAD):
        return None
    typical = rounded(float(np.mean(_winsorized(known)) if recipe.evidence else np.median(known)))
    drawn = _drawn(recipe, values, columns, typical)
    return Scaling(recipe, typical, rounded(float(np.median(drawn))), rounded(_spread(drawn)))


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


def _drawn(recipe: Recipe, values: Floats, columns: Mapping[str, Floats], typical: float) -> Floats:
    filled = np.where(np.isnan(values), typical, values)
    if recipe.evidence is None:
        return filled
    purchases = np.nan_to_num(columns[recipe.evidence], nan=0.0)
    return (purchases * filled + BORROWED_PURCHASES * typical) / (purchases + BORROWED_PURCHASES)


def _winsorized(values: Floats) -> Floats:
    return np.clip(values, *np.quantile(values, [WINSOR, 1 - WINSOR]))
