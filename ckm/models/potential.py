"""Percentile of spend among similar customers: linear quantile regression on the log scale."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import expm1, log1p
from typing import TYPE_CHECKING

import polars as pl

from ckm.errors import NotEnoughDataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    import numpy as np

    Floats: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

PERCENTILE = 0.8
"""Default percentile: one in five similar customers spends more."""
RARE = 30
"""Fewest customers of a level; rarer levels are pooled, because a percentile of fewer customers is noise."""
PENALTY = 2.0
"""L1 penalty of a coefficient, in customers. A level gets a coefficient only if it moves more customers than this to
the right side of the predicted percentile; without the penalty, random levels would get coefficients."""
SIGNIFICANT_DIGITS = 6
MONEY_DIGITS = 2
"""Decimals of a predicted amount."""


@dataclass(frozen=True)
class Slope:
    """Numeric term of the log percentile: ``slope * log(1 + number)``.

    Attributes
    ----------
    feature, slope
        Name and coefficient: doubling the feature multiplies the percentile by about ``2 ** slope``.
    lowest, highest
        Range of the training data, to which numbers are clipped.
    typical
        Median of the training data; it replaces null.
    """

    feature: str
    slope: float
    lowest: float
    highest: float
    typical: float

    def term(self) -> pl.Expr:
        """Return the term of each row, never null."""
        number = pl.col(self.feature).cast(pl.Float64).fill_null(self.typical).clip(self.lowest, self.highest)
        return number.log1p() * self.slope


@dataclass(frozen=True)
class Effects:
    """Categorical term of the log percentile.

    Attributes
    ----------
    feature
        Name of the text feature.
    levels
        Levels with their terms, sorted by level.
    other
        Term of all other levels, including unseen ones.
    unknown
        Term where the feature is null.
    """

    feature: str
    levels: tuple[tuple[str, float], ...]
    other: float
    unknown: float

    def term(self) -> pl.Expr:
        """Return the term of each row, never null."""
        level, known = pl.col(self.feature).cast(pl.String), dict(self.levels)
        addend = pl.lit(self.other)
        if known:
            addend = level.replace_strict(known, default=self.other, return_dtype=pl.Float64)
        return pl.when(level.is_null()).then(self.unknown).otherwise(addend)


@dataclass(frozen=True)
class Percentile:
    """Percentile of spend as a function of a customer's features, additive on the log scale.

    ``spend = exp(intercept + sum of terms) - 1``, clipped to the range from 0 to ``ceiling``.

    Attributes
    ----------
    quantile
        Share of similar customers who spend at most the percentile.
    intercept, slopes, effects
        Intercept, numeric terms and categorical terms of the log percentile.
    ceiling
        Largest spend in the training data.
    """

    quantile: float
    intercept: float
    slopes: tuple[Slope, ...]
    effects: tuple[Effects, ...]
    ceiling: float

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the percentile depends on."""
        return (*(each.feature for each in self.slopes), *(each.feature for each in self.effects))

    def spend(self) -> pl.Expr:
        """Return the percentile of each row in units of the currency, with two decimals; never null or negative."""
        logarithm = pl.lit(self.intercept)
        # terms are added one after the other, because the rounding of a horizontal sum depends on its order
        for term in (*(each.term() for each in self.slopes), *(each.term() for each in self.effects)):
            logarithm = logarithm + term
        return (logarithm.clip(0.0, log1p(self.ceiling)).exp() - 1).round(MONEY_DIGITS)


def fit_percentile(
    customers: pl.DataFrame, spend: str, *, numbers: Sequence[str], texts: Sequence[str], quantile: float = PERCENTILE
) -> Percentile:
    """Fit a percentile of spend to other features.

    Linear quantile regression (Koenker and Bassett 1978) of ``log(1 + max(spend, 0))``. A quantile is equivariant to
    increasing functions (Koenker 2005, chapter 2): unlike with means, the percentile of the logarithm is the logarithm
    of the percentile. An L1 penalty of :data:`PENALTY` customers shrinks weak coefficients to zero. About one second
    for 10,000 customers.

    Parameters
    ----------
    customers
        One row per customer, at least one. Sort the rows: if several solutions fit equally well, the result depends on
        their order.
    spend
        Name of the column of spend, without nulls.
    numbers
        Names of non-negative numeric columns; null where unknown.
    texts
        Names of text columns; null where unknown. Levels with fewer than :data:`RARE` customers are pooled.
        Constant columns, of numbers or texts, are dropped.
    quantile
        Share of similar customers who spend at most the percentile, between 0 and 1.

    Returns
    -------
    Percentile
        All numbers are rounded to six significant digits.
    """
    import numpy as np

    target = np.log1p(customers[spend].clip(lower_bound=0).to_numpy())
    slopes = [each for name in numbers if (each := _range(customers[name].cast(pl.Float64)))]
    effects = [levels for name in texts if (levels := _pooled(customers[name]))]
    measured = [customers.select(each.term()).to_series().to_numpy() for each in slopes]
    marked = [column for each in effects for column in _indicators(customers[each.feature], each)]
    intercept, weights = _solve(measured, marked, target, quantile)
    remaining = map(_readable, weights)
    return Percentile(
        quantile=quantile,
        intercept=_readable(intercept),
        slopes=tuple(replace(each, slope=next(remaining)) for each in slopes),
        effects=tuple(_weighted(each, remaining) for each in effects),
        ceiling=_readable(expm1(target.max())),
    )


