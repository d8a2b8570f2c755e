"""The documentation page on the example shop has the numbers of the generator."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example import Shop
    from ckm.example.simulation import Simulation

pytestmark = pytest.mark.slow  # the fixture generates the shop, in three seconds

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "example-shop.md"


@pytest.fixture(scope="module")
def page() -> str:
    return " ".join(PAGE.read_text(encoding="utf-8").split())


def test_the_page_names_every_file(page: str, shop: Shop) -> None:
    names = {Path(name).name for name in shop.files if not name.startswith(("maps/", "kb/"))}
    assert {name for name in names if f"`{name}`" not in page} == set()


@pytest.mark.parametrize("kind", ["late_delivery", "open_complaint", "rejected_invoice", "lost_category"])
def test_the_page_has_the_odds_ratios_of_the_generator(page: str, kind: str) -> None:
    trouble = words("troubles")[kind]
    assert f"| `{kind}` | {trouble['odds']} | {trouble['weeks']} |" in page


def test_the_page_has_the_counts_of_the_truth(page: str, shop: Shop, world: Simulation) -> None:
    truth = shop.truth
    tables, campaign = truth["tables"], truth["campaign"]
    costless = [line.cost is None or o.channel == "branch" for o in world.orders for line in o.lines]
    said = [
        f"{truth['customers']:,} customers from {truth['first_day']} to {truth['last_day']}",
        f"{truth['one_time_buyers'] / truth['buyers']:.0%}".replace("%", " % of them bought once"),
        f"{tables['transactions']:,} transactions, {tables['customers']:,} customers",
        f"{tables['interactions']:,} interactions",
        f"{truth['overlap']['updated']} lines were delivered between",
        f"{truth['identical_till_rows']} rows equal another",
        f"{truth['controls_mismatch']['net']:.2f} EUR and one row too much in {truth['controls_mismatch']['month']}",
        f"Without it {campaign['rate_without'] * 100:.1f} % order within 30 days",
        f"with it {campaign['rate_with'] * 100:.1f} %",
        f"effect of {campaign['effect'] * 100:.1f} points",
        f"{len(truth['not_in_crm'])} buyers are not in the CRM",
        f"down from {truth['gap']['first']} to {truth['gap']['last']}",
        f"{sum(costless) / len(costless) * 100:.0f} % of the lines have no `cost`",
    ]
    assert [each for each in said if each not in page] == []


def test_the_page_has_the_size_on_disk(page: str, shop: Shop) -> None:
    size = sum((shop.folder / name).stat().st_size for name in shop.files)
    found = re.search(r"([\d.]+) MB", page)
    assert found
    assert float(found[1]) == pytest.approx(size / 1e6, abs=0.1)
