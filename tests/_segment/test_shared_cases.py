"""Cases of the shared folder that once had false names: clubs, firms, one price, one-time buyers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from ckm._segment.learn import segment_customers
from ckm.dataset import open_dataset
from tests.conftest import ROOT

if TYPE_CHECKING:
    from ckm._segment.result import Segmentation

CASES = Path(os.environ.get("CKM_SHARED") or ROOT.parent / "shared" / "data").parent / "cases" / "analysis"


def segmented(name: str, by: str) -> Segmentation:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return segment_customers({"transactions": open_dataset(path).transactions}, by=by)


def counts(found: Segmentation) -> dict[str, int]:
    return dict(found.summary.filter(pl.col("customers") > 0).select("segment", "customers").iter_rows())


def test_members_of_24_months_are_loyal_and_those_who_left_are_at_risk() -> None:
    found = segmented("club_only.csv", "rfm")
    assert counts(found) == {"Loyal Customers": 176, "At Risk": 24}
    assert "fewer than 5 score classes: customers are few or alike (frequency 1, monetary 1)" in " ".join(found.remarks)


def test_firms_that_order_each_week_are_loyal_and_the_one_that_stopped_is_at_risk() -> None:
    found = segmented("b2b.csv", "rfm")
    assert counts(found) == {"Loyal Customers": 7, "At Risk": 1}
    assert "8 customers" in " ".join(found.remarks)


def test_at_one_price_no_cluster_has_small_or_big_baskets() -> None:
    found = segmented("one_price.csv", "clusters")
    assert not any("baskets" in name for name in counts(found))
    assert "order_value_mean" in " ".join(found.remarks)


def test_a_club_has_few_clusters() -> None:
    assert counts(segmented("club_only.csv", "clusters")) == {"middling": 181, "occasional": 19}