def pinball_loss(value: Floats, percentile: Floats | float, quantile: float = PERCENTILE) -> float:
    """Return the mean pinball loss: ``quantile * d`` if ``d >= 0``, else ``(quantile - 1) * d``.

    ``d`` is value minus percentile. A quantile minimises this loss (Koenker and Bassett 1978).
    """
    import numpy as np

    difference = value - percentile
    return float(np.maximum(quantile * difference, (quantile - 1) * difference).mean())


def _range(numbers: pl.Series) -> Slope | None:
    """Return a numeric term with the column's range and slope 1; None if all known values are equal."""
    import numpy as np

    known = numbers.drop_nulls().to_numpy()
    if not len(known):
        return None
    lowest, highest, typical = (_readable(float(each)) for each in (known.min(), known.max(), np.median(known)))
    return Slope(numbers.name, 1.0, lowest, highest, typical) if lowest < highest else None


def _pooled(texts: pl.Series) -> Effects | None:
    """Return a categorical term with 1 for each level that gets a coefficient; None with fewer than two levels."""
    counts = texts.cast(pl.String).drop_nulls().value_counts(name="customers").sort(texts.name)
    large = counts.filter(pl.col("customers") >= RARE)[texts.name].to_list()
    many_unknown = texts.null_count() >= RARE
    pooled = counts.height > len(large) or (texts.null_count() > 0 and not many_unknown)
    if len(large) + pooled + many_unknown < 2:
        return None
    return Effects(texts.name, tuple((level, 1.0) for level in large), float(pooled), float(many_unknown))


def _indicators(texts: pl.Series, effects: Effects) -> list[Floats]:
    """Return an indicator column, shape (n,), for each coefficient of ``effects``: levels, other, unknown."""
    import numpy as np

    named = [texts.cast(pl.String) == level for level, _ in effects.levels]
    unknown = [texts.is_null()] if effects.unknown else []
    columns = [column.fill_null(value=False).cast(pl.Float64).to_numpy() for column in named + unknown]
    if effects.other:
        columns.insert(len(named), 1.0 - np.sum(columns, axis=0))
    return columns


def _weighted(effects: Effects, weights: Iterator[float]) -> Effects:
    """Return ``effects`` with the next coefficients of ``weights``, in the order of :func:`_indicators`."""
    levels = tuple((level, next(weights)) for level, _ in effects.levels)
    other = next(weights) if effects.other else 0.0
    return Effects(effects.feature, levels, other, next(weights) if effects.unknown else other)


def _solve(measured: list[Floats], marked: list[Floats], target: Floats, quantile: float) -> tuple[float, list[float]]:
    """Return intercept and coefficients; numeric columns are standardised for the penalty."""
    import numpy as np

    if not measured + marked:
        return float(np.quantile(target, quantile, method="inverted_cdf")), []
    centre = np.array([column.mean() for column in measured] + [0.0] * len(marked))
    scale = np.array([column.std() for column in measured] + [1.0] * len(marked))
    intercept, *slopes = _quantile_regression((np.column_stack(measured + marked) - centre) / scale, target, quantile)
    weights = np.array(slopes) / scale
    return float(intercept - (weights * centre).sum()), [float(each) for each in weights]


def _quantile_regression(columns: Floats, target: Floats, quantile: float) -> Floats:
    """Return intercept and coefficients by the linear programme of Koenker and Bassett (1978), with an L1 penalty.

    It is the problem that scikit-learn's ``QuantileRegressor`` solves, without the second that its import takes.
    """
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csc_array, eye_array, hstack
    from threadpoolctl import threadpool_limits

    rows = len(target)
    design = csc_array(np.column_stack([np.ones(rows), columns]))
    residual = eye_array(rows, format="csc")
    penalty = np.array([0.0] + [PENALTY] * columns.shape[1])
    # variables of a linear programme are non-negative: each coefficient and residual is a difference of two
    cost = np.concatenate([penalty, penalty, np.full(rows, quantile), np.full(rows, 1 - quantile)])
    equal = hstack([design, -design, residual, -residual], format="csc")
    with threadpool_limits(1):
        # interior point with crossover finds the same vertex as the simplex method, in a fifth of its time
        found = linprog(cost, A_eq=equal, b_eq=target, method="highs-ipm")
    if not found.success:
        raise NotEnoughDataError(f"no percentile of {rows:,} customers could be found: {found.message}")
    above, below = found.x[: len(penalty)], found.x[len(penalty) : 2 * len(penalty)]
    return np.asarray(above - below)


def _readable(value: float) -> float:
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
