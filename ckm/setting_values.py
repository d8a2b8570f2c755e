"""Values of settings: parse shares, durations, amounts, thresholds and names as ``ckm.yaml`` and options write them.

Each parser raises :class:`ckm.errors.UsageError` for a text that it cannot read.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta

from ckm.errors import UnknownNameError, UsageError
from ckm.names import LANGUAGES

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
MONTHS = {"mo": 1, "y": 12}
MOST_AGE_DAYS = 73_050
"""Longest age: 200 years. Subtracted from a date, a longer one would leave the calendar."""
MOST_MONTHS = 120
"""Longest horizon in months: ten years."""
FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
DAYS = {"d": 1, "w": 7, "mo": 365.25 / 12, "y": 365.25}
"""Days of each unit of an age."""
STRAY_DATES = ("set_aside", "keep")
"""Treatments of rows with dates far from the days that the data cover."""
GREGORIAN = "gregorian"
CALENDARS = (GREGORIAN, "buddhist", "persian")
"""Calendars for the dates of reports, by their names in CLDR."""
SEVERITIES = ("off", "info", "warning", "error")


def parse_share(text: str) -> float:
    """Return ``5%`` or ``0.05`` as 0.05."""
    number = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", text)
    share = float(number[1]) / (100 if number[2] else 1) if number else -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"invalid share '{text}'", hint="write it as 5% or 0.05, from 0 to 1")
    return share


def parse_duration(text: str) -> timedelta:
    """Parse ``12h``, ``7d`` or ``2w`` as a duration."""
    number = re.fullmatch(r"\s*(\d{1,7})\s*([hdw])\s*", text)
    if number is None:
        raise UsageError(f"invalid duration '{text}'", hint="write it as 12h, 7d or 2w")
    return timedelta(**{UNITS[number[2]]: int(number[1])})


def parse_age(text: str) -> timedelta:
    """Parse ``90d``, ``24mo`` or ``10y`` as a duration of at most :data:`MOST_AGE_DAYS`, rounded up to days.

    A month has 30.44 days, a year 365.25.
    """
    number = re.fullmatch(r"\s*(\d{1,4})\s*(d|w|mo|y)\s*", text)
    days = math.ceil(int(number[1]) * DAYS[number[2]]) if number else 0
    if not 1 <= days <= MOST_AGE_DAYS:
        raise UsageError(f"invalid age '{text}'", hint="write it as 90d, 24mo or 10y, up to 200y")
    return timedelta(days=days)


def parse_days(text: str) -> int:
    """Parse ``14d``, ``2w`` or ``36h`` as days, rounded up."""
    return math.ceil(parse_duration(text) / timedelta(days=1))


def parse_refit(text: str) -> int | None:
    """Return ``365d`` in days, and ``never`` as None."""
    return None if text.strip() == "never" else parse_days(text)


def parse_months(text: str) -> int:
    """Parse ``12mo`` or ``2y`` as months, from one month to ten years."""
    number = re.fullmatch(r"\s*(\d{1,3})\s*(mo|y)\s*", text)
    months = int(number[1]) * MONTHS[number[2]] if number else 0
    if not 1 <= months <= MOST_MONTHS:
        raise UsageError(
            f"invalid number of months '{text}'", hint=f"write it as 12mo or 1y, up to {MOST_MONTHS} months"
        )
    return months


def parse_currency(text: str) -> str:
    """Return ``text`` if it has the form of an ISO 4217 code."""
    if not re.fullmatch("[A-Z]{3}", text):
        raise UsageError(f"invalid currency code '{text}'", hint="write three capital letters, such as EUR")
    return text


def parse_number(text: str) -> float:
    """Return ``text`` as a finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"invalid number '{text}'", hint="write it as 12 or 0.5")
    return number


def parse_amount(text: str) -> float:
    """Return ``text`` as a number that is not negative."""
    number = parse_number(text)
    if number < 0:
        raise UsageError(f"'{text}' is negative", hint="write a number of at least 0")
    return number


def parse_count(text: str) -> int:
    """Return ``text`` as a whole number that is not negative."""
    if not re.fullmatch(r"\d{1,9}", text):
        raise UsageError(f"invalid whole number '{text}'", hint="write it as 30")
    return int(text)


