"""Dates of the Buddhist and the Persian calendar: conversion, names and forms as CLDR has them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from babel import Locale

from ckm._loyalty.calendars import CONVERSIONS, local_calendar, persian_day
from ckm._loyalty.document import loyalty_document
from ckm._loyalty.numbers import Numbers
from ckm._loyalty.words import load_words
from ckm.config import load_config
from ckm.customers.period import Period
from ckm.errors import UsageError
from ckm.names import LANGUAGES
from ckm.render.markdown import render_markdown
from ckm.setting_values import CALENDARS, GREGORIAN
from tests._loyalty.example_loyalty import example_report

LEAP_YEARS = [
    1300, 1304, 1309, 1313, 1317, 1321, 1325, 1329, 1333, 1337, 1342, 1346, 1350, 1354, 1358, 1362, 1366, 1370, 1375,
    1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408, 1412, 1416, 1420, 1424, 1428, 1432, 1436, 1441, 1445, 1449, 1453,
    1457, 1461, 1465, 1469, 1474, 1478, 1482, 1486, 1490, 1494, 1498,
]  # fmt: skip
"""Of the Persian calendar from 1300 to 1500 as ICU 78, jdatetime 6.1.1 and persiantools 6.2.0 compute them."""


def begins(year: int) -> date:
    day = date(year + 621, 3, 18)
    return next(day + timedelta(days) for days in range(8) if persian_day(day + timedelta(days))[1:] == (1, 1))


def test_a_persian_year_has_366_days_in_the_leap_years_from_1300_to_1500() -> None:
    lengths = {year: (begins(year + 1) - begins(year)).days for year in range(1300, 1501)}
    assert [year for year, days in lengths.items() if days == 366] == LEAP_YEARS
    assert set(lengths.values()) == {365, 366}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(1921, 3, 21), (1300, 1, 1)),
        (date(1979, 2, 11), (1357, 11, 22)),
        (date(2000, 3, 20), (1379, 1, 1)),
        (date(2017, 3, 20), (1395, 12, 30)),
        (date(2021, 3, 20), (1399, 12, 30)),
        (date(2024, 3, 20), (1403, 1, 1)),
        (date(2025, 3, 20), (1403, 12, 30)),
        (date(2025, 3, 21), (1404, 1, 1)),
        (date(2026, 6, 30), (1405, 4, 9)),
        (date(2122, 3, 20), (1500, 12, 29)),
    ],
)
def test_known_days_of_the_persian_calendar(day: date, expected: tuple[int, int, int]) -> None:
    assert persian_day(day) == expected


def test_every_day_follows_the_one_before_it() -> None:
    day = date(1921, 3, 21)
    before = persian_day(day - timedelta(1))
    while day < date(2122, 3, 21):
        now = persian_day(day)
        month = 31 if before.month <= 6 else 30 if before.month < 12 or before.year in LEAP_YEARS else 29
        if before.year >= 1300 and before.day < month:
            assert now == (before.year, before.month, before.day + 1)
        elif before.month < 12:
            assert now == (before.year, before.month + 1, 1)
        else:
            assert now == (before.year + 1, 1, 1)
        before, day = now, day + timedelta(1)


FORMS = {
    ("persian", "en"): ("Tir 9, 1405 AP", "Khordad–Tir 1405 AP", "Tir 10, 1404 – Tir 9, 1405 AP"),
    ("persian", "de"): ("9. Tir 1405 AP", "Chordād–Tir 1405 AP", "10. Tir 1404 – 9. Tir 1405 AP"),
    ("persian", "zh-Hans"): ("波斯历1405年4月9日", "波斯历1405年3–4月", "波斯历1404年4月10日 – 1405年4月9日"),
    ("persian", "th"): (
        "9 เตอร์ ปีเปอร์เซีย 1405",
        "คอร์แดด–เตอร์ ปีเปอร์เซีย 1405",
        "10 เตอร์ ปีเปอร์เซีย 1404 – 9 เตอร์ ปีเปอร์เซีย 1405",
    ),
    ("persian", "fa"): ("۹ تیر ۱۴۰۵", "خرداد–تیر ۱۴۰۵", "۱۰ تیر ۱۴۰۴ تا ۹ تیر ۱۴۰۵"),
    ("buddhist", "en"): ("June 30, 2569 BE", "Jun 2569 BE", "Jul 1, 2568 – Jun 30, 2569 BE"),
    ("buddhist", "zh-Hant"): ("佛曆2569年6月30日", "佛曆2569年6月", "佛曆2568年7月1日 – 2569年6月30日"),
    ("buddhist", "th"): ("30 มิถุนายน 2569", "มิ.ย. 2569", "1 ก.ค. 2568 – 30 มิ.ย. 2569"),
}


@pytest.mark.parametrize(("calendar", "lang"), FORMS)
def test_a_day_a_month_and_a_period_are_written_as_cldr_does(calendar: str, lang: str) -> None:
    numbers = Numbers(load_words(lang).locale, "EUR", calendar)
    day, month, period = FORMS[calendar, lang]
    end = date(2026, 6, 30)
    assert numbers.day(end).replace("\xa0", " ") == day
    assert numbers.month("2026-06").replace("\xa0", " ") == month
    assert numbers.period(Period(date(2025, 7, 1), end)).replace("\xa0", " ") == period


def test_a_gregorian_month_across_the_new_year_names_both_persian_years() -> None:
    assert Numbers("en", "EUR", "persian").month("2026-03").replace("\xa0", " ") == "Esfand 1404 – Farvardin 1405 AP"
    assert Numbers("fa", "EUR", "persian").month("no month") == "no month"


def test_a_period_of_one_day_is_that_day() -> None:
    day = date(2026, 6, 30)
    assert Numbers("en", "EUR", "buddhist").period(Period(day, day)).replace("\xa0", " ") == "Jun 30, 2569 BE"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", CONVERSIONS)
def test_every_calendar_has_names_in_every_language(name: str, lang: str) -> None:
    locale = load_words(lang).locale
    found = local_calendar(name, locale)
    assert found is not None
    assert len(found.months) in {0, 12}
    assert found.months or name == "buddhist" or "MMM" not in Locale.parse(locale).date_formats["long"].pattern


def test_the_settings_name_the_calendar_and_an_unknown_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_config(None).loyalty.calendar == GREGORIAN
    assert set(CALENDARS) == {GREGORIAN, *CONVERSIONS}
    monkeypatch.setenv("CKM_LOYALTY_CALENDAR", "persian")
    assert load_config(None).loyalty.calendar == "persian"
    monkeypatch.setenv("CKM_LOYALTY_CALENDAR", "jalali")
    with pytest.raises(UsageError, match="CKM_LOYALTY_CALENDAR: unknown calendar 'jalali'"):
        load_config(None)


@pytest.mark.slow
@pytest.mark.parametrize(("calendar", "lang", "mark"), [("persian", "fa", "۱۴۰۵"), ("buddhist", "th", "2569")])
def test_a_report_in_another_calendar_has_no_gregorian_date(calendar: str, lang: str, mark: str) -> None:
    report = example_report(calendar=calendar)
    text = render_markdown(loyalty_document(report, lang))
    gregorian = render_markdown(loyalty_document(replace(report, calendar=GREGORIAN), lang))
    assert mark in text.splitlines()[2]
    years = re.compile("[12۱۲][09۰۹][0-9۰-۹]{2}(?![0-9۰-۹])")
    names = Locale.parse(load_words(lang).locale).months["format"]["wide"].values()
    dates = [name for name in names if len(name) >= 4]  # shorter ones are parts of other words
    if calendar == "persian":
        assert any(month in gregorian for month in dates)
        assert not any(month in text for month in dates)
    assert years.search(gregorian.splitlines()[2])
    assert not years.search(text.splitlines()[2])
