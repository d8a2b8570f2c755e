"""Share of inactive customers whose segment changes: cut points fitted every month, compared with a saved definition.

Usage: ``python bench/relabelling.py``. Reads Online Retail and CDNOW (CKM_SHARED). "Did nothing" is no row in the
month; of those, "only time" would have moved by the former cut points too, "cut points" by the new ones alone.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
from measure import SHARED, machine

from ckm._segment.apply import definition_table
from ckm._segment.moves import explain_moves
from ckm._segment.result import segmented
from ckm.segment import segment_customers

if TYPE_CHECKING:
    from ckm._segment.result import Segmentation

SALES = {"type": pl.lit("sale"), "currency": pl.lit("GBP")}


def online_retail() -> dict[str, pl.LazyFrame]:
    rows = pl.scan_parquet(SHARED / "transactions" / "online_retail_2009_2010.parquet").select(
        customer_id=pl.col("Customer ID").cast(pl.String),
        ordered_at=pl.col("InvoiceDate").str.to_datetime(time_unit="us", time_zone="UTC"),
        net=pl.col("Quantity") * pl.col("Price"),
        **SALES,
    )
    return {"transactions": rows}


def cdnow() -> dict[str, pl.LazyFrame]:
    lines = [line.split() for line in (SHARED / "transactions" / "CDNOW_master.txt").read_text("ascii").splitlines()]
    rows = pl.LazyFrame([line for line in lines if line and line[0].isdigit()], orient="row").select(
        customer_id=pl.col("column_0"),
        ordered_at=pl.col("column_1").str.to_datetime("%Y%m%d", time_unit="us", time_zone="UTC"),
        net=pl.col("column_3").cast(pl.Float64),
        **SALES,
    )
    return {"transactions": rows}


def shares(tables: dict[str, pl.LazyFrame], ends: list[date], *, frozen: bool) -> tuple[float, float]:
    """Return which share of those who did nothing was moved, by time and by cut points, over all months."""
    idle = by_time = by_definition = 0
    former = segment_customers(tables, as_of=ends[0])
    for before, end in pairwise(ends):
        now = following(former, tables, end) if frozen else segment_customers(tables, as_of=end)
        table = definition_table(former.definition, tables, as_of=end)
        labels = former.definition.definition.assign(table.frame)["segment"]
        order = tuple(segment.name for segment in now.definition.definition.segments)
        moves = explain_moves(former.kept, now.kept.with_columns(segment_before=labels), since=before, order=order)
        quiet = moves.customers.join(former.kept, on="customer_id").join(now.kept, on="customer_id", suffix="_now")
        quiet = quiet.filter((pl.col("rows") == pl.col("rows_now")) & (pl.col("net_total") == pl.col("net_total_now")))
        idle += quiet.height
        by_time += quiet.filter(pl.col("cause") == "ageing").height
        by_definition += quiet.filter(pl.col("cause") == "definition").height
        former = now
    return by_time / idle, by_definition / idle


def following(former: Segmentation, tables: dict[str, pl.LazyFrame], end: date) -> Segmentation:
    return segmented(former.definition, definition_table(former.definition, tables, as_of=end))


def main() -> None:
    print(machine("polars"))
    print("customers without a row in the month who got another name, per month")
    months = {
        "Online Retail, 6 months": (online_retail(), [date(2010, month, 28) for month in range(5, 12)]),
        "CDNOW, 9 months": (cdnow(), [date(1997, month, 28) for month in range(4, 13)] + [date(1998, 1, 28)]),
    }
    for name, (tables, ends) in months.items():
        for frozen in (False, True):
            by_time, by_definition = shares(tables, ends, frozen=frozen)
            kind = "frozen definition" if frozen else "cut anew each month"
            print(f"{name:<24} {kind:<20} by cut points {by_definition:6.1%}   by time alone {by_time:6.1%}")


if __name__ == "__main__":
    main()
