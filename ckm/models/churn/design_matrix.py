"""From raw features to the columns of a linear model: logarithms, missing values, splines. Row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

KNOTS = (0.05, 0.275, 0.5, 0.725, 0.95)
"""Quantiles at which the cubic pieces meet (Harrell 2015, *Regression Modeling Strategies*, table 2.3, five knots)."""
FEWEST_VALUES = 10
"""A feature with fewer different values stays a straight line."""
BEYOND = 1.0
"""A value counts as at most so many standard deviations outside of what was seen in learning: the learned range."""
FEWEST_KNOWN = 0.05
"""A feature known for a smaller share of the learning rows is left out; where it is unknown for a smaller share, the
typical value stands for it and no column marks it. A column that differs for a handful of rows has a standard deviation
near zero, so that the first customer who differs would be many of them away."""
MOST_CLIPPED = 0.05
"""A column in which a larger share of today's customers lies beyond the learned range is left out."""


@dataclass(frozen=True)
class DesignColumn:
    """How one feature becomes columns, each with mean 0 and standard deviation 1 among those it was learned from.

    Attributes
    ----------
    name
        Of the feature.
    logarithm
        Whether ``sign(x) log(1 + |x|)`` is taken first.
    typical
        The median, after that: stands for what is missing.
    low, high
        Beyond these a value counts as if it were there.
    knots
        Of the restricted cubic spline; empty for a straight line.
    marks_missing
        Whether there is a column of its own for missing.
    centres, scales
        Of the columns.
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

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the columns."""
        bends = tuple(f"{self.name} bend {number + 1}" for number in range(max(len(self.knots) - 2, 0)))
        return (self.name, *bends, *((f"{self.name} missing",) if self.marks_missing else ()))

    def raw(self, values: Floats) -> Floats:
        """Return the columns before they are centred; shape (n, columns)."""
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
        """Return whether each value lies beyond the learned range."""
        known = self._scaled(values)
        beyond: NDArray[np.bool_] = (known < self.low) | (known > self.high)
        return beyond

    def _scaled(self, values: Floats) -> Floats:
        return signed_log(values) if self.logarithm else values

    def to_plain(self) -> dict[str, Any]:
        """Return what reads the feature, as text and numbers."""
        return {
            "feature": self.name,
            "logarithm": self.logarithm,
            "typical": self.typical,
            "between": [self.low, self.high],
            "knots": list(self.knots),
            "centres": list(self.centres),
            "scales": list(self.scales),
        }


def learn_columns(columns: Mapping[str, Floats], *, bent: Sequence[str]) -> tuple[DesignColumn, ...]:
    """Learn how each feature is read; features that are the same for all, or hardly ever known, are left out.

    Parameters
    ----------
    columns
        Values by name, NaN for missing.
    bent
        Names of those that may be curves.
    """
    found = (learn_column(name, values, bent=name in bent) for name, values in columns.items())
    return tuple(column for column in found if column is not None)


def within_range(
    columns: Sequence[DesignColumn], today: Mapping[str, Floats]
) -> tuple[tuple[DesignColumn, ...], dict[str, float]]:
    """Return the columns whose learned range holds for today, and the share of today's customers beyond it by name.

    A model says nothing sound of values that it never saw: they are read as the end of the range, and a column in which
    that happens to more than :data:`MOST_CLIPPED` of the customers is left out.

    Parameters
    ----------
    columns
        As they were learned.
    today
        Values by name, NaN for missing; a column that it lacks stays.
    """
    shares = {
        column.name: float(column.clipped(today[column.name]).mean()) for column in columns if column.name in today
    }
    beyond = {name: share for name, share in shares.items() if share > MOST_CLIPPED}
    return tuple(column for column in columns if column.name not in beyond), beyond


def learn_column(name: str, values: Floats, *, bent: bool) -> DesignColumn | None:
    """Learn how a feature is read; None where there is nothing to learn from it."""
    known = values[~np.isnan(values)]
    if len(known) < max(FEWEST_KNOWN * len(values), 1) or known.min() == known.max():
        return None
    logarithm = bool(np.abs(known).max() > 1)  # shares and differences of shares are on a scale of their own
    known = signed_log(known) if logarithm else known
    spread = float(known.std())
    column = DesignColumn(
        name,
        logarithm,
        float(np.median(known)),
        float(known.min()) - BEYOND * spread,
        float(known.max()) + BEYOND * spread,
        _knots(known) if bent else (),
        bool(np.isnan(values).mean() >= FEWEST_KNOWN),
    )
    raw = column.raw(values)
    scales = raw.std(axis=0)
    scales[scales == 0] = 1.0
    return DesignColumn(
        column.name,
        column.logarithm,
        column.typical,
        column.low,
        column.high,
        column.knots,
        column.marks_missing,
        tuple(raw.mean(axis=0).tolist()),
        tuple(scales.tolist()),
    )


def signed_log(values: Floats) -> Floats:
    """Return ``sign(x) log(1 + |x|)``, so that a debit is no error."""
    logarithms: Floats = np.copysign(np.log1p(np.abs(values)), values)
    return logarithms


def restricted_cubic(values: Floats, knots: Sequence[float]) -> list[Floats]:
    """Return the bends of a cubic spline that is straight beyond its outer knots; two fewer than knots.

    The truncated-power basis of Stone and Koo (1985), as in Harrell (2015, sec. 2.4.5), divided by the squared distance
    of the outer knots.
    """
    if len(knots) < 3:
        return []
    last, before = knots[-1], knots[-2]
    unit = (knots[-1] - knots[0]) ** 2

    def cubed(knot: float) -> Floats:
        return np.maximum(values - knot, 0.0) ** 3

    return [
        (
            cubed(knot)
            - cubed(before) * (last - knot) / (last - before)
            + cubed(last) * (before - knot) / (last - before)
        )
        / unit
        for knot in knots[:-2]
    ]


def _knots(known: Floats) -> tuple[float, ...]:
    if len(np.unique(known)) < FEWEST_VALUES:
        return ()
    knots = np.unique(np.quantile(known, KNOTS))
    return tuple(knots.tolist()) if len(knots) > 2 else ()
