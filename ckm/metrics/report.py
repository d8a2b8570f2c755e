"""A loyalty report: metrics of a period, missing metrics, and changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.metrics.loyalty_matrix import LOYAL_COLUMNS
from ckm.metrics.next_steps import AT_RISK_COLUMNS
from ckm.settings import GREGORIAN

if TYPE_CHECKING:
    from datetime import date

    from ckm.customers.period import Comparison, Period
    from ckm.metrics.goals import Goal
    from ckm.metrics.metric import Metrics, Missing
    from ckm.metrics.significance import Change


@dataclass(frozen=True)
class LoyaltyReport:
    """What was measured of customers and their loyalty in a period.

    Attributes
    ----------
    label
        What was read, as the command names it.
    shop
        Name of the shop: of ``ckm.yaml``, else of the workspace's folder or the file.
    data
        What the data are as an argument of a command; empty for a workspace.
    significant
        Names of the metrics of all customers whose change matters, as many as there are.
    period, compared, comparison
        The period, the one that it is compared with, and how that was chosen.
    shortened_from
        Months that the period would have, if the data began early enough to compare so many; None where it has them.
    data_begin
        First day of the data; None where it is not known.
    as_of
        No row after this day was read.
    currency, time_zone
        Of all money; of all days.
    metrics
        All numbers, by the names of the book. With ``by``, the slices' metrics carry ``(by, value)`` first in their
        slice.
    missing
        Missing metrics with reasons.
    days
        Days of the period that is compared with, and of the period, that the data cover; None where nothing is
        compared.
    data_end
        Last day with any row, where the data end unusually long before the day of the report; else None.
    silences
        Days in a row of either period on which there are unusually long no rows, those after ``data_end`` aside.
    warnings_scored, spend_scored
        From the day of a saved run of warnings, or of expected spend, to the end of its horizon: the time in which it
        was scored. None without such a run.
    drivers
        The few changes that matter, the most important first.
    goals
        As ``ckm.yaml`` gives them; empty where none is set.
    loyal
        Loyal customers, with the columns of :data:`ckm.metrics.loyalty_matrix.LOYAL_COLUMNS`, the best first; with
        names, ``display_name`` comes after them.
    at_risk
        Customers with a warning who may be contacted, with the columns of
        :data:`ckm.metrics.next_steps.AT_RISK_COLUMNS`, the largest value at risk first; with names, ``display_name``
        comes after them. Empty where they are too few to be shown.
    by
        The dimension that metrics are repeated by.
    names
        Whether customers' names may be shown.
    remarks
        What a reader must know besides, in English.
    calendar
        Of the dates that a reader sees: one of :data:`ckm.settings.CALENDARS`.
    """

    label: str
    period: Period
    compared: Period
    comparison: Comparison
    as_of: date
    currency: str
    time_zone: str
    metrics: Metrics
    shop: str = ""
    data: str = ""
    shortened_from: int | None = None
    data_begin: date | None = None
    missing: tuple[Missing, ...] = ()
    days: tuple[int, int] | None = None
    data_end: date | None = None
    silences: tuple[Period, ...] = ()
    warnings_scored: Period | None = None
    spend_scored: Period | None = None
    drivers: tuple[Change, ...] = ()
    significant: frozenset[str] = frozenset()
    goals: tuple[Goal, ...] = ()
    loyal: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=LOYAL_COLUMNS))
    at_risk: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=AT_RISK_COLUMNS))
    by: str | None = None
    names: bool = False
    remarks: tuple[str, ...] = ()
    calendar: str = GREGORIAN

    def is_significant(self, metric: str) -> bool:
        """Whether the change of a metric of all customers is significant and large enough to report."""
        return metric in self.significant or any(each.metric == metric and not each.slice for each in self.drivers)
