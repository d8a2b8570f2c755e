"""Dates are parsed in every common format, and day and month are never swapped."""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.io.values.calendars import jalali_to_days
from ckm.io.values.dates import DateStyle, Order, date_evidence, find_pattern, parse_dates
from ckm.io.values.readers import DateReader, complete_reading
from tests.conftest import examples

moments = st.datetimes(datetime(1970, 1, 1), datetime(2068, 12, 31)).map(lambda moment: moment.replace(microsecond=0))
UNAMBIGUOUS = [
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M:%S", "%Y%m%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%d %b %Y %H:%M:%S", "%d-%b-%y %H:%M:%S", "%B %d, %Y %I:%M:%S %p", "%a, %d %b %Y %H:%M:%S", "%Y年%m月%d日 %H:%M:%S",
    "%Y-%b-%d %H:%M:%S", "%b %d %Y %I:%M:%S%p",
]  # fmt: skip


def local(text: str, style: DateStyle) -> datetime | None:
    return parse_dates(pl.Series([text]), style)["local"].item()


@pytest.mark.slow
@settings(max_examples=examples(100))
@given(moments, st.sampled_from(UNAMBIGUOUS))
def test_a_date_is_parsed_back_from_every_unambiguous_format(moment: datetime, pattern: str) -> None:
    assert local(moment.strftime(pattern), DateStyle()) == moment


@pytest.mark.slow
@settings(max_examples=examples(100))
@given(
    moments,
    st.sampled_from("/.-"),
    st.sampled_from(["dmy", "mdy"]),
    st.sampled_from(["%Y", "%y"]),
    st.sampled_from(["", " %H:%M", " %H:%M:%S", " %I:%M %p", ", %H.%M Uhr"]),
)
def test_a_numeric_date_is_parsed_back_if_its_order_is_given(
    moment: datetime, mark: str, order: Order, year: str, clock: str
) -> None:
    pattern = mark.join(["%d", "%m", year] if order == "dmy" else ["%m", "%d", year]) + clock
    expected = moment.replace(second=moment.second if "%S" in clock else 0)
    expected = expected if clock else expected.replace(hour=0, minute=0)
    assert local(moment.strftime(pattern), DateStyle(order)) == expected


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(st.dates(date(1970, 1, 1), date(2068, 12, 31)))
def test_without_a_date_order_only_unambiguous_dates_are_parsed(day: date) -> None:
    found = local(day.strftime("%d/%m/%Y"), DateStyle())
    swapped = local(day.strftime("%m/%d/%Y"), DateStyle())
    clear = day.day > 12 or day.day == day.month
    assert (found is not None) == (swapped is not None) == clear
    if found and swapped:
        assert found.date() == swapped.date() == day


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2. Januar 2025", datetime(2025, 1, 2)), ("2. März 2025 14:30 Uhr", datetime(2025, 3, 2, 14, 30)),
        ("2 มกราคม 2025", datetime(2025, 1, 2)), ("2025年1月2日 下午3:04", datetime(2025, 1, 2, 15, 4)),
        ("March 2nd, 2025", datetime(2025, 3, 2)), ("2 de enero de 2025", datetime(2025, 1, 2)),
        ("1/2/2025 12:00 AM", None), ("2025-01-02 12:05 am", datetime(2025, 1, 2, 0, 5)), ("2025-01-02 13:05 pm", None),
        ("۲۰۲۵-۰۱-۰۲", datetime(2025, 1, 2)), ("2025-01-02T03:04:05,25", datetime(2025, 1, 2, 3, 4, 5, 250_000)),
        ("2025-02-30", None), ("31.04.2025", None), ("2025-01-02 24:30", None), ("20251301", None), ("hello", None),
        ("14:05 31/01/2025", datetime(2025, 1, 31, 14, 5)), ("12:30 AM 01/13/2025", datetime(2025, 1, 13, 0, 30)),
        ("2:05:09 pm, 2025-01-31", datetime(2025, 1, 31, 14, 5, 9)),
        ("14:05 - 3 Mar 2025", datetime(2025, 3, 3, 14, 5)), ("14:05", None), ("25:05 31/01/2025", None),
        ("14:05 1/2/2025", None),
        ("01-02-2025-03", None), ("", None), ("2025", None), ("2025-01", None),
    ],
)  # fmt: skip
def test_month_names_and_times_are_parsed(text: str, expected: datetime | None) -> None:
    assert local(text, DateStyle()) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5)),
        ("2025-01-02T03:04:05+02:00", datetime(2025, 1, 2, 1, 4, 5)),
        ("2025-01-02 03:04 -0530", datetime(2025, 1, 2, 8, 34)),
        ("Thu, 02 Jan 2025 03:04:05 GMT", datetime(2025, 1, 2, 3, 4, 5)),
        ("2025-01-02 03:04", None), ("20250102T030405Z", datetime(2025, 1, 2, 3, 4, 5)),
    ],
)  # fmt: skip
def test_an_offset_in_the_text_gives_the_time_in_utc(text: str, expected: datetime | None) -> None:
    assert parse_dates(pl.Series([text]), DateStyle())["instant"].item() == expected


def test_evidence_distinguishes_determined_from_ambiguous_date_orders() -> None:
    assert date_evidence(pl.Series(["03/04/2025", "13/04/2025"])).order == "dmy"
    assert date_evidence(pl.Series(["03/04/2025", "04/13/2025"])).order == "mdy"
    assert date_evidence(pl.Series(["03/04/2025", "05/06/2025"])).is_open
    assert not date_evidence(pl.Series(["2025-04-03", "2025-04-04", "03/04/2025"])).is_open


