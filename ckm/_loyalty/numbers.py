"""Numbers, money and dates in the format of a language, by babel.

Persian is written with Persian digits, and each number is isolated from the text around it, so that its sign and unit
stay where they belong. Dates are of the Gregorian calendar in every language, as in the data (in Thai the full form of
a date says so: ``ค.ศ.``), unless ``loyalty.calendar`` of ``ckm.yaml`` names another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

from ckm._loyalty.calendars import local_calendar
from ckm.setting_values import GREGORIAN

if TYPE_CHECKING:
    from collections.abc import Callable

    from ckm.customers.period import Period

DIGITS = {"fa": str.maketrans("0123456789%", "۰۱۲۳۴۵۶۷۸۹٪")}
"""Translation of digits and percent sign, because babel writes Western digits with the separators of the locale."""
MINUS = "−"
JOINER = "\u2060"
BETWEEN_DAYS = re.compile("\xa0(–|تا)\xa0")
"""Separator between the days of a period, in languages that put spaces around it."""
ISOLATE, RELEASE = "\u2066", "\u2069"
LARGE = 1_000
"""Amounts from which texts omit the cents."""


@dataclass(frozen=True)
class Numbers:
    """Formatter of numbers in a language.

    Attributes
    ----------
    locale
        Locale of babel.
    currency
        ISO 4217 code of all amounts.
    calendar
        Calendar of all dates: one of :data:`ckm.setting_values.CALENDARS`.
    """

    locale: str
    currency: str
    calendar: str = GREGORIAN

    def count(self, value: float, *, signed: bool = False) -> str:
        """Format a whole number."""
        return self._written(value, lambda each: self._decimal(each, "#,##0"), 0, signed=signed)

    def decimal(self, value: float, digits: int = 1, *, signed: bool = False) -> str:
        """Format a number with a fixed number of decimals."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return self._written(value, lambda each: self._decimal(each, pattern), digits, signed=signed)

    def share(self, value: float, digits: int = 0, *, signed: bool = False) -> str:
        """Format a share as a percentage."""
        return self._written(value, lambda each: self._percent(each, digits), digits + 2, signed=signed)

    def money(self, value: float, *, exact: bool = False, signed: bool = False) -> str:
        """Format an amount; a zero and amounts from :data:`LARGE` on have no cents, unless it must be exact."""
        cents = exact or 0 < abs(value) < LARGE
        return self._written(value, lambda each: self._money(each, cents=cents), 2 if cents else 0, signed=signed)

    def day(self, day: date) -> str:
        """Format a day in the long form of the language."""
        return self._day(day, "long")

    def short_day(self, day: date) -> str:
        """Format a day in the medium form of the language, for tables."""
        return self._day(day, "medium")

    def month(self, month: str) -> str:
        """Format a Gregorian month given as ``2026-06``; another text is returned unchanged.

        With the Persian calendar both Persian months in which the month lies are named.
        """
        from babel.dates import format_skeleton

        try:
            first = date.fromisoformat(f"{month}-01")
        except ValueError:
            return month
        if (local := local_calendar(self.calendar, self.locale)) is not None:
            return self._kept(local.month(first))
        return self._kept(format_skeleton("yMMM", first, locale=self.locale))

    def period(self, period: Period) -> str:
        """Format a period with its first and last day."""
        from babel.dates import format_interval

        if (local := local_calendar(self.calendar, self.locale)) is not None:
            return self._kept(local.period(period))
        return self._kept(format_interval(period.first, period.last, "yMMMd", locale=self.locale))

    def _day(self, day: date, length: Literal["long", "medium"]) -> str:
        from babel.dates import format_date

        if (local := local_calendar(self.calendar, self.locale)) is not None:
            return self._kept(local.day(day, length))
        return self._kept(format_date(day, length, locale=self.locale))

    def _written(self, value: float, write: Callable[[float], str], digits: int, *, signed: bool) -> str:
        rounded = round(value, digits)
        sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
        text = write(abs(rounded))
        # no line break between a sign and a currency mark
        joiner = JOINER if sign and not text[0].isdigit() else ""
        text = self._finished(sign + joiner + text)
        return f"{ISOLATE}{text}{RELEASE}" if self.locale in DIGITS else text

    def _decimal(self, value: float, pattern: str) -> str:
        from babel.numbers import format_decimal

        return format_decimal(value, format=pattern, locale=self.locale, numbering_system="default")

    def _percent(self, value: float, digits: int) -> str:
        from babel import Locale
        from babel.numbers import format_percent

        pattern = Locale.parse(self.locale).percent_formats[None].pattern
        if digits:
            pattern = pattern.replace("0%", "0." + "0" * digits + "%").replace("0\xa0%", "0." + "0" * digits + "\xa0%")
        return format_percent(value, format=pattern, locale=self.locale, numbering_system="default")

    def _money(self, value: float, *, cents: bool) -> str:
        from babel import Locale
        from babel.numbers import format_currency

        if cents:
            return format_currency(value, self.currency, locale=self.locale, numbering_system="default")
        pattern = Locale.parse(self.locale).currency_formats["standard"].pattern.replace("0.00", "0")
        return format_currency(
            value, self.currency, format=pattern, locale=self.locale, currency_digits=False, numbering_system="default"
        )

    def _kept(self, text: str) -> str:
        """Return a date with non-breaking spaces; a period may break before and after its dash."""
        kept = self._finished(text).replace(" ", "\xa0")
        return BETWEEN_DAYS.sub(r" \1 ", kept)

    def _finished(self, text: str) -> str:
        # thin spaces, which many fonts draw too wide, become plain spaces
        plain = text.replace("\u2009", " ")
        return plain.translate(DIGITS.get(self.locale, {}))
