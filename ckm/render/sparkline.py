"""A small line of values over time, without axes: the trend of a key figure."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ckm.plaintext import harmless_in_page

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT, EDGE = 120, 28, 3
"""Size of the drawing, and width of the margin around the line for its last point."""
FEWEST_POINTS = 3


def sparkline(values: Sequence[float], *, label: str, mirrored: bool = False) -> str:
    """Return the values as a line in an ``<svg>`` element, scaled from zero to the largest; "" for fewer than three.

    Parameters
    ----------
    values
        Values in the order of time.
    label
        Text for screen readers.
    mirrored
        Whether time runs from right to left.
    """
    if len(values) < FEWEST_POINTS:
        return ""
    low, high = min(0.0, *values), max(0.0, *values)
    span, last = (high - low) or 1.0, len(values) - 1
    across = [EDGE + (WIDTH - 2 * EDGE) * number / last for number in range(len(values))]
    points = [
        (f"{WIDTH - x if mirrored else x:.1f}", f"{EDGE + (HEIGHT - 2 * EDGE) * (high - value) / span:.1f}")
        for x, value in zip(across, values, strict=True)
    ]
    drawing = ElementTree.Element(
        "svg",
        {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "aria-label": harmless_in_page(label), "class": "trend"},
    )
    line = {"points": " ".join(",".join(point) for point in points), "fill": "none", "stroke": "var(--accent)"}
    ElementTree.SubElement(drawing, "polyline", line | {"stroke-width": "2", "stroke-linejoin": "round"})
    ElementTree.SubElement(
        drawing, "circle", {"cx": points[-1][0], "cy": points[-1][1], "r": "3", "fill": "var(--accent)"}
    )
    return ElementTree.tostring(drawing, encoding="unicode")
