"""Seasonality of demand (weekdays, festivals, sales), and closing days and outages of channels."""

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
    """Return the day numbers of a festival; for the name ``sales``, those of all sales of the shop."""
    seasons = words("seasons")
    spans: list[list[date]] = seasons["sales"] if name == "sales" else seasons["festivals"][name]
    return frozenset(day for first, last in spans for day in range(days.number(first), days.number(last) + 1))


def in_sale(day: int) -> bool:
    """Return whether the shop has a sale (reduced prices) on a day."""
    return day in _covered("sales")


def in_festival(day: int, lang: str) -> bool:
    """Return whether a day is in the shopping season of a festival of the speakers of a language."""
    return any(day in _covered(festival) for festival in words("seasons")["keeps"][lang])


def weight(calendar: str, lang: str, day: int) -> float:
    """Return the demand on a day relative to a usual day (1), by weekday, festival and sale.

    ``calendar`` is the name of a calendar in ``ckm/data/example/seasons.yaml``, ``lang`` the customer's language.
    """
    rules = words("seasons")["calendars"][calendar]
    of_weekday: float = rules["weekdays"][days.as_date(day).weekday()]
    if in_festival(day, lang):
        return of_weekday * float(rules["festival"])
    return of_weekday * float(rules["sale"] if in_sale(day) else rules["otherwise"])


@cache
def _elapsed(calendar: str, lang: str) -> tuple[float, ...]:
    """Return the cumulative demand at the end of each day number, scaled so that the mean day has a demand of 1.

    This is the shopping time: it passes faster on days with more demand.
    """
    weights = [weight(calendar, lang, day) for day in range(days.LAST + 1)]
    mean = sum(weights) / len(weights)
    total, elapsed = 0.0, []
    for each in weights:
        total += each / mean
        elapsed.append(total)
    return tuple(elapsed)


def day_after(calendar: str, lang: str, day: int, gap: float) -> int:
    """Return the day number on which ``gap`` days of shopping time have passed since ``day``.

    It is later than ``day``, and later than ``days.LAST`` if the shopping time ends after the data.
    """
    elapsed = _elapsed(calendar, lang)
    return max(day + 1, bisect_left(elapsed, elapsed[day] + gap))


@cache
def _closed(channel: str) -> frozenset[int]:
    """Return the day numbers of the holidays on which a channel is closed."""
    return frozenset(days.number(day) for day in words("seasons")["closed"].get(channel, []))


@cache
def outage(channel: str) -> range:
    """Return the day numbers on which a channel could not sell because of an outage; empty without one."""
    span = words("seasons")["outage"].get(channel)
    return range(days.number(span[0]), days.number(span[1]) + 1) if span else range(0)


def is_open(channel: str, day: int) -> bool:
    """Return whether a channel sells on a day: not on its holidays, during its outage, or, for the till, on Sundays."""
    is_closed_sunday = channel == "till" and days.as_date(day).weekday() == SUNDAY
    return not is_closed_sunday and day not in _closed(channel) and day not in outage(channel)


def open_day(channel: str, day: int) -> int:
    """Return the first day number, not before ``day``, on which a customer buys in a channel.

    A purchase on a closing day is moved to the next open day. A purchase during an outage is moved by the length of the
    outage; otherwise all customers would buy on the first day after the outage.
    """
    while not is_open(channel, day):
        day += len(outage(channel)) if day in outage(channel) else 1
    return day
