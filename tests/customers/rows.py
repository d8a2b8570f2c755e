"""Transactions written row by row, and the features of a customer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ckm.customers.features import FeatureTable, feature_table

START = datetime(2024, 3, 1, tzinfo=UTC)  # a Friday
SCHEMA = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "type": pl.String,
    "category": pl.String,
    "channel": pl.String,
    "cost": pl.Float64,
    "discount": pl.Float64,
    "currency": pl.String,
}


def frame(*rows: tuple[Any, ...]) -> pl.LazyFrame:
    return pl.LazyFrame(list(rows), schema=SCHEMA, orient="row")


def row(
    customer: str | None,
    day: float,
    net: float,
    kind: str = "sale",
    *,
    category: str | None = None,
    channel: str | None = None,
    cost: float | None = None,
    discount: float | None = None,
) -> tuple[Any, ...]:
    return customer, START + timedelta(days=day, hours=12), net, kind, category, channel, cost, discount, "EUR"


def table(*rows: tuple[Any, ...], **options: Any) -> FeatureTable:
    return feature_table({"transactions": frame(*rows)}, **options)


def of(found: FeatureTable, customer: str, *columns: str) -> Any:
    one = found.frame.filter(pl.col("customer_id") == customer).select(columns).row(0)
    return one[0] if len(columns) == 1 else one
