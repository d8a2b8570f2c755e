"""Charts over time or rank: lines, step curves with an interval, and columns above and below a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.render.chart_look import HEIGHT, WIDTH, Ruler, Tone, colour, data, finished, numbers_axis, scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.render.chart_look import Specification

PALE = 0.45
"""Opacity of columns on which marks are drawn."""
LEGEND_LINE = 22
"""Height of a line of a legend."""


@dataclass(frozen=True)
class Step:
    """A point of a step curve, which is constant up to the next point.

    Attributes
    ----------
    low, high
        Ends of the interval; None without one.
    """

    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TimeColumn:
    """One column of a column chart.

    Attributes
    ----------
    name
        Label below the column; empty if labels would overlap.
    up, down
        Heights above and below the zero line, both at least 0.
    mark
        Position of a line across the column; None for none.
    """

    name: str
    up: float
    down: float = 0.0
    mark: float | None = None


@dataclass(frozen=True)
class TrendPoint:
    """A value of a line, and the value one year earlier.

    Attributes
    ----------
    name
        Label below the point; empty if labels would overlap.
    before
        Value one year earlier; None if unknown.
    """

    name: str
    value: float
    before: float | None = None


def trend_chart(
    points: Sequence[TrendPoint], y: Ruler, legend: Sequence[str], *, mirrored: bool = False
) -> Specification:
    """Return a line chart over time, with the values of one year earlier as a dashed line.

    Parameters
    ----------
    points
        Points in the order of time.
    y
        Axis of the values.
    legend
        Names of the line and of the dashed line.
    mirrored
        Whether time runs from right to left.
    """
    import altair as alt

    across = alt.X(
        "point:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(points))), reverse=mirrored),
        axis=_places(points),
    )
    axis = numbers_axis(y, grid=True, side="right" if mirrored else "left")
    upward = alt.Y("y:Q", title=y.title or None, scale=scale(y), axis=axis)
    before = [{"point": number, "y": each.before} for number, each in enumerate(points) if each.before is not None]
    now = [{"point": number, "y": each.value} for number, each in enumerate(points)]
    layers: list[alt.Chart] = []
    looks: tuple[tuple[list[dict[str, Any]], Tone, float, list[int]], ...] = (
        (before, "muted", 2.0, [5, 4]),
        (now, "accent", 2.5, [1, 0]),
    )
    for rows, tone, width, dash in looks:
        if rows:
            line = alt.Chart(data(rows)).mark_line(color=colour(tone), strokeWidth=width, strokeDash=dash)
            layers.append(line.encode(x=across, y=upward))
    last = alt.Chart(data(now[-1:])).mark_point(color=colour("accent"), filled=True, size=70, opacity=1)
    layers.append(last.encode(x=across, y=upward))
    tones: tuple[Tone, ...] = ("accent", "muted")
    layers += _legend(list(zip(legend, tones, strict=False)), mirrored, 1.0)
    chart = alt.layer(*layers, width=WIDTH - 60, height=HEIGHT - 60)
    return finished(chart, top=14 + LEGEND_LINE * len(legend), left=14, right=14)


def step_chart(
    steps: Sequence[Step], x: Ruler, y: Ruler, *, half: float | None, mirrored: bool = False
) -> Specification:
    """Return a step curve with its interval as a band.

    Parameters
    ----------
    steps
        Points in the order of ``x``.
    x, y
        Axes of the chart.
    half
        Position at which the curve reaches one half, where the dashed line ends; None if it does not reach it.
    mirrored
        Whether the horizontal axis runs from right to left.
    """
    import altair as alt

    across = alt.X("x:Q", title=x.title, scale=scale(x, reverse=mirrored), axis=numbers_axis(x, grid=False))
    side = "right" if mirrored else "left"
    axis = numbers_axis(y, grid=True, side=side)
    upward = alt.Y("y:Q", title=y.title or None, scale=scale(y), axis=axis)
    band = [
        {"x": step.x, "low": step.low, "high": step.high}
        for step in steps
        if step.low is not None and step.high is not None
    ]
    layers: list[alt.Chart] = []
    if band:
        layers.append(
            alt.Chart(data(band))
            .mark_area(color=colour("accent"), fillOpacity=0.22, interpolate="step-after")
            .encode(x=across, y=alt.Y("low:Q", title=y.title or None, scale=scale(y), axis=axis), y2=alt.Y2("high:Q"))
        )
    line = data([{"x": step.x, "y": step.y} for step in steps])
    layers.append(
        alt.Chart(line)
        .mark_line(color=colour("accent"), strokeWidth=2.5, interpolate="step-after")
        .encode(x=across, y=upward)
    )
    if half is None:
        rules = [{"x": x.low, "y": 0.5, "x2": x.high, "y2": 0.5}]
    else:  # from the vertical axis to the curve, and down to the horizontal axis
        rules = [{"x": x.low, "y": 0.5, "x2": half, "y2": 0.5}, {"x": half, "y": 0.5, "x2": half, "y2": y.low}]
    dashed = alt.Chart(data(rules)).mark_rule(color=colour("ink"), strokeWidth=1.5, strokeDash=[3, 4])
    layers.append(dashed.encode(x=across, y=upward, x2=alt.X2("x2:Q"), y2=alt.Y2("y2:Q")))
    return finished(alt.layer(*layers, width=WIDTH - 60, height=HEIGHT - 40), left=14, right=14)


def column_chart(
    columns: Sequence[TimeColumn],
    y: Ruler,
    legend: Sequence[tuple[str, Tone]],
    *,
    tones: tuple[Tone, Tone, Tone] = ("accent", "muted", "ink"),
    mirrored: bool = False,
) -> Specification:
    """Return a chart of columns above and below the zero line, with a mark across each.

    Parameters
    ----------
    columns
        Columns in the order of time or rank.
    y
        Axis of the columns.
    legend
        Legend, one line per colour.
    tones
        Colour roles of the upper columns, the lower columns and the marks.
    mirrored
        Whether the horizontal axis runs from right to left.
    """
    import altair as alt

    across = alt.X(
        "column:O",
        title=None,
        scale=alt.Scale(domain=list(range(len(columns))), reverse=mirrored, paddingInner=0.25),
        axis=_places(columns),
    )
    upward = alt.Y(
        "to:Q",
        title=y.title or None,
        scale=scale(y),
        axis=numbers_axis(y, grid=True, side="right" if mirrored else "left"),
    )
    marked = [{"column": number, "to": each.mark} for number, each in enumerate(columns) if each.mark is not None]
    strength = PALE if marked else 1.0  # so that a mark across a column is visible
    layers: list[alt.Chart] = []
    for tone, heights in (
        (tones[0], [column.up for column in columns]),
        (tones[1], [-column.down for column in columns]),
    ):
        rows = [{"column": number, "to": height, "from": 0.0} for number, height in enumerate(heights) if height]
        if rows:
            bars = alt.Chart(data(rows)).mark_bar(color=colour(tone), fillOpacity=strength)
            layers.append(bars.encode(x=across, y=upward, y2=alt.Y2("from:Q")))
    if marked:
        across_all = alt.Chart(data(marked)).mark_tick(color=colour(tones[2]), thickness=3, size=30, opacity=1)
        layers.append(across_all.encode(x=across, y=upward))
    layers += _legend(legend, mirrored, strength)
    chart = alt.layer(*layers, width=WIDTH - 60, height=HEIGHT - 60)
    return finished(chart, top=14 + LEGEND_LINE * len(legend), left=14, right=14)


def _places(columns: Sequence[TimeColumn] | Sequence[TrendPoint]) -> Any:
    import json

    import altair as alt

    names = json.dumps([column.name for column in columns])
    return alt.Axis(labelExpr=f"{names}[datum.value]", labelAngle=0, labelLimit=0, labelOverlap=False)


def _legend(legend: Sequence[tuple[str, Tone]], mirrored: bool, strength: float) -> list[Any]:
    import altair as alt

    layers = []
    width = WIDTH - 60
    side: Any = "right" if mirrored else "left"
    for number, (text, tone) in enumerate(legend):
        y = LEGEND_LINE * (number - len(legend)) + 4
        at, beside = (width - 6, width - 20) if mirrored else (6, 20)
        layers.append(
            alt.Chart(data([{}]))
            .mark_square(color=colour(tone), opacity=1.0 if number else strength, size=110)
            .encode(x=alt.XValue(at), y=alt.YValue(y))
        )
        layers.append(
            alt.Chart(data([{"text": text}]))
            .mark_text(color=colour("ink"), align=side, fontSize=13)
            .encode(x=alt.XValue(beside), y=alt.YValue(y), text=alt.Text("text:N"))
        )
    return layers
