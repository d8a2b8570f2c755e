"""Chart of small trees side by side: circles of parties, joined by lines."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from ckm.render.chart_look import WIDTH, Tone, colour, data, finished

if TYPE_CHECKING:
    from collections.abc import Sequence

    import altair as alt

    from ckm.render.chart_look import Specification

COLUMNS = 3
HEIGHT = 220
"""Height of a tree with its two lines of text, in pixels."""
CENTRE = 92
"""Distance of a root from the top of its tree."""
TEXT_AT = 186
LONGEST_TITLE = 24
"""Maximum number of characters of a title; a longer one is cut with an ellipsis."""


@dataclass(frozen=True)
class TreeNode:
    """A circle at a position relative to the root, in pixels."""

    x: float
    y: float
    radius: float
    tone: Tone


@dataclass(frozen=True)
class TreeEdge:
    """A line between two positions relative to the root, in pixels."""

    x: float
    y: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Tree:
    """A tree with a title and a line of text below it."""

    title: str
    text: str
    nodes: tuple[TreeNode, ...]
    edges: tuple[TreeEdge, ...]


def tree_chart(trees: Sequence[Tree]) -> Specification:
    """Return a chart of trees in rows of three, each drawn around its root."""
    import altair as alt

    height = HEIGHT * ceil(len(trees) / COLUMNS)
    width = WIDTH / COLUMNS

    def at(field: str, end: float) -> alt.X | alt.Y:
        scale = alt.Scale(domain=[0, end], nice=False, zero=False, reverse=field.startswith("y"))
        return (alt.X if field.startswith("x") else alt.Y)(f"{field}:Q", scale=scale, axis=None)

    lines, circles, titles, texts = [], [], [], []
    for number, tree in enumerate(trees):
        left, top = (number % COLUMNS + 0.5) * width, number // COLUMNS * HEIGHT
        lines += [
            {"x": left + each.x, "y": top + CENTRE + each.y, "x2": left + each.x2, "y2": top + CENTRE + each.y2}
            for each in tree.edges
        ]
        circles += [
            {
                "x": left + each.x,
                "y": top + CENTRE + each.y,
                "size": round(3.1416 * each.radius**2, 1),
                "tone": colour(each.tone),
            }
            for each in tree.nodes
        ]
        title = tree.title if len(tree.title) <= LONGEST_TITLE else f"{tree.title[: LONGEST_TITLE - 1]}…"
        titles.append({"x": left, "y": top + TEXT_AT, "text": title})
        texts.append({"x": left, "y": top + TEXT_AT + 17, "text": tree.text})
    x, y = at("x", WIDTH), at("y", height)
    layers = (
        alt.Chart(data(lines)).mark_rule(color=colour("muted"), strokeWidth=1).encode(x=x, y=y, x2="x2:Q", y2="y2:Q"),
        alt.Chart(data(circles))
        .mark_point(filled=True, opacity=1)
        .encode(x=x, y=y, size=alt.Size("size:Q", scale=None), color=alt.Color("tone:N", scale=None)),
        alt.Chart(data(titles))
        .mark_text(color=colour("ink"), fontSize=13, fontWeight="bold")
        .encode(x=x, y=y, text="text:N"),
        alt.Chart(data(texts)).mark_text(color=colour("muted"), fontSize=12).encode(x=x, y=y, text="text:N"),
    )
    return finished(alt.layer(*layers, width=WIDTH, height=height), left=2, right=2, top=2, bottom=2)
