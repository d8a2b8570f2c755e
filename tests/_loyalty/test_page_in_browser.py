"""The page in Chromium: number of printed pages, use of the width, wide tables, and accessibility."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from ckm.names import LANGUAGES
from tests._loyalty.example_loyalty import example_page
from tests.render.browser import Browser, browser, find_chromium

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_chromium() is None, reason="needs Chromium"),
]
MOST_SHEETS = 8
PAGES = re.compile(rb"/Type\s*/Page\b(?!s)")
SIDE_BY_SIDE = """[...document.querySelectorAll("main > section")].filter(section => {
  const figures = [...section.querySelectorAll(":scope > figure")];
  const tops = figures.map(each => Math.round(each.getBoundingClientRect().top));
  return new Set(tops).size < tops.length;
}).length"""
CUT = """[...document.querySelectorAll(".scroll")]
  .filter(each => each.clientWidth && each.scrollWidth > each.clientWidth + 1)
  .map(each => getComputedStyle(each).backgroundImage)"""


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened


def written(folder: Path, lang: str) -> Path:
    page = folder / f"{lang}.html"
    page.write_text(example_page(lang), encoding="utf-8")
    return page


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_printed_on_eight_sheets_at_most_and_the_first_is_the_managers(
    tab: Browser, tmp_path: Path, lang: str
) -> None:
    paper = tmp_path / "report.pdf"
    tab.open(written(tmp_path, lang), width=1280)
    tab.paper(paper)
    assert 2 <= len(PAGES.findall(paper.read_bytes())) <= MOST_SHEETS
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.value("getComputedStyle(document.querySelector('nav + section')).breakBefore") == "page"
    tab.call("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("lang", ["en", "fa"])
def test_a_desk_shows_charts_side_by_side_and_a_phone_one_below_the_other(
    tab: Browser, tmp_path: Path, lang: str
) -> None:
    page = written(tmp_path, lang)
    tab.open(page, width=1280)
    assert tab.value(SIDE_BY_SIDE) >= 4
    assert tab.value("document.querySelector('main').getBoundingClientRect().width") > 1100
    tab.open(page, width=390)
    assert tab.value(SIDE_BY_SIDE) == 0


def test_a_table_that_is_wider_than_a_phone_has_a_shadow_where_it_goes_on(tab: Browser, tmp_path: Path) -> None:
    tab.open(written(tmp_path, "de"), width=390)
    shadows = tab.value(CUT)
    assert shadows
    assert all(each.count("linear-gradient") == 4 for each in shadows)


@pytest.mark.parametrize(("lang", "dark", "width"), [("en", False, 1280), ("fa", True, 1280), ("de", True, 390)])
def test_axe_finds_nothing_serious(tab: Browser, tmp_path: Path, lang: str, dark: bool, width: int) -> None:
    tab.open(written(tmp_path, lang), width=width, dark=dark)
    tab.value(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found: dict[str, Any] = tab.call(
        "Runtime.evaluate",
        expression="axe.run(document).then(found => JSON.stringify("
        "[found.passes.map(each => each.id), found.violations.map("
        "each => [each.id, each.impact, each.nodes.map(node => node.html.slice(0, 80)).slice(0, 3)])]))",
        awaitPromise=True,
        returnByValue=True,
    )
    passed, violations = json.loads(found["result"]["value"])
    assert {"color-contrast", "html-has-lang", "list", "svg-img-alt"} <= set(passed)
    assert [each for each in violations if each[1] in {"serious", "critical"}] == []
