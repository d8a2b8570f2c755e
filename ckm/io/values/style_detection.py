"""Determine decimal marks and date orders from the values of a file; an ambiguous column is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import polars as pl
from polars.exceptions import PolarsError

from ckm.errors import AmbiguousError, UnknownNameError, UsageError
from ckm.io.values.amounts import MONEY
from ckm.io.values.dates import DateEvidence, DateStyle, Order, Unit, date_evidence, dates_evidence, find_pattern
from ckm.io.values.numbers import NumberEvidence, NumberStyle, money_marks, numbers_evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterator, Mapping

    from ckm.io.readers.hints import Hints

    Texts = dict[str, pl.Series]
    LaterRows = Callable[[], Iterator[Texts]]

ORDERS: dict[str, Order] = {"dmy": "dmy", "mdy": "mdy", "ymd": "ymd"}
NUMBERED: dict[str, Unit] = {
    "serial": "serial",
    "serial_1904": "serial_1904",
    "epoch_s": "epoch_s",
    "epoch_ms": "epoch_ms",
    "epoch_us": "epoch_us",
}
DATE_WORDS = (*ORDERS, *NUMBERED, "jalali", "buddhist")

EPOCH_UNITS: dict[Unit, str] = {"epoch_s": "seconds", "epoch_ms": "milliseconds", "epoch_us": "microseconds"}
WHOLE_WEEK = r"(?i)^\s*\d{4}-?w\d{2}\s*$"
BUDDHIST = "years of the Buddhist era, less 543"

E = TypeVar("E", NumberEvidence, DateEvidence)


class StyleDetector:
    """Determine number and date styles of columns; unambiguous columns decide for ambiguous ones.

    A file is written by one program in one locale, so an ambiguous column is parsed like the other columns of its
    kind. If these are ambiguous too, it is refused.

    Attributes
    ----------
    numbers, dates
        The styles determined so far, by target.
    remarks
        Remarks for the user.
    money_marks
        Currency signs and codes of the amounts.
    known_numbers, known_dates
        Evidence from the first texts by target, if computed together with other columns.
    from_1904
        Whether plain day numbers count from 1904, as in workbooks of old Excel for Mac.
    """

    def __init__(self, hints: Hints) -> None:
        self.hints = hints
        self.from_1904 = False
        self.known_numbers: dict[str, NumberEvidence] = {}
        self.known_dates: dict[str, DateEvidence] = {}
        self.numbers: dict[str, NumberStyle] = {}
        self.dates: dict[str, DateStyle] = {}
        self.remarks: list[str] = []
        self.money_marks: set[str] = set()
        self._marks: set[str] = set()
        self._orders: set[Order] = set()

    @property
    def decimal(self) -> str | None:
        """Return the decimal marks of the number columns, joined by ``and``; None if no number has one."""
        return " and ".join(sorted(self._marks)) or None

    @property
    def date_format(self) -> str | None:
        """Return the names of the date formats in reports, comma separated; None without dates."""
        return ", ".join(dict.fromkeys(style.label for style in self.dates.values())) or None

    def detect_numbers(
        self, sample: Texts, rest: LaterRows, names: dict[str, str], native: Container[str] = ()
    ) -> None:
        """Determine the styles of number columns.

        Parameters
        ----------
        sample
            The first texts of each column, by target.
        rest
            Iterates the texts of the whole file; called only if the sample is ambiguous.
        names
            Name of each column in messages.
        native
            Targets with numeric cells: these have a decimal point, whatever the hints.
        """
        self.numbers |= {target: NumberStyle(".") for target in sample if target in native}
        sample = {target: texts for target, texts in sample.items() if target not in native}
        for target, texts in sample.items():
            if target in MONEY:
                self.money_marks |= money_marks(texts)
        if fixed := _hinted_mark(self.hints):
            self._marks.add(fixed)
            self.numbers |= dict.fromkeys(sample, NumberStyle(fixed, self.hints.thousands))
            return
        evidence = _collect_evidence(sample, rest, numbers_evidence, self.known_numbers)
        self._marks |= {found.decimal for found in evidence.values() if found.decimal}
        for target, found in evidence.items():
            mark = found.decimal
            if found.is_mixed and mark:
                self.remarks.append(
                    f"{names[target]}: both decimal marks occur; '{mark}' is used, numbers with the other are rejected"
                )
            if found.is_open:
                if len(self._marks) != 1:
                    raise AmbiguousError(
                        f"{names[target]}: ambiguous decimal mark: 1,234 may be 1234 or 1.234",
                        hint='set it with --decimal . or --decimal , (in a mapping, format: {decimal: ","})',
                        target=target,
                        option="--decimal",
                    )
                mark = next(iter(self._marks))
                self.remarks.append(f"{names[target]}: decimal mark '{mark}', as in the file's other columns")
            if mark is None and not found.is_mixed and len(self._marks) == 1:
                # Whole numbers so far; later rows are parsed like the other columns.
                mark = next(iter(self._marks))
            self.numbers[target] = NumberStyle(mark)

    def detect_dates(self, sample: Texts, rest: LaterRows, names: dict[str, str]) -> None:
        """Determine the styles of date columns; parameters as in :meth:`detect_numbers`."""
        hint = self.hints.dates
        if hint is not None:
            style = _hinted_style(hint)
            self.dates |= {
                target: self._in_its_calendar(style, texts, names[target], target) for target, texts in sample.items()
            }
            return
        evidence = _collect_evidence(sample, rest, dates_evidence, self.known_dates)
        self._orders |= {found.order for found in evidence.values() if found.order}
        for target, found in evidence.items():
            self.dates[target] = _with_pattern(self._date_style(names[target], target, found), sample[target])
            if self.dates[target].pattern is None and sample[target].cast(pl.String).str.contains(WHOLE_WEEK).any():
                self.remarks.append(f"{names[target]}: weeks are read as the date of their Monday")

    def _in_its_calendar(self, style: DateStyle, texts: pl.Series, name: str, target: str) -> DateStyle:
        """Return a hinted style; the Buddhist era is detected even with a hint such as ``dmy``.

        Two-digit years that may be of another calendar are refused, unless the hint is a strptime format.
        """
        if style.calendar == "common" and style.number is None:
            found = date_evidence(texts)
            if found.is_buddhist:
                self.remarks.append(f"{name}: {BUDDHIST}")
                return replace(style, calendar="buddhist")
            if style.pattern is None:
                _refuse_unknown_calendar(name, target, found)
        if style.calendar == "jalali" and date_evidence(texts).short:
            self.remarks.append(f"{name}: two-digit years read as 1348 to 1447, year first")
        return _with_pattern(style, texts)

    def _date_style(self, name: str, target: str, found: DateEvidence) -> DateStyle:
        if found.is_serial:
            since = " since 1904" if self.from_1904 else ""
            self.remarks.append(f"{name}: numbers read as Excel day numbers{since}")
            return DateStyle(number="serial_1904" if self.from_1904 else "serial")
        if found.is_jalali:
            raise AmbiguousError(
                f"{name}: the years are not Gregorian",
                hint="if they are Persian, use --dates jalali",
                target=target,
                option="--dates",
            )
        if not found.is_buddhist:
            _refuse_unknown_calendar(name, target, found)
        if unit := found.epoch:
            raise AmbiguousError(
                f"{name}: the values are numbers, possibly {EPOCH_UNITS[unit]} since 1970, not dates",
                hint=f"if so, use --dates {unit}",
                target=target,
                option="--dates",
            )
        order = found.order
        if found.is_open and found.is_year_unclear and len(self._orders) != 1:
            raise AmbiguousError(
                f"{name}: ambiguous two-digit years: 24/11/30 may be in 2024 or 2030",
                hint="set it with --dates dmy, --dates mdy or --dates ymd (in a mapping, format: {dates: dmy})",
                target=target,
                option="--dates",
            )
        if found.dmy and found.mdy and order:
            self.remarks.append(
                f"{name}: both date orders occur; {order} is used, dates in the other order are rejected"
            )
        if found.is_open and (found.open or found.is_year_unclear):
            if len(self._orders) != 1:
                raise AmbiguousError(
                    f"{name}: ambiguous date order: 03/04/2025 may be in March or April",
                    hint="set it with --dates dmy or --dates mdy (in a mapping, format: {dates: dmy})",
                    target=target,
                    option="--dates",
                )
            order = next(iter(self._orders))
            self.remarks.append(f"{name}: dates read as {order}, as in the file's other columns")
        if found.is_buddhist:
            self.remarks.append(f"{name}: {BUDDHIST}")
        if found.short:
            years = "2512 to 2611" if found.is_buddhist else "1969 to 2068"
            self.remarks.append(f"{name}: two-digit years read as {years}")
        return DateStyle(order=order, calendar="buddhist" if found.is_buddhist else "common")


def _refuse_unknown_calendar(name: str, target: str, found: DateEvidence) -> None:
    """Refuse two-digit years of an ambiguous calendar.

    Raises
    ------
    AmbiguousError
        The years may be of another calendar, as the script or the years suggest.
    """
    calendar = found.years.calendar(found.short)
    if calendar is None:
        return
    era = {"buddhist": "the Buddhist era", "jalali": "the Persian calendar"}[calendar]
    raise AmbiguousError(
        f"{name}: ambiguous two-digit years: they may be of {era} or Gregorian",
        hint=f"use --dates {calendar}, or the format of Gregorian years, such as --dates %d/%m/%y",
        target=target,
        option="--dates",
    )


def _collect_evidence(
    sample: Texts, rest: LaterRows, evidence_of: Callable[[Texts], dict[str, E]], known: Mapping[str, E]
) -> dict[str, E]:
    unknown = {target: texts for target, texts in sample.items() if target not in known}
    found_at_once = evidence_of(unknown)
    evidence = {target: known[target] if target in known else found_at_once[target] for target in sample}
    pending = [target for target, found in evidence.items() if found.is_open]
    if not pending:
        return evidence
    total: dict[str, E] = {}
    for texts in rest():
        for target, found in evidence_of({target: texts[target] for target in pending}).items():
            total[target] = total[target] + found if target in total else found
    return evidence | total


def _hinted_mark(hints: Hints) -> str | None:
    if hints.decimal is not None:
        if hints.decimal not in (".", ","):
            raise UsageError("the decimal mark must be '.' or ','", hint="use --decimal . or --decimal ,")
        if hints.decimal == hints.thousands:
            raise UsageError("the decimal mark and the thousands separator are equal", hint="omit one of them")
        return hints.decimal
    return {".": ",", ",": "."}.get(hints.thousands or "")


def _hinted_style(hint: str) -> DateStyle:
    if hint in ORDERS:
        return DateStyle(order=ORDERS[hint])
    if hint == "jalali":
        return DateStyle(calendar="jalali")
    if hint == "buddhist":
        return DateStyle(order="dmy", calendar="buddhist")
    if hint in NUMBERED:
        return DateStyle(number=NUMBERED[hint])
    if "%" not in hint:
        raise UnknownNameError("date format", hint, DATE_WORDS, where="dates")
    # Python's %f counts microseconds, chrono's nanoseconds; its %.f reads the point and any number of digits.
    pattern = hint.replace(".%f", "%.f")
    zoned = "%z" in pattern
    if not _is_pattern(pattern, zoned=zoned):
        raise UsageError(f"dates: invalid date format '{hint}'", hint="such as %d.%m.%Y or %d.%m.%Y %H:%M")
    return DateStyle(order=_order_of(pattern), pattern=pattern, zoned=zoned or pattern.endswith("Z"))


def _is_pattern(pattern: str, *, zoned: bool) -> bool:
    """Return whether a strptime format is valid: a date that is written in it is parsed back."""
    day = pl.Series([datetime(2021, 11, 22)], dtype=pl.Datetime("us"))
    try:
        text = (day.dt.replace_time_zone("UTC") if zoned else day).dt.strftime(pattern)
        read = text.str.strptime(pl.Datetime("us", "UTC" if zoned else None), pattern, strict=False)
    except PolarsError:
        return False
    return read.null_count() == 0


def _order_of(pattern: str) -> Order | None:
    """Return the order of day and month in a strptime format."""
    day, month = (re.search(codes, pattern) for codes in ("%[-_]?[de]", "%[-_]?[mbBh]"))
    if day is None or month is None:
        return None
    return "dmy" if day.start() < month.start() else "mdy"


def _with_pattern(style: DateStyle, texts: pl.Series) -> DateStyle:
    if style.pattern or style.number or style.calendar != "common":
        return style
    pattern, zoned = find_pattern(texts, style.order)
    return DateStyle(style.order, pattern, zoned)
