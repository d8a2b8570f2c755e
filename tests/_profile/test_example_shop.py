"""Profiles of the example shop are equal to results of DuckDB, ``ckm segment`` and the ledger of all customers.

``bench/profile.py`` compares all customers in the same way; the tests compare every fortieth customer.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

import ckm
from ckm._profile.result import CustomerProfile
from ckm.dataset.source import dataset_of

pytestmark = pytest.mark.slow
EVERY = 40
DAY = date(2026, 6, 30)
SQL = """
with lines as (
    select *, cast(ordered_at at time zone 'Europe/Berlin' as date) as day from transactions
    where customer_id is not null and type <> 'cancel'
), bought as (select * from lines where type <> 'return' and net >= 0 and day <= date '2026-06-30')
select customer_id,
       (select count(distinct order_id) from bought b where b.customer_id = lines.customer_id) as orders,
       round(sum(net), 4) as net_total,
       round(coalesce(sum(net) filter (day > date '2025-06-30'), 0), 4) as spend_12mo
from lines where day <= date '2026-06-30' and customer_id in (select customer_id from bought)
group by customer_id order by customer_id
"""


@pytest.fixture(scope="module")
def profiles(example_shop: Path) -> dict[str, CustomerProfile]:
    """Return the profiles of every fortieth customer with a purchase, by customer id."""
    dataset = dataset_of(example_shop)
    ids = pl.read_csv(example_shop.parent / "rfm.csv", infer_schema=False)["customer_id"].gather_every(EVERY)
    return {customer: ckm.profile.profile(dataset, customer, as_of=DAY) for customer in ids}


def test_orders_and_net_sales_are_those_of_duckdb(example_shop: Path, profiles: dict[str, CustomerProfile]) -> None:
    dataset = dataset_of(example_shop)
    assert dataset.config.time_zone == "Europe/Berlin"
    transactions = dataset.transactions.select("customer_id", "order_id", "ordered_at", "net", "type").collect()
    with duckdb.connect() as database:
        database.execute("set timezone = 'UTC'")
        database.register("transactions", transactions)
        expected = {row[0]: row[1:] for row in database.execute(SQL).fetchall()}
    for customer, found in profiles.items():
        sums = tuple(found.figure(name) for name in ("orders", "net_total", "spend_12mo"))
        assert sums == pytest.approx(expected[customer], abs=1e-6)


@pytest.mark.parametrize(
    ("method", "figure"), [("rfm", "segment:default"), ("lifecycle", "stage"), ("value", "segment:value")]
)
def test_stage_and_segments_are_those_of_ckm_segment(
    example_shop: Path, profiles: dict[str, CustomerProfile], method: str, figure: str
) -> None:
    table = pl.read_csv(example_shop.parent / f"{method}.csv", infer_schema=False)
    expected = dict(table.select("customer_id", "segment").iter_rows())
    assert len(profiles) > 50
    for customer, found in profiles.items():
        assert found.figure(figure) == expected[customer]


def test_potential_value_is_that_of_ckm_segment(example_shop: Path, profiles: dict[str, CustomerProfile]) -> None:
    table = pl.read_csv(example_shop.parent / "value.csv", schema_overrides={"customer_id": pl.String})
    for customer, current, potential in table.select("customer_id", "current_value", "potential_value").iter_rows():
        if customer in profiles:
            found = profiles[customer]
            assert (found.figure("current_value"), found.figure("potential_value")) == (current, potential)


def test_a_customer_without_a_purchase_has_the_stage_prospect_by_the_lifecycle_definition(example_shop: Path) -> None:
    table = pl.read_csv(example_shop.parent / "lifecycle.csv", infer_schema=False)
    prospects = table.filter(pl.col("segment") == "prospect")["customer_id"].head(3)
    assert prospects.len()
    dataset = dataset_of(example_shop)
    assert {ckm.profile.profile(dataset, each, as_of=DAY).figure("stage") for each in prospects} == {"prospect"}
