"""Charts as Vega-Lite specifications filled from small tables, in the colours of the page.

Colours are CSS variables (``var(--accent)``), so that one chart works in light mode, dark mode and print. The subject
of the chart has the accent colour; everything else is muted. Lines are labelled directly, without a legend.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ckm.render.chart_look import HEIGHT, WIDTH, Tone, colour, data, finished

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

    from ckm.render.chart_look import Specification

MOST_MARKS = 200
"""Maximum number of data points of a chart; larger data must be aggregated first."""
ROW_HEIGHT = 46
"""Height of a category in a dot chart."""
Place = Literal["above", "below", "right"]


@dataclass(frozen=True)
class Axis:
    """A numeric axis.

    Attributes
    ----------
    title
        Title with the unit.
    format
        Number format of d3: ``.0%``, ``.2f``, ``,``.
    domain
        Ends of the axis; None means those of the data.
    ticks
        Positions of ticks; empty means automatic ticks.
    """

    title: str
    format: str
    domain: tuple[float, float] | None = None
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True)
class ChartLine:
    """A line through points, with a label beside one of them.

    Attributes
    ----------
    name
        Label at the point number ``named_at``, on the side ``place``; empty for none.
    points
        Pairs (x, y).
    """

    name: str
    points: tuple[tuple[float, float], ...]
    tone: Tone = "accent"
    dashed: bool = False
    named_at: int = -1
    place: Place = "right"


@dataclass(frozen=True)
class Interval:
    """A point with its confidence interval."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Dots:
    """Values of a category as small dots, with their summary as a large dot with a label.

    Attributes
    ----------
    category
        Name of the category.
    values
        Single values.
    summary
        Summary of the values, such as their mean.
    text
        Formatted summary.
    """

    category: str
    values: tuple[float, ...]
    summary: float
    text: str
    tone: Tone = "ink"


def line_chart(lines: Sequence[ChartLine], x: Axis, y: Axis, *, points: Sequence[Interval] = ()) -> Specification:
    """Return a chart of lines, and of points with intervals."""
    import altair as alt

    across = alt.X("x:Q", title=x.title, scale=_scale(x), axis=_axis(x, grid=False))
    upward = alt.Y("y:Q", title=y.title, scale=_scale(y), axis=_axis(y, grid=True))
    layers: list[alt.Chart] = []
    for line in sorted(lines, key=lambda each: each.tone == "accent"):  # the subject of the chart is drawn on top
        base = alt.Chart(data([{"x": a, "y": b} for a, b in line.points])).encode(x=across, y=upward)
        dash = [3, 4] if line.dashed else [1, 0]
        width = 2.5 if line.tone == "accent" else 1.5
        layers.append(base.mark_line(color=colour(line.tone), strokeWidth=width, strokeDash=dash, clip=False))
    if points:
        rows = [{"x": each.x, "y": each.y, "low": each.low, "high": each.high} for each in points]
        base = alt.Chart(data(rows)).encode(x=across)
        layers.append(
            base.mark_rule(color=colour("accent"), strokeWidth=1.5, opacity=0.55).encode(
                y=alt.Y("low:Q", title=y.title, scale=_scale(y), axis=_axis(y, grid=True)), y2="high:Q"
            )
        )
        layers.append(base.mark_point(color=colour("accent"), filled=True, size=70, opacity=1).encode(y=upward))
    layers += [_name(line, across, upward) for line in lines if line.name]
    return finished(alt.layer(*layers, width=WIDTH - 60, height=HEIGHT))


def dot_chart(rows: Sequence[Dots], x: Axis) -> Specification:
    """Return a chart with a row of dots per category, in the order given."""
    import altair as alt

    order = [row.category for row in rows]
    across = alt.X("x:Q", title=x.title, scale=_scale(x), axis=_axis(x, grid=True))
    down = alt.Y("category:N", title=None, sort=order, axis=alt.Axis(domain=False, ticks=False, labelPadding=12))
    layers: list[alt.Chart] = []
    for row in rows:
        single = data([{"x": value, "category": row.category} for value in row.values])
        whole = data([{"x": row.summary, "category": row.category, "text": row.text}])
        tone = colour(row.tone)
        base = alt.Chart(single).encode(x=across, y=down)
        layers.append(base.mark_point(color=tone, filled=True, size=34, opacity=0.35))
        base = alt.Chart(whole).encode(x=across, y=down)
        layers.append(base.mark_point(color=tone, filled=True, size=150, opacity=1))
        weight: Any = "bold" if row.tone == "accent" else "normal"
        layers.append(
            base.mark_text(color=tone, dy=-14, align="center", fontSize=13, fontWeight=weight).encode(text="text:N")
        )
    # space for the names, which are larger on small screens
    padding = {"left": 34, "right": 20, "top": 14, "bottom": 4}
    return finished(alt.layer(*layers, width=WIDTH - 150, height=ROW_HEIGHT * len(rows), padding=padding))


def marks(specification: Specification) -> int:
    """Return the number of data points of a chart."""
    held = specification.get("data", {})
    own = len(held.get("values", ())) if isinstance(held, dict) else 0
    return own + sum(marks(layer) for layer in specification.get("layer", ()))


def _name(line: ChartLine, across: alt.X, upward: alt.Y) -> alt.Chart:
    import altair as alt

    x, y = line.points[line.named_at]
    align: Any = {"above": "right", "below": "left", "right": "left"}[line.place]
    shift = {"above": (-6, -9), "below": (7, 13), "right": (7, 0)}[line.place]
    weight: Any = "bold" if line.tone == "accent" else "normal"
    tone = colour("muted" if line.tone == "faint" else line.tone)
    return (
        alt.Chart(data([{"x": x, "y": y, "text": line.name}]))
        .mark_text(color=tone, align=align, dx=shift[0], dy=shift[1], fontSize=13, fontWeight=weight)
        .encode(x=across, y=upward, text="text:N")
    )


def _scale(axis: Axis) -> Any:
    import altair as alt

    if axis.domain is None:
        return alt.Scale(zero=False, nice=True)
    return alt.Scale(domain=list(axis.domain), nice=False, zero=False)


def _axis(axis: Axis, *, grid: bool) -> Any:
    import altair as alt

    ticks: Any = list(axis.ticks) if axis.ticks else alt.Undefined
    return alt.Axis(format=axis.format, values=ticks, tickCount=5, grid=grid)
