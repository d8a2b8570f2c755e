"""Top category and top product of each customer, for the person who contacts them."""

from __future__ import annotations

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


def top_products(transactions: pl.LazyFrame, customers: pl.Series, *, as_of: date, time_zone: str) -> pl.Series:
    """Return the product that each customer bought on most days; of two, that of higher net sales; null without one.

    Reads only the rows of these customers.

    Parameters
    ----------
    transactions
        Transactions, with the columns of :class:`ckm.schema.Transactions`; without ``product_id`` the result is null.
    customers
        Customer ids.
    as_of
        Later rows are not used.
    time_zone
        Time zone of the calendar days.
    """
    wanted = customers.alias("customer_id").to_frame()
    if PRODUCT not in transactions.collect_schema() or customers.is_empty():
        return pl.Series("top_product", [None] * len(customers), pl.String)
    who = pl.col("customer_id").cast(pl.String)
    with readable():
        sums = (
            transactions.filter(
                who.is_in(customers.implode()),
                is_purchase(),
                pl.col(PRODUCT).is_not_null(),
                pl.col("ordered_at") < end_of_day(as_of, time_zone),
            )
            .group_by(who, pl.col(PRODUCT).cast(pl.String).alias("top_product"))
            .agg(days=local_day("ordered_at", time_zone).n_unique(), net=pl.col("net").sum().round(2))
            .collect(engine="streaming")
        )
    best = pl.col("top_product").sort_by("days", "net", "top_product", descending=[True, True, False]).first()
    first = sums.group_by("customer_id").agg(best)
    return wanted.join(first, on="customer_id", how="left", maintain_order="left")["top_product"]
