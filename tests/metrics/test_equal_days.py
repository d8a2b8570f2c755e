"""Periods of unequal length: a shop without any other change has an effect of the calendar only."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.config import Config
from ckm.customers.ledger_needs import EVERYTHING
from ckm.customers.ledger_reader import read_ledger
from ckm.customers.period import Comparison, Period, compared_with, period_until
from ckm.metrics.changes import change_metrics
from ckm.metrics.comparison import compare
from ckm.metrics.context import ReportContext
from ckm.metrics.dimensions import customer_dimensions
from ckm.metrics.equal_days import EqualDays
from ckm.metrics.metric import Metrics
from ckm.metrics.significance import Change, judge_changes, reportable_changes
from tests.conftest import examples
from tests.metrics.rows import Row, bought, histories, on, tables

FACTORS = ("customers", "frequency", "order_value", "returns", "calendar")
DAY = timedelta(1)


def steady_shop(first: date, last: date, *, every: int = 10, customers: int = 100, returned: int = 0) -> list[Row]:
    """Return customers with an order of 10.00 every ``every`` days; one in ``returned`` orders is returned in half."""
    rows: list[Row] = []
    for number in range((last - first).days + 1):
        for who in range(number % every, customers, every):
            rows.append(on(first + number * DAY, f"c{who:03}"))
            if returned and len(rows) % returned == 0:
                rows.append(on(first + number * DAY, f"c{who:03}", -5.0, "return"))
    return rows


def context_of(rows: list[Row], as_of: date, months: int, comparison: Comparison = "previous") -> ReportContext:
    data = tables(*rows)
    ledger = read_ledger(data, as_of=as_of, needs=EVERYTHING)
    period = period_until(as_of, months)
    return ReportContext(data, ledger, period, compared_with(period, months, comparison), Config())


def effects_of(of: ReportContext) -> dict[str, float]:
    metrics = Metrics(change_metrics(of)[0])
    return {factor: metrics.value(f"change_by_{factor}") or 0.0 for factor in FACTORS}


def judged(of: ReportContext) -> tuple[Change, ...]:
    comparison = compare(of)
    assert comparison is not None
    return judge_changes(comparison, customer_dimensions(of, comparison.net + comparison.net_before))


@pytest.mark.parametrize(
    ("as_of", "months", "comparison"),
    [
        (date(2025, 3, 31), 1, "previous"),  # 28 and 31 days
        (date(2025, 2, 28), 1, "previous"),  # 31 and 28
        (date(2024, 2, 29), 1, "year-ago"),  # the leap day
        (date(2024, 12, 31), 12, "previous"),  # 365 and 366
        (date(2025, 6, 30), 3, "previous"),  # 90 and 91
        (date(2025, 4, 30), 2, "previous"),  # 59 and 61
        (date(2025, 4, 15), 1, "previous"),
    ],
)
@pytest.mark.parametrize("returned", [0, 20])
def test_a_steady_shop_has_an_effect_of_the_calendar_only(
    as_of: date, months: int, comparison: Comparison, returned: int
) -> None:
    of = context_of(steady_shop(date(2022, 6, 1), as_of, returned=returned), as_of, months, comparison)
    found = effects_of(of)
    days = of.period.days - of.compared.days
    change = (Metrics(change_metrics(of)[0]).get("revenue_of_customers")).change  # type: ignore[union-attr]
    assert sum(round(100 * each) for each in found.values()) == round(100 * change)  # type: ignore[operator]
    assert abs(days) > 0
    assert np.sign(found["calendar"]) == np.sign(days)
    # 100 orders of 10.00 every ten days, of which returns are not spread evenly
    assert found["calendar"] == pytest.approx(days * (100 - (2.5 if returned else 0)), rel=0.12)
    assert all(abs(found[each]) <= 30 for each in FACTORS if each != "calendar")
    if not returned:
        assert all(found[each] == 0 for each in FACTORS if each != "calendar")
    assert reportable_changes(judged(of)) == ()


@pytest.mark.parametrize("as_of", [date(2025, 3, 31), date(2024, 3, 31), date(2025, 2, 28)])
def test_infrequent_buyers_do_not_increase_in_a_longer_month(as_of: date) -> None:
    shares = []
    for seed in range(12):
        dice = np.random.default_rng(seed)
        first = as_of - timedelta(120)
        rows = [
            on(first + int(day) * DAY, f"c{who:04}")
            for who in range(1500)
            for day in dice.choice(121, dice.poisson(2.0), replace=False)
        ]
        of = context_of(rows, as_of, 1)
        # five tests at a level of 5 % together: now and then one stands; the calendar of 10 % would make all stand
        assert len(reportable_changes(judged(of))) <= 2
        found = effects_of(of)
        revenue = Metrics(change_metrics(of)[0]).get("revenue_of_customers")
        assert revenue is not None
        assert revenue.previous
        shares.append([found[each] / revenue.previous for each in ("customers", "frequency")])
    # by chance a share has a standard deviation of .05; the calendar would put .10 into one of the two
    assert np.abs(np.mean(shares, axis=0)).max() < 0.05


@settings(max_examples=examples(30))
@given(histories, st.sampled_from([date(2025, 3, 31), date(2024, 3, 30), date(2025, 2, 28), date(2026, 1, 15)]))
def test_scaled_sums_equal_those_counted_from_the_rows(rows: list[Row], as_of: date) -> None:
    if not bought([each for each in rows if each[1].date() <= as_of]):
        return
    of = context_of(rows, as_of, 1)
    comparison = compare(of)
    if comparison is None:
        return
    before, now = comparison.totals
    for totals, period in ((before, of.covered(of.compared)), (now, of.covered(of.period))):
        inside = [each for each in rows if each[0] and period.first <= each[1].date() <= period.last]
        kept = [each for each in inside if each[3] != "cancel"]
        purchases = [each for each in kept if each[3] != "return" and each[2] >= 0]
        assert totals.days == period.days
        assert totals.purchases == sum(round(each[2] * 100) for each in purchases) * of.ledger.scale / 100
        back = sum(round(each[2] * 100) for each in kept) - sum(round(each[2] * 100) for each in purchases)
        assert totals.returns == -back * of.ledger.scale / 100
    days = comparison.equal_days[0].days
    for span in comparison.equal_days:
        counted = Counter(
            each[0]
            for start in range(span.period.days - days + 1)
            for each in {
                (row[0], None)
                for row in rows
                if row[0]
                and row[3] in {"sale", "subscription"}
                and row[2] >= 0
                and 0 <= (row[1].date() - span.period.first).days - start < days
            }
        )
        assert span.active.sum() == pytest.approx(sum(counted.values()) / (span.period.days - days + 1))
    money = of.ledger.scale / 100
    parts = effects_of(of)
    change = int((comparison.net - comparison.net_before).sum())
    assert sum(round(100 * each) for each in parts.values()) == round(change / money)


def test_windows_are_at_most_five_and_hold_the_first_and_the_last_day() -> None:
    ledger = context_of([on(date(2025, 1, 1), "ann")], date(2025, 1, 31), 1).ledger
    for whole, days in ((31, 28), (31, 31), (366, 365), (200, 120)):
        period = Period(date(2025, 1, 1), date(2025, 1, 1) + (whole - 1) * DAY)
        windows = EqualDays(ledger, period, days).windows
        assert 1 <= len(windows) <= 5
        assert (windows[0].first, windows[-1].last) == (period.first, period.last)
        assert {each.days for each in windows} == {days}


def test_more_returns_are_reported_as_more_returns() -> None:
    """Orders stay as they are; of the last months' orders one in four comes back, before one in 40."""
    last = date(2025, 12, 31)
    early = steady_shop(date(2023, 6, 1), date(2024, 12, 31), returned=40)
    late = steady_shop(date(2025, 1, 1), last, returned=4)
    of = context_of([*early, *late], last, 12)
    found = effects_of(of)
    assert found["returns"] < 0
    assert found["order_value"] == 0
    assert max(found, key=lambda each: -found[each]) == "returns"
    told = {each.metric: each for each in reportable_changes(judged(of))}
    assert told["revenue_returns"].change > 0
    assert "order_value" not in told


