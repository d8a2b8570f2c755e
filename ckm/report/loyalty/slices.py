"""The same measures for each part of the customers, as ``--by`` asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.report.document import Column, Section, Table, Text
from ckm.report.loyalty.localized import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

SHOWN = (
    "customers_active",
    "revenue_of_customers",
    "retention_rate",
    "orders_per_customer",
    "average_order_value",
    "repeat_rate_period",
    "top_quintile_share",
    "nps",
    "csat",
    "ces",
    "value_at_risk",
)
"""Measures that stand side by side; the machine formats and the workbook have all."""


def slices_section(telling: Telling) -> Section | None:
    """Return a row per slice; None unless the report was asked for slices."""
    by = telling.report.by
    if by is None:
        return None
    return Section(telling.say("section.slices", dimension=telling.dimension(by)), tuple(_blocks(telling, by)))


def _blocks(telling: Telling, by: str) -> Iterator[Block]:
    measures = {(each.name, each.slice[0][1]): each for name in SHOWN for each in telling.report.measures.all(name, by)}
    values = list(dict.fromkeys(value for _, value in measures))
    names = [name for name in SHOWN if any((name, value) in measures for value in values)]
    if not names:
        yield Text(telling.say("missing.no_slices"))
        return
    rows = []
    for value in values:
        found = [measures.get((name, value)) for name in names]
        cells = [telling.written(name, each.value if each else None) for name, each in zip(names, found, strict=True)]
        rows.append((telling.called(by, value), *cells))
    columns = (Column(telling.dimension(by)), *(Column(telling.title(name), numeric=True) for name in names))
    yield Table(telling.say("table.by", dimension=telling.dimension(by)), columns, tuple(rows))
    hidden = (telling.reason(each) for each in telling.report.missing if each.reason == HIDDEN)
    yield from map(Text, dict.fromkeys(hidden))
