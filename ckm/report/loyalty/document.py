"""The loyalty report as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm import __version__
from ckm.measures.book import load_book
from ckm.report.chart_look import unchecked
from ckm.report.document import Document, Figure, KeyFigure
from ckm.report.loyalty.capacity import capacity_section
from ckm.report.loyalty.changed import changed_section, revenue_finding
from ckm.report.loyalty.churn import churn_section, value_at_risk
from ckm.report.loyalty.loyalty import loyalty_section
from ckm.report.loyalty.relationships import relationships_section, retention_finding
from ckm.report.loyalty.slices import slices_section
from ckm.report.loyalty.telling import Telling
from ckm.report.loyalty.trust import definitions_section, trust_section
from ckm.report.words import load_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm.measures.measure import Measure
    from ckm.measures.report import LoyaltyReport
    from ckm.report.document import Section

KEY_FIGURES = ("revenue", "customers_active", "retention_rate", "nps", "order_value")
"""At the top, with the change; the value at risk takes the last place where it is known."""
MOST_KEY_FIGURES = 4


SECTIONS: dict[str, Callable[[Telling], Section]] = {
    "changed": changed_section,
    "relationships": relationships_section,
    "loyalty": loyalty_section,
    "capacity": capacity_section,
    "churn": churn_section,
    "trust": trust_section,
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
    changed, *others = (section(telling) for section in SECTIONS.values())
    sections = (changed, slices_section(telling), *others, definitions_section(telling))
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
    """Return the headlines of a section of the book."""
    return tuple(block.headline for block in SECTIONS[section](telling).blocks if isinstance(block, Figure))


def lead_of(telling: Telling) -> str:
    """Return what a reader must know who reads no further."""
    report = telling.report
    compared = telling.say(f"lead.{_comparison(telling)}", compared=telling.numbers.period(report.compared))
    findings = (revenue_finding(telling), retention_finding(telling), compared)
    return telling.say("unit.gap").join(finding for finding in findings if finding)


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
            notes.append(telling.say(f"key.change_{_comparison(telling)}", change=change))
        note = telling.joined(notes)
        yield KeyFigure(telling.written(name, measure.value), telling.title(name), note)
    if at_risk is not None:
        yield KeyFigure(telling.written("value_at_risk", at_risk), telling.title("value_at_risk"))


def _comparison(telling: Telling) -> str:
    return "previous" if telling.report.comparison == "previous" else "year_ago"


def _moved(telling: Telling, measure: Measure) -> str:
    """Return a change as a reader compares it: sums in percent, shares and points in points."""
    if measure.change is None:
        return ""
    sums = load_book()[measure.name].unit in {"money", "customers", "orders"}
    if sums and measure.previous and measure.previous > 0:
        return telling.numbers.share(measure.change / measure.previous, 1, signed=True)
    return telling.written(measure.name, measure.change, signed=True)
