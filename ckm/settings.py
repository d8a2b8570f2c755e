"""Which settings there are: their names, their defaults, and how each is read from text.

``ckm/data/ckm.yaml``, which ``ckm init`` writes, documents every one of them for users. Where they come from is
:mod:`ckm.config`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from ckm.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
MONTHS = {"mo": 1, "y": 12}
MOST_MONTHS = 120
"""What nobody can foretell of a customer: ten years."""
FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
STRAY_DATES = ("set_aside", "keep")
"""What becomes of rows far from the days that the data are about."""
GREGORIAN = "gregorian"
CALENDARS = (GREGORIAN, "buddhist", "persian")
"""Calendars that reports write dates in, by their names in CLDR."""
SEVERITIES = ("off", "info", "warning", "error")

T = TypeVar("T")


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the first instant after ``day`` in ``time_zone``, in UTC: what is from then on is the future."""
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(time_zone))
    return midnight.astimezone(UTC)


def parse_share(text: str) -> float:
    """Return ``5%`` or ``0.05`` as 0.05."""
    number = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", text)
    share = float(number[1]) / (100 if number[2] else 1) if number else -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"'{text}' is no share between 0 and 1", hint="write it as 5% or 0.05")
    return share


def parse_duration(text: str) -> timedelta:
    """Return ``12h``, ``7d`` or ``2w`` as a span of time."""
    number = re.fullmatch(r"\s*(\d{1,7})\s*([hdw])\s*", text)
    if number is None:
        raise UsageError(f"invalid duration '{text}'", hint="write it as 12h, 7d or 2w")
    return timedelta(**{UNITS[number[2]]: int(number[1])})


def parse_days(text: str) -> int:
    """Return ``14d``, ``2w`` or ``36h`` in days, a begun day counting."""
    return math.ceil(parse_duration(text) / timedelta(days=1))


def parse_months(text: str) -> int:
    """Return ``12mo`` or ``2y`` in months: a month at least, ten years at most."""
    number = re.fullmatch(r"\s*(\d{1,3})\s*(mo|y)\s*", text)
    months = int(number[1]) * MONTHS[number[2]] if number else 0
    if not 1 <= months <= MOST_MONTHS:
        raise UsageError(f"'{text}' is no span of 1 to {MOST_MONTHS} months", hint="write it as 12mo or 1y")
    return months


def parse_currency(text: str) -> str:
    """Return ``text`` if it has the form of an ISO 4217 code."""
    if not re.fullmatch("[A-Z]{3}", text):
        raise UsageError(f"'{text}' is no currency code", hint="write three capital letters, such as EUR")
    return text


def parse_time_zone(text: str) -> str:
    """Return ``text`` if it names a time zone of the IANA database."""
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise UnknownTimeZoneError(text) from None
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
        raise UsageError(f"'{text}' is no whole number", hint="write it as 30")
    return int(text)


@dataclass(frozen=True)
class LevelStart:
    """Where a level of a churn warning begins.

    Attributes
    ----------
    times
        So many times the churn odds of the average customer; None for a fixed probability.
    least
        Probability below which it never begins; the fixed one where ``times`` is None.
    """

    times: float | None
    least: float

    def __str__(self) -> str:
        least = f"{self.least * 100:.4g}%"
        return least if self.times is None else f"{self.times:g}x at least {least}"

    def probability(self, base_rate: float) -> float:
        """Return the probability from which a customer has the level, given the share of customers who churn."""
        if self.times is None:
            return self.least
        odds = self.times * base_rate
        return max(self.least, odds / (odds + 1 - base_rate)) if odds else self.least


def parse_level_start(text: str) -> LevelStart:
    """Return ``3x at least 35%``, ``3x`` or ``70%`` as where a level begins."""
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
    """A number that is to be reached.

    Attributes
    ----------
    number
        Itself.
    at_most
        Whether less is better.
    """

    number: float
    at_most: bool = False

    def __str__(self) -> str:
        return f"{'<=' if self.at_most else '>='} {self.number:g}"

    def is_met_by(self, value: float) -> bool:
        """Whether ``value`` reaches it."""
        return value <= self.number if self.at_most else value >= self.number


def parse_goal(text: str) -> Target:
    """Return ``0.4``, ``>= 40%`` or ``<= 30`` as what is wanted; a number alone means at least so much."""
    parts = re.fullmatch(r"\s*(>=|<=)?\s*([+-]?\d+(?:\.\d+)?)\s*(%?)\s*", text)
    if parts is None or not math.isfinite(float(parts[2])):
        raise UsageError(f"invalid target '{text}'", hint="write it as 0.4, '>= 40%' or '<= 30'")
    return Target(float(parts[2]) / (100 if parts[3] else 1), at_most=parts[1] == "<=")


