"""Whole shops for the tests of metrics: the generated example shop, and real data sets where they are available."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import polars as pl

from ckm.example import days
from tests._churn.shops import example_world
from tests.test_segment import cdnow_master, online_retail

ZONE = "Europe/Berlin"


@cache
def example_frames() -> dict[str, pl.DataFrame]:
    """Return the tables of the example shop from the generator, without its export files."""
    world = example_world()
    lines = [
        (each.customer_id, days.in_utc(each.day, each.minute, days.BERLIN), line.net / 100, each.kind, each.channel,
         line.product.category)
        for each in world.orders
        for line in each.lines
    ]  # fmt: skip
    transactions = pl.DataFrame(
        lines, schema=["customer_id", "ordered_at", "net", "type", "channel", "category"], orient="row"
    )
    customers = [
        (each.customer_id, each.party_type, each.country, days.as_date(each.created)) for each in world.customers
    ]
    return {
        "transactions": transactions.with_columns(
            pl.col("ordered_at").cast(pl.Datetime("us", "UTC")), currency=pl.lit("EUR")
        ),
        "customers": pl.DataFrame(
            customers, schema=["customer_id", "party_type", "country", "created_on"], orient="row"
        ),
    }


def example_shop() -> dict[str, pl.LazyFrame]:
    return {name: frame.lazy() for name, frame in example_frames().items()}


@cache
def _cdnow() -> pl.DataFrame:
    return cdnow_master().collect()


def cdnow() -> dict[str, pl.LazyFrame]:
    return {"transactions": _cdnow().lazy()}


@cache
def _retail() -> pl.DataFrame:
    return online_retail().collect()


def retail() -> dict[str, pl.LazyFrame]:
    return {"transactions": _retail().lazy()}


SHOPS: dict[str, tuple[Callable[[], dict[str, pl.LazyFrame]], str, int]] = {
    "example": (example_shop, ZONE, 12),
    "cdnow": (cdnow, "UTC", 6),
    "online retail": (retail, "UTC", 3),
}
"""Shops by name: function of the tables, time zone, and months of a period that can be compared."""