@dataclass(frozen=True)
class LevelStart:
    """Threshold of a level of churn warnings.

    Attributes
    ----------
    times
        Multiple of the average customer's churn odds; None for a fixed probability.
    least
        Lowest threshold as a probability; the threshold itself if ``times`` is None.
    """

    times: float | None
    least: float

    def __str__(self) -> str:
        least = f"{self.least * 100:.4g}%"
        return least if self.times is None else f"{self.times:g}x at least {least}"

    def probability(self, base_rate: float) -> float:
        """Return the threshold as a probability, given the share of customers who churn."""
        if self.times is None:
            return self.least
        odds = self.times * base_rate
        return max(self.least, odds / (odds + 1 - base_rate)) if odds else self.least


def parse_level_start(text: str) -> LevelStart:
    """Parse ``3x at least 35%``, ``3x`` or ``70%`` as the threshold of a level."""
    parts = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*x(?:\s+at\s+least\s+(\S+))?\s*", text)
    if parts is None:
        try:
            return LevelStart(None, parse_share(text))
        except UsageError:
            raise UsageError(
                f"'{text}' is neither a multiple of the average odds nor a share between 0 and 1",
                hint="write it as 3x, 3x at least 35%, or 70%",
            ) from None
    if float(parts[1]) < 1:
        raise UsageError(
            f"'{text}' begins below the average customer", hint="write a multiple of at least 1, such as 2x"
        )
    return LevelStart(float(parts[1]), parse_share(parts[2]) if parts[2] else 0.0)


@dataclass(frozen=True)
class Target:
    """A target value of a goal.

    Attributes
    ----------
    number
        The value.
    at_most
        Whether the goal is an upper limit.
    """

    number: float
    at_most: bool = False

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.number:g}"

    def is_met_by(self, value: float) -> bool:
        """Return whether ``value`` reaches the target."""
        return value <= self.number if self.at_most else value >= self.number


def parse_goal(text: str) -> Target:
    """Parse ``0.4``, ``>= 40%`` or ``<= 30`` as a target; a number alone is a lower limit."""
    parts = re.fullmatch(r"\s*(>=|<=)?\s*([+-]?\d+(?:\.\d+)?)\s*(%?)\s*", text)
    if parts is None or not math.isfinite(float(parts[2])):
        raise UsageError(f"invalid target '{text}'", hint="write it as 0.4, '>= 40%' or '<= 30'")
    return Target(float(parts[2]) / (100 if parts[3] else 1), at_most=parts[1] == "<=")


def parse_severity(text: str) -> str:
    """Return ``text`` if it is a severity, or ``off``."""
    if text not in SEVERITIES:
        raise UnknownNameError("severity", text, SEVERITIES)
    return text


def parse_stray_dates(text: str) -> str:
    """Return ``text`` if it is one of :data:`STRAY_DATES`."""
    if text not in STRAY_DATES:
        raise UnknownNameError("treatment of stray dates", text, STRAY_DATES)
    return text


def parse_language(text: str) -> str:
    """Return ``text`` if it is a language of the loyalty report."""
    if text not in LANGUAGES:
        raise UnknownNameError("language", text, LANGUAGES)
    return text


def parse_calendar(text: str) -> str:
    """Return ``text`` if it is one of :data:`CALENDARS`."""
    if text not in CALENDARS:
        raise UnknownNameError("calendar", text, CALENDARS)
    return text


def parse_names(text: str) -> tuple[str, ...]:
    """Parse ``a, b`` as two names, which are validated later."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def parse_name(text: str) -> str:
    """Return ``text`` without spaces around it; the name is validated later."""
    if not text.strip():
        raise UsageError("a name is empty", hint="write a name, or null for none")
    return text.strip()


def parse_flag(text: str) -> bool:
    """Return ``yes`` or ``true`` as True, ``no`` or ``false`` as False."""
    if text.lower() not in FLAGS:
        raise UsageError(f"'{text}' is neither yes nor no", hint="write true or false")
    return FLAGS[text.lower()]
