"""Feature table: independent of later rows and of the order of the rows, and equal to SQL."""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.customers.features import feature_table
from ckm.errors import InputError, NotEnoughDataError
from tests.conftest import examples
from tests.customers.rows import START, frame, of, row, table
from tests.test_segment import online_retail, shared

cents = st.integers(-3_000, 9_000).map(lambda whole: whole / 100)
records = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cho", "ชาย", "王", None]),
        st.integers(0, 800 * 24).map(lambda hours: START + timedelta(hours=hours)),
        cents,
        st.sampled_from(["sale", "sale", "sale", "return", "cancel", "subscription"]),
        st.sampled_from(["tea", "ชา", None]),
        st.sampled_from(["web", "till", "other", None]),
        st.none() | cents,
        st.none() | st.integers(0, 500).map(lambda whole: whole / 100),
        st.just("EUR"),
    ),
    min_size=1,
    max_size=40,
)
customers = pl.LazyFrame(
    {
        "customer_id": ["ann", "dee", "eve", "fay", "gil"],
        "party_type": ["person", "person", None, "supplier", "company"],
        "country": ["DE", None, "TH", "DE", "DE"],
        "created_on": [None, None, date(2024, 9, 1), None, date(2030, 1, 1)],
    }
)


def bought(rows: list[tuple[Any, ...]]) -> bool:
    return any(each[0] and each[2] >= 0 and each[3] in {"sale", "subscription"} for each in rows)


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(records, st.integers(0, 800), st.sampled_from([None, 1, 6]), st.sampled_from(["net", "margin", "mean"]))
def test_features_at_a_day_equal_those_of_data_cut_at_that_day(
    rows: list[tuple[Any, ...]], day: int, window: int | None, money: Any
) -> None:
    as_of = START.date() + timedelta(days=day)
    cut = [each for each in rows if each[1] < START + timedelta(days=day + 1)]
    assume(bought(cut))
    full, part = (
        feature_table(
            {"transactions": frame(*those), "customers": customers},
            as_of=as_of,
            window=window,
            money=money,
            with_prospects=True,
        )
        for those in (rows, cut)
    )
    assert_frame_equal(full.frame, part.frame, check_exact=True)
    assert (full.population, full.features, full.remarks) == (part.population, part.features, part.remarks)


@pytest.mark.slow
@settings(max_examples=examples(8))
@given(records, st.randoms(use_true_random=False))
def test_features_do_not_depend_on_the_order_of_the_rows(rows: list[tuple[Any, ...]], random: Random) -> None:
    assume(bought(rows))
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = table(*rows), table(*shuffled)
    assert_frame_equal(one.frame, other.frame, check_exact=True)
    assert (one.population, one.remarks) == (other.population, other.remarks)


@pytest.mark.slow
@settings(max_examples=examples(12))
@given(records)
def test_numbers_are_finite_and_shares_are_between_0_and_1(rows: list[tuple[Any, ...]]) -> None:
    assume(bought(rows))
    found = table(*rows)
    numbers = found.frame.select(pl.selectors.float())
    assert all(numbers[name].drop_nulls().is_finite().all() for name in numbers.columns)
    for name in ("cost_known_share", "weekday_main_share", "weekend_share"):
        assert found.frame[name].drop_nulls().is_between(0, 1).all()
    shares = found.frame.select("channel_main", pl.sum_horizontal(pl.lit(0.0), "^channel_share_.*$").alias("sum"))
    for main, total in shares.rows() if "channel_main" in found.features else []:
        assert total == pytest.approx(0 if main is None else 1)


@pytest.mark.slow
@settings(max_examples=examples(9))
@given(records)
def test_the_rfm_scope_equals_the_same_columns_of_all_features(rows: list[tuple[Any, ...]]) -> None:
    assume(bought(rows))
    small, large = table(*rows, scope="rfm"), table(*rows)
    assert_frame_equal(small.frame, large.frame.select(small.frame.columns), check_exact=True)
    assert small.left_out == large.left_out


@pytest.mark.slow
def test_a_cancelled_order_changes_no_feature() -> None:
    there = [row("ann", 0, 10.0, category="tea", channel="web", cost=4.0, discount=1.0)]
    gone = row("ann", -5, 99.0, "cancel", category="cups", channel="till", cost=9.0, discount=9.0)
    assert_frame_equal(table(*there).frame, table(*there, gone).frame)


@pytest.mark.slow
def test_prospects_are_customers_without_a_purchase() -> None:
    data = {"transactions": frame(row("ann", 0, 5.0), row("eve", 300, 5.0)), "customers": customers}
    early = feature_table(data, as_of=date(2024, 6, 1), with_prospects=True)
    assert early.frame["customer_id"].to_list() == ["ann", "dee"]
    assert of(early, "dee", "frequency", "monetary", "net_total", "rows", "spend_12mo", "margin_12mo") == (0,) * 6
    assert of(early, "dee", "last_purchase", "first_purchase", "recency_days", "tenure_days") == (None,) * 4
    later = feature_table(data, as_of=date(2024, 10, 1), with_prospects=True, scope="rfm")
    assert later.frame["customer_id"].to_list() == ["ann", "dee", "eve"]
    assert feature_table(data, as_of=date(2024, 10, 1)).frame["customer_id"].to_list() == ["ann"]


def test_a_customer_with_returns_only_is_no_prospect() -> None:
    data = {"transactions": frame(row("ann", 0, 5.0), row("dee", 3, -5.0, "return")), "customers": customers}
    found = feature_table(data, with_prospects=True)
    assert "dee" not in found.frame["customer_id"]
    assert found.left_out.customers_without_purchase == 1


