"""Time zones: validate a name, and the end of a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from ckm.errors import UnknownNameError


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the first instant after ``day`` in ``time_zone``, in UTC; rows from then on are in the future."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))
    return midnight.astimezone(UTC)


def parse_time_zone(text: str) -> str:
    """Return ``text`` if it is a time zone of the IANA database."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise UnknownTimeZoneError(text) from None
    return text


class UnknownTimeZoneError(UnknownNameError):
    """A time zone that the IANA database does not have."""

    def __init__(self, name: str) -> None:
        super().__init__("time zone", name, sorted(available_timezones()))
        if not (self.hint or "").startswith("did you mean"):
            self.hint = "write it as Europe/Berlin or UTC"
