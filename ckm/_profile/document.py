"""Document of a customer profile, which :mod:`ckm.render.page` and :mod:`ckm.render.markdown` can write."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from ckm.render.document import Document, KeyFigure, ReportTable, Section, TableColumn, Text
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._profile.figures import ProfileFigure, ProfileSection, ProfileTable
    from ckm._profile.result import CustomerProfile

KEY_FIGURES = ("orders", "net_total", "spend_12mo", "stage", "p_churn", "open_complaints")
NUMBER = (int, float)


def shown_value(value: Any, unit: str = "") -> str:
    """Return a value formatted with its unit: ``1,234.50 EUR``, ``12.5 %``, ``42 days``; an empty text for None."""
    if value is None:
        return ""
    if unit == "%":
        return f"{value:.1%}".replace("%", " %")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        value = f"{value:,.2f}"
    if unit == "days":
        return counted(value, "day")
    return f"{value:,} {unit}".rstrip() if isinstance(value, int) and unit else f"{value} {unit}".rstrip()


def profile_document(profile: CustomerProfile) -> Document:
    """Return a profile as a document: one section per subject, and one line on missing facts."""
    figures = {figure.name: figure for section in profile.sections for figure in section.figures}
    key_figures = tuple(
        KeyFigure(shown_value(figures[name].value, figures[name].unit), figures[name].label, f"{figures[name].day}")
        for name in KEY_FIGURES
        if name in figures
    )
    name = figures["display_name"].value if "display_name" in figures else profile.customer_id
    sections = [Section(section.title, tuple(_blocks(section))) for section in profile.sections if not section.is_empty]
    lines = [each for each in (profile.not_known, profile.hidden) if each]
    if lines:
        sections.append(Section("Not known and not shown", tuple(map(Text, lines))))
    return Document(
        title=str(name),
        subtitle=f"Customer {profile.customer_id}",
        lead=f"As of {profile.as_of}. {' '.join(f'{each}.' for each in profile.remarks)}".strip(),
        sections=tuple(sections),
        key_figures=key_figures,
        footer="Personal data: for the person who asked for it, and no longer than needed.",
    )


def _blocks(section: ProfileSection) -> Iterator[ReportTable]:
    if section.figures:
        columns = (TableColumn("Figure"), TableColumn("Value"), TableColumn("Source"), TableColumn("Date"))
        rows = tuple(map(figure_row, section.figures))
        yield ReportTable(section.title, columns, rows)
    yield from (_table(table) for table in section.tables if table.rows)


def figure_row(figure: ProfileFigure) -> tuple[str, str, str, str]:
    """Return label, value with unit, source and date (ISO 8601) of a figure as texts."""
    return figure.label, shown_value(figure.value, figure.unit), figure.source, figure.day.isoformat()


def caption(table: ProfileTable) -> str:
    """Return the title of a table with its source and date."""
    return f"{table.title} ({table.source}, {table.day})"


def _table(table: ProfileTable) -> ReportTable:
    numeric = [
        all(isinstance(row[at], NUMBER) for row in table.rows if row[at] is not None)
        and any(row[at] is not None for row in table.rows)
        for at in range(len(table.columns))
    ]
    columns = tuple(
        TableColumn(name.replace("_", " ").capitalize(), right)
        for name, right in zip(table.columns, numeric, strict=True)
    )
    rows = tuple(tuple(map(shown_value, row)) for row in table.rows)
    return ReportTable(caption(table), columns, rows)


def plain_value(value: Any) -> Any:
    """Return a value for JSON: dates as ISO 8601 texts, other values unchanged."""
    return value.isoformat() if isinstance(value, date) else value
