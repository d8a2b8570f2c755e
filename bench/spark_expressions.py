"""Recency, frequency and money of each customer: Spark's own expressions, and ckm's ledger in the same session.

Usage: ``python bench/spark_expressions.py FILE.parquet [MASTER]`` (default ``local[2]``); prints CPU seconds of all
processes of Spark, each after a warm run on a hundredth of the rows.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from partitions import Watch
from pyspark.sql import functions as sql

from ckm.dataset import AS_FOUND
from ckm.partitions.engine import Engine
from ckm.partitions.spark_session import spark_session
from ckm.segment import SegmentOptions, segment_dataset


def by_expressions(file: Path, target: Path) -> None:
    rows = spark_session(None).read.parquet(str(file))
    is_purchase = sql.col("net") >= 0
    day = sql.when(is_purchase, sql.to_date("ordered_at"))
    rows.groupBy("customer_id").agg(
        sql.max(day).alias("last_purchase"),
        sql.countDistinct(day).alias("frequency"),
        sql.countDistinct(sql.when(is_purchase, sql.col("order_id"))).alias("orders"),
        sql.sum("net").alias("monetary"),
    ).write.parquet(str(target))


def by_ledger(file: Path, target: Path) -> None:
    engine = Engine("spark", 2)
    found = engine.open(file, None, AS_FOUND)
    segment_dataset(found, SegmentOptions(by="rfm", keep=False, engine=engine, rows=target), found.config)


def main() -> None:
    file = Path(sys.argv[1])
    session = spark_session(sys.argv[2] if len(sys.argv) > 2 else "local[2]")
    with TemporaryDirectory() as folder:
        few = Path(folder) / "few.parquet"
        session.read.parquet(str(file)).sample(0.01, seed=1).write.parquet(str(few))
        for name, function in (("expressions", by_expressions), ("ledger", by_ledger)):
            function(few, Path(folder) / f"few-{name}")
            before = Watch(None)
            before.before = set()
            before.look()
            function(file, Path(folder) / name)
            after = Watch(None)
            after.before = set()
            after.look()
            spent = sum(after.seconds(kind) - before.seconds(kind) for kind in after.peak)
            print(f"{name}: {spent:.1f} s CPU", flush=True)


if __name__ == "__main__":
    main()
