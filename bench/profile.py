"""CPU time of ``ckm profile`` on a workspace, and all its profiles beside DuckDB and ``ckm segment``.

Usage::

    python bench/profile.py time WORKSPACE ID…      # user and system time of the command, beside its imports
    python bench/profile.py compare WORKSPACE       # orders and net sales of all customers, stages and segments
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import polars as pl
from measure import run

from ckm._profile.record import read_record
from ckm._profile.segments import assigned_by
from ckm._segment.library import Library
from ckm.customers.features import features_of
from ckm.dataset.source import dataset_of
from ckm.segment import segment

LIBRARIES = "import polars, deltalake, numpy"
REPEATS = 5
SQL = """
with lines as (
    select *, cast(timezone('{zone}', timezone('UTC', sold)) as date) as day from transactions
    where customer_id is not null and type <> 'cancel'
), bought as (
    select customer_id, count(distinct order_id) as orders from lines
    where type <> 'return' and net >= 0 and day <= date '{day}' group by customer_id
)
select customer_id, any_value(orders) as orders, round(sum(net), 4) as net_total
from lines join bought using (customer_id) where day <= date '{day}' group by customer_id
"""


def cpu(*words: str) -> float:
    """Return the lowest user and system time of a command in seconds; bytecode is compiled once."""
    return min(run([*words]).cpu for _ in range(REPEATS))


def time(workspace: Path, customers: list[str]) -> None:
    python = sys.executable
    print(f"{'python -c ' + LIBRARIES!r:<60}{cpu(python, '-c', LIBRARIES):.2f} s")
    print(f"{'import ckm.profile':<60}{cpu(python, '-c', 'import ckm.profile'):.2f} s")
    for number, customer in enumerate(customers, start=1):
        print(f"{f'ckm profile, customer {number}':<60}", end="")
        print(f"{cpu(python, '-m', 'ckm', 'profile', customer, str(workspace)):.2f} s")


def compare(workspace: Path) -> None:
    dataset = dataset_of(workspace)
    methods = {path.stem: Library(path.parent).load(path.stem) for path in (workspace / "segments").glob("*.yaml")}
    expected = {
        name: segment(dataset, use=str(workspace / "segments" / f"{name}.yaml"), keep=False) for name in methods
    }
    of_segment = {
        name: dict(found.frame.select("customer_id", "segment").iter_rows()) for name, found in expected.items()
    }
    day = next(iter(expected.values())).as_of
    rows = dataset.transactions.select("customer_id", "order_id", "net", "type", sold="ordered_at").collect()
    with duckdb.connect() as database:
        database.register("transactions", rows.with_columns(pl.col("sold").dt.replace_time_zone(None)))
        sums = {
            row[0]: row[1:] for row in database.execute(SQL.format(zone=dataset.config.time_zone, day=day)).fetchall()
        }
    wrong = dict.fromkeys(("orders", "net sales", *methods), 0)
    for customer, (orders, net) in sums.items():
        record = read_record(dataset, customer, day)
        values = features_of(record.ledger).frame.row(0, named=True) if record.ledger else {}
        wrong["orders"] += values["orders"] != orders
        wrong["net sales"] += abs(values["net_total"] - net) > 1e-6
        for name, saved in methods.items():
            assigned = assigned_by(saved, record)
            wrong[name] += assigned is None or assigned["segment"] != of_segment[name][customer]
    print(f"{len(sums):,} customers as of {day}; different: {', '.join(f'{name} {n}' for name, n in wrong.items())}")


if __name__ == "__main__":
    if sys.argv[1] == "time":
        time(Path(sys.argv[2]), sys.argv[3:])
    else:
        compare(Path(sys.argv[2]))
