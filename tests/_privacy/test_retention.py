"""Rows older than the maximum age of their table are counted, and with ``apply`` removed from all files and logs."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.errors import UnknownNameError, UsageError
from ckm.identities import Identities, Link
from ckm.ingest.options import IngestOptions
from ckm.store import Store
from ckm.workspace import lay_out
from tests.conftest import Run

ON = date(2026, 6, 30)
ORDERS = [("1", "old", date(2020, 5, 1)), ("2", "old", date(2021, 5, 1)), ("3", "new", date(2020, 5, 1))]
ORDERS += [("4", "new", date(2026, 5, 1)), ("5", "", date(2020, 5, 2)), ("6", "linked_old", date(2020, 6, 1))]
ORDERS += [(f"1{each}", f"c{each}", date(2020, 5, 1)) for each in range(5)]
ORDERS += [(f"2{each}", f"c{each}", date(2026, 5, 1)) for each in range(5)]
NEW_ORDERS = ["20", "21", "22", "23", "24", "4"]


def make(root: Path, retention: str) -> Path:
    lay_out(root)
    rows = "".join(f"{number},{customer},{day},10,EUR\n" for number, customer, day in ORDERS)
    for name, text in {
        "transactions": f"order_id,customer_id,ordered_at,net,currency\n{rows}",
        "interactions": "interaction_id,customer_id,at,text\ni1,old,2020-05-01,private words\ni2,new,2026-01-01,hi\n",
        "customers": "customer_id,created_on,parent_id\nold,2019-01-01,\nnew,2019-01-01,\nlinked_old,2019-01-01,\n"
        "undated,,\nparent,2018-01-01,\nchild,2026-01-01,parent\n",
        "consents": "customer_id,status,at,channel\nold,no,2020-01-01,email\nnew,yes,2020-01-01,email\n"
        "gone,no,2020-01-01,email\n",
    }.items():
        path = root / "incoming" / f"{name}.csv"
        path.write_text(text)
        loaded = ckm.ingest.ingest(root, path, options=IngestOptions(table=name))
        assert loaded.files[0].accepted
    Identities((Link("linked_old", "new", person_id="new", by="Eve", on="2025-06-01"),)).write(root / "identities.csv")
    settings = (root / "ckm.yaml").read_text().replace("  retention: {}\n", f"  retention: {{{retention}}}\n")
    (root / "ckm.yaml").write_text(settings)
    return root


def stored(root: Path, table: str, column: str) -> list[str]:
    return sorted(Store(root / "store").scan(table).collect()[column].drop_nulls())


def test_old_rows_are_counted_and_nothing_is_removed(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "transactions: 3y, interactions: 36mo")
    before = {path: path.read_bytes() for path in (root / "store").rglob("*") if path.is_file()}
    result = ckm.privacy.retention(root, on=ON)
    assert result.frame.select("table", "maximum_age", "rows", "status").rows() == [
        ("interactions", 1096, 1, "expired"),
        ("transactions", 1096, 10, "expired"),
    ]
    assert {path: path.read_bytes() for path in (root / "store").rglob("*") if path.is_file()} == before
    assert not (root / "privacy").exists()


def test_old_rows_are_removed_from_all_files_and_the_receipt_counts_them(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "transactions: 3y, interactions: 3y")
    result = ckm.privacy.retention(root, apply=True, on=ON)
    assert stored(root, "transactions", "order_id") == NEW_ORDERS
    assert stored(root, "interactions", "interaction_id") == ["i2"]
    assert len([*(root / "store" / "transactions").glob("*.parquet")]) == 1
    texts = [path.read_bytes() for path in (root / "store").rglob("*") if path.is_file()]
    assert not any(b"private words" in text for text in texts)
    receipt = json.loads((root / result.receipt).read_text())
    assert receipt == {"on": "2026-06-30", "removed": {"store/interactions": 1, "store/transactions": 10}}
    again = ckm.privacy.retention(root, apply=True, on=ON)
    assert again.frame["rows"].sum() == 0


def test_the_age_of_a_customer_counts_from_the_newest_row_of_the_person_or_a_dependant(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "customers: 3y")
    result = ckm.privacy.retention(root, apply=True, on=ON)
    assert stored(root, "customers", "customer_id") == ["child", "linked_old", "new", "parent", "undated"]
    assert result.frame["undated"].to_list() == [1]
    assert any("without a date kept" in each for each in result.remarks)


def test_a_consent_is_kept_as_long_as_the_customer_has_a_row_in_another_table(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "consents: 3y")
    ckm.privacy.retention(root, apply=True, on=ON)
    assert stored(root, "consents", "customer_id") == ["new", "old"]


def test_rows_of_quarantine_and_saved_runs_expire(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "quarantine: 1d, runs: 1y")
    ckm.segment.segment(root, by="rfm", as_of=date(2021, 6, 1))
    path = root / "incoming" / "broken.csv"
    path.write_text("order_id,customer_id,ordered_at,net,currency\n9,c9,no date,1,EUR\n10,c9,2026-01-01,1,EUR\n")
    ckm.ingest.ingest(root, path, options=IngestOptions(table="transactions"), max_rejects=0.9)
    later = date.today() + timedelta(days=3)
    result = ckm.privacy.retention(root, apply=True, on=later)
    assert dict(result.frame.select("table", "rows").iter_rows()) == {"quarantine": 1, "runs_segments": 7}
    quarantine = Store(root / "store").quarantine()
    assert quarantine is not None
    assert quarantine.collect().height == 0


def test_an_analysis_after_the_removal_uses_the_rows_that_are_left(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "transactions: 3y")
    assert ckm.segment.segment(root, by="rfm").frame.height == 7
    ckm.privacy.retention(root, apply=True, on=ON)
    left = ckm.segment.segment(root, by="rfm", refit=True)
    assert left.frame["customer_id"].sort().to_list() == [
        *(f"c{each}" for each in range(5)),
        "new",
    ]


def test_an_unknown_table_and_an_empty_setting_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="order"):
        ckm.privacy.retention(make(tmp_path / "one", "orders: 3y"), on=ON)
    with pytest.raises(UsageError, match="is empty"):
        ckm.privacy.retention(make(tmp_path / "two", ""), on=ON)


def test_the_command_removes_rows_only_with_apply(tmp_path: Path, run: Run) -> None:
    root = make(tmp_path / "shop", "interactions: 3y")
    done = run("privacy", "retention", "-C", root, "--on", "2026-06-30")
    assert "interactions,1096,2023-06-30,1,0,expired" in done.stdout
    assert "--apply removes them" in done.stderr
    assert run("privacy", "retention", "-C", root, "--on", "2026-06-30", "--apply").exit_code == 0
    assert stored(root, "interactions", "interaction_id") == ["i2"]
    assert run("privacy", "erase", "old", "-C", root, "--apply").exit_code == 2


def test_the_removal_of_old_rows_does_not_change_identities(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "transactions: 3y")
    links = (root / "identities.csv").read_bytes()
    ckm.privacy.retention(root, apply=True, on=ON)
    assert (root / "identities.csv").read_bytes() == links
    assert pl.read_csv(root / "identities.csv").height == 1


def test_check_finds_old_rows_until_they_are_removed(tmp_path: Path) -> None:
    root = make(tmp_path / "shop", "transactions: 3y, quarantine: 90d")
    shop = ckm.open(root)
    day = shop.check().as_of
    found = shop.retention(on=day).frame.filter(pl.col("rows") > 0)
    assert found.height
    before = shop.check().frame.filter(pl.col("check") == "retention")
    assert sorted(before.select("table", "count").rows()) == sorted(found.select("table", "rows").rows())
    shop.retention(on=day, apply=True)
    assert shop.check().frame.filter(pl.col("check") == "retention").is_empty()
