"""Satisfaction scores: newest response of each customer, and intervals equal to those of DuckDB."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ckm.metrics import satisfaction
from ckm.metrics.metric import Metrics, Missing
from ckm.metrics.ratings import read_ratings
from ckm.metrics.satisfaction import satisfaction_metrics, score
from tests.metrics.shop import shop_context, shop_tables


@pytest.fixture(scope="module")
def shop() -> Metrics:
    metrics, missing = satisfaction_metrics(shop_context())
    assert missing == ()
    return Metrics(metrics)


def rated(*answers: tuple[str | None, str, float, str]) -> dict[str, pl.LazyFrame]:
    """Return the small shop with other responses: customer, day, rating, scale."""
    rows = [
        (who, datetime.fromisoformat(day).replace(tzinfo=UTC), rating, scale) for who, day, rating, scale in answers
    ]
    frame = pl.DataFrame(rows, schema=("customer_id", "at", "rating", "scale"), orient="row")
    return {**shop_tables(), "interactions": frame.with_columns(pl.col("at").cast(pl.Datetime("us", "UTC"))).lazy()}


def test_the_net_promoter_score_by_hand(shop: Metrics) -> None:
    # newest of 2025: elif 6, fred 3, gabi 8, anna 10 (5 before it), dong 9, hugo 10: three promoters, two detractors
    nps = shop.get("nps")
    assert (nps.value, nps.n) == (pytest.approx(100 * (3 - 2) / 6), 6)
    # 2024: cara 2, hugo 9
    assert nps.previous == 0


def test_its_interval_by_hand(shop: Metrics) -> None:
    # three answers are added: 3.75 promoters, 2.75 detractors of 9; score 1/9, variance (6.5/9 - 1/81) / 9
    error = ((6.5 / 9 - 1 / 81) / 9) ** 0.5
    nps = shop.get("nps")
    assert nps.lo == pytest.approx(100 * (1 / 9 - 1.959964 * error), abs=1e-4)
    assert nps.hi == pytest.approx(100 * (1 / 9 + 1.959964 * error), abs=1e-4)


def test_satisfaction_and_effort_by_hand(shop: Metrics) -> None:
    # gabi 5, juri 4, lena 2: two of three satisfied; 2024 elif alone, which is no score
    csat = shop.get("csat")
    assert (csat.value, csat.n, csat.previous) == (pytest.approx(2 / 3), 3, None)
    # elif 3, bern 6: 4.5; t of one degree of freedom is 12.7, so that the interval is all of the scale
    ces = shop.get("ces")
    assert (ces.value, ces.n, ces.lo, ces.hi) == (4.5, 2, 1, 7)


def test_responses_and_response_rate_by_hand(shop: Metrics) -> None:
    counts = {each.of("scale"): (each.value, each.previous) for each in shop.all("responses", "scale")}
    assert counts == {"nps_0_10": (6, 2), "csat_1_5": (3, 1), "ces_1_7": (2, 0)}
    # all answered as active customers: 6, 3 and 2 of 9; in 2024 cara, hugo; elif; nobody of 7
    shares = {each.of("scale"): (each.value, each.previous) for each in shop.all("response_rate", "scale")}
    assert shares == {
        "nps_0_10": (pytest.approx(6 / 9), pytest.approx(2 / 7)),
        "csat_1_5": (pytest.approx(3 / 9), pytest.approx(1 / 7)),
        "ces_1_7": (pytest.approx(2 / 9), 0),
    }


def test_a_response_of_an_inactive_customer_counts_in_no_response_rate() -> None:
    # ines bought in 2024 only
    metrics = Metrics(
        satisfaction_metrics(
            shop_context(rated(("ines", "2025-03-01", 9, "nps_0_10"), ("anna", "2025-03-01", 9, "nps_0_10")))
        )[0]
    )
    assert metrics.value("responses", scale="nps_0_10") == 2
    assert metrics.value("response_rate", scale="nps_0_10") == pytest.approx(1 / 9)


NPS_SQL = """
WITH newest AS (
    SELECT arg_max(rating, "at") AS rating FROM interactions
    WHERE scale = 'nps_0_10' AND rating IS NOT NULL AND "at" >= TIMESTAMPTZ '2025-01-01 00:00:00Z'
        AND "at" < TIMESTAMPTZ '2026-01-01 00:00:00Z' AND customer_id IN (SELECT customer_id FROM transactions)
    GROUP BY customer_id),
