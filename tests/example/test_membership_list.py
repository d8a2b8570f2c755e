"""Loyalty programme of the example shop: balances of points, and equality of loaded and true totals."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm._outcome.metric_values import read_shop
from ckm.customers.period import period_until
from ckm.dataset.source import dataset_of
from ckm.example.channels.membership_list import EXPIRE_AFTER, Account
from ckm.example.workspace import lay_out_example
from ckm.ingest import ingest
from ckm.ingest.options import IngestOptions
from ckm.metrics.loyalty_programme import read_programme

SHOP = Path(__file__).parents[2] / "examples" / "shop"
POINTS = ("Points earned", "Points spent", "Points expired", "Points balance")


@pytest.fixture(scope="module")
def members() -> pl.DataFrame:
    return pl.read_csv(SHOP / "memberships.csv", infer_schema=False).with_columns(pl.col(POINTS).cast(pl.Int64))


def test_points_balance_is_earned_minus_spent_and_expired_and_never_negative(members: pl.DataFrame) -> None:
    earned, spent, expired, balance = (members[name] for name in POINTS)
    assert (earned - spent - expired == balance).all()
    assert min(each.min() for each in (earned, spent, expired, balance)) == 0  # type: ignore[type-var]


def test_total_points_of_a_member_never_decrease_between_two_snapshots(members: pl.DataFrame) -> None:
    first, last = (members.filter(pl.col("Export date") == day) for day in sorted(set(members["Export date"])))
    both = first.join(last, on="Customer ID", suffix=" later", how="left")
    assert both.height == first.height
    for name in POINTS[:3]:
        assert (both[f"{name} later"] >= both[name]).all()


def test_points_expire_after_a_year_and_the_oldest_are_spent_first() -> None:
    account = Account([(0, 150), (300, 80)], [(0, 150), (300, 80)])
    account.redeem(100)
    assert account.lots == [(0, 50), (300, 80)]
    account.expire(EXPIRE_AFTER + 1)
    assert (account.balance, account.expired, account.redeemed) == (80, 50, 100)


@pytest.mark.slow
def test_the_loaded_programme_has_the_true_members_tiers_and_points(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    lay_out_example(root)
    ckm.ingest.ingest(root)
    ingest(root, root / "memberships.csv", options=IngestOptions(table="memberships"))
    truth = json.loads((root / "truth" / "memberships.json").read_text())
    shop = read_shop(dataset_of(root, by_customer=True))
    for day, true in truth["exports"].items():
        found = read_programme(
            shop.dataset.tables["memberships"], shop.ledger, period_until(date.fromisoformat(day), 12)
        )
        assert found is not None
        assert found.members.height == true["members"]
        assert dict(found.tiers) == true["tiers"]
        assert found.balance == true["balance"]
        assert found.redemption == pytest.approx(true["redeemed"] / true["earned"])
    assert found.difference is not None
    assert found.difference.low <= truth["effect"] <= found.difference.high
    shown = ckm.open(root).loyalty().frame
    assert {"members", "member_activity_rate", "member_difference"} <= set(shown["metric"])
    assert {"members", "member_difference"} <= set(ckm.open(root).evaluate().frame["metric"])
