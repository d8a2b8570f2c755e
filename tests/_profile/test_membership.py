"""A profile has tier, points and value of points from the newest snapshot of the loyalty programme."""

from __future__ import annotations

from pathlib import Path

import pytest

import ckm
from ckm._profile.result import CustomerProfile
from tests._evaluate.shop import AS_OF, make_shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shop(tmp_path_factory.mktemp("membership") / "shop", git=False)


def of(shop: Path, customer: str, **wanted: object) -> CustomerProfile:
    return ckm.open(shop).profile(customer, **{"as_of": AS_OF, "role": None, **wanted})


def test_tier_points_and_their_value_are_those_of_the_newest_snapshot(shop: Path) -> None:
    found = of(shop, "c1")
    names = ("tier", "points_balance", "points_earned", "points_redeemed", "points_value")
    # 1000 earned, 600 redeemed, 100 expired; 0.01 EUR per point
    assert [found.figure(name) for name in names] == ["Gold", 300.0, 1000.0, 600.0, 3.0]
    assert of(shop, "c1", as_of=AS_OF.replace(month=4)).figure("tier") == "Basic"


def test_a_customer_without_membership_has_no_points(shop: Path) -> None:
    found = of(shop, "c3")
    section = next(each for each in found.sections if each.name == "consents")
    assert not [each for each in section.figures if each.name.startswith("points")]
    assert "membership and points" in [each.what for each in section.not_known]
