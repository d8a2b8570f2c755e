"""Position and calendar of two-digit years are determined by the values or by a hint, else refused."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from ckm.errors import AmbiguousError
from ckm.io.readers.hints import Hints
from ckm.io.values.dates import DateStyle, date_evidence, parse_dates
from ckm.io.values.style_detection import StyleDetector

DAYS = [date(2021, 1, 1) + timedelta(days=5 * step) for step in range(200)]
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")


def read(texts: list[str], dates: str | None = None) -> list[datetime | None]:
    """Detect the date style of a column and parse it."""
    column = pl.Series("at", texts)

    def rest() -> Iterator[dict[str, pl.Series]]:
        yield {"at": column}

    settler = StyleDetector(Hints(dates=dates))
    settler.detect_dates({"at": column}, rest, {"at": "column 'at'"})
    return parse_dates(column, settler.dates["at"])["local"].to_list()


def midnights(days: list[date]) -> list[datetime]:
    return [datetime(day.year, day.month, day.day) for day in days]


@pytest.mark.parametrize("mark", ["/", "-", "."])
@pytest.mark.parametrize("order", ["%d{0}%m{0}%y", "%m{0}%d{0}%y"])
def test_many_dates_that_end_with_the_year_determine_its_position(mark: str, order: str) -> None:
    assert read([day.strftime(order.format(mark)) for day in DAYS]) == midnights(DAYS)


@pytest.mark.parametrize("mark", ["/", "-", "."])
@pytest.mark.parametrize("few", [slice(0, 3), slice(None)])
def test_dates_that_may_begin_with_the_year_are_refused_and_parsed_with_ymd(mark: str, few: slice) -> None:
    texts = [day.strftime(f"%y{mark}%m{mark}%d") for day in DAYS[few]]
    with pytest.raises(AmbiguousError) as refused:
        read(texts)
    assert "--dates ymd" in (refused.value.hint or "")
    assert read(texts, "ymd") == midnights(DAYS[few])


def test_a_first_number_that_cannot_be_a_day_is_the_year() -> None:
    assert read(["98/11/30", "97/02/01"]) == [datetime(1998, 11, 30), datetime(1997, 2, 1)]


def test_an_ambiguous_date_among_unambiguous_ones_is_not_guessed() -> None:
    column = pl.Series(["2024-11-30", "2024-12-01", "2024-12-02", "24/11/30"])
    style = StyleDetector(Hints())
    style.detect_dates({"at": column}, lambda: iter([{"at": column}]), {"at": "at"})
    assert parse_dates(column, style.dates["at"])["local"].to_list()[-1] is None


@pytest.mark.parametrize(
    ("texts", "calendar", "meant"),
    [
        (["4 มี.ค. 68", "15 ก.พ. 68", "31 ธ.ค. 67"], "buddhist", [(2025, 3, 4), (2025, 2, 15), (2024, 12, 31)]),
        (["04/03/68", "15/02/68"], "buddhist", [(2025, 3, 4), (2025, 2, 15)]),
        (["04/03/69", "15/02/70"], "buddhist", [(2026, 3, 4), (2027, 2, 15)]),
        (["15/02/11".translate(THAI)], "buddhist", [(2068, 2, 15)]),
        (["04/01/15".translate(PERSIAN), "03/12/30".translate(PERSIAN)], "jalali", [(2025, 4, 4), (2025, 3, 20)]),
        (["99/01/15".translate(PERSIAN)], "jalali", [(2020, 4, 3)]),
    ],
)
def test_the_calendar_of_two_digit_years_must_be_specified(
    texts: list[str], calendar: str, meant: list[tuple[int, int, int]]
) -> None:
    for said in (None, "dmy"):
        with pytest.raises(AmbiguousError) as refused:
            read(texts, said)
        assert f"--dates {calendar}" in (refused.value.hint or "")
    assert read(texts, calendar) == [datetime(*day) for day in meant]


def test_a_strptime_format_marks_two_digit_years_as_gregorian() -> None:
    assert read(["15/02/24".translate(PERSIAN)], "%d/%m/%y") == [datetime(2024, 2, 15)]
    assert read(["15/02/55"], "%d/%m/%y") == [datetime(2055, 2, 15)]


@pytest.mark.parametrize(("unit", "scale"), [("epoch_s", 1), ("epoch_ms", 1000)])
def test_unix_times_are_suggested_and_not_assumed(unit: str, scale: int) -> None:
    texts = [str((1_700_000_000 + 7 * step) * scale) for step in range(20)]
    with pytest.raises(AmbiguousError) as refused:
        read(texts)
    assert f"--dates {unit}" in (refused.value.hint or "")
    assert read(texts, unit)[0] == datetime(2023, 11, 14, 22, 13, 20)


@pytest.mark.parametrize(
    ("zone", "minutes"), [("GMT+1", 60), ("GMT-3:30", -210), ("UTC+02", 120), ("UTC+5:30", 330), ("+7", 420)]
)
def test_offsets_after_gmt_are_read(zone: str, minutes: int) -> None:
    found = parse_dates(pl.Series([f"2025/03/04 10:11:12 AM {zone}"]), DateStyle())
    assert found["instant"].to_list() == [datetime(2025, 3, 4, 10, 11, 12) - timedelta(minutes=minutes)]


@pytest.mark.parametrize(("half", "hour"), [("a. m.", 3), ("p. m.", 15), ("p.\u00a0m.", 15)])
def test_spanish_am_and_pm_are_parsed(half: str, hour: int) -> None:
    assert read([f"13/03/2025 3:04:05 {half}"]) == [datetime(2025, 3, 13, hour, 4, 5)]


def test_evidence_of_parts_adds_up_to_that_of_the_whole_column() -> None:
    texts = pl.Series([day.strftime("%y/%m/%d") for day in DAYS])
    halves = date_evidence(texts[:100]) + date_evidence(texts[100:])
    assert halves.years == date_evidence(texts).years


def test_day_numbers_from_1904_are_parsed_by_a_hint() -> None:
    assert read(["44258", "44259.5"], "serial_1904") == [datetime(2025, 3, 4), datetime(2025, 3, 5, 12)]
