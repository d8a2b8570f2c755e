"""Report section with the metrics by the dimension of ``--by``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._loyalty.localized import HIDDEN
from ckm.render.document import ReportTable, Section, TableColumn, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

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
"""Metrics of the table; machine formats and the workbook have all metrics."""


def slices_section(localized: LocalizedReport) -> Section | None:
    """Return the section with a row per slice; None for a report without slices."""
    by = localized.report.by
    if by is None:
        return None
    return Section(localized.say("section.slices", dimension=localized.dimension(by)), tuple(_blocks(localized, by)))


def _blocks(localized: LocalizedReport, by: str) -> Iterator[Block]:
    metrics = {(each.name, each.slice[0][1]): each for name in SHOWN for each in localized.report.metrics.all(name, by)}
    values = list(dict.fromkeys(value for _, value in metrics))
    names = [name for name in SHOWN if any((name, value) in metrics for value in values)]
    if not names:
        yield Text(localized.say("missing.no_slices"))
        return
    rows = []
    for value in values:
        found = [metrics.get((name, value)) for name in names]
        cells = [localized.written(name, each.value if each else None) for name, each in zip(names, found, strict=True)]
        rows.append((localized.called(by, value), *cells))
    columns = (
        TableColumn(localized.dimension(by)),
        *(TableColumn(localized.title(name), numeric=True) for name in names),
    )
    yield ReportTable(localized.say("table.by", dimension=localized.dimension(by)), columns, tuple(rows))
    yield from localized.pseudonym_note(values)
    hidden = (localized.reason(each) for each in localized.report.missing if each.reason == HIDDEN)
    yield from map(Text, dict.fromkeys(hidden))
