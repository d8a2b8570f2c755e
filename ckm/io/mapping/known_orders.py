"""Look up orders of the store or of earlier files, which a page of an export may continue."""

from __future__ import annotations

from collections.abc import Callable, Collection

import polars as pl

from ckm.io.mapping.order_parts import cut_orders, has_order_amounts
from ckm.io.mapping.stored_amounts import STORED_AMOUNTS
from ckm.schema import is_refund_of_line

BEFORE = "\x00before"
"""Helper column: the products of the known lines of an order, or the number of known lines with a line's product."""
KNOWN = ("order_id", "customer_id", "ordered_at", "currency", "channel", "campaign_id")
"""Columns that all lines of an order share."""

KnownOrders = Callable[[list[str]], pl.DataFrame]


def known_orders(rows: pl.LazyFrame, pages: Collection[str] = ()) -> KnownOrders:
    """Return a function that looks up orders by their numbers in rows of transactions.

    ``pages`` are the files of the last export of the source.
    """
    there = [name for name in KNOWN if name in rows.collect_schema()]

    def look_up(orders: list[str]) -> pl.DataFrame:
        of_orders = rows.filter(pl.col("order_id").is_in(orders)).collect()
        found = of_orders.group_by("order_id", maintain_order=True)
        shared = (pl.col(name).drop_nulls().first() for name in there[1:])
        known = found.agg(*shared, (pl.col("type") == "cancel").all().alias("cancelled"))
        return known.join(_lines_before(of_orders, pages), on="order_id", how="left", maintain_order="left")

    return look_up


def _lines_before(rows: pl.DataFrame, pages: Collection[str]) -> pl.DataFrame:
    """Return, per order, the products of the known lines to which a further page adds lines (``BEFORE``).

    For an incomplete order these are the lines from the file of the order's first line and from other ``pages`` of the
    same export; for a complete order only the first line.
    """
    if STORED_AMOUNTS not in rows.columns or "product_id" not in rows.columns:
        return pl.DataFrame(schema={"order_id": pl.String(), BEFORE: pl.List(pl.String())})
    is_cut = pl.col("order_id").is_in(cut_orders(rows)["order_id"].implode())
    of_first = pl.lit(value=True)
    if "source_file" in rows.columns:  # lines of other exports are left out: they may repeat a line
        first_file = pl.col("source_file").filter(has_order_amounts()).first().over("order_id")
        in_pages = pl.col("source_file").is_in([*pages]) & first_file.is_in([*pages])
        of_first = (pl.col("source_file") == first_file) | in_pages
    lines = rows.filter(~is_refund_of_line() & ((is_cut & of_first) | has_order_amounts()))
    return lines.group_by("order_id").agg(pl.col("product_id").fill_null("").alias(BEFORE))


def times_before(known: pl.DataFrame, lines: pl.DataFrame) -> pl.Series:
    """Return, for each of ``lines``, the number of known lines of the same order and product."""
    product = pl.col("product_id") if "product_id" in lines.columns else pl.lit(None, dtype=pl.String)
    wanted = lines.select("order_id", product.fill_null("").alias("product_id"))
    before = known.select("order_id", pl.col(BEFORE).alias("product_id")).unique("order_id").drop_nulls()
    counts = before.explode("product_id").group_by("order_id", "product_id").len(BEFORE)
    found = wanted.join(counts, on=["order_id", "product_id"], how="left", maintain_order="left")
    return found[BEFORE].fill_null(0).cast(pl.Int64)
