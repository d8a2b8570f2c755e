"""What a churn model learns from: customers as they stood on a day, and whether they churned after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np

from ckm.errors import NotEnoughDataError
from ckm.models.churn.purchase_models import PurchaseModels
from ckm.models.cutoffs import NAMES_OVERDUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Floats: TypeAlias = "NDArray[np.float64]"
Flags: TypeAlias = "NDArray[np.bool_]"
Keys: TypeAlias = "NDArray[np.uint64]"
Features: TypeAlias = "Mapping[str, Floats]"

MOST_ROWS = 300_000
"""Rows that a model learns from at most; beyond, its error is that of the question, not of the sample."""
FEWEST_EVENTS = 50
"""So many must have left, and so many stayed, in all windows together, before anything is learned from them."""


@dataclass(frozen=True)
class TrainingSnapshot:
    """Customers as they stood at the end of a day, and what came.

    Attributes
    ----------
    day
        The cut-off, in days since 1970-01-01; nothing after it is in the features.
    features
        By name, shape (n,); NaN where a customer has none.
    churned
        Whether a customer bought nothing within the horizon after the day.
    keys
        Of the customers, of :func:`ckm.models.sampling.id_hashes`: who is in a sample hangs on them alone.
    """

    day: int
    features: Features
    churned: Flags
    keys: Keys

    def __len__(self) -> int:
        return len(self.churned)

    def rows(self, chosen: Flags) -> TrainingSnapshot:
        """Return the window of some of its customers."""
        features = {name: values[chosen] for name, values in self.features.items()}
        return TrainingSnapshot(self.day, features, self.churned[chosen], self.keys[chosen])


@dataclass(frozen=True)
class TrainingSet:
    """What is known on a day: how it went after earlier cut-offs, and how customers stand now.

    Attributes
    ----------
    windows
        Their outcomes are known by ``day``; earliest first.
    day
        Today.
    features
        Of today's customers, by name.
    horizon
        Days that the question looks ahead.
    seed
        Of everything random.
    fits
        Models of buying until leaving that were fitted already; share it among pasts of the same customers.
    """

    windows: tuple[TrainingSnapshot, ...]
    day: int
    features: Features
    horizon: int
    seed: int = 0
    fits: PurchaseModels = field(default_factory=PurchaseModels)

    def __post_init__(self) -> None:
        late = [window.day for window in self.windows if window.day + self.horizon > self.day]
        if late:
            raise ValueError(f"{len(late)} windows end after day {self.day}: their outcomes are not known yet")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Features to learn from: those of the latest window that today has too.

        A source that began between the windows (complaints, say) counts; in earlier windows its features are NaN.
        """
        return tuple(name for name in self.windows[-1].features if name in self.features)

    @cached_property
    def churned(self) -> Flags:
        """Outcomes of all windows, one after the other."""
        return np.concatenate([window.churned for window in self.windows])

    def column(self, name: str) -> Floats:
        """Return a feature of all windows, one after the other."""
        return np.concatenate([column(window.features, name, len(window)) for window in self.windows])

    def require_events(self) -> None:
        """Raise NotEnoughDataError where too few left, or too few stayed, to learn from."""
        if not self.windows:
            raise NotEnoughDataError("there is no past window to learn from", hint="ask for a shorter horizon")
        left = int(self.churned.sum())
        stayed = len(self.churned) - left
        if min(left, stayed) < FEWEST_EVENTS:
            raise NotEnoughDataError(
                f"of {len(self.churned)} customers in {len(self.windows)} past windows {left} churned and {stayed} "
                f"came back; {FEWEST_EVENTS} of each are needed",
                hint=f"{NAMES_OVERDUE}; or load more history",
                churned=left,
                back=stayed,
                needed=FEWEST_EVENTS,
            )


class ChurnModel(Protocol):
    """What every churn model can do."""

    @property
    def name(self) -> str:
        """Return rule, btyd, scorecard or boosted."""

    def log_odds(self, features: Features) -> Floats:
        """Return the log odds of churn, finite; of a row by nothing but its features."""

    def to_plain(self) -> dict[str, object]:
        """Return what was learned, as text, numbers, lists and dicts."""


def column(features: Features, name: str, length: int) -> Floats:
    """Return a feature, NaN throughout where it is absent."""
    return features[name] if name in features else np.full(length, np.nan)


def thinned(windows: Sequence[TrainingSnapshot], most: int = MOST_ROWS) -> tuple[TrainingSnapshot, ...]:
    """Return the windows with about ``most`` rows in all; others at each cut-off, so that more customers are seen.

    Who stays hangs on key and day alone, not on who else is there.
    """
    total = sum(map(len, windows))
    if total <= most:
        return tuple(windows)
    limit = np.uint64(int(most / total * 2**64))
    return tuple(window.rows(_mixed(window.keys, window.day) < limit) for window in windows)


def _mixed(keys: Keys, day: int) -> Keys:
    # the finaliser of splitmix64 (Steele, Lea and Flood 2014, OOPSLA): neighbouring days give unlike numbers
    with np.errstate(over="ignore"):
        mixed = keys ^ (np.uint64(day % 2**32) * np.uint64(0x9E3779B97F4A7C15))
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
