"""Ratings of customers: the newest response of each customer and scale in a period."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.customers.calendar import day_number
from ckm.customers.definitions import local_day
from ckm.schema import RATING_SCALES
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext

NEEDED = ("customer_id", "at", "rating", "scale")
"""Required columns of the interactions; if one is absent, there are no ratings."""


@dataclass(frozen=True)
class Ratings:
    """Ratings on the scales of :data:`ckm.schema.RATING_SCALES` up to the as-of date.

    Attributes
    ----------
    frame
        ``code`` (of the ledger; null for persons not in it or without an id), ``named`` (whether the row has a customer
        id), ``day`` (Int32, days since 1970), ``scale``, ``rating`` (Float64); the oldest first.
    """

    frame: pl.DataFrame

    def newest(self, period: Period) -> pl.DataFrame:
        """Return each customer's newest rating of a period on each scale: ``code``, ``scale``, ``rating``."""
        return (
            self._within(period)
            .drop_nulls("code")
            .group_by("code", "scale")
            .agg(pl.col("rating").last())
            .sort("code", "scale")
            .collect()
        )

    def newest_of_any(self, period: Period) -> pl.DataFrame:
        """Return each customer's newest rating of a period over all scales: ``code``, ``scale``, ``rating``."""
        return (
            self._within(period)
            .drop_nulls("code")
            .group_by("code")
            .agg(pl.col("scale", "rating").last())
            .sort("code")
            .collect()
        )

    def of(self, customers: pl.Series, part: pl.Series) -> Ratings:
        """Return the ratings of the customers ``part``, whose codes are positions in ``part``.

        Parameters
        ----------
        customers
            Customer ids by code in :attr:`frame`.
        part
            Ids of the selected customers by code in their ledger.
        """
        codes = self.frame["code"].drop_nulls().unique()
        known = pl.LazyFrame({"code": codes, "customer_id": customers.gather(codes)})
        selected = known.join(part.to_frame("customer_id").lazy().with_row_index("becomes"), on="customer_id")
        return Ratings(
            self.frame.lazy()
            .join(selected.drop("customer_id"), on="code", maintain_order="left")
            .with_columns(code="becomes")
            .drop("becomes")
            .collect()
        )

    def without_customer(self, period: Period) -> int:
        """Return the number of ratings in a period without a customer id."""
        return self._within(period).filter(~pl.col("named")).collect().height

    def _within(self, period: Period) -> pl.LazyFrame:
        first, last = day_number(period.first), day_number(period.last)
        return self.frame.lazy().filter(pl.col("day").is_between(first, last))


def read_ratings(context: ReportContext) -> Ratings | None:
    """Read the ratings of all customers up to the report's day; None if the table lacks columns for ratings.

    Of two ratings of a customer at one instant, the worse one counts as the newer, so that the order of rows does not
    matter.
    """
    interactions = context.tables.get("interactions")
    if interactions is None or not set(NEEDED) <= set(interactions.collect_schema().names()):
        return None
    time_zone = context.ledger.time_zone
    scale, rating = pl.col("scale").cast(pl.String), pl.col("rating").cast(pl.Float64)
    rated = interactions.select(pl.col("customer_id").cast(pl.String), "at", scale=scale, rating=rating).filter(
        pl.col("rating").is_not_null(),
        pl.col("scale").is_in(list(RATING_SCALES)),
        pl.col("at") < end_of_day(context.as_of, time_zone),
    )
    codes = context.ledger.customers.to_frame("customer_id").lazy().with_row_index("code")
    frame = (
        rated.with_columns(day=local_day("at", time_zone))
        .with_columns(pl.col("day").to_physical(), named=pl.col("customer_id").is_not_null())
        .join(codes, on="customer_id", how="left")
        .sort("at", "code", "scale", "rating", descending=[False, False, False, True])
        .select("code", "named", "day", "scale", "rating")
        .collect()
    )
    return Ratings(frame)
