"""First page of the report: key figures with change and trend, and what happened in three sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckm._loyalty.changed import change_in_short, revenue_finding
from ckm._loyalty.churn import value_at_risk
from ckm._loyalty.relationships import customer_finding, retention_finding
from ckm.metrics.catalogue import load_catalogue
from ckm.render.document import Findings, KeyFigure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.metric import Metric

KEY_FIGURES = ("revenue", "customers_active", "orders", "average_order_value", "retention_rate", "nps")
"""Key figures in order; the value at risk comes last where it is known."""
MOST_KEY_FIGURES = 6
TRENDS = {
    "revenue": "monthly_revenue",
    "customers_active": "monthly_active_customers",
    "orders": "monthly_orders",
    "average_order_value": "monthly_average_order_value",
    "retention_rate": "monthly_retention_rate",
    "value_at_risk": "monthly_value_at_risk",
}
"""Metric by month of each key figure that has one."""
FEWEST_MONTHS = 3
"""Fewest months of a trend."""
DAYS_OF_A_MONTH = 365.25 / 12
MOST_SENTENCES = 3
NOT_COMPARED = frozenset({"no_comparison", "data_end_early", "days_without_rows"})
"""Reasons for no comparison, which the lead of the page gives."""


def key_figures(localized: LocalizedReport) -> Iterator[KeyFigure]:
    """Return the numbers at the top, each with interval, change, and the last 13 months or why they are missing."""
    at_risk = value_at_risk(localized)
    names = [name for name in KEY_FIGURES if localized.of(name) is not None]
    for name in names[: MOST_KEY_FIGURES - (at_risk is not None)]:
        metric = localized.of(name)
        assert metric is not None
        notes = []
        if metric.lo is not None:
            notes.append(
                localized.say("key.interval", interval=localized.between(name, metric.lo, metric.hi, exact=False))
            )
        if change := change_of(localized, metric):
            notes.append(change)
        yield _key_figure(localized, name, metric.value, notes)
    if at_risk is not None:
        yield _key_figure(localized, "value_at_risk", at_risk, [])


def _key_figure(localized: LocalizedReport, name: str, value: float | None, notes: list[str]) -> KeyFigure:
    """Return a key figure with its monthly trend; with fewer than three months, with the reason for no trend."""
    title, key = localized.title(name), f"key.no_trend_{name}"
    figure = KeyFigure(localized.written(name, value), title, localized.joined(notes))
    trend = tuple(each.value for each in localized.all(TRENDS.get(name, ""), "month") if each.value is not None)
    if len(trend) >= FEWEST_MONTHS:
        return replace(figure, trend=trend, trend_description=localized.say("chart.trend", metric=title))
    if key not in localized.words:
        return figure
    needed = localized.numbers.count(_months_needed(localized))
    return replace(figure, missing_trend=localized.say(key, months=needed))


def _months_needed(localized: LocalizedReport) -> int:
    """Return the number of months of data that the trend of the retention rate needs.

    Its first value needs the days from the begin of the comparison period to the end of the period; each further value
    needs one month more.
    """
    period, compared = localized.report.period, localized.report.compared
    return round((period.last - compared.first).days / DAYS_OF_A_MONTH) + FEWEST_MONTHS - 1


def main_changes(localized: LocalizedReport) -> Findings:
    """Return three sentences: revenue, customers, and the largest other change that is significant."""
    sentences = [each for each in (_revenue(localized), customer_finding(localized), _third(localized)) if each]
    return Findings(localized.say("happened.title"), tuple(sentences[:MOST_SENTENCES]))


def comparison_of(localized: LocalizedReport) -> str:
    """Return a sentence on the comparison period, or why there is no comparison."""
    report, numbers = localized.report, localized.numbers
    if report.days is None:
        why = (each for each in report.missing if each.reason in NOT_COMPARED and each.section == "changed")
        return localized.say("unit.gap").join(localized.reason(each) for each in why)
    compared = localized.say(f"lead.{comparison_key(localized)}", compared=numbers.period(report.compared))
    if report.shortened_from is None or report.data_begin is None:
        return compared
    months = report.shortened_from
    shorter = localized.say("lead.shortened", months, day=numbers.day(report.data_begin), months=numbers.count(months))
    season = (localized.say("lead.season"),) if report.comparison == "previous" else ()
    return localized.say("unit.gap").join((compared, shorter, *season))


def comparison_key(localized: LocalizedReport) -> str:
    """Return the suffix of the keys of texts on the comparison: ``previous`` or ``year_ago``."""
    return "previous" if localized.report.comparison == "previous" else "year_ago"


def _revenue(localized: LocalizedReport) -> str:
    revenue = localized.of("revenue")
    if revenue is None or revenue.value is None:
        return ""
    value = localized.written(revenue.name, revenue.value)
    if localized.report.days is None or revenue.previous is None:
        return localized.say("happened.revenue", value=value)
    if localized.report.is_significant("revenue"):
        return revenue_finding(localized) or localized.say("happened.revenue", value=value)
    change = change_of(localized, revenue)
    return localized.say("happened.revenue_same", value=value, change=change)


def _third(localized: LocalizedReport) -> str:
    """Return the largest significant change besides revenue, or that there is none; without a comparison, retention."""
    if localized.report.days is None:
        return retention_finding(localized)
    others = (each for each in localized.report.drivers if each.metric != "revenue" and not each.slice)
    largest = next(others, None)
    return localized.say("happened.no_change") if largest is None else change_in_short(localized, largest)


def change_of(localized: LocalizedReport, metric: Metric) -> str:
    """Return the change of a metric: sums in percent, shares and points in points; empty without one.

    Between periods of unequal length the change of a sum is per day; metrics that depend on the days have none.
    """
    if metric.change is None:
        return ""
    comparison = comparison_key(localized)
    if metric.growth is not None and load_catalogue()[metric.name].unit in {"money", "customers", "orders"}:
        key = f"key.change_{comparison}" if metric.days is None else f"key.change_per_day_{comparison}"
        return localized.say(key, change=localized.numbers.share(metric.growth, 1, signed=True))
    change = localized.written(metric.name, metric.change, signed=True)
    return localized.say(f"key.change_{comparison}", change=change) if metric.days is None else ""
