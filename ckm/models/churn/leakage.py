"""Target leakage: columns that reveal the label by themselves (Kaufman et al. 2012).

Such a column was probably filled in after the outcome was known: the reason or the date of a cancellation, or the label
under another name. A model that uses it is accurate on past data and useless for current customers.

Kaufman, Rosset, Perlich and Stitelman (2012). Leakage in data mining: formulation, detection, and avoidance.
*ACM Transactions on Knowledge Discovery from Data* 6(4), 15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from ckm.models import metrics
from ckm.models.churn.tabular import MISSING, as_numbers, as_words, is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ckm.models.churn.training_set import Flags, Floats

LEAK_AUC, LEAK_AUC_LOW = 0.95, 0.94
"""A column leaks if its ROC AUC exceeds the first value, and the lower end of the AUC's 95 % interval exceeds the
second. Columns that are known before the outcome reach an AUC of at most 0.74 in the Telco data, and rarely 0.93
elsewhere."""
MOST_ELSEWHERE = 0.03
"""A column also leaks if a group of rows contains most rows of one outcome, and of the other outcome at most this
share, relative to the share of the first."""
WITHIN_FILLED = 0.5
"""Smallest share of one outcome's rows in the group, if the group is the filled rows or the blank rows."""
WITHIN_VALUES = 0.9
"""The same if the group is defined by values. It is larger, because a column without leakage can also predict one
outcome perfectly in a part of its range."""
FEW, FEW_SHARE = 3, 0.1
"""Rows added to the other outcome's rows in the group, and their largest share after that, as an upper confidence
limit. (With 0 events in n rows, the upper end of the 95 % interval is 3 / n: Hanley and Lippman-Hand 1983, JAMA
249(13), 1743-1745.)"""
MOST_BINS, BIN_ROWS = 50, 10
"""Maximum number of bins of a numeric column, and smallest mean number of rows per bin."""
PRIOR_ROWS = 5.0
"""Prior weight of the overall churn rate in the rate of a value, in rows; a value with few rows has little
influence."""
Z = 1.959964
"""Half width of a 95 % interval, in standard errors."""


@dataclass(frozen=True)
class ColumnEvidence:
    """Predictive power of a single column for the label.

    Attributes
    ----------
    column
        Name of the column.
    by
        Predictor: ``filled`` (whether the column is filled) or ``value`` (its values, out of fold).
    auc, auc_low
        ROC AUC of this predictor, and the lower end of its 95 % interval (Hanley and McNeil 1982).
    positive, negative
        Share of the rows with the positive label, and of the rows with the other label, in which the column is filled
        (``filled``) or has a value that predicts the positive label (``value``).
    leaks
        Whether the column leaks the label.
    """

    column: str
    by: Literal["filled", "value"]
    auc: float
    auc_low: float
    positive: float
    negative: float
    leaks: bool

    def sentence(self, label: str) -> str:
        """Return the finding for the user, without values of rows."""
        if self.by == "filled":
            return (
                f"{self.column} is filled in {self.positive:.1%} of the rows with the positive value of {label} and in "
                f"{self.negative:.1%} of the others"
            )
        return (
            f"{self.column} has ROC AUC {self.auc:.3f} by itself: its values point to the positive value of {label} in "
            f"{self.positive:.1%} of the rows that have it and in {self.negative:.1%} of the others"
        )


def column_evidence(frame: pl.DataFrame, churned: Flags, folds: NDArray[np.int64]) -> tuple[ColumnEvidence, ...]:
    """Return the predictive power of each column alone: leaks first, then by ROC AUC, highest first.

    Parameters
    ----------
    frame
        Columns other than label and id; all rows have a label.
    churned, folds
        Whether the label has the positive value, and the fold, by row; shape (n,).

    Notes
    -----
    A column leaks if its ROC AUC exceeds :data:`LEAK_AUC` and its 95 % interval lies above :data:`LEAK_AUC_LOW`. It
    also leaks if a group of rows contains at least the share :data:`WITHIN_FILLED` or :data:`WITHIN_VALUES` of one
    outcome's rows, and of the other outcome's rows at most :data:`MOST_ELSEWHERE` times that share. There are up to
    three predictors per column: whether it is filled; the churn rate of its value in the other folds, compared with the
    overall rate; and the order of a numeric column.
    """
    found = []
    for name in frame.columns:
        views = _views(frame[name], churned, folds)
        found.append(next((view for view in views if view.leaks), max(views, key=lambda view: view.auc)))
    return tuple(sorted(found, key=lambda each: (-each.leaks, -each.auc, each.column)))


