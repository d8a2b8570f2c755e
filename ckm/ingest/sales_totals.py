"""Totals of the orders of a file, for reconciliation with the shop's own system."""

from __future__ import annotations

import polars as pl

from ckm.remark import basis
from ckm.wording import counted

SALE_TYPES = ("sale", "subscription")
SEED = 31
AMOUNTS = ("gross", "discounts", "returns")


class SalesTotals:
    """Sums over the rows of a file by currency, added batch by batch."""

    def __init__(self) -> None:
        self._sums: list[pl.DataFrame] = []
        self._orders: list[pl.Series] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Add transaction rows to the sums."""
        sold = pl.col("type").is_in(SALE_TYPES) & (pl.col("net") >= 0)
        discount = pl.col("discount").fill_null(0.0) if "discount" in rows.columns else pl.lit(0.0)
        sums = {
            "gross": pl.col("net") + discount,
            "discounts": discount,
            "returns": pl.when(~sold).then(-pl.col("net")).otherwise(0.0),
        }
        valid = rows.filter(pl.col("type") != "cancel")
        self._sums.append(
            valid.group_by("currency").agg(
                sums["gross"].filter(sold).sum().alias("gross"),
                sums["discounts"].filter(sold).sum().alias("discounts"),
                sums["returns"].sum().alias("returns"),
            )
        )
        self._orders.append(valid.filter(sold).select(pl.col("order_id").hash(SEED).unique()).to_series())

    def remarks(self) -> list[str]:
        """Return a sentence with the number of orders and the totals by currency; none without sales."""
        if not self._sums or not (orders := pl.concat(self._orders).n_unique()):
            return []
        sums = pl.concat(self._sums).group_by("currency").agg(pl.col(AMOUNTS).sum()).sort("currency")
        parts = []
        for currency, gross, discounts, returns in sums.iter_rows():
            net = f"net sales {gross - discounts - returns:,.2f} {currency}"
            parts.append(f"gross {gross:,.2f} - discounts {discounts:,.2f} - returns {returns:,.2f} = {net}")
        return [basis(f"{counted(orders, 'order')}: {'; '.join(parts)}")]
