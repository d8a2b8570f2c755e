"""Loyalty report: metrics of a period with changes, lists of customers, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from ckm.metrics.loyalty_matrix import LOYAL_COLUMNS
from ckm.metrics.metric import Metrics
from ckm.metrics.net_sales import AS_THE_SOURCE, NetSales
from ckm.metrics.next_steps import AT_RISK_COLUMNS
from ckm.setting_values import GREGORIAN

if TYPE_CHECKING:
    from datetime import date

    from ckm.customers.period import Comparison, Period
    from ckm.metrics.goals import Goal
    from ckm.metrics.metric import Missing
    from ckm.metrics.significance import Change


@dataclass(frozen=True)
class LoyaltyReport:
    """Metrics of customers and their loyalty in a period.

    Attributes
    ----------
    label
        Name of the source in the output of the command.
    shop
        Name of the shop: from ``ckm.yaml``, else the name of the workspace's folder or of the file.
    data
        The source as an argument of a command; empty for a workspace.
    significant
        Names of the metrics of all customers whose change is significant and large enough to report.
    period, compared, comparison
        The period, the comparison period, and the kind of comparison.
    shortened_from
        Default length of the period in months, if a shorter period is reported; else None.
    data_begin
        First day of the data; None if it is not known.
    as_of
        As-of date; later rows were not used.
    currency, time_zone
        Currency of all amounts; time zone of all days.
    metrics
        All metrics, by the names of the catalogue. Between periods of unequal length their changes are over equally
        many days (:attr:`ckm.metrics.metric.Metric.change`). With ``by``, metrics of slices have ``(by, value)`` first
        in their slice.
    missing
        Missing metrics with reasons.
    days
        Days of the comparison period and of the period within the data; None without a comparison.
    data_end
        Last day with any row, if it is unusually long before the as-of date; else None.
    silences
        Unusually long runs of days without rows in either period, without that after ``data_end``.
    warnings_scored, spend_scored
        Horizon of the saved run of warnings, or of expected spend, that was scored; None without one.
    drivers
        The reported changes, largest relative change first.
    goals
        Goals of ``ckm.yaml``; empty without any.
    loyal
        Loyal customers, with the columns of :data:`ckm.metrics.loyalty_matrix.LOYAL_COLUMNS`, the best first; with
        names also ``display_name``.
    at_risk
        Customers with a warning who may be contacted, with the columns of
        :data:`ckm.metrics.next_steps.AT_RISK_COLUMNS`, the largest value at risk first; with names also
        ``display_name``. Empty where the group is too small to be shown.
    by
        The dimension of the slices.
    names
        Whether customers' names may be shown.
    net_sales
        What the revenue includes, by platform of the sources.
    remarks
        Remarks for the user, in English.
    calendar
        Calendar of the dates in texts: one of :data:`ckm.setting_values.CALENDARS`.
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
    net_sales: tuple[NetSales, ...] = (AS_THE_SOURCE,)
    remarks: tuple[str, ...] = ()
    calendar: str = GREGORIAN

    def __post_init__(self) -> None:
        if self.days is not None:
            object.__setattr__(self, "metrics", Metrics(self.metrics, self.days))

    def is_significant(self, metric: str) -> bool:
        """Whether the change of a metric of all customers is significant and large enough to report."""
        return metric in self.significant or any(each.metric == metric and not each.slice for each in self.drivers)
