"""What all charts share: the roles of colours, how an axis looks, how a specification is finished."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from math import floor, log10
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import altair as alt

    Specification = Mapping[str, Any]

WIDTH = 560
"""Of the plot with its axes, in pixels; the page scales it."""
HEIGHT = 300
Tone = Literal["accent", "ink", "muted", "faint"]
"""Role of a colour: what the chart is about, what it is compared with, what is beside the point, what is a rule."""
ON_FIELD = "on_field"
"""Part of the name of a layer of text that lies on fields of colour."""
LOOK = "look"
"""Key of what the page's style calls a chart."""
STEPS = (1, 2, 2.5, 5, 10)
"""Distances of ticks that people read easily, times a power of ten."""
MOST_TICKS = 5


@dataclass(frozen=True)
class Ruler:
    """An axis of numbers that bears them as a language writes them.

    Attributes
    ----------
    title
        Title of the axis; empty where the headline names it.
    ticks
        Positions and labels of ticks.
    low, high
        From and to.
    """

    title: str
    ticks: tuple[tuple[float, str], ...]
    low: float
    high: float


def ruler(values: Sequence[float], write: Callable[[float], str], title: str = "", *, room: float = 0.0) -> Ruler:
    """Return an axis that holds zero and all values, with ticks at round numbers.

    Parameters
    ----------
    values
        What is drawn; may be empty.
    write
        How a tick is written.
    title
        Of the axis.
    room
        Share of the axis that is left free beyond the values, for what is written beside them.
    """
    low, high = min(0.0, *values, 0.0), max(0.0, *values, 0.0)
    span = (high - low) or 1.0
    power = 10.0 ** floor(log10(span / MOST_TICKS))
    step = next(each * power for each in STEPS if span / (each * power) <= MOST_TICKS)
    first, last = floor(low / step + 1e-9), floor(high / step + 1e-9)
    ticks = tuple(round(number * step, 10) for number in range(first, last + 1) if number * step >= low - 1e-9)
    return Ruler(
        title,
        tuple((each, write(each)) for each in ticks),
        low - room * span * (low < 0),
        (high or 1.0) + room * span,
    )


def data(rows: list[dict[str, Any]]) -> Any:
    """Return rows as the data of a chart."""
    import altair as alt

    return alt.Data(values=rows)


def colour(tone: Tone) -> Any:
    """Return the CSS variable of a role, so that one drawing serves light, dark and paper."""
    return f"var(--{tone})"


def scale(axis: Ruler, *, reverse: bool = False) -> Any:
    """Return the scale of an axis; reversed where a language runs from right to left."""
    import altair as alt

    return alt.Scale(domain=[axis.low, axis.high], nice=False, zero=False, reverse=reverse)


def numbers_axis(axis: Ruler, *, grid: bool, side: str = "") -> Any:
    """Return the axis that bears a ruler's own numbers."""
    import json

    import altair as alt

    # an array, not an object: its places are numbers, and no text of a tick is ever read as an expression
    places = json.dumps([place for place, _ in axis.ticks])
    texts = json.dumps([text for _, text in axis.ticks])
    orient: Any = side or alt.Undefined
    return alt.Axis(
        values=[place for place, _ in axis.ticks],
        labelExpr=f"{texts}[indexof({places}, datum.value)]",
        grid=grid,
        orient=orient,
    )


@contextmanager
def unchecked() -> Iterator[None]:
    """Let altair take the parts of charts as they are: the tests hold whole charts against the schema of all charts.

    Checking each part when it is made takes as long as all else that makes a chart.
    """
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        yield


def finished(chart: alt.LayerChart, look: str = "", **padding: int) -> Specification:
    """Return the specification of a chart in the page's look.

    Parameters
    ----------
    chart
        With its data in it.
    look
        What the page's style calls charts of this kind, where it treats them differently; empty for none.
    padding
        Around the plot, in pixels.
    """
    import altair as alt

    chart.config = alt.Config(**_look())  # as chart.configure() does, which copies the chart and all of its data first
    specification: dict[str, Any] = chart.to_dict(validate=False)
    specification.pop("$schema", None)  # a URL that is never opened
    if look:
        specification["usermeta"] = {LOOK: look}
    if padding:
        specification["padding"] = {"left": 4, "right": 14, "top": 14, "bottom": 4} | padding
    return specification


def _look() -> dict[str, Any]:
    ink, muted, faint = (colour(tone) for tone in ("ink", "muted", "faint"))
    return {
        "background": "transparent",
        "padding": {"left": 4, "right": 14, "top": 14, "bottom": 4},
        "view": {"stroke": None},
        "axis": {
            "domainColor": faint,
            "gridColor": faint,
            "gridOpacity": 0.6,
            "labelColor": muted,
            "labelFontSize": 12,
            "labelPadding": 8,
            "labelLimit": 220,
            "ticks": False,
            "titleColor": muted,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "titlePadding": 10,
        },
        "axisX": {"domain": True},
        # above the axis and level: a title on its side is read by nobody
        "axisY": {
            "domain": False,
            "titleAngle": 0,
            "titleAlign": "left",
            "titleBaseline": "bottom",
            "titleX": 0,
            "titleY": -12,
        },
        "text": {"color": ink},
    }
