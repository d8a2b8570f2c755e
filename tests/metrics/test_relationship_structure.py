"""Metrics of the relationship structure equal the roll-ups of ``ckm network``, and hide small groups."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ckm._loyalty.document import loyalty_document
from ckm.loyalty import loyalty
from ckm.metrics.report import LoyaltyReport
from ckm.names import LANGUAGES
from ckm.network import network
from ckm.render.document import Section
from tests._network.shop import AS_OF, sales, workspace

DAY = date.fromisoformat(AS_OF)
BUYERS = [f"b{number}" for number in range(8)]
CUSTOMERS = "\n".join(
    [
        "north,Nordhandel,distributor,DE,trade,,",
        *(f"{who},Firm {who},company,DE,{'food' if who < 'b6' else 'law'},," for who in BUYERS),
        "ann,Ann Arbor,person,DE,,,",
    ]
)
RELATIONSHIPS = "\n".join(
    [
        *(f"{who},buys through,north,," for who in BUYERS),
        *(f"{who}x,works at,{who},," for who in BUYERS[:6]),
        *(f"ann,refers,{who},," for who in BUYERS[:2]),
        "b7,buys through,south,,2024-12-31",
    ]
)
AMOUNTS = {"north": 5.0, "ann": 3.0, **dict.fromkeys(BUYERS, 100.0)}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("structure") / "shop"
    return workspace(root, relationships=RELATIONSHIPS, customers=CUSTOMERS, sales=sales(**AMOUNTS))


@pytest.fixture(scope="module")
def report(shop: Path) -> LoyaltyReport:
    return loyalty(shop, as_of=DAY, period="12mo", keep=False).report


def structure(report: LoyaltyReport, lang: str) -> Section:
    titles = {"en": "Relationship structure", "de": "Beziehungsstruktur"}
    sections = loyalty_document(report, lang).sections
    return next(each for each in sections if each.title == titles.get(lang, each.title) and lang in titles)


def test_the_metrics_equal_the_roll_ups_of_the_network(shop: Path, report: LoyaltyReport) -> None:
    found = network(shop, as_of=DAY, min_group_size=0)
    metrics = report.metrics
    partners, accounts = found.tables["partners"], found.tables["single_contacts"]
    assert metrics.value("partner_revenue") == partners["revenue_lost"].max() == 805.0
    assert metrics.value("partner_customers") == partners["dependent_customers"].max() == 8
    assert metrics.value("single_contact_accounts") == accounts.height == 6
    assert metrics.value("single_contact_revenue") == accounts["revenue"].sum() == 600.0
    assert (metrics.value("grouped_customers"), metrics.value("grouped_revenue")) == (9, 805.0)


def test_numbers_of_few_customers_are_suppressed(report: LoyaltyReport) -> None:
    assert report.metrics.get("referred_revenue") is None  # of two customers
    shown = {each.of("industry") for each in report.metrics.all("industry_revenue", "industry")}
    assert "law" not in shown


def test_the_industries_add_up_to_the_revenue_of_known_customers(shop: Path) -> None:
    every = loyalty(shop, as_of=DAY, period="12mo", min_group_size=1, keep=False).report.metrics
    total = sum(each.value or 0.0 for each in every.all("industry_revenue", "industry"))
    assert total == pytest.approx(every.value("revenue_of_customers"))
    assert every.value("referred_revenue") == 200.0


def test_the_page_has_the_section_in_every_language_and_names_nobody(report: LoyaltyReport) -> None:
    texts = {lang: str(loyalty_document(report, lang).sections) for lang in LANGUAGES}
    assert all("ckm network" in text for text in texts.values())
    assert not any("Nordhandel" in text or "Ann Arbor" in text for text in texts.values())
    assert structure(report, "de").blocks
    assert structure(report, "en").blocks


def test_a_file_of_orders_has_no_relation_metrics(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    rows = [(f"o{number}", f"c{number % 9}", date(2024 + number % 3, 1 + number % 6, 5), 10.0) for number in range(90)]
    pl.DataFrame(rows, ["order_id", "customer_id", "ordered_at", "net"], orient="row").write_csv(path)
    assert loyalty(path).report.metrics.get("grouped_customers") is None
