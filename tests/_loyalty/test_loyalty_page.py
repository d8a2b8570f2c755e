"""The page of the loyalty report in six languages: valid HTML, limited in size, safe, and readable in a browser."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

from ckm._loyalty.document import loyalty_document
from ckm._loyalty.words import load_words
from ckm.metrics.metric import Metric, Metrics
from ckm.names import LANGUAGES
from ckm.render.page import render_page
from tests._loyalty.example_loyalty import example_metrics, example_page, example_report
from tests.render.browser import browser, find_chromium
from tests.render.reading import read

pytestmark = pytest.mark.slow  # whichever comes first makes what all look at, in seconds

MOST_BYTES = 500_000
needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no chromium here; Debian's package has one")
SCREENS = (390, 1280)
ON_A_DESK = ("en", "de", "fa")
OUTSIDE = """[...document.querySelectorAll("svg.chart text, h1, h2, h3, p, dd, dt")].filter(each => {
  if (each.closest("details:not([open])")) return false;
  const box = each.getBoundingClientRect();
  return box.width && (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5);
}).map(each => each.textContent)"""
"""Script that returns texts beyond the edge of the page, which hidden overflow would conceal."""


EVIL = "<script>alert(1)</script>"


def page_of(lang: str, **changes: object) -> str:
    return render_page(loyalty_document(example_report(**changes), lang), load_words(lang).page_words())


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_valid_html(lang: str) -> None:
    import html5lib

    html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(example_page(lang))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_stays_within_its_size_and_loads_nothing(lang: str) -> None:
    page = read(example_page(lang))
    assert len(example_page(lang).encode()) <= MOST_BYTES
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "image", "use", "base", "form")
    assert not re.search(r"https?:|@import|url\((?!#)", example_page(lang))
    (html,) = page.all("html")
    assert html.attributes == {"lang": lang, "dir": "rtl" if lang == "fa" else "ltr"}


def test_each_chart_has_a_headline_an_alternative_text_and_a_table() -> None:
    found = read(example_page("de")).all("figure")
    assert len(found) > 10
    for each in found:
        assert each.all("h3")[0].text
        assert each.all("svg")[0].attributes["aria-label"]
        assert each.all("details")[0].all("table")


def test_wide_tables_scroll_in_a_box_that_the_keyboard_reaches() -> None:
    boxes = [
        each for each in read(example_page("en")).all("div") if "scroll" in each.attributes.get("class", "").split()
    ]
    assert boxes
    for box in boxes:
        assert box.attributes["tabindex"] == "0"
        assert box.attributes["aria-label"]


def test_a_name_that_looks_like_markup_is_shown_as_text() -> None:
    evil = [
        Metric("change_by_slice", 500_000.0, (("dimension", "category"), ("value", EVIL))),
        Metric("customers_active", 7.0, (("channel", EVIL),)),
        Metric("reason_value", 1e6, (("reason", EVIL),)),
        Metric("party_customers", 3.0, (("party_type", EVIL),)),
    ]
    loyal = example_report().loyal.with_columns(customer_id=pl.lit(EVIL), display_name=pl.lit(EVIL))
    page = page_of("fa", metrics=Metrics([*example_metrics(), *evil]), loyal=loyal, names=True, label=EVIL)
    tree = read(page)
    assert not tree.all("script")
    assert EVIL not in page
    assert tree.all("body")[0].text.count(EVIL) >= 8


def test_equal_reports_give_equal_pages() -> None:
    assert page_of("th") == example_page("th")


@needs_chromium
def test_the_page_has_no_console_message_no_request_and_no_horizontal_scrolling(tmp_path: Path) -> None:
    with browser(tmp_path) as tab:
        for lang in LANGUAGES:
            page = tmp_path / f"{lang}.html"
            page.write_text(example_page(lang), encoding="utf-8")
            # What fits a desk in short words, in long ones and from the right does so in all; a phone is another thing.
            for width in SCREENS if lang in ON_A_DESK else SCREENS[:1]:
                tab.open(page, width=width, dark=width == SCREENS[0])
                assert tab.complaints() == [], (lang, width)
                assert tab.requests() == [page.as_uri()], (lang, width)
                assert tab.value("document.documentElement.scrollWidth") <= width, (lang, width)
                assert tab.value(OUTSIDE) == [], (lang, width)


NAMES = frozenset(
    {"NPS", "CSAT", "CLV", "AOV", "Gini", "Kaplan", "Meier", "Pareto", "NBD", "MBG", "Gamma", "Boosting", "Gradient"}
)
"""Abbreviations of the field, and names of models."""
FILES = frozenset(
    {"ckm", "loyalty", "report", "explain", "lifecycle", "segment", "value", "controls", "risk", "csv", "network"}
)
"""Parts of commands and of names of files."""
SECOND_ORDER = frozenset({"second", "order", "due", "shop"})
GLOSSES = {"th": frozenset({"Churn", "Cohort", "Detractor", "Promoter", "Guest", "Upsell", "censored", "holdout"}),
           "fa": frozenset({"holdout"})}  # fmt: skip
"""English terms that marketing texts of a language use."""


@pytest.mark.parametrize("lang", ["th", "zh-Hans", "zh-Hant", "fa"])
def test_a_page_in_another_script_has_no_english_but_names_and_commands(lang: str) -> None:
    page = read(example_page(lang))
    labels = (each.attributes.get("aria-label", "") for each in page.all())
    said = " ".join([page.all("body")[0].text, *labels])
    data = {value for metric in example_metrics() for _, value in metric.slice}
    words = {word for word in re.findall(r"[A-Za-z]{3,}", said) if word not in data}
    allowed = NAMES | FILES | SECOND_ORDER | GLOSSES.get(lang, frozenset())
    # the footer names the time zone, the currency and the program
    assert words - allowed - {"Teahouse", "Europe", "Berlin", "EUR"} <= {
        word for code in page.all("code") for word in re.findall(r"[A-Za-z]{3,}", code.text)
    }
