"""The tally gives what the features give, row for row, only faster."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.feature_table import batches as batches_module
from ckm.feature_table import tally as tally_module
from ckm.feature_table.tally import PurchaseTally, tally_purchases
from ckm.features import END_OF_TIME, purchase_features, row_counts
from tests.conftest import ROOT, examples

START = datetime(2024, 3, 1, tzinfo=UTC)
SHARED = Path(os.environ.get("CKM_SHARED", ROOT.parent / "shared" / "data"))
SCHEMA = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "currency": pl.String,
    "type": pl.String,
}
instants = st.one_of(
    st.integers(0, 40 * 24).map(lambda hours: START + timedelta(hours=hours)),
    st.sampled_from([datetime(1900, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]),
)
rows = st.lists(
    st.tuples(
        st.sampled_from(
            ["ann", "bob", "ชาย", "王", "a-customer-with-a-long-id", "a-customer-with-a-long-ie", "", None]
        ),
        instants,
        st.integers(-5_000_000, 5_000_000).map(lambda parts: parts / 10_000),
        st.sampled_from(["EUR", "USD"]),
        st.sampled_from(["sale", "return", "cancel", "subscription"]),
    ),
    max_size=40,
)


def orders(count: int, *, customers: int) -> pl.DataFrame:
    number = pl.int_range(count)
    return pl.select(
        customer_id=pl.lit("customer ") + (number * 7919 % customers).cast(pl.String),
        ordered_at=pl.lit(START) + pl.duration(hours=number * 31 % 4001),
        net=(number * 13 % 1999) / 100 - 1,
        currency=pl.lit("EUR"),
        type=pl.lit(pl.Series(["sale", "return", "sale", "cancel"])).gather(number * 31 % 4),
    )


def both(data: pl.LazyFrame, **options: Any) -> tuple[PurchaseTally, dict[str, Any], pl.DataFrame]:
    frame = nw.from_native(data)
    counts = row_counts(frame, until=options["until"]).to_native().collect().row(0, named=True)
    features = purchase_features(frame, **options).to_native().collect().sort("customer_id")
    return tally_purchases(data, **options), counts, features


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(rows, st.integers(0, 41), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Bangkok", "America/New_York"]))
def test_the_tally_equals_the_features(records: list[tuple[Any, ...]], day: int, time_zone: str) -> None:
    until = END_OF_TIME if day > 40 else START + timedelta(days=day)
    data = pl.LazyFrame(records, schema=SCHEMA, orient="row")
    tally, counts, features = both(data, until=until, time_zone=time_zone, money_scale=10_000)
    assert tally.counts == counts
    assert_frame_equal(tally.customers, features)


@pytest.mark.slow
def test_batches_and_repeats_dropped_between_them_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    data = orders(5_000, customers=301).lazy()
    monkeypatch.setattr(batches_module, "BATCH_ROWS", 97)
    monkeypatch.setattr(tally_module, "PENDING_KEYS", 211)
    tally, counts, features = both(data, until=END_OF_TIME, time_zone="UTC", money_scale=100)
    assert tally.counts == counts
    assert_frame_equal(tally.customers, features)


def test_an_amount_that_no_sum_can_hold_is_reported_and_stops_nothing() -> None:
    data = pl.LazyFrame([("ann", START, 1e300, "EUR", "sale")], schema=SCHEMA, orient="row")
    assert tally_purchases(data, until=END_OF_TIME, time_zone="UTC", money_scale=1).counts["largest"] == 1e300


def test_whole_numbers_may_be_ids_too() -> None:
    data = pl.LazyFrame(
        [(12346, START, 1.0, "EUR", "sale"), (2, START, 2.0, "EUR", "sale"), (12346, START, 3.0, "EUR", "sale")],
        schema={**SCHEMA, "customer_id": pl.Int64},
        orient="row",
    )
    tally = tally_purchases(data, until=END_OF_TIME, time_zone="UTC", money_scale=100)
    assert tally.customers.select("customer_id", "money").rows() == [(2, 200), (12346, 400)]


@pytest.mark.slow
def test_rows_in_another_order_and_on_one_thread_give_the_same_bytes(tmp_path: Path) -> None:
    data = orders(2_000, customers=97)
    data.write_parquet(tmp_path / "a.parquet")
    data.sample(fraction=1, shuffle=True, seed=3).write_parquet(tmp_path / "b.parquet")
    program = (
        "import sys, polars as pl\n"
        "from ckm.features import END_OF_TIME\nfrom ckm.feature_table.tally import tally_purchases\n"
        "tally_purchases(pl.scan_parquet(sys.argv[1]), until=END_OF_TIME, time_zone='UTC', money_scale=10_000)"
        ".customers.write_parquet(sys.argv[2])"
    )
    results = []
    for name, threads in (("a", "1"), ("b", "2")):
        words = [sys.executable, "-c", program, str(tmp_path / f"{name}.parquet"), str(tmp_path / f"{name}.out")]
        subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": threads})
        results.append((tmp_path / f"{name}.out").read_bytes())
    assert results[0] == results[1]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
def test_real_orders_have_the_features_that_they_had() -> None:
    from ckm.dataset import open_dataset

    data = open_dataset(next(SHARED.rglob("online_retail_2009_2010.parquet"))).transactions
    for time_zone, until in (("UTC", END_OF_TIME), ("Europe/London", datetime(2010, 9, 1, tzinfo=UTC))):
        tally, counts, features = both(data, until=until, time_zone=time_zone, money_scale=10_000)
        assert tally.counts == counts
        assert_frame_equal(tally.customers, features)
