"""Report section on data quality: rows used and left out, control totals, remarks; and the definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._loyalty.localized import CENT
from ckm.metrics.catalogue import SECTIONS, load_catalogue
from ckm.render.document import Facts, Items, ReportTable, Section, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block


def definitions_section(localized: LocalizedReport) -> Section:
    """Return the folded section of definitions; in English with formula and source.

    Formulas and sources exist in English only; ``--explain`` prints them.
    """
    used = {each.name for each in localized.report.metrics}
    is_english = localized.words.lang == "en"
    titles = ("metric", "definition", *(("formula", "source") if is_english else ()))
    columns = tuple(TableColumn(localized.say(f"column.{key}")) for key in titles)
    tables = []
    for section in SECTIONS:
        rows = tuple(
            (
                localized.title(each.name),
                localized.definition(each.name),
                *((each.formula, each.source or NO_SOURCE) if is_english else ()),
            )
            for each in load_catalogue()
            if each.section == section and each.name in used
        )
        if rows:
            tables.append(ReportTable(localized.say(f"section.{section}"), columns, rows))
    note = Text(localized.say("text.definitions"))
    return Section(localized.say("section.definitions"), (note, *tables), folded=True)


NO_SOURCE = ""
"""Source of plain counts, which have none."""


def rows_read(localized: LocalizedReport) -> Iterator[Block]:
    """Return source, as-of date, and rows used, left out and quarantined."""
    facts = tuple(_rows(localized))
    if facts:
        yield Facts(facts)


def remarks(localized: LocalizedReport) -> Iterator[Block]:
    """Return the number of remarks; in English also the remarks, which are not translated."""
    said = localized.report.remarks
    if not said:
        return
    yield Text(localized.say("text.remarks", len(said), count=localized.numbers.count(len(said))))
    if localized.words.lang == "en":
        yield Items(tuple(localized.raw(remark) for remark in said))


def _rows(localized: LocalizedReport) -> Iterator[tuple[str, str]]:
    report, numbers = localized.report, localized.numbers
    yield localized.say("fact.read"), localized.raw(report.label)
    yield localized.say("fact.as_of"), localized.say("fact.nothing_after", day=numbers.day(report.as_of))
    used = localized.of("rows_used")
    if used is not None:
        yield localized.title("rows_used"), localized.written("rows_used", used.value)
    for each in localized.all("rows_left_out", "reason"):
        if each.value:
            left_out = localized.say(
                "fact.rows_because",
                each.value,
                rows=localized.written(each.name, each.value),
                reason=localized.called("left_out", each.of("reason") or ""),
            )
            yield localized.title("rows_left_out"), left_out
    for each in localized.all("rows_quarantined", "table"):
        if each.value:
            table = localized.called("table", each.of("table") or "")
            value = localized.say("fact.rows_of", rows=localized.written(each.name, each.value), table=table)
            yield localized.title("rows_quarantined"), value


def reconciliation(localized: LocalizedReport) -> Iterator[Block]:
    """Return a sentence on the months that match their control totals, and the table of differences."""
    months = localized.all("reconciliation_difference", "month")
    equal = localized.of("controls_equal")
    if equal is None or equal.value is None or not months:
        return
    compared = equal.n or len(months)
    largest = max(months, key=lambda each: abs(each.value or 0.0))
    if equal.value >= compared:
        yield Text(localized.say("find.controls_equal", compared, months=localized.numbers.count(compared)))
    else:
        yield Text(
            localized.say(
                "find.controls_differ",
                compared,
                equal=localized.numbers.count(equal.value),
                months=localized.numbers.count(compared),
                difference=localized.written(largest.name, largest.value, exact=True, signed=True),
                month=localized.numbers.month(largest.of("month") or ""),
            )
        )
    rows = [
        (
            localized.numbers.month(each.of("month") or ""),
            localized.written(each.name, each.value, exact=True, signed=True),
        )
        for each in months
    ]
    table = localized.table(localized.title("reconciliation_difference"), ("month", "difference"), rows)
    off = frozenset(number for number, each in enumerate(months) if abs(each.value or 0.0) > CENT)
    yield ReportTable(table.caption, table.columns, table.rows, off, folded=True)
