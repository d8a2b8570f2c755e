"""Definitions of all settings: names, defaults, and parsers.

``ckm/data/ckm.yaml``, which ``ckm init`` writes, documents them for users; :mod:`ckm.config` reads their values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from ckm.errors import UnknownNameError, UsageError
from ckm.names import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
MONTHS = {"mo": 1, "y": 12}
MOST_MONTHS = 120
"""Longest horizon in months: ten years."""
FLAGS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
STRAY_DATES = ("set_aside", "keep")
"""What becomes of rows far from the days that the data are about."""
GREGORIAN = "gregorian"
CALENDARS = (GREGORIAN, "buddhist", "persian")
"""Calendars that reports write dates in, by their names in CLDR."""
SEVERITIES = ("off", "info", "warning", "error")
USUAL_REFIT: int | None = 365
"""Days; None is never."""

T = TypeVar("T")


def end_of_day(day: date, time_zone: str) -> datetime:
    """Return the first instant after ``day`` in ``time_zone``, in UTC; rows from then on are in the future."""
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
    """Parse ``12h``, ``7d`` or ``2w`` as a duration."""
    number = re.fullmatch(r"\s*(\d{1,7})\s*([hdw])\s*", text)
    if number is None:
        raise UsageError(f"invalid duration '{text}'", hint="write it as 12h, 7d or 2w")
    return timedelta(**{UNITS[number[2]]: int(number[1])})


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
        raise UsageError(f"'{text}' is no span of 1 to {MOST_MONTHS} months", hint="write it as 12mo or 1y")
    return months


def parse_currency(text: str) -> str:
    """Return ``text`` if it has the form of an ISO 4217 code."""
    if not re.fullmatch("[A-Z]{3}", text):
        raise UsageError(f"'{text}' is no currency code", hint="write three capital letters, such as EUR")
    return text


def parse_time_zone(text: str) -> str:
    """Return ``text`` if it is a time zone of the IANA database."""
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
    """Return ``text`` if it is a calendar that reports write dates in."""
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


class UnknownTimeZoneError(UnknownNameError):
    """A time zone that the IANA database does not have."""

    def __init__(self, name: str) -> None:
        super().__init__("time zone", name, sorted(available_timezones()))
        if not (self.hint or "").startswith("did you mean"):
            self.hint = "write it as Europe/Berlin or UTC"


def _setting(default: T, parse: Callable[[str], T], *, shown: bool | None = None) -> T:
    """Declare a field with one value, parsed from text by ``parse``.

    ``shown`` is whether its value may appear in errors, logs and notebooks: a path, a person's name or a password may
    not. Every declaration must set it; see :func:`refuse_undeclared`.
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
    """Declare a field with one value per name; only the names of ``default`` are allowed unless ``any_name``."""
    fixed = MappingProxyType(dict(default))
    about = {"parse": parse, "default": fixed, "any_name": any_name, "what": what, "shown": shown}
    return field(default_factory=lambda: fixed, repr=bool(shown), metadata=about)


def _names(*default: str, shown: bool | None = None) -> tuple[str, ...]:
    """Declare a field with a list of names, separated by commas in the environment."""
    return field(default=default, repr=bool(shown), metadata={"parse": parse_names, "list": True, "shown": shown})


def plain_settings(settings: Any, *, shown_only: bool) -> dict[str, Any]:
    """Return settings as JSON holds them; with ``shown_only`` without those that may not be shown."""
    plain: dict[str, Any] = {}
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(each.default_factory, type):
            plain[each.name] = plain_settings(value, shown_only=shown_only)
        elif each.metadata["shown"] or not shown_only:
            plain[each.name] = _plain(value)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, timedelta):
        hours = value // timedelta(hours=1)
        return f"{hours}h" if hours % 24 else f"{hours // 24}d"
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def refuse_undeclared(settings: type, inside: str = "") -> None:
    """Refuse settings that do not declare whether their value may be shown.

    Parameters
    ----------
    settings
        A dataclass whose fields are settings, or groups of them.
    inside
        Name of the group, with a dot.

    Raises
    ------
    UsageError
        A setting is undeclared; its value would be shown.
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
    """Settings of ``ckm ingest``.

    Attributes
    ----------
    max_rejects
        Largest share of a file's records that may be quarantined; above it nothing of the file is loaded.
    """

    max_rejects: float = _setting(0.05, parse_share, shown=True)


@dataclass(frozen=True)
class CheckSettings:
    """Thresholds of ``ckm check``.

    Attributes
    ----------
    skip
        Disabled checks.
    null_share, no_customer_share, unknown_customer_share, duplicate_share, quarantine_share, outlier_share
        Shares of a table's rows without a warning: nulls of an optional column; rows without a customer; with a
        customer missing from ``customers``; duplicates; quarantined rows; outliers.
    null_jump
        Increase of the null share in the last month that is a warning.
    min_rows
        Minimum number of rows for ``null_jump`` and ``outlier_z``.
    outlier_z, outlier_factor
        Outliers: distance in robust standard deviations of the logarithm, and ratio to the median.
    open_share, min_weeks, gap_days
        Calendar gaps: definition of a selling day, and number without a sale that is a warning.
    silence_factor, silence_days, channel_days
        Thresholds of a silent channel.
    reconciliation_difference, control_types
        Tolerated difference to finance's controls, and the transaction types that these include.
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
    """Settings of ``ckm segment``: cuts, and thresholds of shifts.

    Attributes
    ----------
    current_value_cut, headroom_cut
        Amounts above which current value and headroom are high; None cuts at the median.
    shift_watch, shift_refit
        Population stability index of a feature from which a shift is reported, and from which a refit is recommended.
    """

    current_value_cut: float | None = _setting(None, parse_amount, shown=True)
    headroom_cut: float | None = _setting(None, parse_amount, shown=True)
    shift_watch: float = _setting(0.1, parse_amount, shown=True)
    shift_refit: float = _setting(0.25, parse_amount, shown=True)


