"""Match orders of two sources by number, or by amount, day and customer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.checked_table import DAY
from ckm.schema import RESERVED_COLUMNS, TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLE = 2_000
"""Sample size of orders for finding the column that refers to orders or customers of another source."""
MOST_COLUMNS = 60
LINKS = 0.5
"""Minimum share of sampled values that match an order or a customer of the other source."""
ORDER, NUMBER, AMOUNT, CUSTOMER, TEXTS = "order_id", "number", "amount", "customer", "texts"
CENTS = 100
NEVER_LINKS = ("source", "source_file", "load_id", "currency", "type", "channel", "category", "product_id")


@dataclass(frozen=True)
class SourceOrders:
    """The orders of one source.

    Attributes
    ----------
    frame
        A row per order: ``order_id``, ``number`` (normalised, without signs and spaces), ``day``, ``amount``
        (of its goods, in hundredths), ``customer``, ``bought`` (false if cancelled), and the
        first value of each other column of text.
    """

    frame: pl.DataFrame

    @classmethod
    def of(cls, transactions: pl.LazyFrame, sources: Sequence[str], *, with_texts: bool = True) -> SourceOrders:
        """Aggregate the orders of some sources from transactions with their day in ``DAY``."""
        schema = transactions.collect_schema()
        goods = (pl.col("type") != "return") & (pl.col("net") >= 0)
        bought = goods & (pl.col("type") != "cancel")
        customer = pl.col("customer_id").first() if "customer_id" in schema else pl.lit(None, dtype=pl.String)
        rows = transactions.filter(pl.col("source").is_in(list(sources)), pl.col(ORDER).is_not_null())
        texts = _filled_texts(rows) if with_texts else []
        orders = rows.group_by(ORDER).agg(
            pl.col(DAY).min().alias("day"),
            (pl.col("net").filter(goods).sum() * CENTS).round().cast(pl.Int64).alias(AMOUNT),
            customer.cast(pl.String).str.to_lowercase().alias(CUSTOMER),
            bought.any().alias("bought"),
            *(pl.col(name).drop_nulls().first() for name in texts),
        )
        number = number_of(pl.col(ORDER)).alias(NUMBER)
        return cls(orders.with_columns(number).sort(ORDER).collect(engine="streaming"))

    @property
    def texts(self) -> list[str]:
        """Columns that may refer to another source."""
        own = (ORDER, NUMBER, "day", AMOUNT, CUSTOMER, "bought")
        return [name for name in self.frame.columns if name not in own]


def _filled_texts(rows: pl.LazyFrame) -> list[str]:
    """Return the text columns that are filled in at least a quarter of the rows."""
    schema = rows.collect_schema()
    texts = [name for name, dtype in schema.items() if dtype == pl.String and name not in _not_texts()]
    counts = rows.select(pl.len().alias(""), *(pl.col(name).count() for name in texts)).collect(engine="streaming")
    filled = [name for name in texts if counts[name][0] * 4 > counts[""][0]]
    return filled[:MOST_COLUMNS]


def _not_texts() -> set[str]:
    known = {name for name in TABLES["transactions"].dtypes if name != "invoice_id"}
    return {*known, *RESERVED_COLUMNS, *NEVER_LINKS}


def number_of(text: pl.Expr) -> pl.Expr:
    """Return the normalised order number: ``#1001`` and ``Order 1001`` are 1001."""
    last = text.str.extract(r"([\p{L}\p{N}]+(?:[-_./][\p{L}\p{N}]+)*)\W*$")
    return last.str.to_lowercase()


def linked(orders: SourceOrders, others: SourceOrders) -> pl.DataFrame:
    """Match orders with the orders of another source.

    Each order matches at most one of ``others``; several may match the same one, such as repeated payments.

    Returns
    -------
    pl.DataFrame
        One row per match: ``order_id``, ``order_id of`` (of the other source), and ``by``: ``number``, or ``amount``
        (with day and customer).
    """
    found = []
    numbers = _naming(orders, number_of, others.frame[NUMBER].drop_nulls())
    if numbers is not None:
        by_number = others.frame.unique(NUMBER, keep="none").select(NUMBER, pl.col(ORDER).alias(f"{ORDER} of"))
        frame = orders.frame.select(ORDER, numbers.alias(NUMBER)).drop_nulls()
        found.append(frame.join(by_number, on=NUMBER).select(ORDER, f"{ORDER} of", by=pl.lit("number")))
    customers = _naming(orders, _lower, others.frame[CUSTOMER].drop_nulls().unique(), also=CUSTOMER)
    if customers is not None:
        keys = ["day", AMOUNT, CUSTOMER]
        own = others.frame.filter("bought", pl.col(CUSTOMER).is_not_null()).unique(keys, keep="none")
        frame = orders.frame.filter("bought").with_columns(customers.alias(CUSTOMER))
        pairs = frame.join(own.select(*keys, pl.col(ORDER).alias(f"{ORDER} of")), on=keys)
        found.append(pairs.select(ORDER, f"{ORDER} of", by=pl.lit("amount")))
    empty = pl.DataFrame(schema={ORDER: pl.String, f"{ORDER} of": pl.String, "by": pl.String})
    return pl.concat([empty, *found]).unique(ORDER, keep="first", maintain_order=True)


def _lower(text: pl.Expr) -> pl.Expr:
    return text.str.strip_chars().str.to_lowercase()


def _naming(
    orders: SourceOrders, read: Callable[[pl.Expr], pl.Expr], known: pl.Series, also: str = ORDER
) -> pl.Expr | None:
    """Return the column, normalised by ``read``, whose values are most often in ``known``; None if no column has many.

    ``known`` are order numbers or customers of another source; ``also`` is the first column that is tried.
    """
    sample = orders.frame.sample(min(SAMPLE, len(orders.frame)), seed=0)
    best, share = None, 0.0
    for name in dict.fromkeys([also, *orders.texts]):
        values = sample.select(read(pl.col(name)).drop_nulls()).to_series()
        hits = int(values.is_in(known.implode()).sum()) / max(1, len(values)) if len(values) > len(sample) / 4 else 0.0
        if hits > max(share, LINKS):
            best, share = name, hits
    return None if best is None else read(pl.col(best))
