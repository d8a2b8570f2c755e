"""Input of every section of the loyalty report: ledger, period, comparison period."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ckm.customers.calendar import calendar_day, months_before
from ckm.customers.closures import silences
from ckm.customers.parties import party
from ckm.customers.period import Period

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ckm.config import Config, Workspace
    from ckm.customers.ledger import Ledger

BEGUN_SHARE = 0.1
"""Of the days of a period that may lie before the data begin, for it to be looked at: holidays and a first week."""
NO_COMPARISON = "no_comparison"
"""Why nothing is compared where the data begin too late."""
BEGUN_DAYS = 14
"""Most days of a period before the data begin with which another is compared with it: a shop that opens after New Year.
Then the two are compared per day; with more, a period that the data's start cuts would stand for a whole one."""


@dataclass(frozen=True)
class ReportContext:
    """What is measured.

    Attributes
    ----------
    tables
        As read: ``transactions``, and ``customers`` and ``interactions`` where there are such. They hold all customers
        and all days; who and when is measured, the ledger and the periods say.
    ledger
        Purchases and returns of the customers who are measured.
    period
        What the report is about.
    compared
        What it is compared with.
    config
        Settings.
    workspace
        None for a file.
    seed
        Of everything random.
    """

    tables: Mapping[str, pl.LazyFrame]
    ledger: Ledger
    period: Period
    compared: Period
    config: Config
    workspace: Workspace | None = None
    seed: int = 0

    @property
    def as_of(self) -> date:
        """As-of date: no later row is used."""
        return self.ledger.as_of

    @property
    def is_comparable(self) -> bool:
        """Whether the data cover both periods, so that one can be compared with the other."""
        return self.incomparable is None

    @cached_property
    def incomparable(self) -> tuple[str, tuple[tuple[str, int], ...]] | None:
        """Why the periods cannot be compared, as a reason and numbers of what is missing; None where they can.

        Days without rows do no harm where the other period has as many: a shop that closes every winter.
        """
        cut = (self.ledger.begins - self.compared.first).days
        if cut > BEGUN_DAYS or not self.covers(self.compared):
            return NO_COMPARISON, ()
        silent = [self._silent_days(each) for each in (self.period, self.compared)]
        if abs(silent[0] - silent[1]) <= BEGUN_SHARE * min(self.period.days, self.compared.days):
            return None
        if self.data_end is not None and silent[0] > silent[1]:
            return "data_end_early", (("days", (self.as_of - self.data_end).days),)
        return "days_without_rows", (("days", max(silent)), ("others", min(silent)))

    def covers(self, period: Period) -> bool:
        """Whether the data begin before a period, or within the first tenth of its days."""
        return (self.ledger.begins - period.first).days <= BEGUN_SHARE * period.days

    def covered(self, period: Period) -> Period:
        """Return the days of a period from the beginning of the data to their end."""
        last = min(period.last, self._end_of_rows)
        first = max(period.first, min(self.ledger.begins, last))
        return Period(min(first, last), last) if last >= period.first else period

    @property
    def data_end(self) -> date | None:
        """Last day with any row, where that is unusually long before the day of the report; else None."""
        end = self.ledger.coverage.data_end
        return None if end is None else end.last

    @cached_property
    def silences(self) -> tuple[Period, ...]:
        """Days in a row without any row, unusually many, within the two periods; those after ``data_end`` aside."""
        return tuple(
            each
            for each in self._silences
            if (self.data_end is None or each.last < self.as_of)
            and (_overlap(each, self.period) or _overlap(each, self.compared))
        )

    @cached_property
    def _silences(self) -> tuple[Period, ...]:
        return tuple(Period(calendar_day(each.first), calendar_day(each.last)) for each in silences(self.ledger))

    @property
    def _end_of_rows(self) -> date:
        """Last day with any row, where unusually many days without one come after it; else the day of the report."""
        if self.data_end is not None:
            return self.data_end
        last = self._silences[-1] if self._silences else None
        return self.as_of if last is None or last.last < self.as_of else last.first - timedelta(1)

    def _silent_days(self, period: Period) -> int:
        """Days of a period in silences within the data, or after their end."""
        end = self._end_of_rows
        after = _overlap(Period(end + timedelta(1), self.as_of), period) if end < self.as_of else 0
        return after + sum(_overlap(each, period) for each in self._silences if each.last < self.as_of)

    @cached_property
    def before(self) -> ReportContext | None:
        """The same as of the end of the period that is compared with; None where the data do not cover it.

        Every ``previous`` is the metric of this context. Its ledger has no later days; codes are the same.
        Its own ``compared`` precedes its period by as much as that precedes ours.
        """
        if not self.is_comparable:
            return None
        compared = _as_far_before(self.period, self.compared)
        return replace(self, ledger=self.ledger.until(self.compared.last), period=self.compared, compared=compared)

    def only(self, chosen: NDArray[np.bool_]) -> ReportContext:
        """Return the context of some customers, ``chosen`` by code."""
        return replace(self, ledger=self.ledger.only(chosen))

    def part(self, value: str) -> ReportContext:
        """Return the context of one part of a ledger that was read by a column: its rows alone."""
        return replace(self, ledger=self.ledger.parts[value])

    @cached_property
    def parties(self) -> pl.DataFrame:
        """``party_type``, ``country``, ``region``, ``lang`` by code (String); null where unknown.

        Raises
        ------
        InputError
            The table has a customer more than once.
        """
        known = party(self.tables.get("customers")).lazy()
        codes = self.ledger.customers.to_frame("customer_id").lazy()
        return codes.join(known, on="customer_id", how="left", maintain_order="left").drop("customer_id").collect()


def _as_far_before(later: Period, earlier: Period) -> Period:
    """Return the period that lies as many months before ``earlier`` as that lies before ``later``."""
    lag = (later.last.year - earlier.last.year) * 12 + later.last.month - earlier.last.month
    before, last = (months_before(day, lag) for day in (earlier.first - timedelta(1), earlier.last))
    return Period(before + timedelta(1), last)


def _overlap(one: Period, other: Period) -> int:
    """Days that two periods have in common."""
    return max(0, (min(one.last, other.last) - max(one.first, other.first)).days + 1)