def _views(column: pl.Series, churned: Flags, folds: NDArray[np.int64]) -> list[ColumnEvidence]:
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        return [_by_filled(column.name, column.is_not_null().to_numpy(), churned)]
    if not is_number(column):
        words = as_words(column)
        _, codes = np.unique(words.to_numpy(), return_inverse=True)
        lift = _lift_out_of_fold(codes, churned, folds)
        return [_by_filled(column.name, (words != MISSING).to_numpy(), churned), _by_value(column.name, lift, churned)]
    values = as_numbers(column)
    lift = _lift_out_of_fold(_bins(values), churned, folds)
    return [
        _by_filled(column.name, ~np.isnan(values), churned),
        _by_order(column.name, values, churned),
        _by_value(column.name, lift, churned),
    ]


def _by_filled(name: str, filled: Flags, churned: Flags) -> ColumnEvidence:
    share = filled.astype(np.float64)
    auc = metrics.roc_auc(churned, share)
    groups = (filled, ~filled) if auc >= 0.5 else (~filled, filled)
    return _evidence(name, "filled", filled, max(auc, 1 - auc), groups, churned, WITHIN_FILLED)


def _by_value(name: str, lift: Floats, churned: Flags) -> ColumnEvidence:
    return _evidence(
        name, "value", lift > 0, metrics.roc_auc(churned, lift), (lift > 0, lift < 0), churned, WITHIN_VALUES
    )


def _by_order(name: str, values: Floats, churned: Flags) -> ColumnEvidence:
    """Return the evidence of a numeric column by the best of both orders, with missing values first or last."""
    ends = (np.nanmin(values) - 1, np.nanmax(values) + 1) if np.isfinite(values).any() else (0.0,)
    orders = [sign * np.where(np.isnan(values), end, values) for end in ends for sign in (1, -1)]
    auc, order = max(((metrics.roc_auc(churned, order), order) for order in orders), key=lambda each: each[0])
    levels, codes = np.unique(order, return_inverse=True)
    size = len(levels)
    left = np.bincount(codes[churned], minlength=size).cumsum() / churned.sum()
    stayed = np.bincount(codes[~churned], minlength=size).cumsum() / (~churned).sum()
    above = codes > int(np.argmax(stayed - left))  # the cut point of Youden (1950, Cancer 3(1), 32-35)
    return _evidence(name, "value", above, auc, (above, ~above), churned, WITHIN_VALUES)


def _evidence(
    name: str,
    by: Literal["filled", "value"],
    shown: Flags,
    auc: float,
    groups: Sequence[Flags],
    churned: Flags,
    least_share: float,
) -> ColumnEvidence:
    """Return the evidence of a predictor, by its AUC and by the groups of rows predicted positive and negative."""
    low = auc - Z * _auc_error(auc, int(churned.sum()), int((~churned).sum()))
    pure = _separates(groups[0], churned, least_share) or _separates(groups[1], ~churned, least_share)
    leaks = pure or (auc > LEAK_AUC and low > LEAK_AUC_LOW)
    return ColumnEvidence(name, by, auc, low, float(shown[churned].mean()), float(shown[~churned].mean()), leaks)


def _separates(group: Flags, outcome: Flags, least_share: float) -> bool:
    """Return whether a group of rows contains most rows of one outcome and nearly none of the other."""
    share, others, elsewhere = group[outcome].mean(), int((~outcome).sum()), int(group[~outcome].sum())
    return bool(
        share >= least_share
        and elsewhere <= MOST_ELSEWHERE * share * others
        and elsewhere + FEW <= FEW_SHARE * share * others
    )


def _auc_error(auc: float, positive: int, negative: int) -> float:
    """Return the standard error of an AUC (Hanley and McNeil 1982, *Radiology* 143(1), 29-36, eq. 2)."""
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positive - 1) * (one - auc**2) + (negative - 1) * (two - auc**2)
    return math.sqrt(max(variance, 0.0) / (positive * negative))


def _lift_out_of_fold(codes: NDArray[np.int64], churned: Flags, folds: NDArray[np.int64]) -> Floats:
    """Return, for each row, the churn rate of its value minus the overall rate, both estimated on the other folds."""
    lift = np.zeros(len(churned))
    size = int(codes.max()) + 1
    for fold in np.unique(folds):
        test = folds == fold
        rate = float(churned[~test].mean())
        rows = np.bincount(codes[~test], minlength=size)
        left = np.bincount(codes[~test], weights=churned[~test], minlength=size)
        lift[test] = ((left - rate * rows) / (rows + PRIOR_ROWS))[codes[test]]
    return lift


def _bins(values: Floats) -> NDArray[np.int64]:
    """Return the bin of each value; bins have about equal sizes, and missing values have a separate bin."""
    filled = ~np.isnan(values)
    bins = min(MOST_BINS, max(2, len(values) // BIN_ROWS))
    edges = np.unique(values[filled])
    if len(edges) > bins:
        edges = np.unique(np.quantile(values[filled], np.arange(1, bins) / bins))
    return np.where(filled, np.searchsorted(edges, np.where(filled, values, 0.0)), len(edges) + 1).astype(np.int64)
