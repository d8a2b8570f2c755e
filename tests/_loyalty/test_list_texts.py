"""Texts of the audience lists: sentences and words that a mail tool can merge, in every language."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ckm._loyalty.export import export_customers
from ckm._loyalty.list_texts import ListTexts, in_words, plain
from ckm._loyalty.numbers import Numbers
from ckm._loyalty.words import load_words
from ckm.metrics.customer_columns import list_audiences
from ckm.names import LANGUAGES
from tests._loyalty.test_export import known
from tests.metrics.rows import SCHEMA, START, context, row

ROW: dict[str, Any] = {
    "loyalty_rule": "behaviour",
    "reason": "open_complaint",
    "risk_level": "urgent",
    "current_value": 120.5,
    "potential_value": 4000.0,
    "gap_last_days": 90,
    "first_purchase": date(2025, 3, 21),
    "last_purchase": date(2026, 6, 30),
    "second_order_due_until": date(2026, 7, 31),
}
LISTS = [each.name for each in list_audiences()]
UNMERGEABLE = re.compile(r"[<>{}\u200e\u200f\u2060\u2066-\u2069\xa0]|_")


def texts(lang: str, calendar: str = "gregorian") -> ListTexts:
    words = load_words(lang)
    return ListTexts(words, Numbers(words.locale, "EUR", calendar))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", LISTS)
def test_a_reason_is_a_sentence_without_codes_and_markup(name: str, lang: str) -> None:
    text = texts(lang).reason(name, ROW)
    assert len(text) >= 5
    assert not UNMERGEABLE.search(text)
    assert "–" not in text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("at-risk", "Open complaint. Last purchase on June 30, 2026."),
        ("reactivated", "Bought again on June 30, 2026, after 90 days without a purchase."),
        ("headroom", "Worth €120.50 a year; similar customers are worth up to €4,000."),
        (
            "second_order_due",
            "First order on March 21, 2025, no second order yet; most second orders come by July 31, 2026.",
        ),
    ],
)
def test_the_reason_names_what_put_the_customer_in_the_list(name: str, expected: str) -> None:
    assert texts("en").reason(name, ROW) == expected


def test_without_a_churn_reason_the_level_of_the_warning_is_named() -> None:
    assert texts("en").reason("at-risk", ROW | {"reason": None}) == "Urgent. Last purchase on June 30, 2026."


def test_a_date_in_a_sentence_is_of_the_calendar_of_the_report() -> None:
    assert texts("fa", "persian").reason("one-time", ROW) == "یک خرید، در ۱ فروردین ۱۴۰۴."
    assert "2568" in texts("th", "buddhist").reason("one-time", ROW)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tea", "tea"),
        ("green_tea", "green tea"),
        ("Tea, 100 g", "Tea, 100 g"),
        ("茶100克", "茶100克"),
        ("茶", "茶"),
        ("  Tea \n pot ", "Tea pot"),
        ("TEA-GRN", None),
        ("SKU0042", None),
        ("4711", None),
        ("b0-12.7", None),
        ("<b>Tea</b>", None),
        ("{{name}}", None),
        ("*|FNAME|*", None),
        ("%%x%%", None),
        ("---", None),
        ("", None),
        (None, None),
    ],
)
def test_a_product_is_named_in_words_or_not_at_all(name: str | None, words: str | None) -> None:
    assert in_words(name) == words


def test_plain_text_has_no_marks_of_direction() -> None:
    assert plain("\u2066\u200e€\xa012\u2069 a") == "€ 12 a"


@pytest.mark.slow
def test_the_lists_end_with_the_texts_and_a_formula_in_a_product_is_disarmed(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = []
    for gap in range(1, 41):
        rows += [(*row(f"back {gap:02}", 0), "=a b"), (*row(f"back {gap:02}", gap), "=SUM(x y)")]
    rows += [(*row("due", 380), "=a b"), (*row("code", 380), "A-17"), (*row("late", 400), "tea pot")]
    schema: dict[str, Any] = {**SCHEMA, "product_id": pl.String}
    data = {"transactions": pl.LazyFrame(rows, schema=schema, orient="row")}
    of = context(data, as_of=START + timedelta(400))
    export_customers(of, known(of), tmp_path, lang="de")
    listed = {
        each["customer_id"]: each for each in pl.read_csv(tmp_path / "second_order_due.csv").iter_rows(named=True)
    }
    assert set(listed) == {"due", "code"}
    assert listed["due"]["likely_product"] == "'=SUM(x y)"
    assert listed["due"]["product_text"] == "'=SUM(x y)"
    assert listed["code"]["product_text"] is None
    first = "Erste Bestellung am 15. Januar 2025, noch keine zweite; "
    assert all(each["reason_text"].startswith(first) for each in listed.values())
    once = {each["customer_id"]: each for each in pl.read_csv(tmp_path / "one-time.csv").iter_rows(named=True)}
    assert once["late"]["product_text"] == "tea pot"
    assert once["late"]["reason_text"] == "Ein Kauf, am 4. Februar 2025."