shares AS (
    SELECT (count(*) FILTER (rating >= 9) + 0.75) / (count(*) + 3) AS p,
        (count(*) FILTER (rating <= 6) + 0.75) / (count(*) + 3) AS d, count(*) + 3 AS n,
        count(*) FILTER (rating >= 9) AS promoters, count(*) FILTER (rating <= 6) AS detractors
    FROM newest)
SELECT 100.0 * (promoters - detractors) / (n - 3),
    100 * (p - d - 1.959963984540054 * sqrt((p + d - (p - d) ** 2) / n)),
    100 * (p - d + 1.959963984540054 * sqrt((p + d - (p - d) ** 2) / n))
FROM shares
"""


@pytest.mark.parametrize("seed", range(3))
def test_sql_gives_the_same_score_and_interval(seed: int) -> None:
    dice = Random(seed)
    who = ["anna", "bern", "cara", "dong", "elif", "fred", "gabi", "hugo", "ines", "juri", "kiri", "otto", "mira"]
    answers = []
    for day in range(1, 29):
        for hour in range(3):
            when = f"{dice.choice((2024, 2025))}-{dice.randint(1, 12):02}-{day:02}T{hour:02}:00"
            answers.append((dice.choice(who), when, float(dice.randint(0, 10)), "nps_0_10"))
    tables = rated(*answers)
    found = Metrics(satisfaction_metrics(shop_context(tables))[0]).get("nps")
    connection = duckdb.connect()
    for name in ("interactions", "transactions"):
        connection.register(name, tables[name].collect().to_arrow())
    assert (found.value, found.lo, found.hi) == pytest.approx(connection.execute(NPS_SQL).fetchone(), abs=1e-9)


def test_of_two_responses_at_the_same_time_the_worse_counts() -> None:
    answers = [
        ("anna", "2025-03-01", 9, "nps_0_10"),
        ("anna", "2025-03-01", 2, "nps_0_10"),
        ("bern", "2025-03-01", 9, "nps_0_10"),
    ]
    assert satisfaction_metrics(shop_context(rated(*answers))) == satisfaction_metrics(
        shop_context(rated(*answers[::-1]))
    )
    assert Metrics(satisfaction_metrics(shop_context(rated(*answers)))[0]).value("nps") == 0


def test_a_response_belongs_to_the_day_in_the_time_zone_of_the_shop() -> None:
    tables = rated(("anna", "2025-06-01", 9, "nps_0_10"), ("bern", "2024-12-31T18:00", 0, "nps_0_10"))
    here = shop_context(tables)
    there = replace(here, ledger=replace(here.ledger, time_zone="Asia/Bangkok"))
    heights = [read_ratings(each).newest(here.period).height for each in (here, there)]
    assert heights == [1, 2]


def test_unknown_metrics_are_listed_as_missing() -> None:
    tables = shop_tables()
    without = {name: table for name, table in tables.items() if name != "interactions"}
    assert satisfaction_metrics(shop_context(without)) == ((), (Missing("loyalty", "no_interactions"),))
    assert satisfaction_metrics(shop_context(as_of=date(2023, 12, 31))) == ((), (Missing("loyalty", "no_ratings"),))
    bare = {**tables, "interactions": tables["interactions"].drop("rating")}
    assert satisfaction_metrics(shop_context(bare)) == ((), (Missing("loyalty", "no_ratings"),))


def test_one_response_is_no_score_and_one_without_a_customer_is_counted() -> None:
    metrics, missing = satisfaction_metrics(
        shop_context(rated(("anna", "2025-03-01", 9, "nps_0_10"), (None, "2025-03-01", 9, "nps_0_10")))
    )
    assert [each.name for each in metrics] == ["responses", "response_rate"]
    assert missing == (
        Missing("loyalty", "ratings_without_customer", (("count", 1),)),
        Missing("loyalty", "few_ratings", (("there", 1), ("needed", 2))),
    )


@given(st.lists(st.integers(0, 10), min_size=2, max_size=50))
def test_a_score_lies_within_its_interval_and_the_interval_within_the_scale(answers: list[int]) -> None:
    found = score(pl.Series(answers, dtype=pl.Float64), "nps_0_10")
    lo, hi = found.interval
    assert -100 <= lo < hi <= 100
    assert -100 <= found.value <= 100
    assert score(pl.Series(answers[::-1], dtype=pl.Float64), "nps_0_10") == found
    better = score(pl.Series([max(each, satisfaction.PROMOTER) for each in answers], dtype=pl.Float64), "nps_0_10")
    assert better.value == 100 >= found.value
