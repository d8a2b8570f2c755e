"""The HTML page: accessible, one file, without scripts and requests, with all texts escaped."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import itertools
import re
import subprocess
import sys

import pytest

from ckm._churn.card_document import card_document
from ckm.render.charts import Axis, ChartLine, Dots, dot_chart, line_chart
from ckm.render.document import Document, Facts, Figure, Items, KeyFigure, ReportTable, Section, TableColumn, Text
from ckm.render.markdown import render_markdown
from ckm.render.page import PageWords, render_page
from tests._churn.example_card import example_card
from tests.conftest import ROOT
from tests.markup import BAD, ODD
from tests.render.reading import Element, read

MOST_BYTES = 500_000
EVIL = "<script>alert(1)</script>\"&'</svg></style>"
SCRIPTS = ("ลูกค้าใหม่", "长期客户", "مشتریان وفادار")


def figure(name: str = "regular", **changes: object) -> Figure:
    fields: dict[str, object] = {
        "headline": f"{name} rises",
        "description": f"A line of {name}",
        "specification": line_chart(
            [ChartLine(name, ((0, 0), (1, 1)))], Axis(f"{name} x", ".0%"), Axis(f"{name} y", ".0%")
        ),
        "table": ReportTable(
            f"{name} in numbers", (TableColumn(name), TableColumn("Share", numeric=True)), ((name, "10%"),)
        ),
        "note": f"{name} is drawn",
    }
    return Figure(**{**fields, **changes})  # type: ignore[arg-type]


def document(name: str = "regular", **changes: object) -> Document:
    table = ReportTable(
        f"Table of {name}", (TableColumn("Name"), TableColumn("n", numeric=True)), ((name, "3"), ("other", "1"))
    )
    blocks = (Text(f"About {name}"), Items((name,)), Facts(((name, name),)), table, figure(name), figure(name))
    fields: dict[str, object] = {
        "title": f"Report on {name}",
        "lead": f"{name} first",
        "sections": (Section(f"What {name} does", blocks), Section("Empty", ())),
        "key_figures": (KeyFigure("3", name, name),),
        "footer": f"made for {name}",
    }
    return Document(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def card_page() -> str:
    return render_page(card_document(example_card()))


@pytest.fixture(scope="module")
def card(card_page: str) -> Element:
    return read(card_page)


@pytest.mark.slow
def test_the_page_declares_its_language_and_direction() -> None:
    page = read(render_page(document(lang="fa", direction="rtl"))).all("html")[0]
    assert (page.attributes["lang"], page.attributes["dir"]) == ("fa", "rtl")


@pytest.mark.slow
def test_a_page_has_one_title_and_headings_without_gaps(card: Element) -> None:
    levels = [int(heading.tag[1]) for heading in card.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.slow
def test_a_keyboard_can_skip_the_header_and_scroll_wide_tables(card: Element) -> None:
    skip = card.all("a")[0]
    ids = {element.attributes.get("id") for element in card.all()}
    assert skip.attributes["href"].removeprefix("#") in ids
    wide = [element for element in card.all("div") if "scroll" in element.attributes.get("class", "").split()]
    assert len(wide) == len(card.all("table"))
    assert all(each.attributes["tabindex"] == "0" and each.attributes["aria-label"] for each in wide)


def test_each_link_has_a_target_on_the_page_and_ids_are_unique(card: Element) -> None:
    ids = [element.attributes["id"] for element in card.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"].removeprefix("#") for link in card.all("a")} <= set(ids)
    assert {element.attributes["aria-labelledby"] for element in card.all("section", "figure")} <= set(ids)


def test_each_chart_is_a_labelled_image_with_a_table_of_its_numbers(card: Element) -> None:
    figures = card.all("figure")
    assert len(figures) == 3
    assert len(card.all("svg")) == len(figures)
    for each in figures:
        (drawing,) = each.all("svg")
        assert drawing.attributes["role"] == "img"
        assert len(drawing.attributes["aria-label"]) > 20
        assert len(each.all("details")[0].all("table")[0].all("tr")) > 2
        assert each.all("h3")[0].text.endswith(".")


def test_each_cell_has_a_heading_for_its_row_and_its_column(card: Element) -> None:
    for table in card.all("table"):
        assert table.all("caption")[0].text
        assert all(cell.attributes["scope"] == "col" for cell in table.all("thead")[0].all("th"))
        for row in table.all("tbody")[0].all("tr"):
            assert row.children[0].tag == "th"
            assert len(row.children) == len(table.all("thead")[0].all("th"))


def test_a_page_is_within_its_size_limit(card_page: str) -> None:
    assert len(card_page.encode()) < MOST_BYTES / 5


def test_a_page_has_no_script_no_event_handler_and_no_request(card_page: str) -> None:
    page = read(card_page)
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "image", "use", "base", "form")
    for element in page.all():
        assert not [name for name in element.attributes if name.startswith("on") or name in {"src", "style"}]
        assert element.attributes.get("href", "#").startswith("#")
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", card_page)


def test_the_content_security_policy_allows_only_the_style_of_the_page(card: Element) -> None:
    (policy,) = (
        meta.attributes["content"]
        for meta in card.all("meta")
        if meta.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    style = "".join(card.all("style")[0].own_text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'")


@pytest.mark.slow
def test_markup_in_a_name_is_escaped_everywhere_on_the_page() -> None:
    plain, evil = read(render_page(document())), read(render_page(document(EVIL)))
    assert [element.tag for element in evil.all()] == [element.tag for element in plain.all()]
    assert evil.all("main")[0].text.count(EVIL) == plain.all("main")[0].text.count("regular")


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_text_of_a_chart_is_a_text_element_in_any_script(name: str) -> None:
    drawing = read(render_page(document(name))).all("svg")[0]
    assert {text.text for text in drawing.all("text")} >= {name, f"{name} x", f"{name} y"}
    bars = dot_chart([Dots(name, (0.1, 0.2), 0.15, "0.15")], Axis("Share", ".2f"))
    page = render_page(document(sections=(Section("One", (figure(specification=bars),)),)))
    assert name in {text.text for text in read(page).all("svg")[0].all("text")}
    assert "font-family" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_control_characters_and_lone_surrogates_in_a_chart_are_escaped(name: str) -> None:
    page = render_page(document(f"{name}\ud83d"))
    assert not BAD.search(page)
    assert read(page).all("svg")[0].all("text")
    assert {each.tag for each in read(page).all()}.isdisjoint({"script", "img"})


@pytest.mark.slow
def test_equal_documents_give_equal_bytes_after_any_number_of_charts(card_page: str) -> None:
    render_page(document())
    assert render_page(card_document(example_card())) == card_page


@pytest.mark.slow
def test_another_process_gives_the_same_bytes(card_page: str) -> None:
    program = (
        "import sys; sys.stdout.reconfigure(encoding='utf-8', newline='\\n')\n"
        "from tests._churn.example_card import example_card\n"
        "from ckm._churn.card_document import card_document\n"
        "from ckm.render.page import render_page\n"
        "sys.stdout.write(render_page(card_document(example_card())))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, cwd=ROOT)
    assert done.stdout.decode() == card_page


def test_colours_of_a_chart_are_variables_of_the_page(card: Element) -> None:
    colours = {
        element.attributes[name]
        for drawing in card.all("svg")
        for element in drawing.all()
        for name in ("fill", "stroke")
        if name in element.attributes
    }
    defined = set(re.findall(r"(--[a-z]+):", "".join(card.all("style")[0].own_text)))
    assert {colour.removeprefix("var(").removesuffix(")") for colour in colours - {"none"}} <= defined
    assert "var(--accent)" in colours


@pytest.mark.slow
def test_the_fixed_texts_of_the_page_can_be_in_another_language() -> None:
    words = PageWords(**{field.name: f"«{field.name}»" for field in dataclasses.fields(PageWords)})
    page = render_page(document(), words)
    assert all(f"«{field.name}»" in page for field in dataclasses.fields(PageWords))


def test_a_document_without_charts_has_no_drawing() -> None:
    bare = Document("Bare", "Nothing to draw.", (Section("Words", (Text("Some."),)),))
    assert not read(render_page(bare)).all("svg", "dl", "footer")


def test_a_caption_that_repeats_the_title_of_its_section_is_not_shown_again() -> None:
    table = ReportTable("Orders", (TableColumn("Name"), TableColumn("n", numeric=True)), (("tea", "3"),))
    shown = document(sections=(Section("Orders", (table,)), Section("Sales", (table,))))
    repeated, other = read(render_page(shown)).all("caption")
    assert (repeated.text, repeated.attributes) == ("Orders", {"class": "unseen"}), "for who listens to the page"
    assert (other.text, other.attributes) == ("Orders", {})
    assert [line for line in render_markdown(shown).splitlines() if "Orders" in line] == ["## Orders", "Orders"]


def test_a_table_whose_rows_do_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="2 cells"):
        ReportTable("Off", (TableColumn("a"), TableColumn("b")), (("1",),))
