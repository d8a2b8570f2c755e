"""Cohorts: new customers of a month and their share with a purchase in each later month that is complete."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.config import Config
from ckm.metrics.cohorts import MONTHS, cohort_metrics, cohorts
from ckm.metrics.context import ReportContext
from ckm.metrics.metric import Metrics
from ckm.models.intervals import wilson
from tests.conftest import examples
from tests.metrics.rows import START, bought, context, histories, on, tables
from tests.metrics.shop import shop_context
from tests.metrics.stores import SHOPS


def measured(found: ReportContext) -> Metrics:
    return Metrics(cohort_metrics(found)[0])


def cells(found: ReportContext) -> dict[tuple[str, int], float]:
    there = measured(found).all("retention_cohort", "cohort", "month")
    return {(dict(each.slice)["cohort"], int(dict(each.slice)["month"])): each.value for each in there}  # type: ignore[misc]


def test_the_small_shop_counted_by_hand() -> None:
    """As of 31 July 2025. Elif, of November 2024, came in January (the second month after); fred, of March, not again;
    gabi, of May, twice in May itself."""
    found = shop_context(as_of=date(2025, 7, 31))
    sizes = {each.of("cohort"): each.value for each in measured(found).all("cohort_size", "cohort")}
    assert len(sizes) == MONTHS
    assert {month: size for month, size in sizes.items() if size} == {"2024-11": 1, "2025-03": 1, "2025-05": 1}
    assert cells(found) == {
        **{("2024-11", month): float(month == 2) for month in range(1, 9)},
        **{("2025-03", month): 0.0 for month in range(1, 5)},
        **{("2025-05", month): 0.0 for month in range(1, 3)},
    }


def test_an_incomplete_month_has_no_cell_and_no_cohort() -> None:
    rows = [on(date(2024, month, 5), "ann") for month in (3, 4, 5)] + [on(date(2024, 5, 9), "bob")]
    assert cells(context(tables(*rows), as_of=date(2024, 5, 30))) == {("2024-03", 1): 1.0}
    assert cells(context(tables(*rows), as_of=date(2024, 5, 31))) == {("2024-03", 1): 1.0, ("2024-03", 2): 1.0}


def test_data_of_less_than_a_month_have_no_cohort() -> None:
    assert cohort_metrics(context(tables(on(date(2024, 3, 5), "ann")))) == ((), ())


def test_a_cell_has_its_size_and_the_interval_of_its_share() -> None:
    rows = [on(date(2024, 3, 5), who) for who in ("ann", "bob", "cho")] + [on(date(2024, 4, 2), "bob")]
    cell = measured(context(tables(*rows), as_of=date(2024, 4, 30))).get(
        "retention_cohort", cohort="2024-03", month="1"
    )
    assert cell is not None
    assert (cell.value, cell.n, (cell.lo, cell.hi)) == (1 / 3, 3, wilson(1, 3))


@pytest.mark.slow
@settings(max_examples=examples(30))
@given(histories.filter(bought), st.integers(0, 1030))
def test_cohorts_equal_those_counted_from_the_rows(rows: list, day: int) -> None:
    as_of = START + timedelta(day)
    days: dict[str, set[date]] = {}
    for who, at, net, kind, *_ in rows:
        if who and net >= 0 and kind in {"sale", "subscription"} and at.date() <= as_of:
            days.setdefault(who, set()).add(at.date())
    if not days:
        return
    found = cohorts(context(tables(*rows), as_of=as_of).ledger, as_of)
    assert len(found.months) <= MONTHS
    months = {who: {(each.year * 12 + each.month) for each in those} for who, those in days.items()}
    for row, start in enumerate(found.months):
        first = start.year * 12 + start.month
        members = [those for those in months.values() if min(those) == first]
        assert found.sizes[row] == len(members)
        for later in range(len(found.months) - row):
            assert found.bought[row, later] == sum(first + later in those for those in members)


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS)
def test_sql_says_the_same(shop: str) -> None:
    make, zone, months = SHOPS[shop]
    data = make()
    as_of = date(1997, 12, 31) if shop == "cdnow" else None  # all of its customers bought first in the spring of 1997
    found = context(data, as_of=as_of, months=months, config=Config(time_zone=zone))
    transactions = data["transactions"].collect()  # noqa: F841  # DuckDB reads it by its name
    duckdb.execute("SET TimeZone = 'UTC'")
    said = duckdb.execute(
        """
        WITH visits AS (
            SELECT DISTINCT customer_id AS who, date_trunc('month', timezone($zone, ordered_at)) AS month
            FROM transactions WHERE type NOT IN ('cancel', 'return') AND net >= 0 AND customer_id IS NOT NULL),
        firsts AS (SELECT who, min(month) AS cohort FROM visits GROUP BY who),
        sizes AS (SELECT cohort, count(*) AS size FROM firsts GROUP BY cohort)
        SELECT strftime(cohort, '%Y-%m'), date_diff('month', cohort, month), count(*) / any_value(size)
        FROM visits JOIN firsts USING (who) JOIN sizes USING (cohort) WHERE month > cohort GROUP BY ALL
        """,
        {"zone": zone},
    ).fetchall()
    theirs = {(cohort, month): share for cohort, month, share in said}
    ours = cells(found)
    assert ours
    assert ours == {cell: pytest.approx(theirs.get(cell, 0.0)) for cell in ours}
