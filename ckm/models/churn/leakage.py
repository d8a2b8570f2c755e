"""Target leakage: columns that give the label away by themselves (Kaufman et al. 2012).

Such a column was most likely filled in after the outcome was known: the reason of a cancellation, the day of it, the
label under another name. A model that reads it is right about the past and of no use for the customers of today.

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

LEAK_AUC, HONEST_AUC = 0.95, 0.94
"""A column is named where its own ROC AUC is above the first and the 95 % interval of it above the second: honest
columns, known before the outcome, reach .74 in Telco, and hardly ever more than .93."""
MOST_ELSEWHERE = 0.03
"""Or where a group of rows that holds most of one outcome holds, in proportion, at most this share of the other."""
WITHIN_FILLED = 0.5
"""Share of one outcome that such a group holds at least, where the group is the filled, or the blank, rows."""
WITHIN_VALUES = 0.9
"""The same where the group is of values: an honest column can be pure in a part of its range."""
FEW, FEW_SHARE = 3, 0.1
"""Rows that are added to those of the other outcome before they may be at most this share: of none in n rows, 3 / n is
the upper end of the 95 % interval (Hanley and Lippman-Hand 1983, JAMA 249(13), 1743-1745)."""
MOST_BINS, BIN_ROWS = 50, 10
"""A number is cut into so many bins at most, of so many rows at least."""
DRAW = 5.0
"""Rows of the usual share that are added to each value's, so that a value of three rows says little."""
WITHIN = 1.959964
"""Standard errors on either side of a 95 % interval."""


@dataclass(frozen=True)
class ColumnEvidence:
    """What a single column says of the label.

    Attributes
    ----------
    column
        Its name.
    by
        ``filled``: by whether it is filled. ``value``: by its values, out of fold.
    auc, auc_low
        ROC AUC of the column alone, and the lower end of its 95 % interval (Hanley and McNeil 1982).
    positive, negative
        Of the rows with the positive label, and of the others, the share that is filled, or whose value speaks for the
        positive label.
    leaks
        Whether it gives the label away.
    """

    column: str
    by: Literal["filled", "value"]
    auc: float
    auc_low: float
    positive: float
    negative: float
    leaks: bool

    def sentence(self, label: str) -> str:
        """Return what the column says of the label, with no value of a row."""
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
    """Return what each column says of the label by itself, the most telling first.

    Parameters
    ----------
    frame
        The columns, without the label and the id; all rows have a label.
    churned, folds
        Whether the label has the positive value, and the fold, by row; shape (n,).

    Notes
    -----
    A column leaks if its ROC AUC is above :data:`LEAK_AUC` and the 95 % interval of it above :data:`HONEST_AUC`, or if
    a group of its rows holds the share :data:`WITHIN_FILLED` or :data:`WITHIN_VALUES` of one outcome and at most
    :data:`MOST_ELSEWHERE` of that share of the other. It is judged by whether it is filled and by its values: a value
    speaks for the outcome that is more frequent among its rows, in the other folds, than among all; a number also by
    its order.
    """
    found = [_strongest(_views(frame[name], churned, folds)) for name in frame.columns]
    return tuple(sorted(found, key=lambda each: (-each.leaks, -each.auc, each.column)))


def _strongest(views: Sequence[ColumnEvidence]) -> ColumnEvidence:
    return next((view for view in views if view.leaks), max(views, key=lambda view: view.auc))


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
    """Judge a number in whichever order is better, what is missing at whichever end, and by its best single split."""
    ends = (np.nanmin(values) - 1, np.nanmax(values) + 1) if np.isfinite(values).any() else (0.0,)
    orders = [sign * np.where(np.isnan(values), end, values) for end in ends for sign in (1, -1)]
    auc, order = max(((metrics.roc_auc(churned, order), order) for order in orders), key=lambda each: each[0])
    levels, codes = np.unique(order, return_inverse=True)
    size = len(levels)
    left = np.bincount(codes[churned], minlength=size).cumsum() / churned.sum()
    stayed = np.bincount(codes[~churned], minlength=size).cumsum() / (~churned).sum()
    above = codes > int(np.argmax(stayed - left))  # the split of Youden (1950, Cancer 3(1), 32-35)
    return _evidence(name, "value", above, auc, (above, ~above), churned, WITHIN_VALUES)


def _evidence(
    name: str,
    by: Literal["filled", "value"],
    shown: Flags,
    auc: float,
    groups: Sequence[Flags],
    churned: Flags,
    within: float,
) -> ColumnEvidence:
    """Judge a column by its AUC, and by the groups of rows that speak for leaving and for staying."""
    low = auc - WITHIN * _auc_error(auc, int(churned.sum()), int((~churned).sum()))
    pure = _holds_one(groups[0], churned, within) or _holds_one(groups[1], ~churned, within)
    leaks = pure or (auc > LEAK_AUC and low > HONEST_AUC)
    return ColumnEvidence(name, by, auc, low, float(shown[churned].mean()), float(shown[~churned].mean()), leaks)


def _holds_one(group: Flags, outcome: Flags, within: float) -> bool:
    """Whether a group of rows holds most of an outcome and next to nothing of the other."""
    share, others, elsewhere = group[outcome].mean(), int((~outcome).sum()), int(group[~outcome].sum())
    return bool(
        share >= within
        and elsewhere <= MOST_ELSEWHERE * share * others
        and elsewhere + FEW <= FEW_SHARE * share * others
    )


def _auc_error(auc: float, positive: int, negative: int) -> float:
    """Return the standard error of an AUC (Hanley and McNeil 1982, *Radiology* 143(1), 29-36, eq. 2)."""
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (positive - 1) * (one - auc**2) + (negative - 1) * (two - auc**2)
    return math.sqrt(max(variance, 0.0) / (positive * negative))


def _lift_out_of_fold(codes: NDArray[np.int64], churned: Flags, folds: NDArray[np.int64]) -> Floats:
    """Return by how much the share churned among a value's rows exceeds that of all, learned in the other folds."""
    lift = np.zeros(len(churned))
    size = int(codes.max()) + 1
    for fold in np.unique(folds):
        test = folds == fold
        rate = float(churned[~test].mean())
        rows = np.bincount(codes[~test], minlength=size)
        left = np.bincount(codes[~test], weights=churned[~test], minlength=size)
        lift[test] = ((left - rate * rows) / (rows + DRAW))[codes[test]]
    return lift


def _bins(values: Floats) -> NDArray[np.int64]:
    """Return the number of each value's bin, of about equally many rows; what is missing has its own."""
    filled = ~np.isnan(values)
    bins = min(MOST_BINS, max(2, len(values) // BIN_ROWS))
    edges = np.unique(values[filled])
    if len(edges) > bins:
        edges = np.unique(np.quantile(values[filled], np.arange(1, bins) / bins))
    return np.where(filled, np.searchsorted(edges, np.where(filled, values, 0.0)), len(edges) + 1).astype(np.int64)
