"""What values a feature can have: its type, and where it begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.dictionary import load_dictionary

if TYPE_CHECKING:
    from ckm.customers.dictionary import Feature

COUNTING_UNITS = frozenset({"days", "purchase days", "rows", "gaps", "categories", "channels"})
"""Units of what is counted or lasts: never less than nothing."""
PARTS_OF_A_WHOLE = frozenset({"cost_known_share", "channel_share_*", "weekday_main_share", "weekend_share"})
"""Shares that lie in [0, 1]. Others need not: more may come back than was bought, and a discount be a surcharge."""
WEEKDAYS = (1, 7)
NEVER_NULL = "never"
"""Null rule of the data dictionary for features that every customer has."""


@dataclass(frozen=True)
class Domain:
    """The values of a feature.

    Attributes
    ----------
    dtype
        Its type in the feature table.
    low, high
        The least and the greatest number that it can be; None where there is no such bound.
    nullable
        Whether a customer may have no value.
    """

    dtype: pl.DataType
    low: float | None = None
    high: float | None = None
    nullable: bool = True


@cache
def domain_of(name: str) -> Domain | None:
    """Return the values of the feature ``name``; None where the dictionary has no such feature.

    Of the features that stand for one column per channel, any name with something behind ``channel_share_`` is one:
    the dictionary cannot know which channels there are.
    """
    found = (feature for feature in load_dictionary() if feature.names(name) and f"{name}*" != feature.name)
    feature = next(found, None)
    return None if feature is None else _domain(feature)


def known_features() -> list[str]:
    """Return what a rule can read, as the dictionary names it."""
    return [feature.name for feature in load_dictionary()]


def _domain(feature: Feature) -> Domain:
    low = high = None
    if feature.unit in COUNTING_UNITS:
        low = 0
    elif feature.name in PARTS_OF_A_WHOLE:
        low, high = 0, 1
    elif feature.name == "weekday_main":
        low, high = WEEKDAYS
    return Domain(getattr(pl, feature.dtype)(), low, high, nullable=feature.null_meaning != NEVER_NULL)