@pytest.mark.parametrize("early", [0, 5, 20, 75, 200])
def test_data_that_end_early_are_compared_per_day_or_not_at_all(early: int) -> None:
    as_of = date(2025, 12, 31)
    of = context_of(steady_shop(date(2023, 6, 1), as_of - early * DAY), as_of, 12)
    assert of.data_end == (as_of - early * DAY if early > 7 else None)
    metrics, missing = change_metrics(of)
    if early > 36:
        assert [each.reason for each in missing] == ["data_end_early"]
        assert all(each.previous is None for each in metrics)
    else:
        assert missing == ()
        assert all(abs(each.change / each.previous) < 0.02 for each in judged(of) if each.previous)
        covered = of.covered(of.period)
        assert covered.days == 365 - (early if early > 7 else 0)


def test_a_shop_that_was_closed_is_not_compared_and_one_that_closes_every_winter_is() -> None:
    as_of = date(2025, 12, 31)
    rows = steady_shop(date(2023, 6, 1), as_of)
    closed = [each for each in rows if not date(2025, 2, 1) <= each[1].date() <= date(2025, 5, 31)]
    of = context_of(closed, as_of, 12)
    assert of.silences == (Period(date(2025, 2, 1), date(2025, 5, 31)),)
    assert of.incomparable == ("days_without_rows", (("days", 120), ("others", 0)))
    winters = [each for each in closed if not date(2024, 2, 1) <= each[1].date() <= date(2024, 5, 31)]
    assert context_of(winters, as_of, 12).is_comparable


@pytest.mark.parametrize(("as_of", "months"), [(date(2025, 3, 31), 1), (date(2025, 2, 28), 1), (date(2025, 5, 31), 3)])
@pytest.mark.parametrize("last_day_of_month", [True, False])
def test_customers_billed_by_the_month_do_not_change_with_its_length(
    as_of: date, months: int, last_day_of_month: bool
) -> None:
    rows: list[Row] = []
    for month in range(24):
        first = date(2023 + (5 + month) // 12, (5 + month) % 12 + 1, 1)
        last = (first + 31 * DAY).replace(day=1) - DAY
        rows += [on(last if last_day_of_month else first + who % 28 * DAY, f"m{who:03}") for who in range(120)]
    of = context_of(rows, as_of, months)
    assert compare(of).is_billed_by_calendar
    assert all(each == 0 for each in effects_of(of).values())
    assert reportable_changes(judged(of)) == ()
