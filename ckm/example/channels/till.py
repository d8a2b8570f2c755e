"""Export of the till of the Berlin shop: Parquet with native types, times in UTC, without line numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import ChannelExport
from ckm.paths import openable

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.simulation import Simulation

KINDS = {"sale": "S", "return": "R"}


def write_till(world: Simulation, incoming: Path) -> ChannelExport:
    """Write the order lines of the till to ``till.parquet``.

    Two equal items that were scanned separately are two equal rows, and both are sales.
    """
    import polars as pl

    rows = [
        (
            order.number, days.in_utc(order.day, order.minute, days.BERLIN), order.customer_id, line.product.product_id,
            line.product.category, line.quantity, line.net / 100, line.discount / 100,
            None if line.cost is None else line.cost / 100, KINDS[order.kind],
        )
        for order in world.orders
        if order.channel == "till"
        for line in order.lines
    ]  # fmt: skip
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "receipt": pl.String, "sold_at": pl.Datetime("us", "UTC"), "member": pl.String, "article": pl.String,
        "department": pl.String, "pieces": pl.Int64, "net_eur": pl.Float64, "rebate_eur": pl.Float64,
        "purchase_eur": pl.Float64, "kind": pl.String,
    }  # fmt: skip
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(
        openable(incoming / "till.parquet"), compression="zstd"
    )
    return ChannelExport("incoming/till.parquet", "transactions", None, None, records=len(rows))