def test_attributes_come_from_the_table_of_customers() -> None:
    found = feature_table({"transactions": frame(row("ann", 0, 5.0), row("zoe", 0, 5.0)), "customers": customers})
    assert of(found, "ann", "party_type", "country", "region") == ("person", "DE", None)
    assert of(found, "zoe", "party_type", "country", "region") == (None, None, None)
    assert {"party_type", "country"} <= found.features
    assert not found.features & {"region", "lang"}


def test_a_customer_who_occurs_twice_in_the_table_of_customers_is_an_error() -> None:
    data = {"transactions": frame(row("ann", 0, 5.0)), "customers": pl.concat([customers, customers])}
    with pytest.raises(InputError, match="5 rows too many"):
        feature_table(data)


@pytest.mark.slow
def test_columns_may_be_categorical_or_integer() -> None:
    rows = [row("ann", 0, 5.0, category="tea", channel="web", cost=3.0), row("ann", 4, 5.0, channel="till")]
    odd = frame(*rows).with_columns(pl.col("channel", "category").cast(pl.Categorical), pl.col("cost").cast(pl.Int32))
    assert_frame_equal(feature_table({"transactions": odd}).frame, table(*rows).frame)


def test_zero_amounts_and_negative_totals_work() -> None:
    found = table(row("ann", 0, 0.0), row("ann", 1, -7.0, "return"), row("bob", 0, 0.0, cost=0.0))
    assert found.frame["net_total"].to_list() == [-7.0, 0.0]
    assert found.population.margin_share is None
    assert of(found, "ann", "margin_12mo", "cost_known_share", "return_share") == (-7.0, None, 0.0)


def test_prospects_alone_are_not_enough() -> None:
    with pytest.raises(NotEnoughDataError):
        feature_table({"transactions": frame(), "customers": customers}, with_prospects=True)


@pytest.mark.slow
def test_online_retail_agrees_with_duckdb() -> None:
    as_of = date(2010, 9, 30)
    found = feature_table({"transactions": online_retail()}, as_of=as_of)
    names = ["customer_id", "gaps", "own_median", "own_p80", "spend_12mo", "order_value_mean", "slope", "return_share"]
    names += ["weekend_share", "orders", "day_value"]
    oracle = duckdb.sql(
        f"""
        WITH lines AS (
            SELECT CAST("Customer ID" AS VARCHAR) AS customer_id, Invoice, CAST(InvoiceDate AS TIMESTAMP)::DATE AS day,
                   CAST(Quantity * Price AS DECIMAL(18, 4)) AS net,
                   Quantity * Price >= 0 AND NOT starts_with(Invoice, 'C') AS bought
            FROM '{shared("online_retail_2009_2010.parquet")}'
            WHERE "Customer ID" IS NOT NULL AND CAST(InvoiceDate AS TIMESTAMP)::DATE <= '{as_of}'
        ), sums AS (
            SELECT customer_id, day, sum(net) AS net FROM lines WHERE bought GROUP BY ALL
        ), days AS (
            SELECT *, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap FROM sums
        ), rhythm AS (
            SELECT customer_id, count(gap) AS gaps, quantile_cont(gap, 0.5) AS own_median,
                   quantile_cont(gap, 0.8) AS own_p80, avg(net) AS day_value,
                   regr_slope(net::DOUBLE, date_diff('day', DATE '2009-01-01', day)) AS slope,
                   avg((isodow(day) >= 6)::INT) AS weekend_share
            FROM days GROUP BY customer_id
        ), money AS (
            SELECT customer_id, coalesce(sum(net) FILTER (day > '2009-09-30'), 0) AS spend_12mo,
                   -sum(net) FILTER (NOT bought) / nullif(sum(net) FILTER (bought), 0) AS return_share,
                   count(DISTINCT Invoice) FILTER (bought) AS orders,
                   sum(net) FILTER (bought) / count(DISTINCT Invoice) FILTER (bought) AS order_value_mean
            FROM lines GROUP BY customer_id
        )
        SELECT {", ".join(names)} FROM rhythm JOIN money USING (customer_id) ORDER BY customer_id
        """
    ).pl()
    ours = found.frame.join(
        oracle.select("customer_id", "own_median", "own_p80", "slope", "day_value"), on="customer_id"
    )
    for own, drawn, usual in (
        ("own_median", "gap_median_days", found.population.gap_median_days),
        ("own_p80", "gap_p80_days", found.population.gap_p80_days),
    ):
        assert usual is not None
        n = pl.col("gaps")
        expected = ((n * pl.col(own).log() + 3 * math.log(usual)) / (n + 3)).exp()
        off = ours.select((pl.col(drawn) - expected.fill_null(usual)).abs().max()).item()
        assert off <= 0.0005 + 1e-9
    steady = ours.filter((pl.col("gaps") >= 2) & (pl.col("order_value_mean") > 0))
    assert steady.height > 1_000
    trend = (pl.col("slope") * 365.25 / pl.col("day_value") - pl.col("order_value_trend")).abs()
    assert steady.select((trend / (1 + pl.col("order_value_trend").abs())).max()).item() < 1e-4
    direct = ["customer_id", "gaps", "orders", "spend_12mo", "order_value_mean", "return_share", "weekend_share"]
    theirs = oracle.select(direct).with_columns(pl.col("return_share").fill_null(0.0))
    schema = dict(found.frame.select(direct).schema)
    assert_frame_equal(found.frame.select(direct), theirs.cast(schema), abs_tol=1e-4)