def parse_severity(text: str) -> str:
    """Return ``text`` if it names a severity, or ``off``."""
    if text not in SEVERITIES:
        raise UnknownNameError("severity", text, SEVERITIES)
    return text


def parse_stray_dates(text: str) -> str:
    """Return ``text`` if it says what becomes of rows of stray dates."""
    if text not in STRAY_DATES:
        raise UnknownNameError("treatment of stray dates", text, STRAY_DATES)
    return text


def parse_calendar(text: str) -> str:
    """Return ``text`` if it is a calendar that reports write dates in."""
    if text not in CALENDARS:
        raise UnknownNameError("calendar", text, CALENDARS)
    return text


def parse_names(text: str) -> tuple[str, ...]:
    """Return ``a, b`` as two names; their reader knows which exist."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


def parse_name(text: str) -> str:
    """Return ``text`` without the spaces around it; its reader knows which names exist."""
    if not text.strip():
        raise UsageError("a name is empty", hint="write a name, or null for none")
    return text.strip()


def parse_flag(text: str) -> bool:
    """Return ``yes`` or ``true`` as True, ``no`` or ``false`` as False."""
    if text.lower() not in FLAGS:
        raise UsageError(f"'{text}' is neither yes nor no", hint="write true or false")
    return FLAGS[text.lower()]


class UnknownTimeZoneError(UnknownNameError):
    """A time zone that the IANA database does not have."""

    def __init__(self, name: str) -> None:
        super().__init__("time zone", name, sorted(available_timezones()))
        if not (self.hint or "").startswith("did you mean"):
            self.hint = "write it as Europe/Berlin or UTC"


def _setting(default: T, parse: Callable[[str], T], *, shown: bool | None = None) -> T:
    """Declare a field that is one value, read from text by ``parse``.

    ``shown`` is whether its value may stand in errors, logs and what a notebook prints: a path, a person's name or a
    password may not. Every declaration must say; see :func:`refuse_undeclared`.
    """
    return field(default=default, repr=bool(shown), metadata={"parse": parse, "shown": shown})


def _per_name(
    default: Mapping[str, T],
    parse: Callable[[str], T],
    *,
    what: str = "name",
    any_name: bool = False,
    shown: bool | None = None,
) -> Mapping[str, T]:
    """Declare a field that is one value per name; the names of ``default`` are all there are unless ``any_name``."""
    fixed = MappingProxyType(dict(default))
    about = {"parse": parse, "default": fixed, "any_name": any_name, "what": what, "shown": shown}
    return field(default_factory=lambda: fixed, repr=bool(shown), metadata=about)


def _names(*default: str, shown: bool | None = None) -> tuple[str, ...]:
    """Declare a field that is a list of names, in the environment separated by commas."""
    return field(default=default, repr=bool(shown), metadata={"parse": parse_names, "list": True, "shown": shown})


def refuse_undeclared(settings: type, inside: str = "") -> None:
    """Refuse settings of which one does not say whether its value may be shown.

    Parameters
    ----------
    settings
        A dataclass whose fields are settings, or groups of them.
    inside
        Name of the group, with a dot.

    Raises
    ------
    UsageError
        There is such a setting: what is not declared would be shown.
    """
    for each in fields(settings):
        if isinstance(each.default_factory, type):
            refuse_undeclared(each.default_factory, f"{inside}{each.name}.")
        elif each.metadata.get("shown") is None:
            raise UsageError(
                f"setting '{inside}{each.name}' does not say whether its value may be shown",
                hint="write shown=True, or shown=False for what may be a path, a person's name or a password, in "
                "ckm/settings.py",
            )


@dataclass(frozen=True)
class IngestSettings:
    """How ``ckm ingest`` loads.

    Attributes
    ----------
    max_rejects
        Largest share of a file's records that may be quarantined; above it nothing of the file is loaded.
    """

    max_rejects: float = _setting(0.05, parse_share, shown=True)


@dataclass(frozen=True)
class CheckSettings:
    """What ``ckm check`` finds worth a word.

    Attributes
    ----------
    skip
        Checks that are not made.
    null_share, no_customer_share, unknown_customer_share, duplicate_share, quarantine_share, outlier_share
        Shares of a table's rows that pass without a warning: nulls of an optional column, rows without a customer, with
        one that is not in ``customers``, that repeat another row, quarantined, far from the usual.
    null_jump
        Rise of the share of nulls in the last month that is a warning.
    min_rows
        Rows needed before ``null_jump`` or ``outlier_z`` says anything.
    outlier_z, outlier_factor
        Far from the usual: so many robust standard deviations in the logarithm, and so many times the median.
    open_share, min_weeks, gap_days
        Gaps in the calendar: what a selling day is, and how many without a sale are a warning.
    silence_factor, silence_days, channel_days
        When a channel counts as silent.
    reconciliation_difference, control_types
        Difference to finance's controls that is still equal, and the types of transaction they total.
    future
        Severity of rows dated after ``--as-of``.
    """

    skip: tuple[str, ...] = _names(shown=True)
    null_share: float = _setting(0.5, parse_share, shown=True)
    null_jump: float = _setting(0.2, parse_share, shown=True)
    min_rows: int = _setting(30, parse_count, shown=True)
    no_customer_share: float = _setting(0.3, parse_share, shown=True)
    unknown_customer_share: float = _setting(0.0, parse_share, shown=True)
    duplicate_share: float = _setting(0.01, parse_share, shown=True)
    quarantine_share: float = _setting(0.01, parse_share, shown=True)
    outlier_share: float = _setting(0.001, parse_share, shown=True)
    outlier_z: float = _setting(6.0, parse_amount, shown=True)
    outlier_factor: float = _setting(20.0, parse_amount, shown=True)
    open_share: float = _setting(0.8, parse_share, shown=True)
    min_weeks: int = _setting(8, parse_count, shown=True)
    gap_days: int = _setting(3, parse_count, shown=True)
    silence_factor: float = _setting(3.0, parse_amount, shown=True)
    silence_days: int = _setting(7, parse_count, shown=True)
    channel_days: int = _setting(20, parse_count, shown=True)
    reconciliation_difference: float = _setting(0.005, parse_amount, shown=True)
    control_types: tuple[str, ...] = _names("sale", "return", "subscription", shown=True)
    future: str = _setting("off", parse_severity, shown=True)


@dataclass(frozen=True)
class SegmentSettings:
    """How ``ckm segment`` cuts, and when a definition counts as outlived.

    Attributes
    ----------
    current_value_cut, headroom_cut
        Money from which the current value, and what a customer could spend beyond it, count as high; None cuts at the
        median.
    shift_watch, shift_refit
        Population stability index of a feature from which its shift is worth a look, and a refit.
    """

    current_value_cut: float | None = _setting(None, parse_amount, shown=True)
    headroom_cut: float | None = _setting(None, parse_amount, shown=True)
    shift_watch: float = _setting(0.1, parse_amount, shown=True)
    shift_refit: float = _setting(0.25, parse_amount, shown=True)


@dataclass(frozen=True)
class ChurnSettings:
    """When ``ckm churn-warn`` warns, what it assumes of an offer, and whom it leaves in peace.

    Attributes
    ----------
    watch, warn, urgent
        Where each level begins: in multiples of the average customer's churn odds, or a fixed probability.
    lead_time
        Days that an action needs before it can reach a customer.
    offer_success_rate
        Of those who would leave and are made an offer, the share that stays because of it.
    anyway_share
        Of those who would have stayed, the share that takes the offer all the same.
    offer_share, offer_amount
        Cost of an offer that is taken: a share of the customer's margin of 12 months, and an amount on top.
    contact_cost
        Cost of contacting one customer, whatever comes of it.
    change_margin
        Difference in probability from which a warning is worse or better at the same level.
    contacted_days
        So long a customer is left in peace after a contact.
    contact_topics
        Topics of an interaction of kind ``event`` that are contacts by us.
    """

    watch: LevelStart = _setting(LevelStart(2.0, 0.2), parse_level_start, shown=True)  # noqa: RUF009 - frozen
    warn: LevelStart = _setting(LevelStart(3.0, 0.35), parse_level_start, shown=True)  # noqa: RUF009 - frozen
    urgent: LevelStart = _setting(LevelStart(5.0, 0.5), parse_level_start, shown=True)  # noqa: RUF009 - frozen
    lead_time: int = _setting(14, parse_days, shown=True)
    offer_success_rate: float = _setting(0.3, parse_share, shown=True)
    anyway_share: float = _setting(1.0, parse_share, shown=True)
    offer_share: float = _setting(0.05, parse_share, shown=True)
    offer_amount: float = _setting(0.0, parse_amount, shown=True)
    contact_cost: float = _setting(1.0, parse_amount, shown=True)
    change_margin: float = _setting(0.1, parse_share, shown=True)
    contacted_days: int = _setting(30, parse_count, shown=True)
    contact_topics: tuple[str, ...] = _names("contact", "campaign", shown=True)


@dataclass(frozen=True)
class LoyaltySettings:
    """What ``ckm loyalty-report`` calls loyal, and what it expects of customers.

    Attributes
    ----------
    min_orders
        Days with a purchase in 12 months from which on a customer's behaviour is loyal.
    horizon
        Months that the customer lifetime value looks ahead.
    discount
        What money that comes in a year is worth less than money of today.
    calendar
        Calendar of the dates in the report's page, mail and workbook; machine formats have ISO dates.
    """

    min_orders: int = _setting(3, parse_count, shown=True)
    horizon: int = _setting(12, parse_months, shown=True)
    discount: float = _setting(0.1, parse_share, shown=True)
    calendar: str = _setting(GREGORIAN, parse_calendar, shown=True)


@dataclass(frozen=True)
class KbSettings:
    """What is known and wanted of the knowledge base.

    Attributes
    ----------
    role
        Whose entries are found unless ``--role`` says otherwise; None finds all.
    prefer_lang
        Language in which titles are shown where there are several; None takes English or what there is.
    log_queries, log_query_text
        Whether searches are kept, and whether with what was typed.
    topics, departments
        The words for them; where there are none, anything goes.
    languages
        Languages that every text shall be in.
    freshness
        Per kind of information the age from which an entry is too old to trust; one that is not named has no limit.
    alike
        Likeness of two entries from which one counts as a near-duplicate of the other.
    skip
        Rules of ``ckm kb-lint`` that are not applied.
    """

    role: str | None = _setting(None, parse_name, shown=False)
    prefer_lang: str | None = _setting(None, parse_name, shown=True)
    log_queries: bool = _setting(False, parse_flag, shown=True)
    log_query_text: bool = _setting(False, parse_flag, shown=True)
    topics: tuple[str, ...] = _names(shown=True)
    departments: tuple[str, ...] = _names(shown=True)
    languages: tuple[str, ...] = _names(shown=True)
    freshness: Mapping[str, timedelta] = _per_name(
        {
            "transaction": timedelta(days=90),
            "background": timedelta(days=365),
            "policy": timedelta(days=180),
            "domain": timedelta(days=730),
        },
        parse_duration,
        what="kind of information",
        shown=True,
    )
    alike: float = _setting(0.9, parse_share, shown=True)
    skip: tuple[str, ...] = _names(shown=True)


@dataclass(frozen=True)
class Config:
    """All settings of a workspace.

    Attributes
    ----------
    name
        What the shop is called, at the top of the report; None for the name of the workspace's folder.
    currency
        Currency of amounts whose source names none, ISO 4217.
    time_zone
        Zone of times whose source names none, as in the IANA database.
    stray_dates
        Whether rows far from the days that the data are about are set aside, or kept.
    guest_ids
        Customer ids that stand for many: their rows have no customer.
    payments
        Sources whose rows are payments for orders of other sources.
    ingest, check, segment, churn, loyalty, kb
        See :class:`IngestSettings`, :class:`CheckSettings`, :class:`SegmentSettings`, :class:`ChurnSettings`,
        :class:`LoyaltySettings`, :class:`KbSettings`.
    freshness
        Per table the greatest age that its newest row may have; a table that is not named has no limit.
    goals
        What the team wants to reach, by metric of the loyalty report.
    """

    name: str | None = _setting(None, parse_name, shown=False)
    currency: str = _setting("EUR", parse_currency, shown=True)
    time_zone: str = _setting("UTC", parse_time_zone, shown=True)
    stray_dates: str = _setting("set_aside", parse_stray_dates, shown=True)
    guest_ids: tuple[str, ...] = _names(shown=False)
    payments: tuple[str, ...] = _names(shown=True)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    freshness: Mapping[str, timedelta] = _per_name(
        {"transactions": timedelta(days=7), "interactions": timedelta(days=14), "customers": timedelta(days=90)},
        parse_duration,
        what="table",
        shown=True,
    )
    check: CheckSettings = field(default_factory=CheckSettings)
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    churn: ChurnSettings = field(default_factory=ChurnSettings)
    loyalty: LoyaltySettings = field(default_factory=LoyaltySettings)
    kb: KbSettings = field(default_factory=KbSettings)
    goals: Mapping[str, Target] = _per_name({}, parse_goal, any_name=True, shown=True)

    @property
    def keeps_stray_dates(self) -> bool:
        """Whether rows far from the days that the data are about count."""
        return self.stray_dates == "keep"


refuse_undeclared(Config)
