"""Columns in folder names are read, and equal files in two folders are two files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from ckm.dataset import open_dataset
from ckm.io.readers.folder import files_in
from ckm.io.readers.partition import partition_of
from ckm.io.readers.read import open_source
from tests.ingest.conftest import desk as desk
from tests.ingest.workspace import Desk

ROWS = pl.DataFrame(
    {"order_id": ["A1", "A2"], "customer_id": ["C1", "C2"], "date": ["2025-03-04"] * 2, "net": [1.5, 2.0]}
)


def hive(root: Path, *, kind: str = "parquet") -> Path:
    """Return a folder that Spark wrote: orders of two currencies, equal in two months."""
    for currency in ("EUR", "USD"):
        for month in (3, 4):
            folder = root / f"currency={currency}" / f"month={month}"
            folder.mkdir(parents=True)
            path = folder / f"part-0.{kind}"
            rows = ROWS.with_columns(order_id=currency + pl.col("order_id"))
            rows.write_parquet(path) if kind == "parquet" else rows.write_csv(path)
    (root / "_SUCCESS").touch()
    (root / "_delta_log").mkdir()
    return root


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_all_partitions_of_a_folder_are_read_with_their_columns(tmp_path: Path, kind: str) -> None:
    dataset = open_dataset(hive(tmp_path / "orders", kind=kind))
    rows = dataset.transactions.collect()
    assert rows["currency"].value_counts().sort("currency").rows() == [("EUR", 4), ("USD", 4)]
    assert rows["net"].sum() == 14
    assert len([remark for remark in dataset.remarks if "matched by name" in remark]) == 1


def test_equal_files_of_two_partitions_are_each_loaded_once(desk: Desk) -> None:
    root = hive(desk.root / "in")
    # Equal orders of another month are already stored; those in another currency are new.
    assert [each["status"] for each in desk.ingest(root, "--as", "transactions")] == ["loaded"] * 4
    stored = pl.read_delta(str(desk.root / "store" / "transactions"))
    assert stored["currency"].value_counts().sort("currency").rows() == [("EUR", 2), ("USD", 2)]
    assert set(stored["month"]) == {"4"}
    assert [each["status"] for each in desk.ingest(root, "--as", "transactions")] == ["unchanged"] * 4


def test_a_column_of_the_file_takes_precedence_over_a_partition_column(tmp_path: Path) -> None:
    folder = tmp_path / "currency=USD"
    folder.mkdir()
    ROWS.with_columns(currency=pl.lit("CHF")).write_csv(folder / "a.csv")
    with open_source(folder / "a.csv") as source:
        [batch] = source.batches()
        assert source.format.columns.count("currency") == 1
    assert set(batch.records["currency"]) == {"CHF"}


def test_escaped_values_of_hive_are_decoded() -> None:
    path = Path("/x/a=b/country=C%C3%B4te%20d%27Ivoire/day=__HIVE_DEFAULT_PARTITION__/part-0.csv")
    assert partition_of(path) == {"a": "b", "country": "Côte d'Ivoire", "day": None}
    assert partition_of(Path("/x/a=b/plain/part-0.csv")) == {}


def test_a_link_to_a_parent_folder_causes_no_loop(tmp_path: Path) -> None:
    root = hive(tmp_path / "orders")
    (root / "loop=1").symlink_to(root, target_is_directory=True)
    assert len(files_in(root).files) == 4


def test_files_are_sorted_by_the_numbers_in_their_names(tmp_path: Path) -> None:
    names = ["orders_1.csv", "orders_2.csv", "orders_10.csv", "orders_10b.csv", "orders_a.csv"]
    for name in reversed(names):
        (tmp_path / name).write_text("a\n1\n", encoding="utf-8")
    assert [path.name for path in files_in(tmp_path).files] == names
