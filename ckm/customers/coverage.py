"""Coverage of an analysis: the lines in the data, those used as of a day, and those left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day
from ckm.customers.day_totals import DAY_BITS, EPOCH
from ckm.customers.definitions import FINEST_MONEY_SCALE, KINDS, OF_CUSTOMERS, OF_THE_SHOP
from ckm.customers.shared_ids import shared_ids
from ckm.customers.usual_days import usual_days
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.remark import assumption, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.shared_ids import SharedId
    from ckm.customers.usual_days import UsualDays

MOST_SILENCE = 2
"""Largest ratio of a usual silence at the end of the data to the longest pause in the data."""
LEAST_SILENCE = 7
"""Days of silence at the end that are always usual: a week that is not loaded yet."""
FEW_DAYS = 10
"""Fewest days with lines to compute the usual pause; with fewer, the whole span counts as usual."""
FEW_DAYS_SILENCE = 30
"""Days of silence at the end that are usual if fewer than :data:`FEW_DAYS` days have lines."""
DATES_NAMED = 3
"""Maximum number of stray dates listed in a sentence; of more, only the first and the last are named."""
SUM_LIMIT = 2**62
"""Largest Int64 sum, minus a margin for the rounding of amounts."""


@dataclass(frozen=True)
class DataEnd:
    """Data that end unusually long before the as-of date.

    Attributes
    ----------
    last
        Newest day with a line.
    as_of
        As-of date.
    longest_pause
        Longest pause in days between two days with lines.
    usual_silence
        Longest usual silence before the as-of date, in days.
    """

    last: date
    as_of: date
    longest_pause: int
    usual_silence: int

    @property
    def silent_days(self) -> int:
        """Days from the end of the data to the as-of date."""
        return (self.as_of - self.last).days

    @property
    def sentence(self) -> str:
        """Remark for the user."""
        pause = f"; the longest pause in them is {counted(self.longest_pause, 'day')}" if self.longest_pause else ""
        return f"the data end on {self.last}, {counted(self.silent_days, 'day')} before {self.as_of}{pause}"


def data_end(days: NDArray[np.int64], as_of: int) -> DataEnd | None:
    """Return the end of the data if it is unusually long before ``as_of``; else None.

    The usual silence is at most twice the longest pause between two days with lines, and at least a week. With fewer
    than ten days with lines, it is twice their whole span, and at least thirty days.

    Parameters
    ----------
    days
        Days with a line, in days since 1970-01-01, ascending, none after ``as_of``.
    as_of
        As-of date.

    >>> str(data_end(np.arange(100), 180).sentence)
    'the data end on 1970-04-10, 81 days before 1970-06-30; the longest pause in them is 1 day'
    """
    if not len(days):
        return None
    last, pause = int(days[-1]), int(np.diff(days).max(initial=0))
    usual = max(LEAST_SILENCE, MOST_SILENCE * pause)
    if len(days) < FEW_DAYS:
        usual = max(FEW_DAYS_SILENCE, MOST_SILENCE * (last - int(days[0])))
    if as_of - last <= usual:
        return None
    return DataEnd(calendar_day(last), calendar_day(as_of), pause, usual)


@dataclass(frozen=True)
class StrayRows:
    """Rows with a stray date: before or after the usual days of the data.

    Attributes
    ----------
    rows
        Number of rows.
    dates
        Dates of the rows, ascending.
    first, last
        First and last usual day of the data (:func:`ckm.customers.usual_days.usual_days`).
    """

    rows: int
    dates: tuple[date, ...]
    first: date
    last: date

    @property
    def named(self) -> str:
        """The rows as text: ``1 row of 2052-07-01`` or ``9 rows of 5 days from 1970-01-01 to 2052-07-01``."""
        if len(self.dates) <= DATES_NAMED:
            return f"{counted(self.rows, 'row')} of {', '.join(map(str, self.dates))}"
        return f"{counted(self.rows, 'row')} of {len(self.dates):,} days from {self.dates[0]} to {self.dates[-1]}"

    @property
    def sentence(self) -> str:
        """Remark for the user."""
        return (
            f"set aside: {self.named}, far from the days that the data are about ({self.first} to {self.last}); "
            "where such dates are right, name the day by --as-of, or set stray_dates: keep"
        )


@dataclass(frozen=True)
class LeftOut:
    """Rows that an analysis does not use; each row is counted once, by the first reason that applies."""

    rows: int
    """Number of all rows, used or not."""
    rows_after_as_of: int
    rows_cancelled: int
    rows_without_customer: int
    cancelled_credits: int
    """Cancelled rows with a negative amount, which is not subtracted."""
    customers_without_purchase: int
    """Customers with returns only; their returns are in no revenue."""
    data_end: DataEnd | None = None
    """End of the data if it is unusually long before the as-of date; else None."""
    stray: StrayRows | None = None
    """Excluded rows with a stray date; None without any."""
    shared_ids: tuple[SharedId, ...] = ()
    """Customer ids that may each be used for many customers; their rows count as one customer's."""

    @property
    def rows_stray(self) -> int:
        """Number of excluded rows with a stray date."""
        return self.stray.rows if self.stray is not None else 0

    @property
    def remarks(self) -> list[str]:
        """What was left out, and what to know of the rows that were not, as sentences."""
        remarks: list[str] = [
            assumption(f"left out: {count:,} of {counted(self.rows, 'row')} ({count / self.rows:.1%}) {what}")
            for count, what in (
                (self.rows_after_as_of, "after the as-of date"),
                (self.rows_cancelled, "of cancelled orders"),
                (self.rows_without_customer, "without a customer"),
            )
            if count
        ]
        if self.cancelled_credits:
            remarks.append(
                doubt(
                    f"{counted(self.cancelled_credits, 'cancelled row')} with a negative amount, which was not taken "
                    "off; where it gives money back, map it to type 'return'"
                )
            )
        if self.customers_without_purchase:
            returned = counted(self.customers_without_purchase, "customer")
            remarks.append(assumption(f"left out: {returned} who only returned"))
        if self.stray is not None:
            remarks.insert(0, doubt(self.stray.sentence))
        if self.data_end is not None:
            remarks.append(doubt(self.data_end.sentence))
        remarks += [doubt(f"{each.finding}; {each.hint}") for each in self.shared_ids]
        return remarks


