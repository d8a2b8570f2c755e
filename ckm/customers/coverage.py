"""Coverage of an analysis: the lines in the data by day and kind, and which of them are used as of a day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ckm.customers.calendar import calendar_day
from ckm.customers.data_end import DataEnd, data_end
from ckm.customers.definitions import FINEST_MONEY_SCALE, FIRST_CUSTOMER_KIND, FIRST_SHOP_KIND, KINDS
from ckm.customers.excluded_rows import LeftOut, StrayRows
from ckm.customers.shared_ids import shared_ids
from ckm.customers.usual_days import usual_days
from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.shared_ids import SharedId
    from ckm.customers.usual_days import UsualDays

SUM_LIMIT = 2**62
"""Largest Int64 sum, minus a margin for the rounding of amounts."""


class Currency(NamedTuple):
    """A currency of the used lines.

    Attributes
    ----------
    name
        ISO 4217 code.
    of_customers, of_the_shop
        First day with the currency, in days since 1970-01-01: in a line of a customer (None without one), and in a line
        of a customer or a guest.
    """

    name: str
    of_customers: int | None
    of_the_shop: int


def several_currencies_error(currencies: Sequence[str]) -> UsageError:
    """Return the error for amounts of several currencies that would be summed."""
    return UsageError(
        f"column 'currency' has several currencies ({', '.join(currencies)}); ckm does not add amounts of two",
        hint="keep the rows of one currency; a rule in the mapping can quarantine all other rows",
        currencies=currencies,
    )


@dataclass(frozen=True)
class Coverage:
    """Number of lines by day and kind; currencies and largest amount of the used lines.

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
        """First and last usual day, by the lines up to the as-of date; None without lines."""
        seen = int(self.days.searchsorted(self.as_of, side="right"))
        return usual_days(self.days[:seen], self.lines[:seen].sum(axis=1)) if seen else None

    @cached_property
    def _seen(self) -> slice:
        """Slice of ``days`` whose lines are used."""
        first = 0 if self.first is None else int(self.days.searchsorted(self.first))
        return slice(first, int(self.days.searchsorted(self.as_of, side="right")))

    @cached_property
    def _stray(self) -> NDArray[np.bool_]:
        """Mask of ``days`` that are stray."""
        stray = np.zeros(len(self.days), dtype=np.bool_)
        stray[: self._seen.start] = True
        if self.newest is not None:
            stray |= self.days > max(self.newest, self.as_of)
        return stray

    def changed(self, added: Coverage, removed: Coverage, first_kind: int) -> Coverage | None:
        """Return the coverage after lines were added and removed, as of the newest day; None if it must be recounted.

        It must be recounted if the largest amount was removed, if lines have several currencies, or if more lines were
        removed than had been counted. Every line has a currency.
        """
        days = np.union1d(self.days, added.days)
        largest_left = removed.largest < self.largest or added.largest >= self.largest
        if not largest_left or not np.isin(removed.days, days).all():
            return None
        lines = np.zeros((len(days), len(KINDS)), dtype=np.int64)
        for each, sign in ((self, 1), (added, 1), (removed, -1)):
            lines[np.searchsorted(days, each.days)] += sign * each.lines
        names = {currency.name for each in (self, added, removed) for currency in each.currencies}
        if (lines < 0).any() or len(names) != 1:
            return None
        some = lines.any(axis=1)
        days, lines = days[some], lines[some]
        firsts = [
            int(of[0]) if len(of := days[lines[:, kind:].any(axis=1)]) else None
            for kind in (FIRST_CUSTOMER_KIND, first_kind)
        ]
        currencies = () if firsts[1] is None else (Currency(names.pop(), firsts[0], firsts[1]),)
        return Coverage(days, lines, currencies, max(self.largest, added.largest), int(days.max(initial=0)))

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
        """Return the days with a line of a kind, in days since 1970-01-01."""
        return self.days[self.lines[:, KINDS.index(kind)] > 0]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Number of used lines by kind, of lines ``after`` the as-of date, and of ``stray`` lines."""
        by_kind = dict(zip(KINDS, self.lines[self._seen].sum(axis=0).tolist(), strict=True))
        stray = int(self.lines[self._stray].sum())
        return by_kind | {"after": int(self.lines.sum()) - sum(by_kind.values()) - stray, "stray": stray}

    @property
    def shop_days(self) -> int:
        """Number of days with a used line of a customer or a guest."""
        return int(self.lines[self._seen, FIRST_SHOP_KIND:].any(axis=1).sum())

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
            all_rows=sum(self.counts[kind] for kind in KINDS[FIRST_SHOP_KIND:]),
            all_days=self.shop_days,
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
        """Return the rows that are not used."""
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
            raise several_currencies_error(seen)
        return seen[0] if seen else ""

    def money_scale(self, amounts: Sequence[str], first_kind: int) -> int:
        """Return the finest money scale at which sums fit into Int64: amounts are integers of ``1 / scale``.

        Sums of the columns ``amounts`` over all used lines of the kinds from ``first_kind`` on.

        Raises
        ------
        InputError
            Sums are too large even in whole units of the currency.
        """
        largest = self.largest * sum(self.counts[kind] for kind in KINDS[first_kind:])
        scale = FINEST_MONEY_SCALE
        while scale > 1 and largest * scale >= SUM_LIMIT:
            scale //= 10
        if largest * scale >= SUM_LIMIT:
            columns = " or ".join(f"'{column}'" for column in amounts)
            raise InputError(
                f"column {columns} holds an amount too large to be money", hint="'ckm check' shows the rows"
            )
        return scale

    def no_purchase_error(self, as_of: date | None) -> NotEnoughDataError:
        """Return the error for data without a purchase of a known customer by ``as_of`` (None: at any time)."""
        counts = self.counts
        found = [
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
        hint = "check how 'customer_id' and 'type' are mapped"
        if not rows:
            hint = "load some: ckm ingest FILE --as transactions"
        if counts["after"]:
            hint = (
                f"the transactions reach from {calendar_day(int(self.days[0]))} to {calendar_day(int(self.days[-1]))}"
            )
        when = f" on or before {as_of}" if as_of else ""
        detail = f" ({', '.join(found)})" if found else ""
        return NotEnoughDataError(
            f"no purchase by a known customer{when}: {counted(rows, 'row')} in all{detail}", hint=hint
        )
