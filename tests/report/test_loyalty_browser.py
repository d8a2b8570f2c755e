"""The page as a browser shows it: nothing to complain of, nothing asked for, nothing beyond the edge of a screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from ckm.report.words import LANGUAGES
from tests.report.browser import browser, find_chromium
from tests.report.example_loyalty import example_page

needs_chromium = pytest.mark.skipif(find_chromium() is None, reason="no chromium here; Debian's package has one")
SCREENS = (390, 1280)
ON_A_DESK = ("en", "de", "fa")
OUTSIDE = """[...document.querySelectorAll("svg.chart text, h1, h2, h3, p, dd, dt")].filter(each => {
  if (each.closest("details:not([open])")) return false;
  const box = each.getBoundingClientRect();
  return box.width && (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5);
}).map(each => each.textContent)"""
"""Texts that run over an edge, which a page that hides its overflow would not tell of."""


@pytest.mark.slow
@needs_chromium
def test_no_complaint_no_request_and_no_scrolling_sideways_in_any_language(tmp_path: Path) -> None:
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
