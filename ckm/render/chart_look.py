"""Common parts of all charts: colours by role, axes, and the final specification."""

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
"""Width of the plot with its axes, in pixels; the page scales it."""
HEIGHT = 300
Tone = Literal["accent", "ink", "muted", "faint"]
"""Role of a colour: subject, comparison, background, or rule."""
ON_FIELD = "on_field"
"""Part of the name of text layers that are drawn on coloured areas."""
LOOK = "look"
"""Key of a specification with the style name of the chart, which the stylesheet of the page uses."""
STEPS = (1, 2, 2.5, 5, 10)
"""Distances between ticks, to be multiplied by a power of ten."""
MOST_TICKS = 5


@dataclass(frozen=True)
class Ruler:
    """A numeric axis with ticks formatted in the report's language.

    Attributes
    ----------
    title
        Title of the axis; empty if the headline names the unit.
    ticks
        Positions and labels of ticks.
    low, high
        Ends of the axis.
    """

    title: str
    ticks: tuple[tuple[float, str], ...]
    low: float
    high: float


def ruler(values: Sequence[float], write: Callable[[float], str], title: str = "", *, margin: float = 0.0) -> Ruler:
    """Return an axis that contains zero and all values, with ticks at round numbers.

    Parameters
    ----------
    values
        Values of the chart; may be empty.
    write
        Function that formats a tick.
    title
        Title of the axis.
    margin
        Length of the axis beyond the values, for labels, as a share of the range of values.
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
        low - margin * span * (low < 0),
        (high or 1.0) + margin * span,
    )


def data(rows: list[dict[str, Any]]) -> Any:
    """Return rows as inline data of a Vega-Lite specification."""
    import altair as alt

    return alt.Data(values=rows)


def colour(tone: Tone) -> Any:
    """Return the CSS variable of a role, so that one chart works in light mode, dark mode and print."""
    return f"var(--{tone})"


def scale(axis: Ruler, *, reverse: bool = False) -> Any:
    """Return the scale of an axis; reversed for right-to-left languages."""
    import altair as alt

    return alt.Scale(domain=[axis.low, axis.high], nice=False, zero=False, reverse=reverse)


def numbers_axis(axis: Ruler, *, grid: bool, side: str = "") -> Any:
    """Return the altair axis for a :class:`Ruler`, with its ticks and labels."""
    import json

    import altair as alt

    # an array, not an object: its values are numbers, so that the text of a tick is never an expression
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
    """Disable altair's validation of chart parts; tests validate whole charts.

    Validating each part takes as long as everything else in a chart.
    """
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):
        yield


def finished(chart: alt.LayerChart, look: str = "", **padding: int) -> Specification:
    """Return the Vega-Lite specification of a chart, with the configuration that all charts share.

    Parameters
    ----------
    chart
        Chart with its data.
    look
        Name of this kind of chart in the page's stylesheet; empty for the default.
    padding
        Padding around the plot, in pixels.
    """
    import altair as alt

    chart.config = alt.Config(**_look())  # same as chart.configure(), which would first copy the chart with its data
    specification: dict[str, Any] = chart.to_dict(validate=False)
    specification.pop("$schema", None)  # this URL is never opened
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
        # above the axis and horizontal, because rotated titles are hard to read
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
