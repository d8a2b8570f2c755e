"""Active customer flow: it adds up, uses no later row, and agrees with the life cycle stages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ckm._segment.lifecycle.definition import ACTIVE_STAGES, LifecycleDefinition
from ckm._segment.lifecycle.flows import Flows, lifecycle_flows
from ckm.customers.features import Population, feature_table
from ckm.customers.ledger_reader import read_ledger
from ckm.errors import NotEnoughDataError, UsageError
from tests.conftest import examples
from tests.test_segment import SCHEMA, cdnow, online_retail

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

DEFINITION = LifecycleDefinition(gap_median_days=15.0, gap_p80_days=40.0)
"""Active for 50 days after the only purchase."""
START = date(2025, 11, 20)

Visit = tuple[str, int, str]
visits_of_some = st.tuples(
    st.sampled_from(["ann", "bob", "cho", "dee", "eve", "fay", "ชาย", "王", "مریم"]),
    st.integers(0, 400),
    st.sampled_from(["sale", "sale", "sale", "return", "cancel"]),
)
histories = st.lists(visits_of_some, min_size=1, max_size=60).filter(
    lambda visits: any(kind == "sale" for *_, kind in visits)
)
long_histories = st.lists(visits_of_some, min_size=30, max_size=90)


def transactions(visits: list[Visit]) -> pl.LazyFrame:
    noon = datetime(START.year, START.month, START.day, 12, tzinfo=UTC)
    return pl.LazyFrame(
        [
            (customer, noon + timedelta(days=day), -5.0 if kind == "return" else 5.0, "EUR", kind)
            for customer, day, kind in visits
        ],
        schema=SCHEMA,
        orient="row",
    )


def cdnow_sample() -> pl.LazyFrame:
    return cdnow("CDNOW_sample.txt", customer=1, day=2, dollars=4)


def flows(visits: list[Visit], *, as_of: int, period: str = "month", periods: int = 12) -> Flows:
    ledger = read_ledger({"transactions": transactions(visits)}, as_of=START + timedelta(days=as_of))
    return lifecycle_flows(ledger, DEFINITION, period=period, periods=periods)


def assert_balanced(frame: pl.DataFrame) -> None:
    assert (
        frame["active"].to_list()
        == frame.select(pl.sum_horizontal("new", "retained", "reactivated")).to_series().to_list()
    )
    assert frame["active_before"].to_list() == (frame["retained"] + frame["no_longer_active"]).to_list()
    assert frame["active_before"].to_list()[1:] == frame["active"].to_list()[:-1]


def is_active_now(tables: dict[str, pl.LazyFrame], definition: LifecycleDefinition, day: date) -> dict[str, date]:
    """Return the customers active at the end of a day, and their first purchase, by the feature table of that day."""
    population = Population(definition.gap_median_days, definition.gap_p80_days)
    try:
        table = feature_table(tables, as_of=day, population=population).frame
    except NotEnoughDataError:
        return {}
    states = definition.assign(table)["segment"]
    return dict(table.filter(states.is_in(list(ACTIVE_STAGES))).select("customer_id", "first_purchase").iter_rows())


def by_feature_tables(found: Flows, tables: dict[str, pl.LazyFrame], definition: LifecycleDefinition) -> pl.DataFrame:
    """Return the flow computed from a complete feature table at each end."""
    first = found.frame["end"][0].replace(day=1)
    ends = [first - timedelta(days=1), *found.frame["end"]]
    snapshots = [is_active_now(tables, definition, end) for end in ends]
    rows = []
    for before, (then, now) in zip(ends, pairwise(snapshots), strict=False):
        new = {customer for customer, bought in now.items() if bought > before}
        rows.append(
            (
                len(then),
                len(new),
                len(now.keys() & then.keys()),
                len(now.keys() - then.keys() - new),
                len(then.keys() - now.keys()),
                len(now),
            )
        )
    return pl.DataFrame(rows, schema=found.frame.schema.names()[2:], orient="row")


def test_one_customer_is_new_retained_no_longer_active_and_reactivated() -> None:
    """Active from 20 November to 9 January by the first purchase, and from 9 February to 21 May by the own 81 days."""
    found = flows([("ann", 0, "sale"), ("ann", 81, "sale")], as_of=192)
    assert found.frame.rows() == [
        ("2025-11", date(2025, 11, 30), 0, 1, 0, 0, 0, 1),
        ("2025-12", date(2025, 12, 31), 1, 0, 1, 0, 0, 1),
        ("2026-01", date(2026, 1, 31), 1, 0, 0, 0, 1, 0),
        ("2026-02", date(2026, 2, 28), 0, 0, 0, 1, 0, 1),
        ("2026-03", date(2026, 3, 31), 1, 0, 1, 0, 0, 1),
        ("2026-04", date(2026, 4, 30), 1, 0, 1, 0, 0, 1),
        ("2026-05", date(2026, 5, 31), 1, 0, 0, 0, 1, 0),
    ]


@pytest.mark.slow
@settings(max_examples=examples(40))
@given(histories, st.integers(0, 420), st.sampled_from(["month", "quarter", "year"]), st.integers(1, 14))
def test_every_period_balances(visits: list[Visit], as_of: int, period: str, periods: int) -> None:
    bought = [day for _, day, kind in visits if kind == "sale" and day <= as_of]
    if not bought:
        with pytest.raises(NotEnoughDataError, match="no purchase by a known customer on or before"):
            flows(visits, as_of=as_of)
        return
    found = flows(visits, as_of=as_of, period=period, periods=periods).frame
    assert_balanced(found)
    assert 1 <= found.height <= periods
    assert found["end"][-1] == START + timedelta(days=as_of)


@pytest.mark.slow
@settings(max_examples=examples(6))
@given(long_histories)
def test_the_flow_equals_the_stages_at_both_ends_of_the_period(visits: list[Visit]) -> None:
    tables = {"transactions": transactions(visits)}
    found = flows(visits, as_of=400, periods=3)
    assert_frame_equal(found.frame.drop("period", "end"), by_feature_tables(found, tables, DEFINITION))


@pytest.mark.slow
@settings(max_examples=examples(13))
@given(histories, st.integers(0, 400), st.randoms(use_true_random=False))
def test_later_rows_and_the_order_of_rows_change_no_flow(visits: list[Visit], day: int, random: Random) -> None:
    seen = [visit for visit in visits if visit[1] <= day]
    if not any(kind == "sale" for *_, kind in seen):
        return
    shuffled = random.sample(visits, len(visits))
    now = flows(shuffled, as_of=day)
    assert now.remarks == flows(seen, as_of=day).remarks
    assert_frame_equal(now.frame, flows(seen, as_of=day).frame)
    later = flows(shuffled, as_of=day + 62, periods=24).frame
    finished = now.frame.filter(pl.col("end") == pl.col("end").dt.month_end())
    assert_frame_equal(finished, later.filter(pl.col("end").is_in(finished["end"].implode())))


@pytest.mark.parametrize(
    ("period", "labels", "ends"),
    [
        ("month", ["2026-02", "2026-03"], [date(2026, 2, 28), date(2026, 3, 10)]),
        ("quarter", ["2025-Q4", "2026-Q1"], [date(2025, 12, 31), date(2026, 3, 10)]),
        ("year", ["2025", "2026"], [date(2025, 12, 31), date(2026, 3, 10)]),
    ],
)
def test_periods_are_those_of_the_calendar_and_the_last_ends_as_of(
    period: str, labels: list[str], ends: list[date]
) -> None:
    found = flows([("ann", 0, "sale"), ("bob", 30, "sale")], as_of=110, period=period, periods=2)
    assert found.frame["period"].to_list() == labels
    assert found.frame["end"].to_list() == ends
    assert found.remarks[0] == f"the last {period} ends on 2026-03-10, before its time"


def test_customers_who_become_active_and_inactive_within_a_period_are_counted_in_a_remark() -> None:
    """``bob`` bought once, in January, and is not active since March; the year is looked at in September."""
    found = flows([("ann", 0, "sale"), ("bob", 60, "sale")], as_of=300, period="year")
    assert found.frame["new"].to_list() == [1, 0]
    assert found.remarks[-1].startswith("1 customer bought first within a year and were not active at its end")


def test_a_remark_says_that_purchases_before_the_data_begin_are_unknown() -> None:
    found = flows([("ann", 0, "sale")], as_of=10)
    assert any(remark.startswith("the data begin on 2025-11-20") for remark in found.remarks)


@pytest.mark.parametrize(("period", "periods"), [("week", 12), ("month", 0)])
def test_a_period_that_does_not_exist_is_refused(period: str, periods: int) -> None:
    with pytest.raises(UsageError):
        flows([("ann", 0, "sale")], as_of=10, period=period, periods=periods)


def test_days_are_in_the_time_zone_of_the_shop() -> None:
    """23:30 in UTC on the last day of a month is the first day of the next month in Berlin."""
    late = transactions([("ann", 0, "sale")]).with_columns(
        ordered_at=pl.lit(datetime(2025, 11, 30, 23, 30, tzinfo=UTC))
    )
    for zone, first in (("UTC", "2025-11"), ("Europe/Berlin", "2025-12")):
        ledger = read_ledger({"transactions": late}, as_of=date(2025, 12, 31), time_zone=zone)
        found = lifecycle_flows(ledger, DEFINITION)
        assert found.frame["period"][0] == first


@pytest.mark.slow
@pytest.mark.parametrize(("data", "as_of"), [(cdnow_sample, date(1998, 6, 30)), (online_retail, date(2010, 12, 9))])
def test_real_shops_balance(data: Callable[[], pl.LazyFrame], as_of: date) -> None:
    tables = {"transactions": data().collect().lazy()}
    table = feature_table(tables, as_of=as_of)
    usual, long = table.population.gap_median_days, table.population.gap_p80_days
    assert usual is not None
    assert long is not None
    definition = LifecycleDefinition(usual, long)
    found = lifecycle_flows(read_ledger(tables, as_of=as_of), definition, periods=24)
    assert_balanced(found.frame)
    assert found.frame["active"][-1] == definition.assign(table.frame)["segment"].is_in(list(ACTIVE_STAGES)).sum()
    assert found.frame["new"].sum() > 0
