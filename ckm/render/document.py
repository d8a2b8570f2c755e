"""Content of a report, independent of its format: sections of text, facts, tables and figures.

:mod:`ckm.render.page` renders it as an HTML page, :mod:`ckm.render.markdown` as Markdown. All texts are plain: their
markup is escaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """Pairs of a term and its text."""

    kind: ClassVar[str] = "facts"
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TableColumn:
    """A column of a table; numbers are right-aligned."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table of formatted cells; an empty cell is blank.

    Attributes
    ----------
    caption
        Content of the table in a few words.
    columns, rows
        Each row has one cell per column; the first cell is the name of the row.
    marked
        Positions of the highlighted rows.
    folded
        Whether the table is collapsed on a screen until the reader opens it.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[str, ...], ...]
    marked: frozenset[int] = frozenset()
    folded: bool = False

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.caption!r}: each row needs {len(self.columns)} cells")


@dataclass(frozen=True)
class Figure:
    """A chart with its finding, and a table with its numbers for readers who do not use the chart.

    Attributes
    ----------
    headline
        The finding, as a sentence computed from the data.
    description
        Content of the chart in words, for screen readers.
    specification
        Vega-Lite specification that includes the data (:mod:`ckm.render.charts`).
    table
        The numbers of the chart.
    note
        How to read the chart.
    """

    kind: ClassVar[str] = "figure"
    headline: str
    description: str
    specification: Mapping[str, Any]
    table: ReportTable
    note: str = ""


Block: TypeAlias = Text | Items | Facts | ReportTable | Figure


@dataclass(frozen=True)
class Section:
    """A part of a document under a heading.

    Attributes
    ----------
    title, blocks
        Heading and content.
    folded
        Whether the section is collapsed on a screen; print and mail have only its title.
    absent
        Whether the section has no results, only the reason why.
    """

    title: str
    blocks: tuple[Block, ...]
    folded: bool = False
    absent: bool = False


@dataclass(frozen=True)
class KeyFigure:
    """A key figure at the top: number, name, and comparison.

    Attributes
    ----------
    trend
        Values over time, drawn as a small line; empty for none.
    trend_description
        The trend in words, for readers who cannot see the line.
    missing_trend
        Why there is no trend, on the page; empty if no trend is to be expected.
    """

    value: str
    label: str
    note: str = ""
    trend: tuple[float, ...] = ()
    trend_description: str = ""
    missing_trend: str = ""


@dataclass(frozen=True)
class Action:
    """A recommended action.

    Attributes
    ----------
    amount
        Formatted amount of money that the action concerns.
    text
        The action.
    reason
        How the amount is computed.
    command
        Command that prints the list of customers; empty if there is no list.
    """

    amount: str
    text: str
    reason: str
    command: str = ""


@dataclass(frozen=True)
class Actions:
    """Recommended actions under a heading, the largest amount first."""

    title: str
    actions: tuple[Action, ...]
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """The main findings under a heading, in a few sentences."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes
    ----------
    title
        Title.
    lead
        Summary in a few sentences.
    sections
        Sections in order.
    subtitle
        Kind of report, below the title.
    key_figures
        At most six key figures.
    findings, actions
        Main findings and recommended actions, on the first page; None if the document has none.
    footer
        Program, version and data of the document.
    lang, direction
        Language (BCP 47), and writing direction: ``ltr`` or ``rtl``.
    """

    title: str
    lead: str
    sections: tuple[Section, ...]
    subtitle: str = ""
    key_figures: tuple[KeyFigure, ...] = ()
    findings: Findings | None = None
    actions: Actions | None = None
    footer: str = ""
    lang: str = "en"
    direction: Literal["ltr", "rtl"] = "ltr"
