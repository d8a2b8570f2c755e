"""Stray dates are found and change no other check; data that end early are found without a freshness limit."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from ckm.check import CheckLimits, Severity

from .conftest import DAYS, FIRST, Shop

LAST = date(2024, 6, 28)
STRAY = [date(1970, 1, 1), date(2052, 7, 1)]


def add(shop: Shop, *days: date, table: str = "transactions") -> Shop:
    """Add a copy of the first row, with a new key, on each of ``days``."""
    frame = shop.tables[table]
    key, column = {"transactions": ("order_id", "ordered_at"), "interactions": ("interaction_id", "at")}[table]
    rows = [
        frame.head(1).with_columns(
            pl.lit(f"X{number}").alias(key),
            pl.lit(datetime(day.year, day.month, day.day, 12, tzinfo=UTC)).cast(frame[column].dtype).alias(column),
        )
        for number, day in enumerate(days)
    ]
    shop.tables[table] = pl.concat([frame, *rows])
    return shop


@pytest.mark.parametrize("days", [STRAY[:1], STRAY[1:], STRAY], ids=["before", "after", "both"])
def test_stray_dates_are_one_warning_and_change_no_other_check(shop: Shop, days: list[date]) -> None:
    clean = shop.check()
    report = add(shop, *days).check()
    [found] = [each for each in report.findings if each.check == "stray_dates"]
    assert (found.severity, found.table, found.column, found.count) == (
        Severity.warning,
        "transactions",
        "ordered_at",
        len(days),
    )
    assert all(str(day) in found.message for day in days)
    assert [each for each in report.findings if each is not found] == list(clean.findings)
    assert report.as_of == clean.as_of == LAST


def test_a_stray_interaction_does_not_make_the_other_tables_outdated(shop: Shop) -> None:
    limits = CheckLimits(freshness={"transactions": 7, "interactions": 14})
    clean = shop.check(limits=limits)
    report = add(shop, STRAY[1], table="interactions").check(limits=limits)
    assert [each.table for each in report.findings if each.check == "stray_dates"] == ["interactions"]
    assert [each for each in report.findings if each.check != "stray_dates"] == list(clean.findings)


def test_with_stray_dates_kept_the_check_is_skipped(shop: Shop) -> None:
    report = add(shop, STRAY[1]).check(keep_stray_dates=True)
    assert report.as_of == STRAY[1]
    assert not [each for each in report.findings if each.check == "stray_dates"]
    assert [each.reason for each in report.skipped if (each.check, each.table) == ("stray_dates", "transactions")] == [
        "switched off in ckm.yaml: stray_dates"
    ]


def test_rows_after_a_named_day_are_later_and_not_stray(shop: Shop) -> None:
    report = add(shop, STRAY[1]).check(as_of=LAST)
    assert report.later == {"transactions": 1}
    assert not [each for each in report.findings if each.check == "stray_dates"]


def test_data_that_end_long_before_a_named_day_are_found_without_a_limit(shop: Shop) -> None:
    assert (date(2024, 1, 1), 180) == (FIRST, DAYS)
    [found] = shop.findings("freshness", as_of=date(2024, 9, 11))
    assert (found.severity, found.table, found.count, found.limit) == (Severity.warning, "transactions", 75, 7.0)
    assert "end on 2024-06-28, 75 days before 2024-09-11" in found.message
    assert shop.findings("freshness", as_of=date(2024, 7, 5)) == []


def test_a_freshness_limit_takes_precedence_over_the_usual_pauses(shop: Shop) -> None:
    lax = CheckLimits(freshness={"transactions": 90})
    assert shop.findings("freshness", as_of=date(2024, 9, 11), limits=lax) == []
    strict = CheckLimits(freshness={"transactions": 1})
    assert "allowed: 1 day" in shop.findings("freshness", as_of=date(2024, 7, 1), limits=strict)[0].message


def test_a_stray_month_is_not_the_last_month_of_a_column(shop: Shop) -> None:
    shop.change(where=pl.col("ordered_at").dt.date() >= date(2024, 6, 10), product_id=None)
    found = add(shop, STRAY[1]).findings("emptied", limits=CheckLimits(min_rows=1))
    assert [(each.column, each.part) for each in found] == [("product_id", "2024-06")]
