"""Calendars of the loyalty report: the Thai solar calendar (Buddhist era) and the Persian one, with CLDR's names.

Machine formats have ISO dates of the Gregorian calendar whatever the report's calendar is. Babel writes Gregorian dates
only; its patterns are filled here with year, month and day of another calendar. The Persian conversion is a dozen
lines, so it needs no library: ICU 78, jdatetime and persiantools agree with it on every day of 1300 to 1500 AP.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ckm.errors import UsageError
from ckm.setting_values import GREGORIAN
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from ckm.customers.period import Period

NAMES = Path(__file__).parents[1] / "data" / "calendars.yaml"
NAMES_SCHEMA = "ckm.calendars/1"
BEFORE_BUDDHIST_ERA = 543
PERSIAN_ERA = date(622, 3, 21).toordinal()
"""1 Farvardin of year 1 by the rule of leap years, in the proleptic Gregorian calendar."""
CYCLE_YEARS, CYCLE_DAYS = 33, 12_053
"""Cycle of the Persian calendar: 8 leap years in 33 years."""
LONG_MONTHS, LONG_MONTH, SHORT_MONTH = 6, 31, 30
"""The first six months of a Persian year have 31 days, the others 30, and the last one 29 or 30."""
FIELD = re.compile("G+ ?|y+|[ML]+|d+")
ERA_FIRST = ("zh_Hans_CN", "zh_Hant_TW")
"""Locales that begin a date with its era."""
ERA_BEFORE_YEAR = ("th",)


class CalendarDay(NamedTuple):
    """Year, month and day of a calendar, each from 1 on."""

    year: int
    month: int
    day: int


def buddhist_day(day: date) -> CalendarDay:
    """Return a day of the Thai solar calendar: that of the Gregorian one, in the Buddhist era."""
    return CalendarDay(day.year + BEFORE_BUDDHIST_ERA, day.month, day.day)


def persian_day(day: date) -> CalendarDay:
    """Return a day of the Persian calendar (Solar Hijri).

    A year is a leap year where ``(25 y + 11) mod 33 < 8``: the rule of ICU (``persncal.cpp``), which lists the years
    in which it departs from the calendar of Iran, the first of them 1502 AP (March 2123); years of Iran begin at the
    equinox (Borkowski 1996, Earth, Moon, and Planets 74:223-230).

    >>> tuple(persian_day(date(2026, 6, 30)))
    (1405, 4, 9)
    """
    days = day.toordinal() - PERSIAN_ERA
    year = 1 + (CYCLE_YEARS * days + 3) // CYCLE_DAYS
    days -= 365 * (year - 1) + (8 * year + 21) // CYCLE_YEARS
    long = LONG_MONTHS * LONG_MONTH
    month, rest = divmod(days, LONG_MONTH) if days < long else divmod(days - long, SHORT_MONTH)
    return CalendarDay(year, month + 1 + (0 if days < long else LONG_MONTHS), rest + 1)


CONVERSIONS = {"buddhist": buddhist_day, "persian": persian_day}


@dataclass(frozen=True)
class LocalCalendar:
    """Formatter of the dates of a calendar in a language.

    Attributes
    ----------
    name
        Key of :data:`CONVERSIONS`.
    locale
        Locale of babel.
    era
        Abbreviation of the era; empty if the language writes none.
    months
        Names of the months; empty for the names of the Gregorian months or numbers.
    """

    name: str
    locale: str
    era: str
    months: tuple[str, ...]

    def day(self, day: date, length: str) -> str:
        """Return a day in the ``long`` or ``medium`` form of the language."""
        from babel import Locale

        return self._with_era(self._filled(Locale.parse(self.locale).date_formats[length].pattern, day))

    def month(self, first: date) -> str:
        """Return a Gregorian month by its first day.

        It lies in two Persian months, and both are named: ``Khordad–Tir 1405`` for June 2026.
        """
        from babel import Locale

        pattern = Locale.parse(self.locale).datetime_skeletons["yMMM"].pattern
        last = (first + timedelta(31)).replace(day=1) - timedelta(1)
        begin, end = (CONVERSIONS[self.name](day) for day in (first, last))
        if begin.year != end.year:
            return self._with_era(self._between(self._filled(pattern, first), self._filled(pattern, last)))
        return self._with_era(self._filled(pattern, first, last))

    def period(self, period: Period) -> str:
        """Return the first and the last day of a period."""
        from babel import Locale

        pattern = Locale.parse(self.locale).datetime_skeletons["yMMMd"].pattern
        ends = [self._filled(pattern, day) for day in (period.first, period.last)]
        return self._with_era(ends[0] if ends[0] == ends[1] else self._between(*ends))

    def _between(self, first: str, last: str) -> str:
        from babel import Locale

        pattern: str = Locale.parse(self.locale).interval_formats[None]
        return pattern.format(first, last)

    def _filled(self, pattern: str, day: date, until: date | None = None) -> str:
        """Return a CLDR pattern filled with a day; with ``until``, with the months of both days."""
        parts = CONVERSIONS[self.name](day)
        end = parts if until is None else CONVERSIONS[self.name](until)

        def field(found: re.Match[str]) -> str:
            match found[0][0]:
                case "G":
                    return ""
                case "y":
                    return (
                        f"{self.era} {parts.year}" if self.era and self.locale in ERA_BEFORE_YEAR else f"{parts.year}"
                    )
                case "d":
                    return f"{parts.day:0{len(found[0])}}"
                case _:
                    months = dict.fromkeys(self._month(each.month, day, len(found[0])) for each in (parts, end))
                    return "–".join(months)

        return FIELD.sub(field, pattern)

    def _month(self, month: int, day: date, width: int) -> str:
        from babel.dates import format_date

        if width <= len("MM"):
            return f"{month:0{width}}"
        if self.name == "buddhist":
            return format_date(day, "M" * width, locale=self.locale)
        return self.months[month - 1]

    def _with_era(self, text: str) -> str:
        if not self.era or self.locale in ERA_BEFORE_YEAR:
            return text
        return f"{self.era}{text}" if self.locale in ERA_FIRST else f"{text} {self.era}"


@cache
def local_calendar(name: str, locale: str) -> LocalCalendar | None:
    """Return a calendar in a language; None for the Gregorian calendar, whose dates babel formats."""
    if name == GREGORIAN:
        return None
    document = read_yaml(NAMES)
    assert document is not None
    keys = document.fields(("schema", "calendars"))
    if keys["schema"].text() != NAMES_SCHEMA:
        raise UsageError(f"{keys['schema'].where}: no names of calendars")
    names = keys["calendars"].mapping()[name].fields(("era",), ("months",))
    era = names["era"].mapping()[locale]
    months = names["months"].mapping() if "months" in names else {}
    named = tuple(each.text() for each in months[locale].items()) if locale in months else ()
    return LocalCalendar(name, locale, "" if era.is_null else era.text(), named)
