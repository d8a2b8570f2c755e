"""The loyalty report as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm import __version__
from ckm._loyalty.changed import changed_section, revenue_finding
from ckm._loyalty.churn import churn_section, value_at_risk
from ckm._loyalty.data_quality import data_quality_section, definitions_section
from ckm._loyalty.forecast_accuracy import forecast_accuracy_section
from ckm._loyalty.growth_potential import growth_potential_section
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.loyalty import loyalty_section
from ckm._loyalty.relationships import relationships_section, retention_finding
from ckm._loyalty.slices import slices_section
from ckm._loyalty.words import load_words
from ckm.metrics.catalogue import load_catalogue
from ckm.render.chart_look import unchecked
from ckm.render.document import Document, Figure, KeyFigure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.metrics.metric import Metric
    from ckm.metrics.report import LoyaltyReport
    from ckm.render.document import Section

KEY_FIGURES = ("revenue", "customers_active", "retention_rate", "nps", "average_order_value")
"""Metrics at the top with their changes; the value at risk is the last one if known."""
MOST_KEY_FIGURES = 4
NOT_COMPARED = frozenset({"no_comparison", "data_end_early", "days_without_rows"})
"""Reasons for a missing comparison, which the lead names first."""
OF_ALL_DAYS = ("customers_active", "retention_rate")
"""Metrics that grow with the number of days."""


SECTIONS: dict[str, Callable[[LocalizedReport], Section]] = {
    "changed": changed_section,
    "relationships": relationships_section,
    "loyalty": loyalty_section,
    "growth_potential": growth_potential_section,
    "churn": churn_section,
    "data_quality": data_quality_section,
}
"""By their names in the metric catalogue, in the order of reading."""


@unchecked()
def loyalty_document(report: LoyaltyReport, lang: str = "en") -> Document:
    """Return the document of a loyalty report: ``render_page`` or ``render_markdown`` writes it.

    Parameters
    ----------
    report
        The report.
    lang
        One of :data:`ckm._loyalty.words.LANGUAGES`; its ``page_words`` go to ``render_page``.

    Raises
    ------
    UnknownNameError
        The language has no texts.
    """
    localized = LocalizedReport(report, load_words(lang))
    changed, *others, trust = (section(localized) for section in SECTIONS.values())
    sections = (
        changed,
        slices_section(localized),
        *others,
        forecast_accuracy_section(localized),
        trust,
        definitions_section(localized),
    )
    return Document(
        title=title_of(localized),
        lead=lead_of(localized),
        sections=tuple(section for section in sections if section is not None and section.blocks),
        key_figures=tuple(key_figures(localized)),
        footer=localized.say(
            "footer",
            label=localized.raw(report.label),
            day=localized.numbers.day(report.as_of),
            zone=localized.raw(report.time_zone),
            currency=localized.raw(report.currency),
            version=localized.raw(f"ckm {__version__}"),
        ),
        lang=localized.words.lang,
        direction=localized.words.direction,
    )


def title_of(localized: LocalizedReport) -> str:
    """Return the title of the report."""
    return localized.say("title", period=localized.numbers.period(localized.report.period))


def findings(localized: LocalizedReport, section: str) -> tuple[str, ...]:
    """Return the headlines of a section that are sentences, without plain titles."""
    titles = {localized.title(each.name) for each in load_catalogue()}
    headlines = (block.headline for block in SECTIONS[section](localized).blocks if isinstance(block, Figure))
    return tuple(each for each in headlines if each not in titles)


def lead_of(localized: LocalizedReport) -> str:
    """Return the sentences of the lead."""
    report = localized.report
    compared = ""
    if report.days is not None:
        compared = localized.say(f"lead.{_comparison(localized)}", compared=localized.numbers.period(report.compared))
    else:
        why = (each for each in report.missing if each.reason in NOT_COMPARED and each.section == "changed")
        compared = localized.say("unit.gap").join(localized.reason(each) for each in why)
    findings = (revenue_finding(localized), retention_finding(localized), compared, *coverage_findings(localized))
    return localized.say("unit.gap").join(finding for finding in findings if finding)


def coverage_findings(localized: LocalizedReport) -> Iterator[str]:
    """Return sentences on days of the periods without data: after the end of the data, or without rows."""
    report, numbers = localized.report, localized.numbers
    for silence in report.silences:
        yield localized.say("lead.silence", period=numbers.period(silence), days=localized.days(silence.days))
    if report.data_end is not None:
        days = (report.as_of - report.data_end).days
        yield localized.say("lead.data_end", day=numbers.day(report.data_end), days=localized.days(days))


def key_figures(localized: LocalizedReport) -> Iterator[KeyFigure]:
    """Return the key figures, with their intervals and changes."""
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
        if change := _moved(localized, metric):
            notes.append(change)
        note = localized.joined(notes)
        yield KeyFigure(localized.written(name, metric.value), localized.title(name), note)
    if at_risk is not None:
        yield KeyFigure(localized.written("value_at_risk", at_risk), localized.title("value_at_risk"))


def _comparison(localized: LocalizedReport) -> str:
    return "previous" if localized.report.comparison == "previous" else "year_ago"


def _moved(localized: LocalizedReport, metric: Metric) -> str:
    """Return a change as text: sums in percent, shares and scores in points.

    Of periods of unequal length money is compared per day; other metrics name the number of days.
    """
    if metric.change is None:
        return ""
    unit, comparison, days = load_catalogue()[metric.name].unit, _comparison(localized), localized.unequal_days
    previous = metric.previous
    if metric.name == "revenue" and days and previous and previous > 0 and metric.value is not None:
        share = (metric.value / days[1]) / (previous / days[0]) - 1
        change = localized.numbers.share(share, 1, signed=True)
        return localized.say(f"key.change_per_day_{comparison}", change=change)
    if unit in {"money", "customers", "orders"} and previous and previous > 0 and not days:
        change = localized.numbers.share(metric.change / previous, 1, signed=True)
    else:
        change = localized.written(metric.name, metric.change, signed=True)
    said = localized.say(f"key.change_{comparison}", change=change)
    if days and metric.name in OF_ALL_DAYS:
        said = localized.say("key.in_days", change=said, days=localized.days(days[1]), before=localized.days(days[0]))
    return said
