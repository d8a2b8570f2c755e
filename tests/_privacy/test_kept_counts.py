"""With --keep-counts the totals of past reports do not change, and no trace of the person is left."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm import files
from ckm.ingest.options import IngestOptions
from ckm.store import Store
from tests._privacy.shop import ANN, ANN_SHOP, OTHERS, files_with_traces, load, make_shop, march
from tests.store.death import dying_after

ON = date(2026, 11, 30)
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_shop(tmp_path_factory.mktemp("kept") / "shop")
    customers = root / "incoming" / "customers.csv"
    customers.write_text(
        f"customer_id,display_name,email,country,birth_year,parent_id\n{ANN},Ann Leechester,{ANN_SHOP},DE,1980,\n"
        f"{ANN_SHOP},Ann Leechester,,DE,1980,\ncus_1,One,,FR,1970,{ANN}\n"
    )
    ckm.ingest.ingest(root, customers, options=IngestOptions(table="customers"))
    return root


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "shop"))


def totals(root: Path) -> list[tuple[object, ...]]:
    orders = Store(root / "store").scan("transactions")
    by_month = orders.group_by(pl.col("ordered_at").dt.truncate("1mo")).agg(
        pl.col("net").sum().round(2), pl.col("order_id").n_unique(), pl.len()
    )
    return by_month.sort("ordered_at").collect().rows()


def test_totals_and_segments_are_unchanged_and_no_trace_of_the_person_is_left(shop: Path) -> None:
    before, segments = totals(shop), ckm.segment.segment(shop, by="rfm").summary
    result = ckm.privacy.erase(shop, ANN, keep_counts=True, on=ON)
    assert files_with_traces(shop) == []
    assert totals(shop) == before
    assert ckm.segment.segment(shop, by="rfm").summary.equals(segments)
    receipt = result.receipt
    assert receipt.pseudonymised == {
        "store/customers": 2,
        "store/runs_segments": 1,
        "store/transactions": 4,
        "store/transactions_replaced": 1,
    }
    assert receipt.removed["store/quarantine"] == 2
    assert json.loads((shop / receipt.receipt).read_text())["pseudonymised"] == receipt.pseudonymised
    assert dict(result.frame.filter(pl.col("status") == "pseudonymised").select("place", "rows").iter_rows()) == (
        receipt.pseudonymised
    )


def test_a_person_has_one_random_id_in_all_tables_and_no_personal_value(shop: Path) -> None:
    ckm.privacy.erase(shop, ANN_SHOP, keep_counts=True, on=ON)
    store = Store(shop / "store")
    erased = pl.col("customer_id").str.starts_with("erased-")
    ids = {
        each
        for name in ("transactions", "customers")
        for each in store.scan(name).filter(erased).collect()["customer_id"]
    }
    assert len(ids) == 1
    [customer] = store.scan("customers").filter(erased).collect().iter_rows(named=True)
    assert (customer["country"], customer["display_name"], customer["email"], customer["birth_year"]) == (
        "DE", None, None, None,
    )  # fmt: skip
    orders = store.scan("transactions").filter(erased).collect()
    assert orders.height == 3
    assert orders["Customer_Email"].null_count() == orders["source_row"].null_count() == 3
    assert not orders["order_id"].is_in(["901", "902", "903"]).any()


def test_two_erasures_choose_different_random_ids(made: Path, tmp_path: Path) -> None:
    ids = []
    for number in range(2):
        root = Path(shutil.copytree(made, tmp_path / str(number)))
        ckm.privacy.erase(root, ANN, keep_counts=True, on=ON)
        orders = Store(root / "store").scan("transactions").collect()
        ids.append({*orders.filter(pl.col("customer_id").str.starts_with("erased-"))["customer_id"]})
    assert ids[0].isdisjoint(ids[1])


def test_later_loads_drop_the_person_and_change_no_kept_row(shop: Path) -> None:
    ckm.privacy.erase(shop, ANN, keep_counts=True, on=ON)
    before = totals(shop)
    [result] = load(shop, "march.csv", march()).files
    assert (result.accepted, result.erased) == (0, 7)
    assert totals(shop) == before
    assert files_with_traces(shop) == []


@pytest.mark.slow
def test_a_killed_erasure_is_completed_with_the_same_random_id(made: Path, tmp_path: Path) -> None:
    whole = Path(shutil.copytree(made, tmp_path / "whole"))
    with dying_after(None) as clock:
        ckm.privacy.erase(whole, ANN, keep_counts=True, on=ON)
    for moment in range(0, clock.changes, 7):
        root = Path(shutil.copytree(made, tmp_path / f"dead-{moment}"))
        with dying_after(moment):
            ckm.privacy.erase(root, ANN, keep_counts=True, on=ON)
        files._open.clear()  # open files of the killed process
        ckm.privacy.erase(root, ANN, keep_counts=True, on=ON)
        assert files_with_traces(root) == [], f"killed before change {moment} of {clock.changes}"
        assert totals(root) == totals(whole)
        ids = Store(root / "store").scan("transactions").select("customer_id").collect()["customer_id"].drop_nulls()
        assert ids.n_unique() == OTHERS + 1
        shutil.rmtree(root)
