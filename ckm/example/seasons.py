"""Seasons of demand: weekdays, festivals, sales and closing days."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.words import words

if TYPE_CHECKING:
    from datetime import date

SUNDAY = 6


@cache
def _covered(name: str) -> frozenset[int]:
    """Return the days of a festival; with ``sales``, the days on which the shop has a sale."""
    seasons = words("seasons")
    spans: list[list[date]] = seasons["sales"] if name == "sales" else seasons["festivals"][name]
    return frozenset(day for first, last in spans for day in range(days.number(first), days.number(last) + 1))


def in_sale(day: int) -> bool:
    """Return whether the shop has a sale on that day."""
    return day in _covered("sales")


def in_festival(day: int, lang: str) -> bool:
    """Return whether speakers of a language shop for one of their festivals on that day."""
    return any(day in _covered(festival) for festival in words("seasons")["keeps"][lang])


def weight(calendar: str, lang: str, day: int) -> float:
    """Return the demand of a day relative to a usual day."""
    rules = words("seasons")["calendars"][calendar]
    of_weekday: float = rules["weekdays"][days.as_date(day).weekday()]
    if in_festival(day, lang):
        return of_weekday * float(rules["festival"])
    return of_weekday * float(rules["sale"] if in_sale(day) else rules["otherwise"])


@cache
def _elapsed(calendar: str, lang: str) -> tuple[float, ...]:
    """Return the cumulative shopping time at the end of each day; a mean day counts one."""
    weights = [weight(calendar, lang, day) for day in range(days.LAST + 1)]
    mean = sum(weights) / len(weights)
    total, elapsed = 0.0, []
    for each in weights:
        total += each / mean
        elapsed.append(total)
    return tuple(elapsed)


def day_after(calendar: str, lang: str, day: int, gap: float) -> int:
    """Return the day after ``gap`` days of shopping time since ``day``; a day after ``LAST`` if there is none."""
    elapsed = _elapsed(calendar, lang)
    return max(day + 1, bisect_left(elapsed, elapsed[day] + gap))


@cache
def _closed(channel: str) -> frozenset[int]:
    return frozenset(days.number(day) for day in words("seasons")["closed"].get(channel, []))


@cache
def outage(channel: str) -> range:
    """Return the days of a channel's outage; empty for most channels."""
    span = words("seasons")["outage"].get(channel)
    return range(days.number(span[0]), days.number(span[1]) + 1) if span else range(0)


def is_open(channel: str, day: int) -> bool:
    """Return whether a channel sells on a day: the till is closed on Sundays and holidays."""
    is_closed_sunday = channel == "till" and days.as_date(day).weekday() == SUNDAY
    return not is_closed_sunday and day not in _closed(channel) and day not in outage(channel)


def open_day(channel: str, day: int) -> int:
    """Return the first day from ``day`` on which a customer can buy.

    After a closing day that is the next day. After an outage, each customer comes later by its length, because
    otherwise all of them would buy on the first day after it.
    """
    while not is_open(channel, day):
        day += len(outage(channel)) if day in outage(channel) else 1
    return day
