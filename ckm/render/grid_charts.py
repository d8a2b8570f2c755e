"""Charts of cells: a heat map of rows and columns, and a matrix of two by two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.render.chart_look import ON_FIELD, WIDTH, colour, data, finished

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.render.chart_look import Specification

CELL = 26
"""Height of a cell of a heat map."""
BOX = 104
"""Height of a box of a matrix."""
DARKEST = 0.45
"""Opacity of the darkest cell; text on it is readable in light and dark mode."""
GAP = 2


@dataclass(frozen=True)
class Cell:
    """A cell of a heat map.

    Attributes
    ----------
    row, column
        Positions, from 0.
    weight
        Darkness, from 0 to 1.
    text
        Content of the cell.
    """

    row: int
    column: int
    weight: float
    text: str


@dataclass(frozen=True)
class Box:
    """A box of a matrix.

    Attributes
    ----------
    name, text, note
        The three lines of text.
    weight
        From 0, pale, to 1, dark.
    """

    name: str
    text: str
    note: str
    weight: float


def heat_map(
    cells: Sequence[Cell], rows: Sequence[str], columns: Sequence[str], title: str, *, mirrored: bool = False
) -> Specification:
    """Return a heat map; positions without a cell are blank.

    Parameters
    ----------
    cells
        Cells, each with a colour and a number.
    rows, columns
        Row and column titles.
    title
        Title of the columns.
    mirrored
        Whether the horizontal axis runs from right to left.
    """
    import altair as alt

    across = alt.X(
        "column:O",
        title=title,
        scale=alt.Scale(domain=list(range(len(columns))), reverse=mirrored, paddingInner=0.06),
        axis=_named(columns, "top"),
    )
    down = alt.Y(
        "row:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(rows))), paddingInner=0.08),
        axis=_named(rows, "right" if mirrored else "left"),
    )
    fields = [
        {"row": cell.row, "column": cell.column, "weight": round(0.06 + cell.weight * (DARKEST - 0.06), 3)}
        for cell in cells
    ]
    texts = [{"row": cell.row, "column": cell.column, "text": cell.text} for cell in cells]
    layers = (
        alt.Chart(data(fields))
        .mark_rect(color=colour("accent"))
        .encode(x=across, y=down, fillOpacity=alt.FillOpacity("weight:Q", scale=None)),
        alt.Chart(data(texts), name=ON_FIELD)
        .mark_text(color=colour("ink"), fontSize=12)
        .encode(x=across, y=down, text=alt.Text("text:N")),
    )
    chart = alt.layer(*layers, width=WIDTH - 100, height=CELL * len(rows))
    # space for the names, which are larger on small screens
    return finished(chart, "cells", left=4, right=36) if mirrored else finished(chart, "cells", left=36, right=4)


def matrix(boxes: Sequence[Box], *, mirrored: bool = False) -> Specification:
    """Return a matrix of four boxes, two by two, in reading order."""
    import altair as alt

    width = WIDTH / 2
    layers: list[alt.Chart] = []
    for number, box in enumerate(boxes):
        column, row = (1 - number % 2 if mirrored else number % 2), number // 2
        x, y = column * width, row * BOX
        opacity = round(0.06 + box.weight * (DARKEST - 0.06), 3)
        layers.append(
            alt.Chart(data([{}]))
            .mark_rect(color=colour("accent"), fillOpacity=opacity)
            .encode(
                x=alt.XValue(x + GAP),
                x2=alt.X2Value(x + width - GAP),
                y=alt.YValue(y + GAP),
                y2=alt.Y2Value(y + BOX - GAP),
            )
        )
        at = x + width - 14 if mirrored else x + 14
        side: Any = "right" if mirrored else "left"
        for text, below, size, weight in (
            (box.name, 24, 13, "bold"),
            (box.text, 52, 18, "bold"),
            (box.note, 80, 12, ""),
        ):
            heavy: Any = weight or "normal"
            layers.append(
                alt.Chart(data([{"text": text}]), name=f"{ON_FIELD}{number}{size}")
                .mark_text(color=colour("ink"), align=side, fontSize=size, fontWeight=heavy)
                .encode(x=alt.XValue(at), y=alt.YValue(y + below), text=alt.Text("text:N"))
            )
    return finished(alt.layer(*layers, width=WIDTH, height=2 * BOX), "boxes", left=2, right=2, top=4)


def _named(names: Sequence[str], side: str) -> Any:
    import json

    import altair as alt

    orient: Any = side
    return alt.Axis(
        labelExpr=f"{json.dumps(list(names))}[datum.value]", orient=orient, domain=False, labelAngle=0, labelLimit=0
    )
