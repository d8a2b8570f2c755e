"""Bar charts: bars, waterfall steps, and intervals on a scale.

Each row has its name above it and its number at the end of the same line, so that names of any length, script and
screen do not overlap the bars. ``mirrored`` charts begin on the right, for Persian.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.render.chart_look import WIDTH, Tone, colour, data, finished

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import altair as alt

    from ckm.render.chart_look import Specification

ROW = 48
"""Height of a row with its name."""
THICK = 12
"""Thickness of a bar."""
NAME_ABOVE = -18
"""Distance from the middle of a bar to its name."""


@dataclass(frozen=True)
class Bar:
    """A bar from ``start`` to ``value``.

    Attributes
    ----------
    name, text
        Left and right text of the line above it.
    start
        Start of the bar: zero, or the sum of the previous steps.
    """

    name: str
    value: float
    text: str
    tone: Tone = "muted"
    start: float = 0.0


@dataclass(frozen=True)
class Spot:
    """A value on a scale from worst (0) to best (1), its interval, and its previous value.

    Attributes
    ----------
    name, text
        Left and right text of the line above it.
    """

    name: str
    text: str
    value: float
    low: float | None = None
    high: float | None = None
    before: float | None = None


def bar_chart(bars: Sequence[Bar], *, mirrored: bool = False) -> Specification:
    """Return a chart of bars in the given order, on one scale that contains zero."""
    import altair as alt

    ends = [end for bar in bars for end in (bar.start, bar.value)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    across = alt.Scale(domain=[low, high if high > low else low + 1.0], nice=False, reverse=mirrored)
    rows = [{"row": number, "from": bar.start, "to": bar.value} for number, bar in enumerate(bars)]
    layers: list[alt.Chart] = []
    if low < 0:
        layers.append(
            alt.Chart(data([{"zero": 0.0}]))
            .mark_rule(color=colour("muted"), strokeWidth=1)
            .encode(x=alt.X("zero:Q", scale=across, axis=None))
        )
    for tone in dict.fromkeys(bar.tone for bar in bars):
        of_tone = [row for row, bar in zip(rows, bars, strict=True) if bar.tone == tone]
        layers.append(
            alt.Chart(data(of_tone))
            .mark_bar(color=colour(tone), height=THICK)
            .encode(x=alt.X("from:Q", scale=across, axis=None), x2=alt.X2("to:Q"), y=_down(len(bars)))
        )
    layers += _lines(bars, mirrored)
    return _rows(layers, len(bars))


def spot_chart(spots: Sequence[Spot], *, mirrored: bool = False) -> Specification:
    """Return a chart of values with intervals, each on the scale from its worst to its best."""
    import altair as alt

    across = alt.Scale(domain=[0, 1], nice=False, reverse=mirrored)
    down = _down(len(spots))
    tracks = [{"row": number, "from": 0.0, "to": 1.0} for number, _ in enumerate(spots)]
    spans = [
        {"row": number, "from": spot.low, "to": spot.high}
        for number, spot in enumerate(spots)
        if spot.low is not None and spot.high is not None
    ]
    before = [{"row": number, "x": spot.before} for number, spot in enumerate(spots) if spot.before is not None]
    now = [{"row": number, "x": spot.value} for number, spot in enumerate(spots)]
    middle = alt.X("x:Q", scale=across, axis=None)
    span = alt.X("from:Q", scale=across, axis=None)
    layers = [
        alt.Chart(data(tracks))
        .mark_rule(color=colour("faint"), strokeWidth=3)
        .encode(x=span, x2=alt.X2("to:Q"), y=down),
        alt.Chart(data(spans))
        .mark_rule(color=colour("accent"), strokeWidth=7, opacity=0.4)
        .encode(x=span, x2=alt.X2("to:Q"), y=down),
        alt.Chart(data(before)).mark_tick(color=colour("muted"), thickness=2, size=18).encode(x=middle, y=down),
        alt.Chart(data(now))
        .mark_point(color=colour("accent"), filled=True, size=90, opacity=1)
        .encode(x=middle, y=down),
        *_lines(spots, mirrored),
    ]
    return _rows([layer for layer in layers if layer.data.values], len(spots))


def _lines(rows: Sequence[Bar] | Sequence[Spot], mirrored: bool) -> Iterator[alt.Chart]:
    """Return the text layers above the bars: names at the start of the line, numbers at its end."""
    import altair as alt

    begins: Any = "right" if mirrored else "left"
    ends: Any = "left" if mirrored else "right"
    down = _down(len(rows))
    for key, side, at, weight in (
        ("name", begins, WIDTH if mirrored else 0, "normal"),
        ("text", ends, 0 if mirrored else WIDTH, "bold"),
    ):
        texts = data([{"row": number, "text": getattr(row, key)} for number, row in enumerate(rows)])
        bold: Any = weight
        yield (
            alt.Chart(texts)
            .mark_text(color=colour("ink"), align=side, dy=NAME_ABOVE, fontSize=13, fontWeight=bold)
            .encode(x=alt.XValue(at), y=down, text=alt.Text("text:N"))
        )


def _down(rows: int) -> alt.Y:
    import altair as alt

    return alt.Y("row:Q", scale=alt.Scale(domain=[-0.7, rows - 0.6], nice=False, reverse=True), axis=None)


def _rows(layers: Sequence[alt.Chart], rows: int) -> Specification:
    import altair as alt

    size = {"width": WIDTH, "height": round(ROW * (rows + 0.1))}
    return finished(alt.layer(*layers, **size), "rows", left=2, right=2, top=4)
