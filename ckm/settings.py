"""Definitions of all settings: names, defaults, and parsers.

``ckm/data/ckm.yaml``, which ``ckm init`` writes, documents them for users; :mod:`ckm.config` reads their values. They
are dataclasses and not a data file, so that mypy checks the type of each use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ckm.errors import UsageError
from ckm.setting_values import (
    GREGORIAN,
    LevelStart,
    Target,
    parse_age,
    parse_amount,
    parse_calendar,
    parse_count,
    parse_currency,
    parse_days,
    parse_duration,
    parse_flag,
    parse_goal,
    parse_language,
    parse_level_start,
    parse_months,
    parse_name,
    parse_names,
    parse_refit,
    parse_severity,
    parse_share,
    parse_stray_dates,
)
from ckm.time_zones import parse_time_zone

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_REFIT: int | None = 365
"""Default age of a segment definition for a refit, in days."""

T = TypeVar("T")


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
    """Return settings as JSON values; with ``shown_only`` without those that may not be shown."""
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
        Among customers who would stay without an offer, the share that accepts it.
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
    contact_channel
        Channel of the contact, whose consents count; None if it is unknown: a refusal on any channel counts.
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
    contact_channel: str | None = _setting(None, parse_name, shown=True)


@dataclass(frozen=True)
class LoyaltySettings:
    """Settings of ``ckm loyalty-report``.

    Attributes
    ----------
    min_orders
        Minimum purchase days in 12 months for loyal behaviour.
    horizon
        Horizon of the customer lifetime value in months.
    discount
        Yearly discount rate of future amounts.
    calendar
        Calendar of dates in the page, mail and workbook of the report; machine formats have ISO dates.
    point_value
        Value of a point of the loyalty programme, in the currency; None if unknown.
    """

    min_orders: int = _setting(3, parse_count, shown=True)
    horizon: int = _setting(12, parse_months, shown=True)
    discount: float = _setting(0.1, parse_share, shown=True)
    calendar: str = _setting(GREGORIAN, parse_calendar, shown=True)
    point_value: float | None = _setting(None, parse_amount, shown=True)


@dataclass(frozen=True)
class NightlySettings:
    """Settings of ``ckm nightly``: ages for refits, and the monthly report.

    Attributes
    ----------
    refit_after
        Age of a segment definition in days from which it is refitted; None for never.
    report_months
        Length in months of the period of the report, which is written when a month is complete.
    report_lang
        Language of that report.
    """

    refit_after: int | None = _setting(DEFAULT_REFIT, parse_refit, shown=True)
    report_months: int = _setting(1, parse_months, shown=True)
    report_lang: str = _setting("en", parse_language, shown=True)


@dataclass(frozen=True)
class KbSettings:
    """Settings of the knowledge base.

    Attributes
    ----------
    role
        Default of ``--role``: role of the reader; None for no role, which finds all entries.
    prefer_lang
        Preferred language of titles; None prefers English.
    encoder
        Folder of an encoder for search by meaning; None for the built-in one.
    log_queries, log_query_text
        Whether searches and shown entries are logged, and whether with the query.
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
    encoder: str | None = _setting(None, parse_name, shown=False)
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
class FeedbackSettings:
    """Settings of ``ckm feedback-mine``.

    Attributes
    ----------
    competitors
        Names of competitors to find in comments, spelling variants after ``|``.
    products
        Names of products to find in comments, by product id.
    encoder
        Folder of a sentence encoder; None for the built-in one of the extra ``semantic``.
    """

    competitors: tuple[str, ...] = _names(shown=True)
    products: Mapping[str, tuple[str, ...]] = _per_name({}, parse_names, what="product", any_name=True, shown=True)
    encoder: str | None = _setting(None, parse_name, shown=False)


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
class PrivacySettings:
    """Settings of ``ckm privacy``, and of exports of customers.

    Attributes
    ----------
    retention
        Maximum age of rows by table, for ``ckm privacy retention``; other tables have none.
    quasi_identifiers
        Columns that together may identify a customer; () if exports are not checked.
    min_group_size
        Fewest customers with the same values of the quasi-identifiers in an export.
    """

    retention: Mapping[str, timedelta] = _per_name({}, parse_age, what="table", any_name=True, shown=True)
    quasi_identifiers: tuple[str, ...] = _names(shown=True)
    min_group_size: int = _setting(5, parse_count, shown=True)


