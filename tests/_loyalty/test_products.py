"""Revenue by category and channel: every slice is shown, and what has no category or channel is named."""

from __future__ import annotations

import pytest

from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.products import products_and_channels
from ckm._loyalty.words import load_words
from ckm.metrics.metric import Metric, Metrics
from ckm.names import LANGUAGES
from ckm.render.document import Figure, Text
from tests._loyalty.example_loyalty import example_report

NAMES = ("tea", "coffee", "gifts", "kitchen", "teaware", "sweets", "ceramics", "books")


def by(dimension: str, revenue: dict[str, float]) -> list[Metric]:
    return [
        Metric("revenue_by_slice", value, (("dimension", dimension), ("value", name)), previous=value / 2)
        for name, value in revenue.items()
    ]


def blocks(*metrics: Metric, lang: str = "en") -> list[Figure | Text]:
    report = example_report(metrics=Metrics(metrics))
    found = list(products_and_channels(LocalizedReport(report, load_words(lang))))
    return [each for each in found if isinstance(each, Figure | Text)]


def test_revenue_without_a_category_is_a_bar_beside_eight_categories_and_the_others() -> None:
    revenue = dict.fromkeys(NAMES, 100.0) | {"other": 50.0, "(none)": 4000.0}
    figure = blocks(*by("category", revenue), *by("channel", {"web": 1.0, "till": 1.0}))[0]
    assert isinstance(figure, Figure)
    rows = {row[0]: row[1] for row in figure.table.rows}
    assert rows["Without a category"] == "€4,000.00"
    assert len(rows) == len(revenue)


def test_a_headline_is_of_a_named_category_though_most_revenue_has_none() -> None:
    figure = blocks(*by("category", {"tea": 300.0, "(none)": 4000.0}), *by("channel", {"web": 1.0, "till": 1.0}))[0]
    assert isinstance(figure, Figure)
    assert figure.headline == "By category, tea grew most: €150.00."


@pytest.mark.parametrize("lang", LANGUAGES)
def test_data_without_categories_and_channels_say_so_in_one_line(lang: str) -> None:
    words = load_words(lang)
    absent = [words.say("missing.no_category"), words.say("missing.no_channel")]
    for metrics in ((), by("category", {"(none)": 10.0})):
        (line,) = blocks(*metrics, lang=lang)
        assert isinstance(line, Text)
        assert all(text in line.text for text in absent)


def test_one_channel_alone_is_no_missing_channel() -> None:
    (line,) = blocks(*by("channel", {"web": 10.0}))
    assert line == Text("Revenue by category is not shown, because no row has a category.")
