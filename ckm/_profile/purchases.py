"""Purchases of the customer: orders, net sales, last orders, and products not to offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._profile.figures import NotKnown, ProfileFigure, ProfileSection, ProfileTable
from ckm._profile.record import INTERACTIONS
from ckm.customers.definitions import is_purchase, local_day
from ckm.dataset import TRANSACTIONS
from ckm.schema import NO_CURRENCY, TABLES, Exposure

if TYPE_CHECKING:
    from ckm._profile.record import CustomerRecord
    from ckm.customers.features import FeatureTable

TITLE = "Orders and value"
LAST_ORDERS = 5
MOST_ITEMS = 5
"""Maximum number of items listed per order; the others are counted."""
FIGURES = {
    "orders": ("Orders", ""),
    "frequency": ("Purchase days", ""),
    "first_purchase": ("First purchase", ""),
    "last_purchase": ("Last purchase", ""),
    "recency_days": ("Recency", "days"),
    "net_total": ("Net sales", "money"),
    "spend_12mo": ("Net sales, last 12 months", "money"),
    "spend_previous_12mo": ("Net sales, 12 months before", "money"),
    "order_value_mean": ("Average order value", "money"),
    "return_share": ("Return share", "%"),
    "category_main": ("Main category", ""),
    "channel_main": ("Main channel", ""),
}
"""Features that are shown, with label and unit; :mod:`ckm.customers.features` defines them."""
OF_GROUPS = ("category_main", "channel_main")


def purchases(record: CustomerRecord, table: FeatureTable | None) -> ProfileSection:
    """Return the section on orders and net sales of the customer, with the last orders and their items.

    Parameters
    ----------
    record
        Rows of the customer.
    table
        Features of the customer; None without a purchase.
    """
    if table is None:
        return ProfileSection("purchases", TITLE, not_known=(NotKnown("orders", "no purchase", Exposure.amount),))
    values, source = table.frame.row(0, named=True), record.source(TRANSACTIONS)
    money_known = table.currency != NO_CURRENCY
    figures = [
        ProfileFigure(
            name,
            label,
            values[name],
            source,
            record.as_of,
            Exposure.group if name in OF_GROUPS else Exposure.amount,
            table.currency if unit == "money" else unit,
        )
        for name, (label, unit) in FIGURES.items()
        if values.get(name) is not None and (money_known or unit != "money")
    ]
    unknown = () if money_known else (NotKnown("net sales", "the data have no amounts", Exposure.amount),)
    return ProfileSection("purchases", TITLE, tuple(figures), (_last_orders(record, source),), unknown)


def _last_orders(record: CustomerRecord, source: str) -> ProfileTable:
    """Return the table of the newest orders: day of the first purchase line, their net amount, and items."""
    bought = _lines(record).filter(is_purchase())
    item = pl.col("item") + pl.when(pl.col("quantity").is_not_null()).then(
        pl.format(" × {}", pl.col("quantity").cast(pl.String).str.strip_suffix(".0"))
    ).otherwise(pl.lit(""))
    orders = (
        bought.with_columns(shown=item)
        .group_by("order")
        .agg(
            pl.col("day").min(),
            pl.col("channel").drop_nulls().first(),
            pl.col("net").sum().round(4),
            items=pl.col("shown").drop_nulls().head(MOST_ITEMS).str.join(", "),
            rest=pl.col("shown").drop_nulls().len().cast(pl.Int64) - MOST_ITEMS,
        )
        .sort("day", "order", descending=[True, False])
        .head(LAST_ORDERS)
    )
    more = pl.when(pl.col("rest") > 0).then(pl.format(" and {} more", "rest")).otherwise(pl.lit(""))
    shown = orders.select("day", "order", "channel", "net", (pl.col("items") + more).alias("items"))
    of = TABLES[TRANSACTIONS].exposure
    columns = {
        "day": Exposure.amount, "order": of("order_id"), "channel": of("channel"), "net": of("net"),
        "items": of("quantity"),  # items show quantities, so the exposure is that of quantity
    }  # fmt: skip
    title = f"Last {shown.height} orders" if shown.height > 1 else "Last order"
    return ProfileTable("last_orders", title, columns, tuple(shown.rows()), source, record.as_of)


def _lines(record: CustomerRecord) -> pl.DataFrame:
    """Return the customer's transaction lines with ``day``, ``order`` and ``item``, sorted by order, line and product.

    ``order`` is the order id, else the time of the order; ``item`` is the product id with its category, else the
    category.
    """
    rows = record.rows(TRANSACTIONS)
    missing = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in TABLES[TRANSACTIONS].dtypes.items()
        if name not in rows.columns
    ]
    filled = rows.with_columns(missing)
    order = pl.coalesce(pl.col("order_id").cast(pl.String), pl.col("ordered_at").cast(pl.String))
    category = pl.when(pl.col("category").is_not_null()).then(pl.format(" ({})", "category")).otherwise(pl.lit(""))
    item = pl.coalesce(pl.col("product_id").cast(pl.String) + category, pl.col("category").cast(pl.String))
    return filled.with_columns(
        day=local_day("ordered_at", record.time_zone), order=order, item=item
    ).sort("order", "ordered_at", "line_no", "product_id", nulls_last=True)  # fmt: skip


def not_to_offer(record: CustomerRecord) -> ProfileSection:
    """Return the section on products and categories not to offer, each with the reason.

    These are discontinued categories that the customer bought, products that the customer complained about, and
    products that the customer returned.
    """
    found = [*_discontinued(record), *_complained(record), *_returned(record)]
    if not found:
        unknown = NotKnown("products not to offer", "none discontinued, complained about or returned")
        return ProfileSection("not_to_offer", "What not to offer", not_known=(unknown,))
    columns = {
        "what": Exposure.group, "why": Exposure.group, "day": Exposure.amount, "source": Exposure.group,
    }  # fmt: skip
    table = ProfileTable("not_to_offer", "What not to offer", columns, tuple(found), "see each row", record.as_of)
    return ProfileSection("not_to_offer", "What not to offer", tables=(table,))


def _discontinued(record: CustomerRecord) -> list[tuple[object, ...]]:
    rows = record.rows(TRANSACTIONS)
    if "category" not in rows.columns:
        return []
    bought = _lines(record).filter(is_purchase() & pl.col("category").is_in(sorted(record.shop.discontinued)))
    last = bought.group_by("category").agg(pl.col("day").max()).sort("category")
    source = "transactions of all customers"
    return [(f"category {name}", "discontinued; last bought", day, source) for name, day in last.iter_rows()]


def _complained(record: CustomerRecord) -> list[tuple[object, ...]]:
    rows = record.rows(INTERACTIONS)
    if not {"kind", "product_id"} <= set(rows.columns):
        return []
    complaints = rows.filter((pl.col("kind") == "complaint") & pl.col("product_id").is_not_null())
    by_product = complaints.group_by("product_id").agg(local_day("at", record.time_zone).max()).sort("product_id")
    source = record.source(INTERACTIONS)
    return [(product, "complained about", day, source) for product, day in by_product.iter_rows()]


def _returned(record: CustomerRecord) -> list[tuple[object, ...]]:
    returns = _lines(record) if TRANSACTIONS in record.tables else pl.DataFrame()
    if returns.is_empty():
        return []
    sent_back = returns.filter((pl.col("type") != "cancel") & ~is_purchase() & pl.col("product_id").is_not_null())
    by_product = sent_back.group_by("product_id").agg(pl.col("day").max()).sort("product_id")
    source = record.source(TRANSACTIONS)
    return [(product, "returned", day, source) for product, day in by_product.iter_rows()]
