"""Whether the report can be trusted: rows used and left out, finance's totals, remarks and definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.metrics.catalogue import SECTIONS, load_book
from ckm.report.document import Column, Facts, Items, Section, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

CENT = 0.005
"""Differences beneath half a cent are none."""


def trust_section(telling: Telling) -> Section:
    """Return what the numbers rest on."""
    return Section(telling.say("section.trust"), tuple(_blocks(telling)))


def definitions_section(telling: Telling) -> Section:
    """Return what every measure of the report means, how it is computed and who says so; a table a section."""
    used = {each.name for each in telling.report.measures}
    tables = []
    titles = ("measure", "definition", "formula", "source")
    columns = tuple(Column(telling.say(f"column.{key}")) for key in titles)
    for section in SECTIONS:
        rows = tuple(
            (telling.title(each.name), telling.definition(each.name), each.formula, each.source or NO_SOURCE)
            for each in load_book()
            if each.section == section and each.name in used
        )
        if rows:
            tables.append(Table(telling.say(f"section.{section}"), columns, rows, folded=True))
    return Section(telling.say("section.definitions"), (Text(telling.say("text.definitions")), *tables))


NO_SOURCE = ""
"""Plain counting needs nobody's name."""


def _blocks(telling: Telling) -> Iterator[Block]:
    yield from telling.missing("data_quality")
    yield from _controls(telling)
    facts = tuple(_rows(telling))
    if facts:
        yield Facts(facts)
    if telling.report.remarks:
        yield Text(telling.say("text.remarks"))
        yield Items(tuple(telling.raw(remark) for remark in telling.report.remarks))


def _rows(telling: Telling) -> Iterator[tuple[str, str]]:
    report, numbers = telling.report, telling.numbers
    yield telling.say("fact.read"), telling.raw(report.label)
    yield telling.say("fact.as_of"), telling.say("fact.nothing_after", day=numbers.day(report.as_of))
    used = telling.of("rows_used")
    if used is not None:
        yield telling.title("rows_used"), telling.written("rows_used", used.value)
    for each in telling.all("rows_left_out", "reason"):
        if each.value:
            left_out = telling.say(
                "fact.rows_because",
                each.value,
                rows=telling.written(each.name, each.value),
                reason=telling.called("left_out", each.of("reason") or ""),
            )
            yield telling.title("rows_left_out"), left_out
    for each in telling.all("rows_quarantined", "table"):
        if each.value:
            table = telling.called("table", each.of("table") or "")
            value = telling.say("fact.rows_of", rows=telling.written(each.name, each.value), table=table)
            yield telling.title("rows_quarantined"), value


def _controls(telling: Telling) -> Iterator[Block]:
    months = telling.all("reconciliation_difference", "month")
    equal = telling.of("controls_equal")
    if equal is None or equal.value is None or not months:
        return
    compared = equal.n or len(months)
    largest = max(months, key=lambda each: abs(each.value or 0.0))
    if equal.value >= compared:
        yield Text(telling.say("find.controls_equal", compared, months=telling.numbers.count(compared)))
    else:
        yield Text(
            telling.say(
                "find.controls_differ",
                compared,
                equal=telling.numbers.count(equal.value),
                months=telling.numbers.count(compared),
                difference=telling.written(largest.name, largest.value, exact=True, signed=True),
                month=telling.numbers.month(largest.of("month") or ""),
            )
        )
    rows = [
        (telling.numbers.month(each.of("month") or ""), telling.written(each.name, each.value, exact=True, signed=True))
        for each in months
    ]
    table = telling.table(telling.title("reconciliation_difference"), ("month", "difference"), rows)
    off = frozenset(number for number, each in enumerate(months) if abs(each.value or 0.0) > CENT)
    yield Table(table.caption, table.columns, table.rows, off, folded=True)
