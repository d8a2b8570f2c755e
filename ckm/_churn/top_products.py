"""Top category and top product of each customer, for the person who contacts them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.baskets import main_values
from ckm.customers.definitions import is_purchase, local_day
from ckm.customers.required_tables import readable
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.history import History
    from ckm.customers.ledger import Ledger

PRODUCT = "product_id"


def top_categories(history: History, codes: NDArray[np.uint32]) -> pl.Series:
    """Return the category that each customer bought on most days; of two, the first by name; null without one."""
    chosen = np.zeros(len(history.customers), dtype=np.bool_)
    chosen[codes] = True
    main = pl.concat(history.of_parts(_main_categories, chosen, days=()))
    wanted = pl.DataFrame({"code": codes}, schema={"code": pl.UInt32})
    return wanted.join(main, on="code", how="left", maintain_order="left")["top_category"]


def _main_categories(history: History, chosen: NDArray[np.bool_]) -> pl.DataFrame:
    """Return ``code`` and ``top_category`` of the customers in the mask ``chosen`` who have one."""
    main = main_values(history.ledger.categories.counts(of_days=True))
    codes = main["code"].to_numpy()
    of_all = pl.DataFrame({"code": history.own_codes[codes], "top_category": main["main"]})
    return of_all.filter(pl.Series(chosen[codes]))


def top_products(ledger: Ledger, transactions: pl.LazyFrame, customers: pl.Series, *, as_of: date) -> pl.Series:
    """Return the product that each customer bought on most days; of two, that of higher net sales; null without one.

    Reads only the rows of these customers.

    Parameters
    ----------
    ledger
        Ledger of the transactions.
    transactions
        Transactions, with the columns of :class:`ckm.schema.Transactions`; without ``product_id`` the result is null.
    customers
        Customer ids.
    as_of
        Later rows are not used.
    """
    wanted = customers.alias("customer_id").to_frame()
    if PRODUCT not in transactions.collect_schema() or customers.is_empty():
        return pl.Series("top_product", [None] * len(customers), pl.String)
    lines = partial(_product_lines, customers, as_of, ledger.time_zone)
    first = pl.concat(ledger.of_lines(transactions, lines, _most_bought))
    return wanted.join(first, on="customer_id", how="left", maintain_order="left")["top_product"]


def _product_lines(customers: pl.Series, as_of: date, time_zone: str, transactions: pl.LazyFrame) -> pl.LazyFrame:
    """Return customer, product, day and net of the purchases of some customers."""
    who = pl.col("customer_id").cast(pl.String)
    return transactions.filter(
        who.is_in(customers.implode()),
        is_purchase(),
        pl.col(PRODUCT).is_not_null(),
        pl.col("ordered_at") < end_of_day(as_of, time_zone),
    ).select(who, pl.col(PRODUCT).cast(pl.String).alias("top_product"), local_day("ordered_at", time_zone), "net")


def _most_bought(lines: pl.LazyFrame) -> pl.DataFrame:
    """Return ``customer_id`` and ``top_product`` of each customer in the lines of :func:`_product_lines`."""
    with readable():
        sums = (
            lines.group_by("customer_id", "top_product")
            .agg(days=pl.col("ordered_at").n_unique(), net=pl.col("net").sum().round(2))
            .collect(engine="streaming")
        )
    best = pl.col("top_product").sort_by("days", "net", "top_product", descending=[True, True, False]).first()
    return sums.group_by("customer_id").agg(best)
