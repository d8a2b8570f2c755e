"""Clusters of the example shop compared with its true groups, their names, and the time of the fit.

Usage: ``python bench/clusters.py [SEED ...]``. Per seed (default 7 8 9) the example shop is made, ingested and
clustered; printed are the number of clusters, the table behind it, the adjusted Rand index against the generator's
groups, which ckm never reads, who of them is where, and the seconds for learning and assigning. Then Online Retail and
CDNOW, where no truth is known, for the names, and a million made customers for the time. The real data lie in
``CKM_SHARED``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import polars as pl
from measure import CKM, SHARED, machine, run

from ckm._segment.clusters.learn import ClustersDefinition, fit_clusters
from ckm._segment.definition import TrainingData
from ckm.customers.features import feature_table
from ckm.example.generator import make_shop
from ckm.example.workspace import CURRENCY, TIME_ZONE
from ckm.models.clusters.cluster_stability import adjusted_rand_index
from ckm.settings import SegmentSettings
from ckm.workspace import lay_out

if TYPE_CHECKING:
    from ckm.customers.features import FeatureTable

SEEDS = (7, 8, 9)
MANY = 1_000_000


def example_shop(seed: int) -> tuple[FeatureTable, pl.DataFrame]:
    """Make and ingest a shop; return its features, and the group of each customer."""
    with TemporaryDirectory() as folder:
        shop = Path(folder) / "shop"
        lay_out(shop, currency=CURRENCY, time_zone=TIME_ZONE)
        make_shop(shop, seed=seed)
        run([*CKM, "ingest", "--quiet"], cwd=shop)
        tables = {name: pl.scan_delta(str(shop / "store" / name)) for name in ("transactions", "customers")}
        truth = pl.read_csv(shop / "truth" / "customers.csv", infer_schema=False).select("customer_id", "group")
        return feature_table(tables, scope="all", time_zone=TIME_ZONE), truth


def online_retail() -> FeatureTable:
    path = SHARED / "transactions" / "online_retail_2009_2010.parquet"
    lines = pl.scan_parquet(path).select(
        order_id="Invoice",
        customer_id=pl.col("Customer ID").cast(pl.String),
        ordered_at=pl.col("InvoiceDate").str.to_datetime(time_zone="UTC"),
        net=pl.col("Quantity") * pl.col("Price"),
        currency=pl.lit("GBP"),
        type=pl.when(pl.col("Invoice").str.starts_with("C")).then(pl.lit("return")).otherwise(pl.lit("sale")),
    )
    return feature_table({"transactions": lines}, scope="all")


def cdnow() -> FeatureTable:
    text = (SHARED / "transactions" / "CDNOW_master.txt").read_text()
    fields = [line.split() for line in text.splitlines()[1:]]
    lines = pl.DataFrame(fields, schema=["customer_id", "day", "discs", "net"], orient="row").select(
        "customer_id",
        ordered_at=pl.col("day").str.to_datetime("%Y%m%d", time_zone="UTC"),
        net=pl.col("net").cast(pl.Float64),
        currency=pl.lit("USD"),
        type=pl.lit("sale"),
    )
    return feature_table({"transactions": lines.lazy()}, scope="all")


def many_customers(like: FeatureTable) -> FeatureTable:
    """Return :data:`MANY` customers, drawn from ``like`` and shaken a little."""
    random = np.random.default_rng(0)
    drawn = like.frame[random.integers(0, like.frame.height, MANY)]
    shaken = [
        (pl.col(name) * pl.Series(random.lognormal(0, 0.1, MANY))).alias(name)
        for name in ("order_value_mean", "gap_median_days", "gap_last_days", "discount_share")
    ]
    frame = drawn.with_columns(*shaken, customer_id=pl.int_range(pl.len()).cast(pl.String).str.zfill(8))
    return cast("Any", SimpleNamespace(frame=frame))


def show(name: str, table: FeatureTable, truth: pl.DataFrame | None = None) -> None:
    """Print what clustering ``table`` gives."""
    started, cpu = time.perf_counter(), time.process_time()
    definition: ClustersDefinition = fit_clusters(TrainingData(table, lambda _: table, SegmentSettings()))
    learned, cpu = time.perf_counter(), time.process_time() - cpu
    assigned = definition.assign(table.frame)
    done = time.perf_counter()
    print(f"\n{name}: {table.frame.height:,} customers, {len(definition.clusters)} clusters", end="")
    print(f"; learned in {learned - started:.1f} s ({cpu:.1f} s CPU), assigned in {done - learned:.2f} s")
    for remark in definition.remarks(assigned):
        print(f"  {remark}")
    for detail in definition.details():
        print(f"{detail.title}\n{detail.frame}")
    if truth is not None:
        both = table.frame.select("customer_id").hstack(assigned).join(truth, on="customer_id", how="left")
        groups = both["group"].rank("dense").cast(pl.Int64).to_numpy()
        print("adjusted Rand index against the generator's groups: ", end="")
        print(f"{adjusted_rand_index(both['cluster'].to_numpy(), groups):.3f}")
        print(both.sort("cluster").pivot("group", index="segment", values="customer_id", aggregate_function="len"))


def main() -> None:
    """Print one block per data set."""
    seeds = [int(word) for word in sys.argv[1:]] or SEEDS
    pl.Config(tbl_rows=-1, tbl_cols=-1, fmt_str_lengths=60, tbl_width_chars=160, tbl_hide_dataframe_shape=True)
    print(machine("polars", "scikit-learn", "scipy", "numpy"))
    for seed in seeds:
        table, truth = example_shop(seed)
        show(f"example shop, seed {seed}", table, truth)
    show("Online Retail II, 2009-2010", online_retail())
    show("CDNOW", cdnow())
    show("made from the last shop", many_customers(table))


if __name__ == "__main__":
    main()