@dataclass(frozen=True)
class ChurnSettings:
    """Settings of ``ckm churn-warn``: thresholds, assumptions about an offer, and suppressions.

    Attributes
    ----------
    watch, warn, urgent
        Threshold of each level: a multiple of the average customer's churn odds, or a fixed probability.
    lead_time
        Days that an action needs before it can reach a customer.
    offer_success_rate
        Share of churning customers with an offer whom the offer retains.
    anyway_share
        Share of retained customers who take the offer.
    offer_share, offer_amount
        Cost of an accepted offer: a share of the customer's margin of 12 months, plus an amount.
    contact_cost
        Cost of contacting one customer.
    change_margin
        Change of the probability from which a warning of the same level is worse or better.
    contacted_days
        Days after a contact during which a customer is suppressed.
    contact_topics
        Topics of interactions of kind ``event`` that are contacts by the shop.
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
    """Settings of ``ckm loyalty-report``.

    Attributes
    ----------
    min_orders
        Fewest purchase days in 12 months for loyal behaviour.
    horizon
        Horizon of the customer lifetime value in months.
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
class NightlySettings:
    """What ``ckm nightly`` refits and reports.

    Attributes
    ----------
    refit_after
        Age of a segment definition in days from which it is refitted; None for never.
    report_months
        Months of the report that is written when a month is complete.
    report_lang
        Language of that report.
    """

    refit_after: int | None = _setting(USUAL_REFIT, parse_refit, shown=True)
    report_months: int = _setting(1, parse_months, shown=True)
    report_lang: str = _setting("en", parse_language, shown=True)


@dataclass(frozen=True)
class KbSettings:
    """Settings of the knowledge base.

    Attributes
    ----------
    role
        Default of ``--role``: role of the reader; None finds all entries.
    prefer_lang
        Preferred language of titles; None prefers English.
    log_queries, log_query_text
        Whether searches are logged, and whether with the query.
    topics, departments
        Allowed words; empty if any word is allowed.
    languages
        Languages in which every text is required.
    freshness
        Maximum age of an entry by facet; other facets have no limit.
    alike
        Similarity from which two entries are near-duplicates.
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
class ProfileSettings:
    """Settings of ``ckm profile``.

    Attributes
    ----------
    roles
        Exposures of the columns (:class:`ckm.schema.Exposure`) that a role sees, by role.
    """

    roles: Mapping[str, tuple[str, ...]] = _per_name({}, parse_names, what="role", any_name=True, shown=False)


@dataclass(frozen=True)
class Config:
    """All settings of a workspace.

    Attributes
    ----------
    name
        What the shop is called, at the top of the report; None for the name of the workspace's folder.
    currency
        Currency (ISO 4217) of amounts without a currency in their source.
    time_zone
        Time zone (IANA) of times without a zone in their source.
    stray_dates
        Whether rows outside of the usual days of the data are excluded, or kept.
    guest_ids
        Customer ids of guests: their rows count as rows without a customer.
    payments
        Sources whose rows are payments for orders of other sources.
    ingest, check, segment, churn, loyalty, nightly, kb, profile
        See :class:`IngestSettings`, :class:`CheckSettings`, :class:`SegmentSettings`, :class:`ChurnSettings`,
        :class:`LoyaltySettings`, :class:`NightlySettings`, :class:`KbSettings`, :class:`ProfileSettings`.
    freshness
        Maximum age of the newest row by table; other tables have no limit.
    goals
        Goals by metric of the loyalty report.
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
    nightly: NightlySettings = field(default_factory=NightlySettings)
    kb: KbSettings = field(default_factory=KbSettings)
    profile: ProfileSettings = field(default_factory=ProfileSettings)
    goals: Mapping[str, Target] = _per_name({}, parse_goal, any_name=True, shown=True)

    @property
    def keeps_stray_dates(self) -> bool:
        """Whether rows outside of the usual days of the data are included."""
        return self.stray_dates == "keep"


refuse_undeclared(Config)
