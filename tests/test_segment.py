"""Segmentation: left-out rows are counted, later rows are not used, and the order of rows does not matter."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm._segment.rfm.names import NamedCodes, NameTable
from ckm.customers.excluded_rows import LeftOut
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.segment import Segmentation, segment_customers
from tests.conftest import examples

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

SHARED = Path(os.environ.get("CKM_SHARED") or Path(__file__).parents[2] / "shared" / "data") / "transactions"
START = datetime(2024, 3, 1, tzinfo=UTC)
SCHEMA = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "currency": pl.String,
    "type": pl.String,
}
TWO_SCORES = NameTable(
    2,
    (
        NamedCodes("Good", "Keep.", ("222", "221", "212", "211")),
        NamedCodes("Gone", "Ask why.", ("122", "121", "112", "111")),
    ),
)

histories = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "cho", "dee", "eve", "ชาย", "王", "مریم", None]),
        st.integers(0, 40 * 24),
        st.integers(-3_000, 9_000),
        st.sampled_from(["sale", "sale", "sale", "return", "cancel", "subscription"]),
    ),
    min_size=8,
    max_size=60,
)


def frame(*records: tuple[Any, ...]) -> pl.LazyFrame:
    return pl.LazyFrame(list(records), schema=SCHEMA, orient="row")


def segmented(transactions: pl.LazyFrame, **options: Any) -> Segmentation:
    return segment_customers({"transactions": transactions}, **options)


def scores(found: Segmentation) -> tuple[int, ...]:
    return found.customers.select(pl.col("r_score", "f_score", "m_score").n_unique()).row(0)


def row(customer: str | None, day: float, net: float, kind: str = "sale", currency: str = "EUR") -> tuple[Any, ...]:
    return customer, START + timedelta(days=day), net, currency, kind


def history(records: list[tuple[str | None, int, int, str]]) -> pl.LazyFrame:
    return frame(*(row(customer, hour / 24, cents / 100, kind) for customer, hour, cents, kind in records))


def five_customers() -> list[tuple[Any, ...]]:
    return [row(customer, day, 10.0 * (day + 1)) for day, customer in enumerate(["ann", "bob", "cho", "dee", "eve"])]


def shared(name: str) -> Path:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{path} is absent; CKM_SHARED names the folder of real data")
    return path


def cdnow(name: str, *, customer: int, day: int, dollars: int) -> pl.LazyFrame:
    """CDNOW as transactions; the numbers are the positions of the columns."""
    lines = [line.split() for line in shared(name).read_text("ascii").splitlines()]
    records = [fields for fields in lines if fields and fields[0].isdigit()]
    return pl.LazyFrame(
        {
            "customer_id": [fields[customer] for fields in records],
            "ordered_at": [datetime.strptime(fields[day], "%Y%m%d").replace(tzinfo=UTC) for fields in records],
            "net": [float(fields[dollars]) for fields in records],
        },
        schema_overrides=SCHEMA,
    ).with_columns(currency=pl.lit("USD"), type=pl.lit("sale"))


def cdnow_master() -> pl.LazyFrame:
    return cdnow("CDNOW_master.txt", customer=0, day=1, dollars=3)


def online_retail() -> pl.LazyFrame:
    cancelled = pl.col("Invoice").str.starts_with("C")
    return pl.scan_parquet(shared("online_retail_2009_2010.parquet")).select(
        order_id=pl.col("Invoice"),
        customer_id=pl.col("Customer ID").cast(pl.String),
        ordered_at=pl.col("InvoiceDate").str.to_datetime(time_unit="us", time_zone="UTC"),
        net=pl.col("Quantity") * pl.col("Price"),
        currency=pl.lit("GBP"),
        type=pl.when(cancelled).then(pl.lit("return")).otherwise(pl.lit("sale")),
    )


def test_five_customers_by_hand() -> None:
    found = segmented(frame(*five_customers(), row("ann", 4.2, 5.0), row("ann", 4.5, -15.0, "return")))
    assert found.as_of == date(2024, 3, 5)
    assert found.customers.drop("previous_segment", "cause").rows() == [
        ("ann", "Potential Loyalist", 3, 3, 3, "a purchase within the usual interval", 0, 2, 0.0, "EUR", 1, 2, 4.0),
        ("bob", "Promising", 3, 3, 3, "a purchase within the usual interval", 3, 1, 20.0, "EUR", 0, 1, None),
        ("cho", "Promising", 3, 3, 3, "a purchase within the usual interval", 2, 1, 30.0, "EUR", 0, 1, None),
        ("dee", "Promising", 3, 3, 3, "a purchase within the usual interval", 1, 1, 40.0, "EUR", 0, 1, None),
        ("eve", "Promising", 3, 3, 3, "a purchase within the usual interval", 0, 1, 50.0, "EUR", 0, 1, None),
    ]
    assert scores(found) == (1, 1, 1)


def test_twenty_five_customers_who_differ_by_hand() -> None:
    found = segmented(frame(*(row(f"c{day:02}", day, 10.0 * (day + 1)) for day in range(25))))
    assert found.customers.group_by("r_score", "f_score", "m_score", "segment", "named_by").len().sort(
        "r_score"
    ).rows() == [
        (1, 3, 1, "Lost", "one purchase day", 5),
        (2, 3, 2, "Hibernating", "one purchase day", 5),
        (3, 3, 3, "About To Sleep", "one purchase day", 5),
        (4, 3, 4, "Promising", "one purchase day", 5),
        (5, 3, 5, "New Customers", "one purchase day", 5),
    ]


def test_the_summary_has_every_name_best_first_and_adds_up() -> None:
    found = segmented(frame(*five_customers()))
    assert found.summary.height == 11
    assert found.summary["segment"].to_list()[:2] == ["Champions", "Loyal Customers"]
    assert found.summary["customers"].sum() == 5
    assert found.summary["share"].sum() == pytest.approx(1)
    assert found.summary["revenue"].sum() == pytest.approx(150)
    assert found.summary["revenue_share"].sum() == pytest.approx(1)
    empty = found.summary.filter(pl.col("customers") == 0)
    assert empty.select("share", "revenue", "revenue_share").unique().row(0) == (0, 0, 0)
    averages = ("median_recency_days", "orders_per_customer", "average_order_value")
    assert empty.select(averages).null_count().row(0) == (empty.height,) * 3


def test_what_is_left_out_is_counted_and_told() -> None:
    found = segmented(
        frame(
            *five_customers(),
            row(None, 0, 7.0),
            row("ann", 1, 9.0, "cancel"),
            row("ann", 1, -9.0, "cancel"),
            row("fay", 1, -2.0, "return"),
            row("gil", 30, 1.0),
        ),
        as_of=date(2024, 3, 10),
    )
    assert found.left_out == LeftOut(
        rows=10,
        rows_after_as_of=1,
        rows_cancelled=2,
        rows_without_customer=1,
        cancelled_credits=1,
        customers_without_purchase=1,
    )
    assert list(found.remarks) == [
        "as of 2024-03-10: 5 customers with a purchase, money in EUR",
        "left out: 1 of 10 rows (10.0%) after the as-of date",
        "left out: 2 of 10 rows (20.0%) of cancelled orders",
        "left out: 1 of 10 rows (10.0%) without a customer",
        "1 cancelled row with a negative amount, which was not subtracted; if it is a refund, map it to type 'return'",
        "left out: 1 customer with returns only",
        "scores in use, of 5: recency 1, frequency 1, monetary 1 (equal values have equal scores)",
        "fewer than 5 score classes: customers are few or alike (recency 1, frequency 1, monetary 1); where there is "
        "one class, names follow each customer's own purchases",
        "5 customers named by their own purchases, because the name of their scores would be false (column named_by)",
    ]


@pytest.mark.slow
@settings(max_examples=examples(50))
@given(histories, st.integers(1, 40))
def test_a_run_as_of_a_day_equals_the_run_on_data_cut_at_that_day(
    records: list[tuple[str | None, int, int, str]], day: int
) -> None:
    as_of = START.date() + timedelta(days=day)
    cut = [record for record in records if record[1] < (day + 1) * 24]
    assume(enough(cut))
    full = segmented(history(records), as_of=as_of, names=TWO_SCORES)
    part = segmented(history(cut), as_of=as_of, names=TWO_SCORES)
    assert full.customers.write_csv() == part.customers.write_csv()
    assert full.summary.write_csv() == part.summary.write_csv()
    assert full.remarks[-1] == part.remarks[-1]
    assert full.left_out.rows_after_as_of == len(records) - len(cut)


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(histories, st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_bytes(records: list[tuple[str | None, int, int, str]], random: Random) -> None:
    assume(enough(records))
    shuffled = list(records)
    random.shuffle(shuffled)
    one = segmented(history(records), names=TWO_SCORES)
    other = segmented(history(shuffled), names=TWO_SCORES)
    assert one.customers.write_csv() == other.customers.write_csv()
    assert one.summary.write_csv() == other.summary.write_csv()


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(histories)
def test_more_of_a_measure_never_scores_lower_and_equal_values_score_equal(
    records: list[tuple[str | None, int, int, str]],
) -> None:
    assume(enough(records))
    customers = segmented(history(records), names=TWO_SCORES).customers
    for measure, sign in (("recency_days", -1), ("frequency", 1), ("monetary", 1)):
        pairs = sorted(
            (sign * value, score) for value, score in customers.select(measure, f"{measure[0]}_score").rows()
        )
        assert all(low[1] <= high[1] for low, high in pairwise(pairs))
        assert len(set(pairs)) == len({value for value, _ in pairs})


def enough(records: list[tuple[str | None, int, int, str]]) -> bool:
    buyers = {
        customer for customer, _, cents, kind in records if customer and cents >= 0 and kind in {"sale", "subscription"}
    }
    return len(buyers) >= TWO_SCORES.bins


def test_money_does_not_depend_on_the_order_of_the_rows() -> None:
    amounts = [0.1, 0.2, 0.3, 1e9, -1e9]
    others = [row(customer, 1, 1.0) for customer in ("bob", "cho", "dee", "eve")]
    sums = {
        segmented(frame(*others, *(row("ann", 0, net) for net in order))).customers["monetary"][0]
        for order in (amounts, amounts[::-1], [amounts[3], *amounts[:3], amounts[4]])
    }
    assert sums == {0.6}


def test_the_as_of_day_is_whole_and_of_the_shop_s_time_zone() -> None:
    late = row("ann", 9 + 23.5 / 24, 1.0)  # half past eleven in UTC is the next day in Bangkok
    data = frame(*five_customers(), late)
    utc = segmented(data, as_of=date(2024, 3, 10))
    bangkok = segmented(data, as_of=date(2024, 3, 10), time_zone="Asia/Bangkok")
    assert (utc.left_out.rows_after_as_of, bangkok.left_out.rows_after_as_of) == (0, 1)
    assert segmented(data, time_zone="Asia/Bangkok").as_of == date(2024, 3, 11)


def test_the_first_instant_after_the_as_of_day_is_the_future() -> None:
    last, first = row("ann", 10 - 1e-9, 1.0), row("ann", 10, 1.0)
    found = segmented(frame(*five_customers(), last, first), as_of=date(2024, 3, 10))
    assert found.left_out.rows_after_as_of == 1


def test_the_same_days_in_utc_and_in_a_zone_give_the_same_segments() -> None:
    data = frame(*(row(c, d + 0.4, n) for c, d, n in [("ann", 0, 1.0), ("bob", 3, 2.0), ("cho", 3, 2.0)]))
    utc = segmented(data, names=TWO_SCORES)
    assert_frame_equal(utc.customers, segmented(data, names=TWO_SCORES, time_zone="Europe/Berlin").customers)


def test_several_currencies_are_never_added() -> None:
    with pytest.raises(UsageError, match=r"\(EUR, THB\)") as raised:
        segmented(frame(*five_customers(), row("ann", 0, 1.0, currency="THB")))
    assert raised.value.exit_code == 2


def test_a_second_currency_among_rows_that_do_not_count_is_no_matter() -> None:
    found = segmented(
        frame(
            *five_customers(),
            row("ann", 1, 1.0, "cancel", "THB"),
            row(None, 1, 1.0, currency="USD"),
            row("ann", 30, 1.0, currency="CHF"),
        ),
        as_of=date(2024, 3, 20),
    )
    assert found.currency == "EUR"


def test_no_purchase_by_the_as_of_date_says_what_is_there() -> None:
    with pytest.raises(NotEnoughDataError) as raised:
        segmented(frame(*five_customers()), as_of=date(2023, 1, 1))
    assert str(raised.value) == (
        "no purchase by a known customer on or before 2023-01-01: 5 rows in all (5 after the as-of date)"
    )
    assert raised.value.hint == "the transactions reach from 2024-03-01 to 2024-03-05"
    assert raised.value.exit_code == 4


def test_an_empty_table_is_not_enough() -> None:
    with pytest.raises(NotEnoughDataError, match=r"no purchase by a known customer: 0 rows in all$"):
        segmented(frame())


def test_rows_that_hold_no_purchase_are_not_enough_and_named_by_kind() -> None:
    data = frame(row(None, 0, 1.0), row("ann", 0, -1.0, "return"), row("ann", 0, 1.0, "cancel"))
    with pytest.raises(NotEnoughDataError, match=r"\(1 of cancelled orders, 1 without a customer, 1 with returns\)"):
        segmented(data)


def test_one_customer_is_not_enough_for_five_scores() -> None:
    with pytest.raises(NotEnoughDataError, match=r"^1 customer with a purchase, 5 needed"):
        segmented(frame(row("ann", 0, 1.0), row("ann", 3, 1.0)))


def test_amounts_of_zero_leave_one_score_for_money_and_no_shares_of_revenue() -> None:
    found = segmented(frame(*(row(customer, day, 0.0) for day, customer in enumerate("abcde"))))
    assert scores(found) == (1, 1, 1)
    assert found.summary["revenue_share"].null_count() == 11
    assert found.remarks[-1] == "the total of all amounts is not positive: there are no shares of revenue"


def test_negative_totals_score_lowest_and_stay_negative() -> None:
    others = [row(f"c{day:02}", day, 10.0 * (day + 1)) for day in range(30)]
    found = segmented(frame(*five_customers(), *others, row("eve", 5, -99.5, "return")))
    eve = found.customers.row(by_predicate=pl.col("customer_id") == "eve", named=True)
    assert (eve["monetary"], eve["m_score"]) == (-49.5, 1)


@pytest.mark.parametrize("column", list(SCHEMA))
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(InputError, match=f"no column '{column}'") as raised:
        segmented(frame(*five_customers()).drop(column))
    assert raised.value.exit_code == 3


def test_a_near_miss_of_a_column_is_suggested() -> None:
    with pytest.raises(InputError) as raised:
        segmented(frame(*five_customers()).rename({"customer_id": "customerid"}))
    assert raised.value.hint == "did you mean 'customerid'?"


def test_amounts_beyond_all_money_are_refused_and_large_ones_are_not() -> None:
    with pytest.raises(InputError, match="too large"):
        segmented(frame(*five_customers(), row("ann", 0, 1e19)))
    rials = segmented(frame(*five_customers(), row("ann", 0, 9e15)))
    assert rials.customers["monetary"][0] == 9e15 + 10


@pytest.mark.slow
def test_cdnow_holds_the_published_customers_and_one_time_buyers() -> None:
    master = segmented(cdnow_master())
    assert master.customers.height == 23_570
    assert master.customers["frequency"].eq(1).mean() == pytest.approx(0.51, abs=0.005)
    assert scores(master) == (5, 4, 5)
    one_time = master.customers.filter(frequency=1)
    assert one_time["f_score"].unique().to_list() == [1]
    sample = segmented(cdnow("CDNOW_sample.txt", customer=1, day=2, dollars=4))
    assert sample.customers.height == 2_357


@pytest.mark.slow
@pytest.mark.parametrize("as_of", [None, date(2010, 6, 30)])
def test_online_retail_agrees_with_duckdb(as_of: date | None) -> None:
    found = segmented(online_retail(), as_of=as_of)
    path = shared("online_retail_2009_2010.parquet")
    oracle = duckdb.sql(
        f"""
        WITH lines AS (
            SELECT CAST("Customer ID" AS VARCHAR) AS customer_id, CAST(InvoiceDate AS TIMESTAMP)::DATE AS day,
                   CAST(Quantity * Price AS DECIMAL(18, 4)) AS net,
                   Quantity * Price >= 0 AND NOT starts_with(Invoice, 'C') AS bought
            FROM '{path}' WHERE "Customer ID" IS NOT NULL AND CAST(InvoiceDate AS TIMESTAMP)::DATE <= '{found.as_of}'
        )
        SELECT customer_id, date_diff('day', max(day) FILTER (bought), DATE '{found.as_of}') AS recency_days,
               count(DISTINCT day) FILTER (bought) AS frequency, CAST(sum(net) AS DOUBLE) AS monetary
        FROM lines GROUP BY customer_id HAVING bool_or(bought) ORDER BY customer_id
        """
    ).pl()
    assert_frame_equal(found.customers.select(oracle.columns), oracle)
    assert found.left_out.rows == 525_461
    if as_of is None:
        assert found.as_of == date(2010, 12, 9)
        assert found.left_out.rows_without_customer == 107_927
        assert found.customers.height + found.left_out.customers_without_purchase == 4_383


@pytest.mark.slow
@pytest.mark.parametrize("read", [cdnow_master, online_retail])
def test_the_scores_agree_with_duckdb(read: Callable[[], pl.LazyFrame]) -> None:
    customers = segmented(read()).customers
    oracle = duckdb.sql(
        """
        WITH cuts AS (
            SELECT quantile_disc(recency_days, [0.2, 0.4, 0.6, 0.8]) AS r,
                   quantile_disc(frequency, [0.2, 0.4, 0.6, 0.8]) AS f,
                   quantile_disc(monetary, [0.2, 0.4, 0.6, 0.8]) AS m
            FROM customers
        )
        SELECT customer_id,
               5 - (recency_days > r[1])::INT - (recency_days > r[2])::INT
                 - (recency_days > r[3])::INT - (recency_days > r[4])::INT AS r_score,
               1 + (frequency > f[1])::INT + (frequency > f[2])::INT
                 + (frequency > f[3])::INT + (frequency > f[4])::INT AS f_score,
               1 + (monetary > m[1])::INT + (monetary > m[2])::INT
                 + (monetary > m[3])::INT + (monetary > m[4])::INT AS m_score
        FROM customers, cuts ORDER BY customer_id
        """
    ).pl()
    ours = customers.select(oracle.columns)
    assert_frame_equal(ours, oracle.cast(dict(ours.schema)))
