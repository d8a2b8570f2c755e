"""The loyalty report as a document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckm import __version__
from ckm._loyalty.changed import revenue_finding
from ckm._loyalty.data_quality import definitions_section
from ckm._loyalty.first_page import comparison_of, key_figures, main_changes
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.next_steps import actions
from ckm._loyalty.page_sections import BEFORE_SLICES, PAGE_SECTIONS
from ckm._loyalty.relationships import retention_finding
from ckm._loyalty.slices import slices_section
from ckm._loyalty.words import load_words
from ckm.metrics.catalogue import load_catalogue
from ckm.render.chart_look import unchecked
from ckm.render.document import Document, Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.metrics.report import LoyaltyReport


@unchecked()
def loyalty_document(report: LoyaltyReport, lang: str = "en", *, run: str | None = None) -> Document:
    """Return the document of a loyalty report: ``render_page`` or ``render_markdown`` writes it.

    Parameters
    ----------
    report
        The report.
    lang
        One of :data:`ckm.names.LANGUAGES`.
    run
        Name of the recorded run (:mod:`ckm.runs`), for the last line; None without one.

    Raises
    ------
    UnknownNameError
        The language has no texts.
    """
    localized = LocalizedReport(report, load_words(lang))
    made = [(each, each.section(localized)) for each in PAGE_SECTIONS]
    sections = [section for each, section in made if not (each.optional and section.absent)]
    slices = slices_section(localized)
    if slices is not None:
        sections.insert(BEFORE_SLICES, slices)
    source = localized.say(
        "footer",
        label=localized.raw(report.label),
        day=localized.numbers.day(report.as_of),
        zone=localized.raw(report.time_zone),
        currency=localized.raw(report.currency),
        version=localized.raw(f"ckm {__version__}"),
    )
    recorded = "" if run is None else f" {localized.say('run', run=localized.raw(run))}"
    return Document(
        title=localized.raw(report.shop or report.label),
        subtitle=title_of(localized),
        lead=localized.say("unit.gap").join(_read_first(localized)),
        key_figures=tuple(key_figures(localized)),
        findings=main_changes(localized),
        actions=actions(localized),
        sections=(*sections, definitions_section(localized)),
        footer=f"{source}{recorded}",
        lang=localized.words.lang,
        direction=localized.words.direction,
    )


def title_of(localized: LocalizedReport) -> str:
    """Return the title of the report; its period begins with the data if these begin later."""
    period, begin = localized.report.period, localized.report.data_begin
    if begin is not None and period.first < begin <= period.last:
        period = replace(period, first=begin)
    return localized.say("title", period=localized.numbers.period(period))


def findings(localized: LocalizedReport, section: str) -> tuple[str, ...]:
    """Return the chart headlines of a catalogue section that state a finding, without plain titles of metrics."""
    titles = {localized.title(each.name) for each in load_catalogue()}
    makers = (make for each in PAGE_SECTIONS if each.of_catalogue == section for make in each.blocks)
    blocks = (block for make in makers for block in make(localized))
    headlines = (block.headline for block in blocks if isinstance(block, Figure))
    return tuple(each for each in headlines if each not in titles)


def lead_of(localized: LocalizedReport) -> str:
    """Return the lead of the terminal and the workbook: changes of revenue and retention, comparison, and coverage."""
    said = (revenue_finding(localized), retention_finding(localized), *_read_first(localized))
    return localized.say("unit.gap").join(finding for finding in said if finding)


def _read_first(localized: LocalizedReport) -> tuple[str, ...]:
    """Return sentences on the comparison, and on days that the data do not cover."""
    return tuple(each for each in (comparison_of(localized), *coverage_findings(localized)) if each)


def coverage_findings(localized: LocalizedReport) -> Iterator[str]:
    """Yield sentences on days without data in either period: long runs without rows, and after the data end."""
    report, numbers = localized.report, localized.numbers
    for silence in report.silences:
        yield localized.say("lead.silence", period=numbers.period(silence), days=localized.days(silence.days))
    if report.data_end is not None:
        days = (report.as_of - report.data_end).days
        yield localized.say("lead.data_end", day=numbers.day(report.data_end), days=localized.days(days))
