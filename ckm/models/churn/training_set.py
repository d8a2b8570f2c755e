"""Training set of churn models: features of customers at past cut-offs, and their outcomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.cutoffs import OTHERWISE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.models.shapley import WeightedTerm

Floats: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"
Keys: TypeAlias = "NDArray[np.uint64]"
Features: TypeAlias = "Mapping[str, Floats]"

MOST_ROWS = 100_000
"""Maximum number of training rows. More rows do not improve the stack: on CDNOW its Brier score is the same with
100,000 rows and with all 236,000."""
FEWEST_EVENTS = 50
"""Fewest churned, and fewest retained, customers in all windows together."""


@dataclass(frozen=True)
class TrainingSnapshot:
    """Window: features of customers at the end of a cut-off day, and outcomes in the horizon after that day.

    Attributes
    ----------
    day
        Cut-off, in days since 1970-01-01; features use no later rows.
    features
        Features by name, shape (n,); NaN if a customer has no value.
    churned
        Whether each customer made no purchase within the horizon after the day; shape (n,).
    keys
        Hash of each customer's id (:func:`ckm.models.sampling.id_hashes`), by which samples are drawn; shape (n,).
    """

    day: int
    features: Features
    churned: Flags
    keys: Keys

    def __len__(self) -> int:
        return len(self.churned)

    def rows(self, chosen: Flags) -> TrainingSnapshot:
        """Return the window with the ``chosen`` customers only (mask of shape (n,))."""
        features = {name: values[chosen] for name, values in self.features.items()}
        return TrainingSnapshot(self.day, features, self.churned[chosen], self.keys[chosen])


@dataclass(frozen=True)
class TrainingSet:
    """Data known on a day: past windows with outcomes, and the features of the customers on that day.

    Attributes
    ----------
    windows
        Windows with outcomes known by ``day``; earliest first.
    day
        As-of day (days since 1970-01-01).
    features
        Features of the customers as of ``day``, by name.
    horizon
        Horizon in days.
    seed
        Random seed.
    purchase_models
        Fitted purchase models by day, shared by training sets of the same customers.
    """

    windows: tuple[TrainingSnapshot, ...]
    day: int
    features: Features
    horizon: int
    seed: int = 0
    purchase_models: PurchaseModels = field(default_factory=PurchaseModels)

    def __post_init__(self) -> None:
        late = [window.day for window in self.windows if window.day + self.horizon > self.day]
        if late:
            raise ValueError(f"{len(late)} windows end after day {self.day}: their outcomes are unknown")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the features for training: present in the latest window and on the as-of day.

        A feature whose data source begins later is NaN in earlier windows.
        """
        return tuple(name for name in self.windows[-1].features if name in self.features)

    @cached_property
    def churned(self) -> Flags:
        """Outcomes of all windows, concatenated."""
        return np.concatenate([window.churned for window in self.windows])

    def column(self, name: str) -> Floats:
        """Return a feature of all windows, concatenated."""
        return np.concatenate([column(window.features, name, len(window)) for window in self.windows])

    def require_events(self) -> None:
        """Raise NotEnoughDataError if there are too few churned or retained customers."""
        if not self.windows:
            raise NotEnoughDataError("no past window for training", hint="choose a shorter horizon")
        left = int(self.churned.sum())
        retained = len(self.churned) - left
        if min(left, retained) < FEWEST_EVENTS:
            raise NotEnoughDataError(
                f"of {len(self.churned)} customers in {len(self.windows)} past windows {left} churned and {retained} "
                f"were retained; {FEWEST_EVENTS} of each are needed",
                hint=OTHERWISE,
                churned=left,
                retained=retained,
                needed=FEWEST_EVENTS,
            )


class ChurnModel(Protocol):
    """Interface of the churn models."""

    @property
    def name(self) -> str:
        """Return the name of the model, a key of :data:`ckm.models.churn.training.FITS`."""

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn, shape (n,), finite; each row's depend on this row only."""

    def terms(self) -> Sequence[WeightedTerm]:
        """Return the terms whose weighted sum, plus a constant, is the log odds."""


def column(features: Features, name: str, length: int) -> Floats:
    """Return a feature, shape (length,); all NaN if it is absent."""
    return features[name] if name in features else np.full(length, np.nan)


def sampled_windows(windows: Sequence[TrainingSnapshot], most: int = MOST_ROWS) -> tuple[TrainingSnapshot, ...]:
    """Return the windows with a random sample of about ``most`` rows in total; each cut-off has a different sample.

    Whether a row is in the sample depends on its key, the day and the total number of rows only.
    """
    total = sum(map(len, windows))
    if total <= most:
        return tuple(windows)
    limit = np.uint64(int(most / total * 2**64))
    return tuple(window.rows(_mixed(window.keys, window.day) < limit) for window in windows)


def _mixed(keys: Keys, day: int) -> Keys:
    # finaliser of splitmix64 (Steele, Lea and Flood 2014, OOPSLA): neighbouring days give independent numbers
    with np.errstate(over="ignore"):
        mixed = keys ^ (np.uint64(day % 2**32) * np.uint64(0x9E3779B97F4A7C15))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
