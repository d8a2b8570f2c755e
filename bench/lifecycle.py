"""Limits of cooling and lapsed: lengths of silences in real data, and purchases after them.

    python bench/lifecycle.py [WORKSPACE]    CDNOW, Online Retail and, where it is named, the example shop, loaded

A silence begins with each purchase day and is measured in the long gap that its customer has from that day on (own
80th percentile, shrunk; ``segment-lifecycle.md``). For each multiple of it: the share of the ended silences that
were longer, and, of those that reached it and could be watched for one long gap more, the share that ended within it.
Nothing is learned from the outcome but the rhythm of all customers.

For the example shop, also the states at its end against who had left by then, which only its generator knows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm._segment.lifecycle.definition import ACTIVE_STAGES, LifecycleDefinition
from ckm.customers.calendar import day_number
from ckm.customers.features import feature_table
from ckm.customers.ledger_reader import read_ledger
from ckm.dataset import open_dataset
from ckm.models.purchase_interval import shrunk_gap

if TYPE_CHECKING:
    from ckm.customers.features import FeatureTable

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("CKM_SHARED") or ROOT.parent / "shared" / "data") / "transactions"
MULTIPLES = (0.0, 1.0, 1.25, 1.5, 2.0, 3.0)


def cdnow() -> pl.LazyFrame:
    lines = [line.split() for line in (SHARED / "CDNOW_master.txt").read_text("ascii").splitlines()]
    records = [(line[0], line[1], float(line[3])) for line in lines if line and line[0].isdigit()]
    frame = pl.LazyFrame(records, schema=["customer_id", "day", "net"], orient="row")
    at = pl.col("day").str.to_datetime("%Y%m%d", time_unit="us", time_zone="UTC")
    return frame.select("customer_id", "net", ordered_at=at, currency=pl.lit("USD"), type=pl.lit("sale"))


def online_retail() -> pl.LazyFrame:
    returned = pl.col("Invoice").str.starts_with("C")
    return pl.scan_parquet(SHARED / "online_retail_2009_2010.parquet").select(
        order_id=pl.col("Invoice"),
        customer_id=pl.col("Customer ID").cast(pl.String),
        ordered_at=pl.col("InvoiceDate").str.to_datetime(time_unit="us", time_zone="UTC"),
        net=pl.col("Quantity") * pl.col("Price"),
        currency=pl.lit("GBP"),
        type=pl.when(returned).then(pl.lit("return")).otherwise(pl.lit("sale")),
    )


def silences(transactions: pl.LazyFrame, table: FeatureTable) -> pl.DataFrame:
    """One row per purchase day: ``silence`` in long gaps of that day, ``ended``, and ``watched``: as long as seen."""
    days = read_ledger({"transactions": transactions}, time_zone=table.time_zone).purchases
    number = pl.col("number")
    found = pl.DataFrame({"customer_id": days.code, "number": days.day}).with_columns(
        gap=(number - number.shift(1)).over("customer_id")
    )
    earlier = found.lazy().rename({"number": "earlier", "gap": "earlier_gap"})
    known = (
        found.lazy()
        .join(earlier, on="customer_id")
        .filter(pl.col("earlier") <= pl.col("number"))
        .group_by("customer_id", "number")
        .agg(
            gaps=pl.col("earlier_gap").count().cast(pl.Int64),
            own=pl.col("earlier_gap").quantile(0.8, "linear"),
            interval=pl.max_horizontal(pl.col("earlier_gap").median(), pl.col("earlier_gap").mean()),
        )
    )
    definition = LifecycleDefinition(0.0, table.population.gap_p80_days or 0.0)
    shrunk = shrunk_gap(pl.col("own"), pl.col("gaps"), definition.gap_p80_days)
    long = definition.long_gap_days(shrunk, pl.col("interval"))
    watched = day_number(table.as_of) - pl.col("number")
    following = pl.col("number").shift(-1).over("customer_id", order_by="number") - pl.col("number")
    return (
        known.with_columns(long=long, watched=watched, following=following)
        .select(
            silence=pl.coalesce("following", "watched") / pl.col("long"),
            ended=pl.col("following").is_not_null(),
            watched=pl.col("watched") / pl.col("long"),
        )
        .collect()
    )


def report(name: str, transactions: pl.LazyFrame, table: FeatureTable) -> None:
    found = silences(transactions, table)
    ended = found.filter("ended")["silence"]
    print(f"{name}: {table.frame.height:,} customers, {found.height:,} silences, {len(ended):,} of them ended")
    print("  long gaps   ended ones longer   watched on   end within one more")
    for multiple in MULTIPLES:
        on = found.filter((pl.col("silence") > multiple) & (pl.col("watched") >= multiple + 1))
        soon = on.select((pl.col("ended") & (pl.col("silence") <= multiple + 1)).mean()).item()
        print(f"  {multiple:9.2f}   {(ended > multiple).mean():17.1%}   {on.height:10,}   {soon:19.1%}")


def against_the_truth(table: FeatureTable) -> None:
    truth = pl.read_csv(
        ROOT / "examples" / "shop" / "truth" / "customers.csv", schema_overrides={"customer_id": pl.String}
    )
    definition = LifecycleDefinition(table.population.gap_median_days or 0.0, table.population.gap_p80_days or 0.0)
    states = pl.concat([table.frame.select("customer_id"), definition.assign(table.frame)], how="horizontal")
    known = states.join(truth, on="customer_id").with_columns(left=pl.col("left_on").str.to_date() <= table.as_of)
    gone, there = known.filter("left"), known.filter(~pl.col("left").fill_null(False))
    silent = gone["segment"].is_in(["cooling", "lapsed"])
    print(f"  {gone.height:,} have left: {silent.mean():.1%} of them are cooling or lapsed")
    print(
        f"  {there.height:,} are there: {there['segment'].is_in(list(ACTIVE_STAGES)).mean():.1%} of them are in rhythm"
    )
    print(there.group_by("group").agg(in_rhythm=pl.col("segment").is_in(list(ACTIVE_STAGES)).mean()).sort("group"))


def main() -> None:
    for name, transactions in (("CDNOW", cdnow()), ("Online Retail", online_retail())):
        report(name, transactions, feature_table({"transactions": transactions}))
    for workspace in sys.argv[1:]:
        shop = open_dataset(Path(workspace))
        zone = shop.workspace.config.time_zone if shop.workspace else "UTC"
        table = feature_table(shop.tables, time_zone=zone)
        report("Example shop", shop.transactions, table)
        against_the_truth(table)


if __name__ == "__main__":
    main()
