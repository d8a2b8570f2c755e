"""The loyalty report as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm import __version__
from ckm.metrics.catalogue import load_book
from ckm.report.chart_look import unchecked
from ckm.report.document import Document, Figure, KeyFigure
from ckm.report.loyalty.growth_potential import capacity_section
from ckm.report.loyalty.changed import changed_section, revenue_finding
from ckm.report.loyalty.churn import churn_section, value_at_risk
from ckm.report.loyalty.loyalty import loyalty_section
from ckm.report.loyalty.forecast_accuracy import past_section
from ckm.report.loyalty.relationships import relationships_section, retention_finding
from ckm.report.loyalty.slices import slices_section
from ckm.report.loyalty.localized import Telling
from ckm.report.loyalty.data_quality import definitions_section, trust_section
from ckm.report.words import load_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.metrics.metric import Measure
    from ckm.metrics.report import LoyaltyReport
    from ckm.report.document import Section

KEY_FIGURES = ("revenue", "customers_active", "retention_rate", "nps", "average_order_value")
"""At the top, with the change; the value at risk takes the last place where it is known."""
MOST_KEY_FIGURES = 4
NOT_COMPARED = frozenset({"no_comparison", "data_end_early", "days_without_rows"})
"""Why no period is compared with another: what a reader must know first."""
OF_ALL_DAYS = ("customers_active", "retention_rate")
"""Those that more days alone make larger."""


SECTIONS: dict[str, Callable[[Telling], Section]] = {
    "changed": changed_section,
    "relationships": relationships_section,
    "loyalty": loyalty_section,
    "growth_potential": capacity_section,
    "churn": churn_section,
    "data_quality": trust_section,
}
"""By their names in the book of measures, in the order of reading."""


@unchecked()
def loyalty_document(report: LoyaltyReport, lang: str = "en") -> Document:
    """Return the document of a loyalty report: ``render_page`` or ``render_markdown`` writes it.

    Parameters
    ----------
    report
        What was measured.
    lang
        Of :data:`ckm.report.words.LANGUAGES`; its ``page_words`` go to ``render_page``.

    Raises
    ------
    UnknownNameError
        There are no words in that language.
    """
    telling = Telling(report, load_words(lang))
    changed, *others, trust = (section(telling) for section in SECTIONS.values())
    sections = (changed, slices_section(telling), *others, past_section(telling), trust, definitions_section(telling))
    return Document(
        title=title_of(telling),
        lead=lead_of(telling),
        sections=tuple(section for section in sections if section is not None and section.blocks),
        key_figures=tuple(key_figures(telling)),
        footer=telling.say(
            "footer",
            label=telling.raw(report.label),
            day=telling.numbers.day(report.as_of),
            zone=telling.raw(report.time_zone),
            currency=telling.raw(report.currency),
            version=telling.raw(f"ckm {__version__}"),
        ),
        lang=telling.words.lang,
        direction=telling.words.direction,
    )


def title_of(telling: Telling) -> str:
    """Return what the report is called."""
    return telling.say("title", period=telling.numbers.period(telling.report.period))


def findings(telling: Telling, section: str) -> tuple[str, ...]:
    """Return the headlines of a section of the book that are sentences: a title alone says nothing without a chart."""
    titles = {telling.title(each.name) for each in load_book()}
    headlines = (block.headline for block in SECTIONS[section](telling).blocks if isinstance(block, Figure))
    return tuple(each for each in headlines if each not in titles)


def lead_of(telling: Telling) -> str:
    """Return what a reader must know who reads no further."""
    report = telling.report
    compared = ""
    if report.days is not None:
        compared = telling.say(f"lead.{_comparison(telling)}", compared=telling.numbers.period(report.compared))
    else:
        why = (each for each in report.missing if each.reason in NOT_COMPARED and each.section == "changed")
        compared = telling.say("unit.gap").join(telling.reason(each) for each in why)
    findings = (revenue_finding(telling), retention_finding(telling), compared, *coverage_findings(telling))
    return telling.say("unit.gap").join(finding for finding in findings if finding)


def coverage_findings(telling: Telling) -> Iterator[str]:
    """Say what the data do not cover of the periods: the time after their end, and days without rows."""
    report, numbers = telling.report, telling.numbers
    for silence in report.silences:
        yield telling.say("lead.silence", period=numbers.period(silence), days=telling.days(silence.days))
    if report.data_end is not None:
        days = (report.as_of - report.data_end).days
        yield telling.say("lead.data_end", day=numbers.day(report.data_end), days=telling.days(days))


def key_figures(telling: Telling) -> Iterator[KeyFigure]:
    """Give the numbers at the top, with their interval and their change."""
    at_risk = value_at_risk(telling)
    names = [name for name in KEY_FIGURES if telling.of(name) is not None]
    for name in names[: MOST_KEY_FIGURES - (at_risk is not None)]:
        measure = telling.of(name)
        assert measure is not None
        notes = []
        if measure.lo is not None:
            notes.append(
                telling.say("key.interval", interval=telling.between(name, measure.lo, measure.hi, exact=False))
            )
        if change := _moved(telling, measure):
            notes.append(change)
        note = telling.joined(notes)
        yield KeyFigure(telling.written(name, measure.value), telling.title(name), note)
    if at_risk is not None:
        yield KeyFigure(telling.written("value_at_risk", at_risk), telling.title("value_at_risk"))


def _comparison(telling: Telling) -> str:
    return "previous" if telling.report.comparison == "previous" else "year_ago"


def _moved(telling: Telling, measure: Measure) -> str:
    """Return a change as a reader compares it: sums in percent, shares and points in points.

    Of periods of unequal length money is compared per day; what does not go with the days says how many there were.
    """
    if measure.change is None:
        return ""
    unit, comparison, days = load_book()[measure.name].unit, _comparison(telling), telling.unequal_days
    previous = measure.previous
    if measure.name == "revenue" and days and previous and previous > 0 and measure.value is not None:
        share = (measure.value / days[1]) / (previous / days[0]) - 1
        change = telling.numbers.share(share, 1, signed=True)
        return telling.say(f"key.change_per_day_{comparison}", change=change)
    if unit in {"money", "customers", "orders"} and previous and previous > 0 and not days:
        change = telling.numbers.share(measure.change / previous, 1, signed=True)
    else:
        change = telling.written(measure.name, measure.change, signed=True)
    said = telling.say(f"key.change_{comparison}", change=change)
    if days and measure.name in OF_ALL_DAYS:
        said = telling.say("key.in_days", change=said, days=telling.days(days[1]), before=telling.days(days[0]))
    return said
