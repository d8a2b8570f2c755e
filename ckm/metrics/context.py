"""Context of a loyalty report: tables, ledger, period and comparison period, the input of every section."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ckm.customers.calendar import calendar_day, months_before
from ckm.customers.closures import silences
from ckm.customers.parties import party_attributes
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
"""Largest share of a period's days before the data begin with which the period still counts as covered (holidays, a
first week)."""
NO_COMPARISON = "no_comparison"
"""Reason for no comparison where the data begin too late."""
BEGUN_DAYS = 14
"""Largest number of days of the comparison period before the data begin, such as the first days of January. With more
of them there is no comparison; with fewer the periods are compared per day."""


@dataclass(frozen=True)
class ReportContext:
    """Input of the metrics of a report.

    Attributes
    ----------
    tables
        Source tables: ``transactions``, and ``customers`` and ``interactions`` if present, with all customers and days;
        ``ledger`` and ``period`` select the customers and days of the metrics.
    ledger
        Purchases and returns of the selected customers.
    period
        Period of the report.
    compared
        Comparison period.
    config
        Settings.
    workspace
        Workspace; None for a file.
    seed
        Random seed.
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
        """As-of date: later rows are not used."""
        return self.ledger.as_of

    @property
    def is_comparable(self) -> bool:
        """Whether the data cover both periods, so that they can be compared."""
        return self.incomparable is None

    @cached_property
    def incomparable(self) -> tuple[str, tuple[tuple[str, int], ...]] | None:
        """Why the periods cannot be compared, as a reason and the numbers in its text; None if they can be compared.

        Days without rows do not matter if both periods have equally many, as in a shop that closes every winter.
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
        """Return whether the data begin before a period or within the first 10 % of its days."""
        return (self.ledger.begins - period.first).days <= BEGUN_SHARE * period.days

    def covered(self, period: Period) -> Period:
        """Return the part of ``period`` that the data cover."""
        last = min(period.last, self._end_of_rows)
        first = max(period.first, min(self.ledger.begins, last))
        return Period(min(first, last), last) if last >= period.first else period

    @property
    def data_end(self) -> date | None:
        """Last day with a row, if the pause until the as-of date is unusually long; else None."""
        end = self.ledger.coverage.data_end
        return None if end is None else end.last

    @cached_property
    def silences(self) -> tuple[Period, ...]:
        """Unusually long pauses without rows in the two periods, except the pause after ``data_end``."""
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
        """Last day with a row, if an unusually long pause without rows follows; else the as-of date."""
        if self.data_end is not None:
            return self.data_end
        last = self._silences[-1] if self._silences else None
        return self.as_of if last is None or last.last < self.as_of else last.first - timedelta(1)

    def _silent_days(self, period: Period) -> int:
        """Return the number of days of ``period`` that are in an unusually long pause without rows."""
        end = self._end_of_rows
        after = _overlap(Period(end + timedelta(1), self.as_of), period) if end < self.as_of else 0
        return after + sum(_overlap(each, period) for each in self._silences if each.last < self.as_of)

    @cached_property
    def before(self) -> ReportContext | None:
        """The context as of the end of the comparison period; None if the data do not cover this period.

        The ``previous`` value of a metric is computed from the returned context. Its ledger has the same codes and ends
        with the comparison period; its comparison period is as many months earlier again.
        """
        if not self.is_comparable:
            return None
        compared = _as_far_before(self.period, self.compared)
        return replace(self, ledger=self.ledger.until(self.compared.last), period=self.compared, compared=compared)

    def only(self, chosen: NDArray[np.bool_]) -> ReportContext:
        """Return the context of the customers in the mask ``chosen``, shape (customers,)."""
        return replace(self, ledger=self.ledger.only(chosen))

    def part(self, value: str) -> ReportContext:
        """Return the context of the rows with ``value`` in the column by which the ledger has separate sums."""
        return replace(self, ledger=self.ledger.parts[value])

    @cached_property
    def parties(self) -> pl.DataFrame:
        """``party_type``, ``country``, ``region``, ``lang`` (String) of each customer code; null if unknown.

        Raises
        ------
        InputError
            A customer occurs more than once in the table.
        """
        known = party_attributes(self.tables.get("customers")).lazy()
        codes = self.ledger.customers.to_frame("customer_id").lazy()
        return codes.join(known, on="customer_id", how="left", maintain_order="left").drop("customer_id").collect()


def _as_far_before(later: Period, earlier: Period) -> Period:
    """Return the period that precedes ``earlier`` by as many months as ``earlier`` precedes ``later``."""
    lag = (later.last.year - earlier.last.year) * 12 + later.last.month - earlier.last.month
    before, last = (months_before(day, lag) for day in (earlier.first - timedelta(1), earlier.last))
    return Period(before + timedelta(1), last)


def _overlap(one: Period, other: Period) -> int:
    """Return the number of days that are in both periods."""
    return max(0, (min(one.last, other.last) - max(one.first, other.first)).days + 1)
