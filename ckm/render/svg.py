"""Render a chart specification as SVG for a page: with text elements, without a fixed size, with unique ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from ckm.plaintext import harmless_in_page, one_line
from ckm.render.chart_look import LOOK, ON_FIELD
from ckm.render.charts import MOST_MARKS, marks

_NAMESPACE = re.compile(r"\{[^}]*\}")
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = frozenset({"font-family", "pointer-events", "role", "version", "class", "width", "height"})
"""Parts that are removed: fonts (the reader's apply), shape labels (a chart is one image for screen readers), and sizes
(the page's apply)."""
_BARE = frozenset({"rect", "image", "use", "svg", "pattern"})
"""Elements that keep their width and height."""


def draw(specification: Mapping[str, Any], *, name: str, label: str) -> str:
    """Return the chart as an ``<svg>`` element for HTML.

    Parameters
    ----------
    specification
        Vega-Lite specification with its data; nothing is downloaded.
    name
        Name of the chart, unique on the page. It is the prefix of all ids in the drawing, because Vega uses the same
        ids (``clip0``) in each drawing.
    label
        Text for screen readers.

    Raises
    ------
    ValueError
        More than :data:`ckm.render.charts.MOST_MARKS` data points, or an external image.
    """
    drawn = marks(specification)
    if drawn > MOST_MARKS:
        raise ValueError(f"chart {name!r} has {drawn} marks; at most {MOST_MARKS} can be read: aggregate first")
    import vl_convert

    # A control character in a label is invalid XML, and the library would abort the process.
    harmless = _harmless(specification)
    # Descriptions are removed, because Vega evaluates them as expressions, with the escapes in them.
    harmless["config"] = {**harmless.get("config", {}), "aria": False}
    text = vl_convert.vegalite_to_svg(harmless, allowed_base_urls=[])
    look = specification.get("usermeta", {}).get(LOOK)
    return _cleaned(text, name, harmless_in_page(label), f"chart {look}" if look else "chart")


def _harmless(value: Any) -> Any:
    """Return a specification with all texts of data and axes escaped."""
    match value:
        case str():
            return harmless_in_page(one_line(value))
        case Mapping():
            return {_harmless(key): _harmless(each) for key, each in value.items()}
        case list() | tuple():
            return [_harmless(each) for each in value]
        case _:
            return value


def _cleaned(text: str, name: str, label: str, style: str) -> str:
    root = ElementTree.fromstring(text)
    names = {old: f"{name}-{number}" for number, old in enumerate(_ids(root))}
    view = root.get("viewBox", "")
    _tidy(root, names)
    root.attrib = {"viewBox": view, "role": "img", "aria-label": label, "class": style}
    # no <title>: browsers would show it as a tooltip everywhere on the chart
    return ElementTree.tostring(root, encoding="unicode")


def _ids(root: ElementTree.Element) -> list[str]:
    # number ids in drawing order, because Vega continues its numbers within a process
    return [element.attrib["id"] for element in root.iter() if "id" in element.attrib]


def _tidy(element: ElementTree.Element, names: Mapping[str, str]) -> None:
    element.tag = _NAMESPACE.sub("", element.tag)
    if element.tag == "image":
        raise ValueError("a chart may show no image: it would be fetched from elsewhere")
    keep = {"width", "height"} if element.tag in _BARE else set()
    if _is_label_group(element):
        keep.add("class")
        element.set("class", "label")
    attributes = {}
    for key, value in element.attrib.items():
        plain = _NAMESPACE.sub("", key)
        if (plain in _DROPPED and plain not in keep) or plain.startswith("aria-"):
            continue
        if plain == "id":
            value = names[value]
        value = _REFERENCE.sub(lambda found: f"url(#{names[found[1]]})", value)
        attributes[plain] = _shortened(value) if plain in {"d", "transform", "x2", "y2"} else value
    element.attrib = attributes
    for child in list(element):
        if _is_nothing(child):
            element.remove(child)
        else:
            _tidy(child, names)


def _is_label_group(element: ElementTree.Element) -> bool:
    # text on a coloured field has no halo, which would cover the field
    group = element.get("class", "")
    return group.startswith("mark-text role-mark") and ON_FIELD not in group


def _is_nothing(element: ElementTree.Element) -> bool:
    # Vega's invisible frames of groups, and its empty background
    if element.get("fill") == "transparent":
        return True
    return element.get("class") in {"background", "foreground"} and "stroke" not in element.attrib


def _shortened(value: str) -> str:
    return _NUMBER.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), value)
