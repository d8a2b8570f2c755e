"""Charts: specifications contain all data, within the limit of readable marks."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest

from ckm.render.charts import MOST_MARKS, Axis, ChartLine, Dots, Interval, dot_chart, line_chart, marks
from ckm.render.svg import draw

SHARE = Axis("Share", ".0%", (0.0, 1.0))


def line(points: int) -> ChartLine:
    return ChartLine("", tuple((number / points, number / points) for number in range(points)))


def values(specification: Any, key: str) -> list[float]:
    found = [row[key] for row in specification.get("data", {}).get("values", []) if key in row]
    return found + [each for layer in specification.get("layer", []) for each in values(layer, key)]


def test_every_point_of_the_table_is_in_the_chart() -> None:
    points = [Interval(0.1, 0.2, 0.15, 0.25), Interval(0.5, 0.4, 0.3, 0.5)]
    chart = line_chart([ChartLine("all", ((0, 0), (1, 1)))], SHARE, SHARE, points=points)
    assert values(chart, "low") == [0.15, 0.3, 0.15, 0.3]
    assert values(chart, "x")[:2] == [0, 1]


def test_a_line_is_labelled_beside_its_points() -> None:
    chart = line_chart([ChartLine("ours", ((0, 0), (0.5, 0.8), (1, 1)), named_at=1)], SHARE, SHARE)
    (name,) = [layer["data"]["values"][0] for layer in chart["layer"] if layer["mark"]["type"] == "text"]
    assert name == {"x": 0.5, "y": 0.8, "text": "ours"}


def test_the_subject_of_a_chart_is_drawn_on_top() -> None:
    chart = line_chart([line(2), ChartLine("", ((0, 1), (1, 0)), "muted")], SHARE, SHARE)
    assert [layer["mark"]["color"] for layer in chart["layer"]] == ["var(--muted)", "var(--accent)"]


@pytest.mark.slow
def test_categories_keep_their_order() -> None:
    names = ["zeta", "alpha", "mid"]
    chart = dot_chart([Dots(name, (), 0.5, "0.5") for name in names], SHARE)
    drawn = [text.text for text in ElementTree.fromstring(draw(chart, name="dots", label="Dots")).iter("text")]
    assert [text for text in drawn if text in names] == names


@pytest.mark.slow
def test_a_chart_with_too_many_marks_is_refused() -> None:
    most = line_chart([line(MOST_MARKS)], SHARE, SHARE)
    assert marks(most) == MOST_MARKS
    assert "<svg" in draw(most, name="most", label="Most")
    with pytest.raises(ValueError, match="aggregate first"):
        draw(line_chart([line(MOST_MARKS + 1)], SHARE, SHARE), name="more", label="More")


def test_ids_differ_between_charts_of_a_page_and_are_equal_when_drawn_again() -> None:
    clipped = dict(line_chart([line(3)], SHARE, SHARE))
    clipped["layer"][0]["mark"]["clip"] = True
    first, again = (draw(clipped, name="one", label="One") for _ in range(2))
    assert first == again
    assert 'id="one-0"' in first
    assert "url(#one-0)" in first
    assert "url(#two-0)" in draw(clipped, name="two", label="Two")


def test_a_drawing_has_no_fixed_size() -> None:
    root = ElementTree.fromstring(draw(line_chart([line(3)], SHARE, SHARE), name="free", label="Free"))
    assert set(root.attrib) == {"viewBox", "role", "aria-label", "class"}


def test_an_external_image_is_refused() -> None:
    picture = {"data": {"values": [{"u": "data:,"}]}, "mark": "image", "encoding": {"url": {"field": "u"}}}
    with pytest.raises(ValueError, match="image"):
        draw(picture, name="picture", label="Picture")


def test_external_data_are_not_downloaded() -> None:
    away = {"data": {"url": "https://example.invalid/data.csv"}, "mark": "point"}
    with pytest.raises(ValueError, match="not allowed"):
        draw(away, name="away", label="Away")
