"""Shops with few data have a shorter report, with reasons for missing sections and without unfounded actions."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from random import Random

import polars as pl
import pytest

from ckm._loyalty.document import loyalty_document
from ckm._loyalty.words import load_words
from ckm.loyalty import loyalty
from ckm.metrics.next_steps import next_steps
from ckm.metrics.report import LoyaltyReport
from ckm.names import LANGUAGES
from ckm.render.markdown import render_mail
from ckm.render.page import render_page

Rows = list[tuple[str, date, float]]
pytestmark = pytest.mark.slow
LAST = date(2026, 6, 29)


def bought(who: str, first: date, every: int, dice: Random, until: date = LAST) -> Rows:
    days = (first + timedelta(number) for number in range(0, (until - first).days + 1, every))
    return [(who, day, round(dice.uniform(5, 80), 2)) for day in days]


def one_month() -> Rows:
    dice = Random(3)
    return [row for who in range(20) for row in bought(f"c{who}", date(2026, 6, 1 + who % 9), 11 + who, dice)]


def one_customer() -> Rows:
    return bought("only", date(2025, 1, 3), 30, Random(3))


def no_repeat() -> Rows:
    return [row for who in range(300) for row in bought(f"c{who}", LAST - timedelta(who), 999, Random(who))]


def companies() -> Rows:
    dice = Random(5)
    return [row for who in range(40) for row in bought(f"firm{who}", date(2023, 6, 1 + who % 20), 30, dice)]


def fourteen_months() -> Rows:
    dice = Random(7)
    return [row for who in range(80) for row in bought(f"c{who}", date(2025, 5, 1 + who % 28), 9 + who % 30, dice)]


def report_on(rows: Rows, folder: Path) -> LoyaltyReport:
    path = folder / "orders.csv"
    pl.DataFrame(rows, schema=["customer_id", "ordered_at", "net"], orient="row").write_csv(path)
    return loyalty(path).report


@pytest.mark.parametrize("shop", [one_month, one_customer, no_repeat, companies])
def test_a_thin_shop_gets_a_page_in_every_language_without_invented_actions(shop: object, tmp_path: Path) -> None:
    report = report_on(shop(), tmp_path)  # type: ignore[operator]
    for lang in LANGUAGES:
        document = loyalty_document(report, lang)
        assert document.title.strip("\u2068\u2069") == "orders.csv"
        assert 1 <= len(document.findings.sentences) <= 3  # type: ignore[union-attr]
        assert all(len(each.blocks) == 1 for each in document.sections if each.absent)
        assert render_mail(document).count("\n") <= 60
        assert render_page(document)
    assert sum(each.absent for each in document.sections) >= 2
    assert all((step.metric.n or 0) >= 5 for step in next_steps(report.metrics))
    if shop in (one_month, one_customer):
        assert document.actions is None


def test_a_year_that_has_no_earlier_one_gives_way_to_half_a_year_of_equal_length(tmp_path: Path) -> None:
    report = report_on(fourteen_months(), tmp_path)
    assert (report.shortened_from, report.data_begin) == (12, date(2025, 5, 1))
    assert str(report.period) == "2025-12-30 to 2026-06-29"
    assert report.compared.days == report.period.days
    assert report.days == (182, 182)
    assert "May" in loyalty_document(report).lead
    assert report.metrics.get("revenue").previous is not None  # type: ignore[union-attr]
    assert load_words("en").say("lead.season") in loyalty_document(report).lead
    named = loyalty(tmp_path / "orders.csv", period="12mo").report
    assert (named.shortened_from, named.days, named.period.days) == (None, None, 365)


def test_nobody_is_called_reactivated_where_the_data_begin_with_the_comparison_period(tmp_path: Path) -> None:
    dice = Random(7)
    year = [row for who in range(80) for row in bought(f"c{who}", date(2025, 7, 1 + who % 28), 9 + who % 30, dice)]
    report = report_on(year, tmp_path)
    page = render_page(loyalty_document(report))
    assert any(each.reason == "no_earlier_purchases" for each in report.missing)
    assert "Reactivated customers are not known" in page
    assert "0 reactivated" not in page
