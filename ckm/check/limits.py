"""Thresholds of the checks, with their defaults and keys in ckm.yaml."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import TYPE_CHECKING

from ckm.check.findings import CHECKS
from ckm.errors import UnknownNameError, UsageError
from ckm.schema import TRANSACTION_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER_SECTIONS = ("freshness", "quasi_identifiers", "min_group_size")
"""Limits that other sections of ckm.yaml than ``check`` have."""
_SPAN = re.compile(r"^\s*(\d{1,7})\s*(h|d|w)?\s*$")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


@dataclass(frozen=True)
class CheckLimits:
    """Thresholds of :func:`ckm.check.check_tables`; the section ``check`` of ckm.yaml.

    A *share* is between 0 and 1. A value above a limit is a warning, a smaller positive value an info.

    Attributes
    ----------
    skip
        Disabled checks.
    null_share
        Null share above which an optional column is listed.
    null_jump
        Increase of the null share in the last month over all earlier months that is a warning.
    min_rows
        Minimum number of rows for ``null_jump`` (in both periods) and ``outlier_z``.
    no_customer_share, unknown_customer_share, duplicate_share, quarantine_share, outlier_share
        Share of rows without a customer; with a customer missing from ``customers``; duplicates; rejected at ingest;
        outliers.
    outlier_z, outlier_factor
        A value is an outlier if its logarithm is more than ``outlier_z`` robust standard deviations (of
        its side) from the median, and the value more than ``outlier_factor`` times larger or smaller than the median.
    open_share, min_weeks, gap_days
        A weekday is a selling day if at least ``open_share`` of its dates have a sale, over at least ``min_weeks``
        dates; a run of ``gap_days`` such days without a sale is a warning, a shorter one an info.
    silence_factor, silence_days, channel_days
        A channel with sales on at least ``channel_days`` days is silent if it has no sales on more than
        ``silence_days`` selling days of other channels, and on more than ``silence_factor`` times its 95th percentile.
    reconciliation_difference, control_types
        Tolerated difference to controls.csv, in currency units; the transaction types that its totals include.
    future
        Severity of rows dated after ``--as-of``: ``off``, ``info``, ``warning`` or ``error``.
    freshness
        Days by table; the section ``freshness`` of ckm.yaml.
    quasi_identifiers, min_group_size
        Columns that together may identify a customer, and fewest customers with equal values; the section ``privacy``.
    """

    skip: tuple[str, ...] = ()
    null_share: float = 0.5
    null_jump: float = 0.2
    min_rows: int = 30
    no_customer_share: float = 0.3
    unknown_customer_share: float = 0.0
    duplicate_share: float = 0.01
    quarantine_share: float = 0.01
    outlier_share: float = 0.001
    outlier_z: float = 6.0
    outlier_factor: float = 20.0
    open_share: float = 0.8
    min_weeks: int = 8
    gap_days: int = 3
    silence_factor: float = 3.0
    silence_days: int = 7
    channel_days: int = 20
    reconciliation_difference: float = 0.005
    control_types: tuple[str, ...] = ("sale", "return", "subscription")
    future: str = "off"
    freshness: Mapping[str, int] = field(default_factory=dict)
    quasi_identifiers: tuple[str, ...] = ()
    min_group_size: int = 5

    def __post_init__(self) -> None:
        _names("skip", self.skip, tuple(CHECKS), "check")
        _names("control_types", self.control_types, TRANSACTION_TYPES, "type")
        _future("future", self.future)

    @classmethod
    def from_config(cls, check: Mapping[str, object], freshness: Mapping[str, object] | None = None) -> CheckLimits:
        """Read the sections ``check`` and ``freshness`` of ckm.yaml.

        Parameters
        ----------
        check
            Any of the fields above; a share may be written ``5%`` and names as a list or with commas between. What is
            missing or null has its default.
        freshness
            Greatest age by table: ``7`` (days), ``7d``, ``2w``, ``12h`` or a timedelta. Ages are counted in days, so a
            part of a day is allowed as a whole one: ``12h`` is one day.

        Raises
        ------
        UnknownNameError
            A key, check or type does not exist; the error suggests a similar one.
        UsageError
            A value has the wrong type or is out of range.
        """
        known = [item.name for item in fields(cls) if item.name not in OTHER_SECTIONS]
        settings: dict[str, object] = {}
        for key, value in check.items():
            if key not in known:
                raise UnknownNameError("setting", key, known, where="ckm.yaml: check")
            if value is not None:
                settings[key] = _READERS.get(key, _share if key in _SHARES else _number)(key, value)
        ages = {table: _days(table, age) for table, age in (freshness or {}).items() if age is not None}
        return cls(**settings, freshness=ages)  # type: ignore[arg-type]  # each reader returns its field's type


def _wrong(key: str, wanted: str, *, section: str = "check") -> UsageError:
    return UsageError(f"ckm.yaml: {section}.{key} is not {wanted}", hint=f"write {section}.{key} as {wanted}", key=key)


def _float(value: object) -> float | None:
    """Return a finite number from a number or its text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _number(key: str, value: object) -> float:
    number = _float(value)
    if number is None or number < 0:
        raise _wrong(key, "a number of at least 0")
    return number


def _whole(key: str, value: object) -> int:
    number = _float(value)
    if number is None or number < 0 or number != int(number):
        raise _wrong(key, "a whole number of at least 0")
    return int(number)


def _share(key: str, value: object) -> float:
    text, percent = str(value).strip(), 1.0
    if text.endswith("%"):
        text, percent = text[:-1], 100.0
    share = None if isinstance(value, bool) else _float(text)
    if share is None or not 0 <= share <= percent:
        raise _wrong(key, "a share, such as 0.05 or 5%")
    return share / percent


def _names(key: str, value: object, known: tuple[str, ...], what: str) -> tuple[str, ...]:
    names = [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise _wrong(key, "a list of names")
    for name in names:
        if name not in known:
            raise UnknownNameError(what, name, known, where=f"ckm.yaml: check.{key}")
    return tuple(names)


def _future(key: str, value: object) -> str:
    # YAML 1.1 reads a bare `off` as false.
    level = "off" if value is False else value
    if not isinstance(level, str):
        raise _wrong(key, "off, info, warning or error")
    return _names(key, [level], ("off", "info", "warning", "error"), "severity")[0]


def _days(table: str, age: object) -> int:
    if isinstance(age, timedelta):
        # Rounded up: with 12h as zero days, yesterday's sale would be too old at one in the morning.
        return -(-age // timedelta(days=1))
    matched = _SPAN.match(str(age)) if isinstance(age, str | int) and not isinstance(age, bool) else None
    if matched is None:
        raise _wrong(table, "a span of time, such as 12h, 7d or 2w", section="freshness")
    return _days(table, int(matched[1]) * _UNITS[matched[2] or "d"])


_SHARES = {item.name for item in fields(CheckLimits) if item.name.endswith("_share") or item.name == "null_jump"}
_READERS = {
    "skip": lambda key, value: _names(key, value, tuple(CHECKS), "check"),
    "control_types": lambda key, value: _names(key, value, TRANSACTION_TYPES, "type"),
    "future": _future,
    "min_rows": _whole,
    "min_weeks": _whole,
    "gap_days": _whole,
    "silence_days": _whole,
    "channel_days": _whole,
}