@dataclass(frozen=True)
class McpSettings:
    """Settings of ``ckm mcp``.

    Attributes
    ----------
    off
        Tools that are switched off.
    persons
        Whether tools may return rows of persons.
    min_group_size
        Smallest number of customers behind a number.
    log_questions
        Whether questions without a hit are logged with their text for ``ckm kb-gaps``.
    """

    off: tuple[str, ...] = _names(shown=True)
    persons: bool = _setting(False, parse_flag, shown=True)
    min_group_size: int = _setting(5, parse_count, shown=True)
    log_questions: bool = _setting(True, parse_flag, shown=True)


@dataclass(frozen=True)
class EvaluateSettings:
    """Settings of ``ckm evaluate``: period, costs and goals of the programme.

    Attributes
    ----------
    period
        Length of the period in months, up to the as-of date.
    contact_cost
        Cost of contacting one customer; None for ``churn.contact_cost``.
    offer_cost
        Mean cost of the offer per treated customer of an audience with an offer; None if unknown.
    hour_cost
        Cost of an hour of work; None if unknown.
    margin_share
        Margin as a share of net sales, for outcomes without an effect on margin; None if unknown.
    hours_per_entry, hours_per_audience, hours_per_month
        Hours of work for a newly validated knowledge entry, for an audience, and for everything else in a month; None
        if unknown.
    fixed_within_days
        Days after a complaint or question within which another one by the same customer on the same topic is a repeat.
    goals
        Goals by metric of ``ckm evaluate``.
    """

    period: int = _setting(12, parse_months, shown=True)
    contact_cost: float | None = _setting(None, parse_amount, shown=True)
    offer_cost: float | None = _setting(None, parse_amount, shown=True)
    hour_cost: float | None = _setting(None, parse_amount, shown=True)
    margin_share: float | None = _setting(None, parse_share, shown=True)
    hours_per_entry: float | None = _setting(None, parse_amount, shown=True)
    hours_per_audience: float | None = _setting(None, parse_amount, shown=True)
    hours_per_month: float | None = _setting(None, parse_amount, shown=True)
    fixed_within_days: int = _setting(30, parse_count, shown=True)
    goals: Mapping[str, Target] = _per_name({}, parse_goal, any_name=True, shown=True)


@dataclass(frozen=True)
class Config:
    """All settings of a workspace.

    Attributes
    ----------
    name
        Name of the shop at the top of the report; None for the name of the workspace folder.
    currency
        Currency (ISO 4217) of amounts without a currency in their source.
    time_zone
        Time zone (IANA) of times without a zone in their source.
    stray_dates
        Treatment of rows with dates far outside the period of the data: ``set_aside`` or ``keep``.
    guest_ids
        Customer ids of guests: their rows count as rows without a customer.
    payments
        Sources whose rows are payments for orders of other sources.
    ingest, check, segment, churn, loyalty, nightly, kb, feedback, profile, privacy, mcp, evaluate
        See :class:`IngestSettings`, :class:`CheckSettings`, :class:`SegmentSettings`, :class:`ChurnSettings`,
        :class:`LoyaltySettings`, :class:`NightlySettings`, :class:`KbSettings`, :class:`FeedbackSettings`,
        :class:`ProfileSettings`, :class:`PrivacySettings`, :class:`McpSettings`, :class:`EvaluateSettings`.
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
        {
            "transactions": timedelta(days=7),
            "interactions": timedelta(days=14),
            "customers": timedelta(days=90),
            "consents": timedelta(days=365),
            "memberships": timedelta(days=31),
        },
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
    feedback: FeedbackSettings = field(default_factory=FeedbackSettings)
    profile: ProfileSettings = field(default_factory=ProfileSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    mcp: McpSettings = field(default_factory=McpSettings)
    evaluate: EvaluateSettings = field(default_factory=EvaluateSettings)
    goals: Mapping[str, Target] = _per_name({}, parse_goal, any_name=True, shown=True)

    @property
    def keeps_stray_dates(self) -> bool:
        """Whether rows with dates far outside the period of the data are included."""
        return self.stray_dates == "keep"


refuse_undeclared(Config)
