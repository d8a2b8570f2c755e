"""Metrics of churn predictions: ranking, error, calibration and lift.

``churned`` is the outcome, ``probability``, ``score`` or ``log_odds`` the prediction; all have shape (n,). Results do
not depend on the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"

BINS = 10
"""Number of bins of a reliability table: deciles."""
TOP = 0.1
"""Share of customers for the lift: the top decile."""


def roc_auc(churned: Flags, score: Floats) -> float:
    """Return the area under the ROC curve; NaN if all outcomes are equal.

    The share of pairs of a churned and a retained customer in which the churned customer has the higher score; ties
    count half (the Mann-Whitney statistic; Hanley and McNeil 1982, *Radiology* 143(1), 29-36).
    """
    positive = int(churned.sum())
    negative = len(churned) - positive
    if not positive or not negative:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2  # equal scores share their mean rank
    ranks = float((np.bincount(inverse, weights=churned) * middle).sum())
    return (ranks - positive * (positive + 1) / 2) / (positive * negative)


def average_precision(churned: Flags, score: Floats) -> float:
    """Return the average precision ``sum (R_k - R_(k-1)) P_k``; NaN without churned customers.

    ``P_k`` and ``R_k`` are precision and recall at the k-th distinct score (Manning, Raghavan and Schütze 2008,
    *Introduction to Information Retrieval*, sec. 8.4; equal to scikit-learn's).
    """
    positive = int(churned.sum())
    if not positive:
        return float("nan")
    found, called = _reached(churned, score)
    return float((np.diff(found, prepend=0) * (found / called)).sum() / positive)


def log_loss(churned: Flags, log_odds: Floats) -> float:
    """Return the mean negative log-likelihood in nats, from log odds, which are precise near 0 and 1."""
    return float(log_losses(churned, log_odds).mean())


def log_losses(churned: Flags, log_odds: Floats) -> Floats:
    """Return the negative log-likelihood of each row, ``log(1 + exp(-z))`` if churned, else ``log(1 + exp(z))``."""
    losses: Floats = np.logaddexp(0.0, np.where(churned, -log_odds, log_odds))
    return losses


def brier(churned: Flags, probability: Floats) -> float:
    """Return the mean squared error of the probabilities (Brier 1950, *Monthly Weather Review* 78(1), 1-3)."""
    return float(np.square(probability - churned).mean())


@dataclass(frozen=True)
class Reliability:
    """Predicted and observed churn rates by quantile bin of the probability; shape (bins,).

    Attributes
    ----------
    n
        Number of customers in the bin.
    predicted
        Mean predicted churn probability.
    observed
        Observed churn rate.
    """

    n: NDArray[np.int64]
    predicted: Floats
    observed: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: mean of ``|predicted - observed|`` over the bins, weighted by customers."""
        return float((self.n * np.abs(self.predicted - self.observed)).sum() / self.n.sum())


def reliability(churned: Flags, probability: Floats, bins: int = BINS) -> Reliability:
    """Return the reliability table, lowest probabilities first.

    Bins have equal numbers of customers ("adaptive binning", Nguyen and O'Connor 2015, EMNLP, 1587-1598), because most
    bins of equal width would be empty if probabilities are similar. Customers with equal probabilities are divided
    among bins in proportion, so that the order of the rows does not matter.

    Parameters
    ----------
    churned, probability
        Outcome and predicted probability.
    bins
        Number of bins; at most the number of customers.
    """
    values, inverse, counts = np.unique(probability, return_inverse=True, return_counts=True)
    left = np.bincount(inverse, weights=churned)
    bins = min(bins, len(churned))
    sizes = np.full(bins, len(churned) // bins, dtype=np.int64)
    sizes[: len(churned) % bins] += 1
    edges = np.concatenate([[0], np.cumsum(sizes)])
    upto = np.concatenate([[0], np.cumsum(counts)])

    def between(totals: Floats) -> Floats:
        running = np.concatenate([[0.0], np.cumsum(totals)])
        shares: Floats = np.diff(np.interp(edges, upto, running)) / sizes
        return shares

    return Reliability(sizes, between(values * counts), between(left.astype(np.float64)))


def calibration_error(churned: Flags, probability: Floats, bins: int = BINS) -> float:
    """Return :attr:`Reliability.error` over ``bins`` quantile bins."""
    return reliability(churned, probability, bins).error


def lift(churned: Flags, score: Floats, top: float = TOP) -> float:
    """Return the churn rate of the share ``top`` with the highest scores ÷ the overall rate; NaN without churn."""
    share, reached = gain_curve(churned, score)
    return float(np.interp(top, share, reached)) / top


def gain_curve(churned: Flags, score: Floats, points: int = 0) -> tuple[Floats, Floats]:
    """Return the gain curve: shares of all customers, highest scores first, and of all churned customers among them.

    Both shares increase from 0 to 1; the curve is linear within equal scores. NaN without churned customers.

    Parameters
    ----------
    churned, score
        Outcome, and score by which customers are ranked.
    points
        Number of equal steps at which the curve is returned; 0: one point per distinct score.
    """
    found, called = _reached(churned, score)
    total = found[-1] if found[-1] else np.nan
    share = np.concatenate([[0.0], called / len(churned)])
    reached = np.concatenate([[0.0], found / total])
    if not points:
        return share, reached
    steps = np.linspace(0.0, 1.0, points + 1)
    return steps, np.interp(steps, share, reached)


def _reached(churned: Flags, score: Floats) -> tuple[Floats, Floats]:
    # numbers of churned customers, and of all customers, at or above each distinct score, highest score first
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    left = np.bincount(inverse, weights=churned)
    return np.cumsum(left[::-1]), np.cumsum(counts[::-1]).astype(np.float64)