def test_excel_day_numbers_are_parsed_to_the_second() -> None:
    assert date_evidence(pl.Series(["45659", "45660.5"])).is_serial
    found = parse_dates(pl.Series(["45659", "45660.52083333", "3"]), DateStyle(number="serial"))["local"].to_list()
    assert found == [datetime(2025, 1, 2), datetime(2025, 1, 3, 12, 30), None]


def test_unix_times_are_parsed_as_times_in_utc() -> None:
    found = parse_dates(pl.Series(["1735787045", "x"]), DateStyle(number="epoch_s"))["instant"].to_list()
    assert found == [datetime(2025, 1, 2, 3, 4, 5), None]
    assert parse_dates(pl.Series(["1735787045250"]), DateStyle(number="epoch_ms"))["instant"].item() == datetime(
        2025, 1, 2, 3, 4, 5, 250_000
    )


def test_thai_years_become_gregorian_years_leap_days_included() -> None:
    thai = ["29/02/2567", "1 มกราคม 2568", "13/01/2025"]
    assert date_evidence(pl.Series(thai)).is_buddhist
    found = parse_dates(pl.Series(thai), DateStyle("dmy", calendar="buddhist"))["local"].to_list()
    assert found == [datetime(2024, 2, 29), datetime(2025, 1, 1), datetime(2025, 1, 13)]


def test_persian_dates_follow_their_leap_years() -> None:
    # Nowruz (1 Farvardin) of 1399 to 1404 as published by the University of Tehran's calendar centre.
    nowruz = {1399: (2020, 3, 20), 1400: (2021, 3, 21), 1403: (2024, 3, 20), 1404: (2025, 3, 21)}
    found = parse_dates(pl.Series([f"{year}/01/01" for year in nowruz]), DateStyle(calendar="jalali"))["local"]
    assert [(day.year, day.month, day.day) for day in found.to_list()] == list(nowruz.values())
    edges = parse_dates(pl.Series(["۱۴۰۳/۱۲/۳۰", "1404/12/30", "1403/07/31"]), DateStyle(calendar="jalali"))["local"]
    assert edges.to_list() == [datetime(2025, 3, 20), None, None]


def test_consecutive_persian_days_are_consecutive_gregorian_days() -> None:
    days = pl.DataFrame(
        [(y, m, d) for y in range(1390, 1412) for m in range(1, 13) for d in range(1, 32)],
        schema=["y", "m", "d"],
        orient="row",
    ).select(jalali_to_days(pl.col("y"), pl.col("m"), pl.col("d")))
    steps = days.to_series().drop_nulls().diff().drop_nulls()
    assert steps.unique().to_list() == [1]


@pytest.mark.parametrize(
    ("text", "order", "pattern"),
    [
        ("2025-01-02T03:04:05", None, "%Y-%m-%dT%H:%M:%S"), ("02.01.2025", "dmy", "%d.%m.%Y"),
        ("02.01.2025", None, None),
        ("01/02/2025 03:04", "mdy", "%m/%d/%Y %H:%M"), ("20250102", None, "%Y%m%d"), ("2. Jan 2025", None, None),
        ("1/2/2025 3:04 PM", "mdy", "%m/%d/%Y %I:%M %p"),
        ("2025-01-02T03:04:05.123Z", None, "%Y-%m-%dT%H:%M:%S%.fZ"),
    ],
)  # fmt: skip
def test_a_usual_date_layout_is_parsed_on_the_fast_path(text: str, order: Order | None, pattern: str | None) -> None:
    assert find_pattern(pl.Series([text]), order)[0] == pattern


@pytest.mark.slow
@settings(max_examples=examples(60))
@given(
    st.lists(moments, min_size=1, max_size=5),
    st.sampled_from(
        [
            "%Y-%m-%dT%H:%M:%S",
            "%d.%m.%Y %H:%M:%S",
            "%Y-%m-%d %H:%M:%SZ",
            "%d/%m/%Y %I:%M:%S %p",
            "%Y-%m-%dT%H:%M:%S+02:00",
        ]
    ),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Bangkok", "America/New_York"]),
)
def test_the_fast_path_and_the_careful_path_agree_on_dates(times: list[datetime], pattern: str, zone: str) -> None:
    texts = pl.Series("at", [time.strftime(pattern) for time in times])
    layout, zoned = find_pattern(texts, "dmy")
    style = DateStyle("dmy", layout, zoned)
    quick = texts.to_frame().select(DateReader(style, zone).quick(pl.col("at"))).to_series()
    both, broken = complete_reading(texts, quick, DateReader(style, zone))
    assert broken is None
    assert both.to_list() == DateReader(DateStyle("dmy"), zone).careful(texts).to_list()


def test_no_local_time_is_lost_when_clocks_change() -> None:
    texts = pl.Series("at", ["2025-03-30 02:30:00", "2025-10-26 02:30:00", "2025-07-01 12:00:00"])
    reader = DateReader(DateStyle(pattern="%Y-%m-%d %H:%M:%S"), "Europe/Berlin")
    quick = texts.to_frame().select(reader.quick(pl.col("at"))).to_series()
    typed, broken = complete_reading(texts, quick, reader)
    assert broken is None
    assert typed.to_list() == [
        datetime(2025, 3, 30, 1, 30, tzinfo=UTC),  # 02:30 does not exist and becomes 03:30
        datetime(2025, 10, 26, 0, 30, tzinfo=UTC),  # 02:30 exists twice: the first one
        datetime(2025, 7, 1, 10, tzinfo=UTC),
    ]


def test_two_digit_years_are_first_only_by_a_hint() -> None:
    assert local("25-01-02", DateStyle("ymd")) == datetime(2025, 1, 2)
    assert local("25-01-02 10:30", DateStyle("ymd")) == datetime(2025, 1, 2, 10, 30)
    assert local("25-01-02", DateStyle("dmy")) == datetime(2002, 1, 25)
