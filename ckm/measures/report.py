"""A loyalty report: what was measured in a period, what cannot be said, and what changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

if TYPE_CHECKING:
    from datetime import date

    from ckm.measures.measure import Measures, Missing
    from ckm.measures.period import Comparison, Period

LOYAL_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "customer_id": pl.String,
    "rule": pl.String,
    "orders": pl.Int64,
    "revenue": pl.Float64,
    "last_purchase": pl.Date,
    "attitude": pl.String,
}
"""Columns of the list of loyal customers, the best first; ``display_name`` comes after them with names only."""


@dataclass(frozen=True)
class Driver:
    """A slice that drove a change.

    Attributes
    ----------
    dimension, value
        Such as ``channel`` and ``web``.
    change
        What it added, in the unit of the measure.
    """

    dimension: str
    value: str
    change: float


@dataclass(frozen=True)
class Change:
    """One of the few changes that matter.

    Attributes
    ----------
    measure
        In the book of measures.
    value, previous
        Of the period and of the one that is compared with.
    lo, hi
        Ends of the 95 % interval of the change ``value - previous``; None where it is counted, not estimated.
    drivers
        Slices behind it, the largest first.
    slice
        What it is of; empty for everybody.
    """

    measure: str
    value: float
    previous: float
    lo: float | None = None
    hi: float | None = None
    drivers: tuple[Driver, ...] = ()
    slice: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Goal:
    """What the team wants to reach, and where it stands.

    Attributes
    ----------
    name
        A measure of the book.
    wanted, direction
        At least (``>=``) or at most (``<=``) so much.
    value, lo, hi
        What was reached; the interval where it is an estimate. None where it cannot be said.
    on_track
        None where it cannot be told: there is no value, or the wanted number lies within the interval.
    """

    name: str
    wanted: float
    direction: Literal[">=", "<="]
    value: float | None
    lo: float | None
    hi: float | None
    on_track: bool | None


@dataclass(frozen=True)
class LoyaltyReport:
    """What was measured of customers and their loyalty in a period.

    Attributes
    ----------
    label
        What was read, as the command names it.
    period, compared, comparison
        The period, the one that it is held against, and how that was chosen.
    as_of
        No row after this day was read.
    currency, time_zone
        Of all money; of all days.
    measures
        All numbers, by the names of the book. With ``by``, the slices' measures carry ``(by, value)`` first in their
        slice.
    missing
        What cannot be said, and why.
    drivers
        The few changes that matter, the most important first.
    goals
        As ``ckm.yaml`` gives them; empty where none is set.
    loyal
        Loyal customers, with the columns of :data:`LOYAL_COLUMNS`.
    by
        The dimension that measures are repeated by.
    names
        Whether customers' names may be shown.
    remarks
        What a reader must know besides, in English.
    """

    label: str
    period: Period
    compared: Period
    comparison: Comparison
    as_of: date
    currency: str
    time_zone: str
    measures: Measures
    missing: tuple[Missing, ...] = ()
    drivers: tuple[Change, ...] = ()
    goals: tuple[Goal, ...] = ()
    loyal: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOYAL_COLUMNS))
    by: str | None = None
    names: bool = False
    remarks: tuple[str, ...] = ()
