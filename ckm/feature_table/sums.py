"""The sums that features are made of, collected: one row per customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import narwhals as nw
import polars as pl

from ckm.errors import InputError
from ckm.feature_table.view import SUM_LIMIT, View, collect, counted
from ckm.features import (
    Period,
    gap_histogram,
    main_values,
    purchase_counts,
    purchase_days,
    purchase_gaps,
    rhythm_features,
    spend_features,
    visit_counts,
)

if TYPE_CHECKING:
    from datetime import date

OTHER = "other"
"""What the channels beyond the most common are called together."""
MOST_CHANNELS = 8
"""Channels with a column of their own."""
PARTY_COLUMNS = ("party_type", "country", "region", "lang")
"""What is taken over from the customers' own table."""


@dataclass(frozen=True)
class Habits:
    """When, what and where customers buy.

    Attributes
    ----------
    rhythm
        Of :func:`ckm.features.rhythm_features`.
    gaps
        Of :func:`ckm.features.gap_histogram`; not one row per customer.
    categories, channels
        Of :func:`ckm.features.main_values`.
    visits
        Purchase days through each of ``common_channels``, ``visits_NAME``, and the rest, ``visits_other``.
    common_channels
        The most common ones, of all purchase days; of equally common ones the first by name.
    """

    rhythm: pl.DataFrame
    gaps: pl.DataFrame
    categories: pl.DataFrame
    channels: pl.DataFrame
    visits: pl.DataFrame
    common_channels: tuple[str, ...]


def spend_sums(view: View, window: int | None) -> pl.DataFrame:
    """Sums of :func:`ckm.features.spend_features`, of all time, the last and the previous year, and the window."""
    year = view.since(12)
    periods = [
        Period("all", None, view.until),
        Period("year", year, view.until),
        Period("previous", view.since(24), year),
    ]
    if window is not None:
        periods.append(Period("window", view.since(window), view.until))
    return collect(spend_features(view.frame, until=view.until, money_scale=view.scale, periods=tuple(periods)))


def habit_sums(view: View, spend: pl.DataFrame) -> Habits:
    """Collect days, gaps, categories and channels.

    Parameters
    ----------
    view
        The transactions.
    spend
        Of :func:`spend_sums`; the largest total bounds the sums behind the trend.
    """
    visits, categories = pl.collect_all(
        [
            purchase_days(
                view.frame, until=view.until, time_zone=view.time_zone, money_scale=view.scale, by=("channel",)
            ).to_native(),
            purchase_counts(view.frame, "category", until=view.until).to_native(),
        ],
        engine="streaming",
    )
    channels = collect(visit_counts(nw.from_native(visits.lazy()), "channel"))
    days = visits.lazy().group_by("customer_id", "day").agg(pl.col("money").sum())
    gaps = nw.from_native(collect(purchase_gaps(nw.from_native(days))).lazy())
    origin, latest = collect(gaps.select(nw.col("number").min(), last=nw.col("number").max())).row(0)
    largest_total = int(spend.select(pl.max("all_bought")).item())
    divisor = 1
    while largest_total // divisor * (latest - origin) >= SUM_LIMIT:
        divisor *= 10
    common = (
        channels.filter(pl.col("value") != OTHER)
        .group_by("value")
        .agg(pl.col("count").sum())
        .sort("count", "value", descending=[True, False])["value"]
        .head(MOST_CHANNELS)
    )
    return Habits(
        rhythm=collect(rhythm_features(gaps, origin=origin, money_divisor=divisor)),
        gaps=collect(gap_histogram(gaps)),
        categories=collect(main_values(nw.from_native(categories.lazy()))),
        channels=collect(main_values(nw.from_native(channels.lazy()))),
        visits=_channel_visits(channels, tuple(common)),
        common_channels=tuple(common),
    )


def prospects(customers: pl.LazyFrame, known: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """``customer_id`` of those who were created by ``as_of``, are no suppliers, and are not among the ``known``."""
    there = customers.collect_schema()
    asked = pl.lit(True)
    if "created_on" in there:
        asked &= pl.col("created_on").is_null() | (pl.col("created_on").cast(pl.Date) <= as_of)
    if "party_type" in there:
        asked &= pl.col("party_type").cast(pl.String).ne_missing("supplier")
    return (
        customers.filter(asked)
        .select(pl.col("customer_id").cast(pl.String))
        .drop_nulls()
        .unique()
        .join(known.lazy(), on="customer_id", how="anti")
        .collect()
    )


def party(customers: pl.LazyFrame | None) -> pl.DataFrame:
    """``customer_id`` and :data:`PARTY_COLUMNS`, null where the table or the column is absent.

    Raises
    ------
    InputError
        A customer stands in the table more than once.
    """
    if customers is None:
        return pl.DataFrame(schema={"customer_id": pl.String} | dict.fromkeys(PARTY_COLUMNS, pl.String))
    there = customers.collect_schema()
    party = customers.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(pl.String).alias(name)
        for name in ("customer_id", *PARTY_COLUMNS)
    ).collect()
    doubled = party.height - party["customer_id"].n_unique()
    if doubled:
        raise InputError(
            f"customers: {counted(doubled, 'row')} too many, because a customer stands there more than once",
            hint="keep one row for each 'customer_id'",
            column="customer_id",
        )
    return party


def total(frame: pl.DataFrame, column: str) -> int:
    """Sum of whole numbers over all customers."""
    return int(frame[column].sum())


def _channel_visits(counts: pl.DataFrame, channels: tuple[str, ...]) -> pl.DataFrame:
    value, count = pl.col("value"), pl.col("count")
    return (
        counts.lazy()
        .group_by("customer_id")
        .agg(
            *(count.filter(value == channel).sum().alias(f"visits_{channel}") for channel in channels),
            count.filter(~value.is_in(list(channels))).sum().alias(f"visits_{OTHER}"),
        )
        .collect(engine="streaming")
    )
