"""Content of a report, independent of its format: sections of text, facts, tables and figures.

:mod:`ckm.render.page` makes an HTML page of it, :mod:`ckm.render.markdown` a mail. All text is plain: what looks like
markup in it is shown unchanged.
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
    """A column of a table; numbers stand to the right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class ReportTable:
    """A table of formatted cells; an empty cell is blank.

    Attributes
    ----------
    caption
        What it shows.
    columns, rows
        Each row has a cell per column; the first cell names the row.
    marked
        Positions of the rows to be seen first.
    folded
        Folded on a screen.
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
    """A chart, its finding, and its numbers for who cannot or will not read the chart.

    Attributes
    ----------
    headline
        What it finds, as a sentence computed from the data.
    description
        What is drawn, for who does not see it.
    specification
        Vega-Lite, with its few data in it (:mod:`ckm.render.charts`).
    table
        The same numbers.
    note
        How to read it.
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
        Its heading, and what is under it.
    folded
        Folded on a screen and left out of print and of a mail, its title aside.
    absent
        It has nothing but a line that says why.
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
    """Something to do next.

    Attributes
    ----------
    amount
        What it is about, in money.
    text
        What to do.
    reason
        How the amount is computed.
    command
        Command that prints its list; empty without one.
    """

    amount: str
    text: str
    reason: str
    command: str = ""


@dataclass(frozen=True)
class Actions:
    """What to do next, under a heading; the largest amount first."""

    title: str
    actions: tuple[Action, ...]
    note: str = ""


@dataclass(frozen=True)
class Findings:
    """What happened, under a heading, in a few sentences."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A report.

    Attributes
    ----------
    title
        Its name.
    lead
        What a reader must know who reads no further.
    sections
        In the order of reading.
    subtitle
        What it is, under its name.
    key_figures
        At most six.
    findings, actions
        What happened, and what to do next, on the first page; None for neither.
    footer
        What made it, and from what.
    lang, direction
        Language as a BCP 47 tag, and the way it runs.
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
