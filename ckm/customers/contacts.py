"""Interactions of customers: complaints, invoice events, ratings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.day_totals import NEVER
from ckm.customers.definitions import local_day
from ckm.customers.value_codes import positions
from ckm.errors import InputError, UsageError
from ckm.schema import RATING_SCALES
from ckm.wording import counted
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from numpy.typing import NDArray

    Days = NDArray[np.int32]

LOWEST_SATISFIED = {"nps_0_10": 7, "csat_1_5": 3, "ces_1_7": 4}
"""Lowest rating of a satisfied customer, by scale. On the scale 0 to 10, lower ratings are those of detractors
(Reichheld, HBR 12/2003); on the other scales, lower ratings are those below the middle."""
OPEN_FOR_DAYS = 180
"""Days after which a complaint without a resolution date no longer counts as open: it was probably resolved without a
record."""

INVOICE_TOPICS = Path(__file__).parents[1] / "data" / "invoice_topics.yaml"
INVOICE_TOPICS_SCHEMA = "ckm.invoice_topics/1"

_NEEDED = ("customer_id", "at", "kind")
_OPTIONAL = {"topic": pl.String(), "rating": pl.Float64(), "scale": pl.String(), "resolved_at": None}


@dataclass(frozen=True)
class Events:
    """Events of customers, sorted by customer and time.

    Attributes
    ----------
    codes, days
        Customer code and day of each event.
    first_day
        First day with an event of any customer; before it, events are unknown.
    """

    codes: NDArray[np.uint32]
    days: Days
    first_day: int

    def of(self, codes: NDArray[np.uint32]) -> tuple[Events, NDArray[np.bool_]]:
        """Return the events of the customers ``codes`` (ascending), whose new code is the position; and a mask."""
        mine, new = positions(codes, self.codes)
        return Events(new, self.days[mine], self.first_day), mine

    def count(self, customers: int, after: int, until: int) -> NDArray[np.int64]:
        """Return the number of events of each customer code in the days ``(after, until]``."""
        within = (self.days > after) & (self.days <= until)
        return np.bincount(self.codes[within], minlength=customers)


@dataclass(frozen=True)
class Contacts:
    """Complaints, events about invoices and ratings.

    Attributes
    ----------
    complaints, invoices, ratings
        Events of each kind.
    resolved
        Day on which each complaint was resolved; :data:`ckm.customers.day_totals.NEVER` if it is open.
    scores
        Each rating as a share of its scale, 0 the worst and 1 the best.
    low
        Whether each rating is below :data:`LOWEST_SATISFIED`.
    remarks
        Remarks for the user.
    """

    complaints: Events
    resolved: Days
    invoices: Events
    ratings: Events
    scores: NDArray[np.float64]
    low: NDArray[np.bool_]
    remarks: tuple[str, ...] = ()

    def of(self, codes: NDArray[np.uint32]) -> Contacts:
        """Return the contacts of the customers ``codes`` (ascending), whose new code is the position in ``codes``."""
        complaints, complained = self.complaints.of(codes)
        ratings, rated = self.ratings.of(codes)
        return Contacts(
            complaints=complaints,
            resolved=self.resolved[complained],
            invoices=self.invoices.of(codes)[0],
            ratings=ratings,
            scores=self.scores[rated],
            low=self.low[rated],
            remarks=self.remarks,
        )

    def open_complaints(self, customers: int, day: int) -> NDArray[np.int64]:
        """Return, for each customer code, the complaints of the last 180 days that are open at the end of ``day``."""
        made = self.complaints.days
        still_open = (made > day - OPEN_FOR_DAYS) & (made <= day) & (self.resolved > day)
        return np.bincount(self.complaints.codes[still_open], minlength=customers)

    def last_score(self, customers: int, day: int) -> NDArray[np.float64]:
        """Return the latest rating of each customer code up to ``day``, as a share of its scale; NaN without one."""
        seen = self.ratings.days <= day
        last = np.full(customers, np.nan)
        last[self.ratings.codes[seen]] = self.scores[seen]  # sorted by time, so that the latest rating is assigned last
        return last

    def low_ratings(self, customers: int, after: int, until: int) -> NDArray[np.int64]:
        """Return, for each customer code, the ratings below :data:`LOWEST_SATISFIED` in the days ``(after, until]``."""
        low = Events(self.ratings.codes[self.low], self.ratings.days[self.low], NEVER)
        return low.count(customers, after, until)


def read_contacts(
    interactions: pl.LazyFrame | None,
    codes: pl.Expr,
    *,
    until: datetime,
    time_zone: str,
) -> Contacts:
    """Read the interactions of customers; without the table the result is empty.

    Parameters
    ----------
    interactions
        Interactions with ``customer_id``, ``at`` and ``kind``; ``topic``, ``rating``, ``scale`` and ``resolved_at`` may
        be absent.
    codes
        Expression of a customer's code from ``customer_id``; null for customers without a purchase, who are omitted.
    until
        End of the data; rows at or after this instant are not used.
    time_zone
        Time zone of the days.

    Raises
    ------
    InputError
        A column is missing.
    """
    if interactions is None:
        return _nothing()
    rows = _rows(interactions, codes, until, time_zone)
    kind = pl.col("kind")
    complaints, complained = _events(rows.filter(kind == "complaint"))
    invoices, _ = _events(rows.filter((kind == "event") & pl.col("topic").str.to_lowercase().is_in(invoice_topics())))
    rated = rows.filter(pl.col("rating").is_not_null())
    unknown_scale = rated["score"].null_count()
    ratings, scored = _events(rated.drop_nulls("score"))
    remark = f"{counted(unknown_scale, 'rating')} without a known scale: not used"
    return Contacts(
        complaints=complaints,
        resolved=complained["resolved"].to_numpy(),
        invoices=invoices,
        ratings=ratings,
        scores=scored["score"].to_numpy(),
        low=scored["low"].to_numpy(),
        remarks=(remark,) if unknown_scale else (),
    )


@cache
def invoice_topics() -> tuple[str, ...]:
    """Return the topics of invoice events, in lower case."""
    document = read_yaml(INVOICE_TOPICS)
    assert document is not None
    keys = document.fields(("schema", "topics"))
    if keys["schema"].text() != INVOICE_TOPICS_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: not a list of invoice topics")
    return tuple(item.text() for item in keys["topics"].items())


def _rows(interactions: pl.LazyFrame, codes: pl.Expr, until: datetime, time_zone: str) -> pl.DataFrame:
    """Return one row per interaction, sorted by customer and time.

    ``code``, ``day``, ``at``, ``kind``, ``topic``, ``resolved``, ``rating``, ``score``, ``low``.
    """
    schema = interactions.collect_schema()
    for column in _NEEDED:
        if column not in schema:
            raise InputError(
                f"interactions: no column '{column}'", hint=f"there are: {', '.join(schema.names())}", column=column
            )
    instant = schema["at"]
    filled = interactions.with_columns(
        pl.lit(None, dtype=dtype or instant).alias(name)
        for name, dtype in _OPTIONAL.items()
        if schema.get(name, pl.Null()) == pl.Null()
    )
    days = filled.filter(pl.col("at") < until).with_columns(
        day=local_day("at", time_zone), resolved=local_day("resolved_at", time_zone)
    )
    rating = pl.col("rating").cast(pl.Float64)
    lowest, highest = (_of_scale({name: ends[end] for name, ends in RATING_SCALES.items()}) for end in (0, 1))
    day = pl.col("day").to_physical()
    resolved = pl.when(pl.col("resolved_at") < until).then(pl.col("resolved").to_physical())
    return (
        days.select(
            codes.alias("code"),
            day,
            "at",
            pl.col("kind", "topic").cast(pl.String),
            # a complaint resolved before it was made has a data error: it counts as resolved
            resolved=pl.when(resolved.is_null()).then(NEVER).otherwise(pl.max_horizontal(resolved, day)),
            rating=rating,
            score=((rating - lowest) / (highest - lowest)).clip(0.0, 1.0),
            low=rating < _of_scale(LOWEST_SATISFIED),
        )
        # of two ratings at one instant the lower one is last, so that the order of rows does not matter
        .sort("code", "at", "score", "resolved", descending=[False, False, True, False])
        .collect(engine="streaming")
    )


def _of_scale(values: Mapping[str, float]) -> pl.Expr:
    scale = pl.col("scale").cast(pl.String)
    return scale.replace_strict(dict(values), default=None, return_dtype=pl.Float64)


def _events(rows: pl.DataFrame) -> tuple[Events, pl.DataFrame]:
    """Return the events of customers, and the rows of these events.

    ``first_day`` is the first day of all rows, also of rows without a customer code.
    """
    first = rows["day"].min()
    known = rows.drop_nulls("code")
    events = Events(known["code"].to_numpy(), known["day"].to_numpy(), NEVER if first is None else int(str(first)))
    return events, known


def _nothing() -> Contacts:
    days = np.empty(0, np.int32)
    events = Events(days.astype(np.uint32), days, NEVER)
    return Contacts(events, days, events, events, days.astype(np.float64), days.astype(np.bool_))