class Currency(NamedTuple):
    """A currency, and the first day on which a used line has it: of a customer (None without one), and of the shop."""

    name: str
    of_customers: int | None
    of_the_shop: int


@dataclass(frozen=True)
class Coverage:
    """All lines by day and kind, and limits of the sums of used lines.

    Attributes
    ----------
    days
        Days with any line (int64, days since 1970-01-01, ascending).
    lines
        Number of lines by kind (:data:`ckm.customers.definitions.KINDS`); int64, days x kinds.
    currencies
        Currencies of the used lines, by name.
    largest
        Largest absolute amount of the used lines.
    as_of
        As-of date; later lines are not used.
    first
        First used day; earlier dates are stray. None: all lines are used.
    newest
        Last usual day, after which dates are stray; None if the user gave the as-of date.
    """

    days: NDArray[np.int64]
    lines: NDArray[np.int64]
    currencies: tuple[Currency, ...]
    largest: float
    as_of: int
    first: int | None = None
    newest: int | None = None

    def until(self, day: int) -> Coverage:
        """Return the coverage as of an earlier day."""
        return replace(self, as_of=min(day, self.as_of))

    def beyond(self, day: int) -> Coverage:
        """Return the coverage as of a later day; valid only if no line was left out because of its day."""
        return replace(self, as_of=max(day, self.as_of))

    @property
    def usual_days(self) -> UsualDays | None:
        """First and last usual day by the as-of date; None without any."""
        seen = int(self.days.searchsorted(self.as_of, side="right"))
        return usual_days(self.days[:seen], self.lines[:seen].sum(axis=1)) if seen else None

    @cached_property
    def _seen(self) -> slice:
        """Mask of days whose lines are used."""
        first = 0 if self.first is None else int(self.days.searchsorted(self.first))
        return slice(first, int(self.days.searchsorted(self.as_of, side="right")))

    @cached_property
    def _stray(self) -> NDArray[np.bool_]:
        """Mask of days with a stray date."""
        stray = np.zeros(len(self.days), dtype=np.bool_)
        stray[: self._seen.start] = True
        if self.newest is not None:
            stray |= self.days > max(self.newest, self.as_of)
        return stray

    def changed(self, came: Coverage, gone: Coverage, first_kind: int) -> Coverage | None:
        """Return the coverage after lines were added and removed, as of the newest day; None if it must be recounted.

        It must be recounted if the largest amount was removed, if lines have several currencies, or if removed lines
        were never counted. Every line has a currency.
        """
        days = np.union1d(self.days, came.days)
        largest_left = gone.largest < self.largest or came.largest >= self.largest
        if not largest_left or not np.isin(gone.days, days).all():
            return None
        lines = np.zeros((len(days), len(KINDS)), dtype=np.int64)
        for each, sign in ((self, 1), (came, 1), (gone, -1)):
            lines[np.searchsorted(days, each.days)] += sign * each.lines
        names = {currency.name for each in (self, came, gone) for currency in each.currencies}
        if (lines < 0).any() or len(names) != 1:
            return None
        some = lines.any(axis=1)
        days, lines = days[some], lines[some]
        firsts = [
            int(of[0]) if len(of := days[lines[:, kind:].any(axis=1)]) else None for kind in (OF_CUSTOMERS, first_kind)
        ]
        currencies = () if firsts[1] is None else (Currency(names.pop(), firsts[0], firsts[1]),)
        return Coverage(days, lines, currencies, max(self.largest, came.largest), int(days.max(initial=0)))

    def joined(self, other: Coverage) -> Coverage:
        """Return the coverage of the lines of both, as of the later day."""
        days = np.union1d(self.days, other.days)
        lines = np.zeros((len(days), len(KINDS)), dtype=np.int64)
        for each in (self, other):
            lines[np.searchsorted(days, each.days)] += each.lines
        firsts: dict[str, Currency] = {}
        for currency in (*self.currencies, *other.currencies):
            known = firsts.get(currency.name, currency)
            of_customers = [day for day in (known.of_customers, currency.of_customers) if day is not None]
            of_the_shop = min(known.of_the_shop, currency.of_the_shop)
            firsts[currency.name] = Currency(currency.name, min(of_customers, default=None), of_the_shop)
        return Coverage(
            days,
            lines,
            tuple(firsts[name] for name in sorted(firsts)),
            max(self.largest, other.largest),
            max(self.as_of, other.as_of),
        )

    def days_of(self, kind: str) -> NDArray[np.int64]:
        """Return the days with a line of one of the kinds."""
        return self.days[self.lines[:, KINDS.index(kind)] > 0]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return the numbers of used lines by kind, of lines ``after`` the as-of date, and of ``stray`` lines."""
        by_kind = dict(zip(KINDS, self.lines[self._seen].sum(axis=0).tolist(), strict=True))
        stray = int(self.lines[self._stray].sum())
        return by_kind | {"after": int(self.lines.sum()) - sum(by_kind.values()) - stray, "stray": stray}

    @property
    def days_of_the_shop(self) -> int:
        """Days with a used line of a customer or a guest."""
        return int(self.lines[self._seen, OF_THE_SHOP:].any(axis=1).sum())

    def shared_ids(
        self, busiest: Sequence[tuple[str, int, int]], day_counts: NDArray[np.int64]
    ) -> tuple[SharedId, ...]:
        """Return the customer ids that may each be used for many customers, most rows first.

        Parameters
        ----------
        busiest
            Id, rows and purchase days of the customers with the most rows, most first.
        day_counts
            Number of customers by number of purchase days, from 0.
        """
        rows, days = (np.array([each[column] for each in busiest], dtype=np.int64) for column in (1, 2))
        return shared_ids(
            [each[0] for each in busiest],
            rows,
            days,
            np.repeat(np.arange(1, len(day_counts)), day_counts[1:]),
            all_rows=sum(self.counts[kind] for kind in KINDS[OF_THE_SHOP:]),
            all_days=self.days_of_the_shop,
        )

    @property
    def data_end(self) -> DataEnd | None:
        """End of the data if it is unusually long before the as-of date; see :func:`data_end`."""
        usual = self.usual_days
        if usual is None:
            return None
        return data_end(self.days[(self.days >= usual.first) & (self.days <= usual.last)], self.as_of)

    @property
    def stray(self) -> StrayRows | None:
        """Rows with a stray date; None without any."""
        if not self._stray.any() or self._seen.start == self._seen.stop:
            return None
        dates = tuple(calendar_day(int(day)) for day in self.days[self._stray])
        first, last = (calendar_day(int(self.days[self._seen][end])) for end in (0, -1))
        return StrayRows(self.counts["stray"], dates, first, last)

    @property
    def purchases(self) -> int:
        """Number of purchase lines of customers."""
        return self.counts["purchase"]

    def left_out(self, customers_without_purchase: int) -> LeftOut:
        """Rows that an analysis as of the day does not use."""
        counts = self.counts
        return LeftOut(
            rows=int(self.lines.sum()),
            rows_after_as_of=counts["after"],
            rows_cancelled=counts["cancelled"] + counts["cancelled_credit"],
            rows_without_customer=counts["guest"],
            cancelled_credits=counts["cancelled_credit"],
            customers_without_purchase=customers_without_purchase,
            data_end=self.data_end,
            stray=self.stray,
        )

    def currency(self, *, with_guests: bool) -> str:
        """Return the only currency of the used lines.

        Raises
        ------
        UsageError
            The lines have several currencies.
        """
        seen = [
            each.name
            for each in self.currencies
            if (first := each.of_the_shop if with_guests else each.of_customers) is not None and first <= self.as_of
        ]
        if len(seen) > 1:
            raise UsageError(
                f"column 'currency' holds several currencies ({', '.join(seen)}), and ckm adds no amounts of two",
                hint="keep the rows of one currency; a rule in the mapping can set the others aside",
                currencies=seen,
            )
        return seen[0] if seen else ""

    def money_scale(self, amounts: Sequence[str], first_kind: int) -> int:
        """Return the number of parts per currency unit in which sums of all lines from ``first_kind`` on are exact.

        Raises
        ------
        InputError
            Sums of whole units are too large.
        """
        largest = self.largest * sum(self.counts[kind] for kind in KINDS[first_kind:])
        scale = FINEST_MONEY_SCALE
        while scale > 1 and largest * scale >= SUM_LIMIT:
            scale //= 10
        if largest * scale >= SUM_LIMIT:
            columns = " or ".join(f"'{column}'" for column in amounts)
            raise InputError(
                f"column {columns} holds an amount too large to be money", hint="look at it with 'ckm check'"
            )
        return scale

    def nothing_bought(self, as_of: date | None) -> NotEnoughDataError:
        """Return the error for data without a purchase by a known customer until ``as_of`` (None: at any time)."""
        counts = self.counts
        there = [
            f"{count:,} {what}"
            for count, what in (
                (counts["stray"], "with a stray date"),
                (counts["after"], "after the as-of date"),
                (counts["cancelled"] + counts["cancelled_credit"], "of cancelled orders"),
                (counts["guest"], "without a customer"),
                (counts["return"], "with returns"),
            )
            if count
        ]
        rows = int(self.lines.sum())
        hint = "look at how 'customer_id' and 'type' were mapped"
        if not rows:
            hint = "load some: ckm ingest FILE --as transactions"
        if counts["after"]:
            hint = (
                f"the transactions reach from {calendar_day(int(self.days[0]))} to {calendar_day(int(self.days[-1]))}"
            )
        when = f" on or before {as_of}" if as_of else ""
        detail = f" ({', '.join(there)})" if there else ""
        return NotEnoughDataError(
            f"no purchase by a known customer{when}: {counted(rows, 'row')} in all{detail}", hint=hint
        )


class Counting:
    """Counter of the coverage, batch by batch.

    Parameters
    ----------
    amounts
        Amount columns that will be summed.
    first_used
        First of the used kinds.
    last_day
        Last used day, in days since 1970-01-01; None means the newest.
    """

    def __init__(self, amounts: Sequence[str], first_used: int, last_day: int | None) -> None:
        self._amounts, self._first_used, self._last_day = tuple(amounts), first_used, last_day
        self._lines = np.zeros((1 << DAY_BITS, len(KINDS)), dtype=np.int64)
        self._largest = 0.0
        self._currencies: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Count a batch (``kind``, ``day`` with the epoch's offset, ``currency``, amounts); return its used lines."""
        if batch.is_empty():
            return batch
        kind, day = batch["kind"].to_numpy(), batch["day"].to_numpy()
        first = int(day.min())
        cells = np.bincount((day - first).astype(np.int64) * len(KINDS) + kind)
        cells = np.pad(cells, (0, -len(cells) % len(KINDS))).reshape(-1, len(KINDS))
        self._lines[first : first + len(cells)] += cells
        used = batch
        if cells[:, : self._first_used].any():
            used = used.filter(pl.col("kind") >= self._first_used)
        if self._last_day is not None and first + len(cells) > self._last_day + EPOCH:
            used = used.filter(pl.col("day") <= self._last_day + EPOCH)
        if used.height:
            largest = (used[name].abs().max() for name in self._amounts)
            self._largest = max(self._largest, *(float(each) for each in largest if each is not None), 0.0)  # type: ignore[arg-type]
            self._add_currencies(used)
        return used

    def _add_currencies(self, used: pl.DataFrame) -> None:
        of_customers = pl.col("day").filter(pl.col("kind") >= OF_CUSTOMERS).min()
        firsts = [of_customers.alias("of_customers"), pl.col("day").min().alias("of_the_shop")]
        currency = used["currency"]
        least, most = currency.min(), currency.max()
        if least == most and not currency.null_count():
            found = used.select(pl.lit(least).cast(pl.String).alias("currency"), *firsts)
        else:
            found = used.group_by(pl.col("currency").cast(pl.String)).agg(firsts)
        self._currencies.append(found)

    def coverage(self) -> Coverage:
        """Return the coverage of all batches."""
        days = np.flatnonzero(self._lines.any(axis=1))
        found: list[Currency] = []
        if self._currencies:
            firsts = pl.concat(self._currencies).group_by("currency").agg(pl.all().min()).drop_nulls("currency")
            offset = pl.col("of_customers", "of_the_shop").cast(pl.Int64) - EPOCH
            found = [Currency(*each) for each in firsts.with_columns(offset).sort("currency").rows()]
        as_of = self._last_day if self._last_day is not None else int(days.max(initial=EPOCH)) - EPOCH
        return Coverage(days - EPOCH, self._lines[days], tuple(found), self._largest, as_of)
