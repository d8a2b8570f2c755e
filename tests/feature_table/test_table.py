"""What the feature table promises: it sees no future, depends on no order, and its features are what they say."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm.errors import InputError, NotEnoughDataError
from ckm.feature_table.table import FeatureTable, Population, feature_table
from ckm.feature_table.view import months_before
from ckm.features import day_number
from tests.test_segment import online_retail, shared

START = datetime(2024, 3, 1, tzinfo=UTC)  # a Friday
SCHEMA = {
    "customer_id": pl.String,
    "ordered_at": pl.Datetime("us", "UTC"),
    "net": pl.Float64,
    "type": pl.String,
    "category": pl.String,
    "channel": pl.String,
    "cost": pl.Float64,
    "discount": pl.Float64,
    "currency": pl.String,
}
NOBODY_ELSE = Population(gap_median_days=None, gap_p80_days=None, margin_share=None)

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


def frame(*rows: tuple[Any, ...]) -> pl.LazyFrame:
    return pl.LazyFrame(list(rows), schema=SCHEMA, orient="row")


def row(
    customer: str | None,
    day: float,
    net: float,
    kind: str = "sale",
    *,
    category: str | None = None,
    channel: str | None = None,
    cost: float | None = None,
    discount: float | None = None,
) -> tuple[Any, ...]:
    return customer, START + timedelta(days=day, hours=12), net, kind, category, channel, cost, discount, "EUR"


def table(*rows: tuple[Any, ...], **options: Any) -> FeatureTable:
    return feature_table({"transactions": frame(*rows)}, **options)


def of(found: FeatureTable, customer: str, *columns: str) -> Any:
    one = found.frame.filter(pl.col("customer_id") == customer).select(columns).row(0)
    return one[0] if len(columns) == 1 else one


def bought(rows: list[tuple[Any, ...]]) -> bool:
    return any(each[0] and each[2] >= 0 and each[3] in {"sale", "subscription"} for each in rows)


@settings(max_examples=20, deadline=None)
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


@settings(max_examples=15, deadline=None)
@given(records, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_is_of_no_matter(rows: list[tuple[Any, ...]], random: Random) -> None:
    assume(bought(rows))
    shuffled = list(rows)
    random.shuffle(shuffled)
    one, other = table(*rows), table(*shuffled)
    assert_frame_equal(one.frame, other.frame, check_exact=True)
    assert (one.population, one.remarks) == (other.population, other.remarks)


@settings(max_examples=20, deadline=None)
@given(records)
def test_every_number_is_finite_and_every_share_is_one(rows: list[tuple[Any, ...]]) -> None:
    assume(bought(rows))
    found = table(*rows)
    numbers = found.frame.select(pl.selectors.float())
    assert all(numbers[name].drop_nulls().is_finite().all() for name in numbers.columns)
    for name in ("cost_known_share", "weekday_main_share", "weekend_share"):
        assert found.frame[name].drop_nulls().is_between(0, 1).all()
    shares = found.frame.select("channel_main", pl.sum_horizontal(pl.lit(0.0), "^channel_share_.*$").alias("sum"))
    for main, total in shares.rows() if "channel_main" in found.features else []:
        assert total == pytest.approx(0 if main is None else 1)


@settings(max_examples=20, deadline=None)
@given(records)
def test_the_small_table_holds_the_same_as_the_large_one(rows: list[tuple[Any, ...]]) -> None:
    assume(bought(rows))
    small, large = table(*rows, scope="rfm"), table(*rows)
    assert_frame_equal(small.frame, large.frame.select(small.frame.columns), check_exact=True)
    assert small.left_out == large.left_out


def test_a_customer_s_rhythm_by_hand() -> None:
    days = (0, 10, 40, 42, 100)  # gaps 10, 30, 2, 58; without the last one 10, 30, 2
    found = table(*(row("ann", day, 1.0) for day in days), population=Population(7.0, 20.0))
    assert of(found, "ann", "first_purchase", "last_purchase", "tenure_days", "gaps", "gap_last_days") == (
        date(2024, 3, 1),
        date(2024, 6, 9),
        100,
        4,
        58,
    )

    def drawn(own: float, gaps: int, population: float) -> float:
        return math.exp((gaps * math.log(own) + 3 * math.log(population)) / (gaps + 3))

    names = ("gap_median_days", "gap_p80_days", "usual_gap_days_before", "gap_p80_days_before")
    assert of(found, "ann", *names) == pytest.approx(
        (drawn(20, 4, 7), drawn(41.2, 4, 20), drawn(10, 3, 7), drawn(22, 3, 20)), abs=0.0005
    )


def test_a_customer_without_gaps_has_the_population_s() -> None:
    found = table(*(row("ann", day, 1.0) for day in (0, 10, 30)), row("bob", 5, 1.0))
    assert found.population == Population(10.0, 20.0)
    assert of(found, "bob", "gaps", "gap_median_days", "gap_p80_days", "gap_last_days") == (0, 10.0, 20.0, None)
    assert of(found, "bob", "usual_gap_days_before", "gap_p80_days_before") == (10.0, 20.0)


def test_an_absence_does_not_change_what_was_usual_before_it() -> None:
    steady = [row("ann", day, 1.0) for day in range(0, 70, 7)]
    before = of(table(*steady, population=Population(30.0, 60.0)), "ann", "gap_median_days", "gap_p80_days")
    back = table(*steady, row("ann", 400, 1.0), population=Population(30.0, 60.0))
    assert of(back, "ann", "usual_gap_days_before", "gap_p80_days_before") == before
    assert of(back, "ann", "gap_last_days") == 337


def test_where_nobody_came_back_no_gap_is_usual() -> None:
    found = table(row("ann", 0, 1.0), row("bob", 5, 1.0), row("bob", 5, 2.0))
    assert found.population == NOBODY_ELSE
    assert not found.features & {"gap_median_days", "gap_p80_days", "usual_gap_days_before", "gap_p80_days_before"}


def test_each_customer_weighs_the_same_in_what_is_usual() -> None:
    daily = [row("ann", day, 1.0) for day in range(100)]
    others = [row(customer, day, 1.0) for customer in ("bob", "cho") for day in (0, 60)]
    assert table(*daily, *others).population == Population(60.0, 60.0)


def test_a_given_population_is_used_and_nothing_is_learned() -> None:
    rows = [*(row("ann", day, 10.0, cost=4.0) for day in (0, 10)), row("bob", 10, 10.0)]
    assert table(*rows).population == Population(10.0, 10.0, 0.6)
    frozen = Population(50.0, 80.0, 0.25)
    found = table(*rows, population=frozen)
    assert found.population is frozen
    assert of(found, "bob", "gap_median_days", "gap_p80_days", "margin_12mo") == (50.0, 80.0, 2.5)


def test_a_year_is_one_of_the_calendar() -> None:
    as_of = START.date() + timedelta(days=731)  # 2026-03-02
    days = {date(2026, 3, 2): 1.0, date(2025, 3, 3): 2.0, date(2025, 3, 2): 4.0, date(2024, 3, 3): 8.0}
    rows = [row("ann", (day - START.date()).days, net) for day, net in days.items()]
    found = table(*rows, row("ann", 1, 16.0), row("ann", 700, -0.5, "return"), as_of=as_of)
    assert of(found, "ann", "spend_12mo", "spend_previous_12mo", "net_total") == (2.5, 12.0, 30.5)


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2024, 2, 29), 12, date(2023, 2, 28)),
        (date(2024, 3, 31), 1, date(2024, 2, 29)),
        (date(2024, 1, 15), 1, date(2023, 12, 15)),
        (date(2024, 12, 31), 24, date(2022, 12, 31)),
    ],
)
def test_months_end_where_the_calendar_says(day: date, months: int, earlier: date) -> None:
    assert months_before(day, months) == earlier


def test_a_window_limits_frequency_and_money_alone() -> None:
    found = table(
        row("ann", 0, 10.0), row("ann", 50, 5.0), row("ann", 55, -1.0, "return"), row("bob", 0, 7.0), window=1
    )
    assert of(found, "ann", "frequency", "monetary", "net_total", "rows", "recency_days") == (1, 4.0, 14.0, 3, 5)
    assert of(found, "bob", "frequency", "monetary", "net_total", "recency_days") == (0, 0.0, 7.0, 55)


def test_a_window_longer_than_history_is_all_time() -> None:
    rows = [row("ann", 0, 10.0), row("ann", 50, 5.0)]
    for time_zone in ("UTC", "Asia/Bangkok"):
        found = table(*rows, window=99_999, time_zone=time_zone)
        assert_frame_equal(found.frame, table(*rows, time_zone=time_zone).frame)


def test_money_can_be_the_mean_of_a_purchase_day() -> None:
    rows = [row("ann", 0, 10.0), row("ann", 0, 2.0), row("ann", 40, 5.0), row("ann", 41, -1.0, "return")]
    assert of(table(*rows, money="mean"), "ann", "monetary", "frequency") == (8.0, 2)
    assert of(table(*rows, row("ann", 300, -3.0, "return"), money="mean", window=1), "ann", "monetary") == -3.0


def test_margin_is_net_less_cost_and_the_usual_share_where_no_cost_is_known() -> None:
    found = table(
        row("ann", 0, 100.0, cost=60.0),
        row("ann", 1, 50.0),
        row("bob", 1, 100.0, cost=70.0),
        row("bob", 2, 0.0, cost=5.0),
    )
    assert found.population.margin_share == 0.325  # (200 - 135) / 200
    assert of(found, "ann", "margin_12mo", "cost_known_share") == (56.25, 0.666666666667)
    assert of(found, "bob", "margin_12mo", "cost_known_share") == (25.0, 1.0)
    assert found.remarks == ("margin_12mo: 20.0% of the net amount has no cost; 32.5% of it counts as margin",)


@pytest.mark.parametrize("cost", [-6.0, 6.0])
def test_goods_that_come_back_give_back_their_cost_whatever_its_sign(cost: float) -> None:
    found = table(
        row("ann", 0, 10.0, cost=6.0), row("ann", 1, 10.0, cost=6.0), row("ann", 2, -10.0, "return", cost=cost)
    )
    assert of(found, "ann", "margin_12mo") == 4.0


def test_without_any_cost_the_margin_is_the_net_amount_and_it_is_said() -> None:
    found = table(row("ann", 0, 10.0), money="margin")
    assert of(found, "ann", "margin_12mo", "monetary") == (10.0, 10.0)
    assert found.remarks == (
        "no cost is known: margin_12mo is the net amount",
        "no cost is known: monetary is the net amount",
    )


def test_money_as_margin_keeps_to_the_window() -> None:
    rows = [row("ann", 0, 100.0, cost=60.0), row("ann", 100, 10.0, cost=5.0), row("bob", 99, 8.0, cost=1.0)]
    assert table(*rows, money="margin", scope="rfm").frame["monetary"].to_list() == [45.0, 7.0]
    assert table(*rows, money="margin", scope="rfm", window=1).frame["monetary"].to_list() == [5.0, 7.0]


def test_the_trend_is_the_slope_of_least_squares_in_parts_of_the_mean() -> None:
    values = {0: 10.0, 30: 14.0, 90: 12.0, 365: 30.0}
    found = table(*(row("ann", day, net) for day, net in values.items()), *(row("bob", day, 5.0) for day in values))
    x, y = list(values), list(values.values())
    mean_x, mean_y = sum(x) / 4, sum(y) / 4
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum((a - mean_x) ** 2 for a in x)
    assert of(found, "ann", "order_value_mean") == mean_y
    assert of(found, "ann", "order_value_trend") == pytest.approx(slope * 365.25 / mean_y, abs=1e-6)
    assert of(found, "bob", "order_value_trend") == 0.0


def test_two_days_are_no_trend_and_free_items_have_none() -> None:
    found = table(row("ann", 0, 1.0), row("ann", 9, 5.0), *(row("bob", day, 0.0) for day in (0, 5, 9)))
    assert of(found, "ann", "order_value_trend") == 0.0
    assert of(found, "bob", "order_value_trend", "order_value_mean") == (None, 0.0)


def test_the_trend_of_the_largest_amounts_stays_exact_enough() -> None:
    found = table(*(row("ann", day, net) for day, net in ((0, 1e14), (365, 2e14), (730, 3e14))))
    assert of(found, "ann", "order_value_trend") == pytest.approx(0.5 * 365.25 / 365, abs=1e-5)


def test_categories_are_counted_by_rows_and_ties_go_by_name() -> None:
    found = table(
        *(row("ann", 0, 1.0, category=name) for name in ("tea", "tea", "cups", None)),
        *(row("bob", 0, 1.0, category=name) for name in ("tea", "cups")),
        row("bob", 1, -1.0, "return", category="pots"),
        row("cho", 0, 1.0),
    )
    assert of(found, "ann", "categories", "category_main") == (2, "tea")
    assert of(found, "bob", "categories", "category_main") == (2, "cups")
    assert of(found, "cho", "categories", "category_main") == (0, None)


def test_channels_are_counted_by_purchase_days() -> None:
    found = table(
        *(row("ann", 0, 1.0, channel="web") for _ in range(9)),
        *(row("ann", day, 1.0, channel="till") for day in (1, 2, 2)),
        row("ann", 3, 1.0),
        row("bob", 0, 1.0),
    )
    names = ("channels", "channel_main", "channel_share_till", "channel_share_web")
    assert of(found, "ann", *names) == (2, "till", 0.666666666667, 0.333333333333)
    assert of(found, "bob", *names) == (0, None, None, None)
    assert "channel_share_other" not in found.frame.columns


def test_channels_beyond_the_eight_most_common_share_a_column() -> None:
    rows = [row("ann", day, 1.0, channel=f"c{day % 10}") for day in range(18)]
    found = table(*rows, row("bob", 0, 1.0, channel="other"))
    names = [name for name in found.frame.columns if name.startswith("channel_share_")]
    assert names == [*(f"channel_share_c{number}" for number in range(8)), "channel_share_other"]
    assert of(found, "ann", "channel_share_c0", "channel_share_other") == (0.111111111111, 0.111111111111)
    assert of(found, "bob", "channel_share_c0", "channel_share_other") == (0.0, 1.0)


def test_discounts_and_returns_are_shares_of_what_was_bought() -> None:
    found = table(
        row("ann", 0, 80.0, discount=20.0),
        row("ann", 1, 100.0),
        row("ann", 2, -18.0, "return", discount=-2.0),
        row("bob", 0, 0.0),
        row("bob", 1, -5.0, "return"),
    )
    assert of(found, "ann", "discount_share", "return_share") == (0.1, 0.1)
    assert of(found, "bob", "discount_share", "return_share", "monetary") == (None, 0.0, -5.0)


def test_weekdays_are_those_of_purchase_days_and_ties_go_to_the_first() -> None:
    found = table(*(row("ann", day, 1.0) for day in (0, 1, 1, 7)), row("bob", 2, 1.0), row("bob", 3, 1.0))
    assert of(found, "ann", "weekday_main", "weekday_main_share", "weekend_share") == (
        5,
        0.666666666667,
        0.333333333333,
    )
    assert of(found, "bob", "weekday_main", "weekday_main_share", "weekend_share") == (1, 0.5, 0.5)


def test_a_cancelled_order_is_none() -> None:
    there = [row("ann", 0, 10.0, category="tea", channel="web", cost=4.0, discount=1.0)]
    gone = row("ann", -5, 99.0, "cancel", category="cups", channel="till", cost=9.0, discount=9.0)
    assert_frame_equal(table(*there).frame, table(*there, gone).frame)


def test_prospects_are_customers_who_have_bought_nothing_yet() -> None:
    data = {"transactions": frame(row("ann", 0, 5.0), row("eve", 300, 5.0)), "customers": customers}
    early = feature_table(data, as_of=date(2024, 6, 1), with_prospects=True)
    assert early.frame["customer_id"].to_list() == ["ann", "dee"]
    assert of(early, "dee", "frequency", "monetary", "net_total", "rows", "spend_12mo", "margin_12mo") == (0,) * 6
    assert of(early, "dee", "last_purchase", "first_purchase", "recency_days", "tenure_days") == (None,) * 4
    later = feature_table(data, as_of=date(2024, 10, 1), with_prospects=True, scope="rfm")
    assert later.frame["customer_id"].to_list() == ["ann", "dee", "eve"]
    assert feature_table(data, as_of=date(2024, 10, 1)).frame["customer_id"].to_list() == ["ann"]


def test_a_customer_who_only_returned_is_no_prospect() -> None:
    data = {"transactions": frame(row("ann", 0, 5.0), row("dee", 3, -5.0, "return")), "customers": customers}
    found = feature_table(data, with_prospects=True)
    assert "dee" not in found.frame["customer_id"]
    assert found.left_out.customers_without_purchase == 1


def test_the_customers_own_table_says_who_they_are() -> None:
    found = feature_table({"transactions": frame(row("ann", 0, 5.0), row("zoe", 0, 5.0)), "customers": customers})
    assert of(found, "ann", "party_type", "country", "region") == ("person", "DE", None)
    assert of(found, "zoe", "party_type", "country", "region") == (None, None, None)
    assert {"party_type", "country"} <= found.features
    assert not found.features & {"region", "lang"}


def test_a_customer_who_stands_twice_in_the_customers_table_is_refused() -> None:
    data = {"transactions": frame(row("ann", 0, 5.0)), "customers": pl.concat([customers, customers])}
    with pytest.raises(InputError, match="5 rows too many"):
        feature_table(data)


def test_a_notebook_s_columns_may_have_other_types() -> None:
    rows = [row("ann", 0, 5.0, category="tea", channel="web", cost=3.0), row("ann", 4, 5.0, channel="till")]
    odd = frame(*rows).with_columns(pl.col("channel", "category").cast(pl.Categorical), pl.col("cost").cast(pl.Int32))
    assert_frame_equal(feature_table({"transactions": odd}).frame, table(*rows).frame)


def test_amounts_of_zero_and_negative_totals_are_no_trouble() -> None:
    found = table(row("ann", 0, 0.0), row("ann", 1, -7.0, "return"), row("bob", 0, 0.0, cost=0.0))
    assert found.frame["net_total"].to_list() == [-7.0, 0.0]
    assert found.population.margin_share is None
    assert of(found, "ann", "margin_12mo", "cost_known_share", "return_share") == (-7.0, None, 0.0)


def test_an_absurd_cost_is_refused_with_the_columns_it_may_stand_in() -> None:
    with pytest.raises(InputError, match="'net' or 'cost' or 'discount' holds an amount too large"):
        table(row("ann", 0, 1.0, cost=1e19))


def test_prospects_alone_are_not_enough() -> None:
    with pytest.raises(NotEnoughDataError):
        feature_table({"transactions": frame(), "customers": customers}, with_prospects=True)


@given(st.dates())
def test_a_day_has_the_number_that_python_gives_it(day: date) -> None:
    import narwhals as nw

    numbers = nw.from_native(pl.LazyFrame({"day": [day]})).select(number=day_number("day")).to_native().collect()
    assert numbers["number"].to_list() == [day.toordinal()]


def test_online_retail_agrees_with_duckdb() -> None:
    as_of = date(2010, 9, 30)
    found = feature_table({"transactions": online_retail()}, as_of=as_of)
    names = ["customer_id", "gaps", "own_median", "own_p80", "spend_12mo", "order_value_mean", "slope", "return_share"]
    names += ["weekend_share"]
    oracle = duckdb.sql(
        f"""
        WITH lines AS (
            SELECT CAST("Customer ID" AS VARCHAR) AS customer_id, CAST(InvoiceDate AS TIMESTAMP)::DATE AS day,
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
                   quantile_cont(gap, 0.8) AS own_p80, avg(net) AS order_value_mean,
                   regr_slope(net::DOUBLE, date_diff('day', DATE '2009-01-01', day)) AS slope,
                   avg((isodow(day) >= 6)::INT) AS weekend_share
            FROM days GROUP BY customer_id
        ), money AS (
            SELECT customer_id, coalesce(sum(net) FILTER (day > '2009-09-30'), 0) AS spend_12mo,
                   -sum(net) FILTER (NOT bought) / nullif(sum(net) FILTER (bought), 0) AS return_share
            FROM lines GROUP BY customer_id
        )
        SELECT {", ".join(names)} FROM rhythm JOIN money USING (customer_id) ORDER BY customer_id
        """
    ).pl()
    ours = found.frame.join(oracle.select("customer_id", "own_median", "own_p80", "slope"), on="customer_id")
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
    trend = (pl.col("slope") * 365.25 / pl.col("order_value_mean") - pl.col("order_value_trend")).abs()
    assert steady.select((trend / (1 + pl.col("order_value_trend").abs())).max()).item() < 1e-4
    direct = ["customer_id", "gaps", "spend_12mo", "order_value_mean", "return_share", "weekend_share"]
    theirs = oracle.select(direct).with_columns(pl.col("return_share").fill_null(0.0))
    schema = dict(found.frame.select(direct).schema)
    assert_frame_equal(found.frame.select(direct), theirs.cast(schema), abs_tol=1e-4)
