"""Claim: the ledger of 20 million order lines of 1 million customers is read in 6 s and 1.5 GB, on two quiet cores.

And what each room of the loyalty report that rests on it takes after that.

With a folder the file is loaded into a workspace there, 100,000 new lines are loaded after a first analysis, and the
kept ledger is read, brought up to date and rebuilt, each in a process of its own.

Usage: ``python bench/ledger.py FILE.parquet [FOLDER]``, made by ``bench/make_orders_parquet.py``.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl
from make_orders_parquet import write
from measure import CKM, machine, run

from ckm.config import Config
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import compared_with, period_until
from ckm.metrics.cohorts import cohort_metrics
from ckm.metrics.concentration import concentration_metrics
from ckm.metrics.context import ReportContext
from ckm.metrics.lifecycle import lifecycle_metrics, lifecycle_of
from ckm.metrics.relationships import relationship_metrics
from ckm.metrics.survival import survival_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def timed(what: str, work: Callable[[], T]) -> T:
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{what:16} {wall:6.2f} s ({cpu:.2f} s CPU), peak {peak:.0f} MB", flush=True)
    return found


READ = """
import sys
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import EVERYTHING
from ckm.dataset import open_dataset
dataset = open_dataset(workspace=__import__("pathlib").Path(sys.argv[1]))
ledger = cached_ledger(dataset.tables, find_cache(dataset), needs=EVERYTHING)
print(f"{len(ledger.customers):,} customers, {ledger.purchases.sum_of('orders'):,} orders")
"""
NEW_LINES = 100_000


def kept_ledger(path: Path, folder: Path) -> None:
    """Read the ledger of a workspace in every state in which an analysis finds it."""
    workspace, lines = folder / "shop", folder / "new.parquet"
    kept = workspace / "store" / "ledger" / "ledger.npz"
    write(lines, NEW_LINES, seed=8)
    pl.read_parquet(lines).with_columns(order_id="N" + pl.col("order_id")).write_parquet(lines)
    ingest = [*CKM, "ingest", "-q", "--as", "transactions", "-C", str(workspace)]

    def read(what: str) -> None:
        found = run([sys.executable, "-c", READ, str(workspace)])
        print(f"{what:32} {found}: {found.stdout.strip()}, {kept.stat().st_size / 1e6:.0f} MB kept", flush=True)

    run([*CKM, "init", str(workspace)])
    print(f"{'load':32} {run([*ingest, str(path)])}", flush=True)
    read("first analysis")
    read("nothing changed")
    print(f"{f'load {NEW_LINES:,} new lines':32} {run([*ingest, str(lines)])}", flush=True)
    read("brought up to date")
    kept.unlink()
    read("rebuilt")


def main(path: Path) -> None:
    tables = {"transactions": pl.scan_parquet(path)}
    ledger = timed("read", lambda: read_ledger(tables, needs=EVERYTHING))
    print(f"{len(ledger.customers):,} customers, {ledger.purchases.sum_of('orders'):,} orders")
    period = period_until(ledger.as_of, 12)
    context = ReportContext(tables, ledger, period, compared_with(period, 12, "previous"), Config())
    timed("year before", lambda: context.before)
    timed("relationships", lambda: relationship_metrics(context))
    timed("cohorts", lambda: cohort_metrics(context))
    timed("concentration", lambda: concentration_metrics(context))
    lifecycle = timed("life cycle", lambda: lifecycle_of(context))
    timed("states and flows", lambda: lifecycle_metrics(context, lifecycle))
    timed("survival", lambda: survival_metrics(context, lifecycle))
    print(machine("polars", "numpy"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        kept_ledger(Path(sys.argv[1]), Path(sys.argv[2]))
