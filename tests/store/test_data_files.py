"""A large load is written in files with disjoint ranges of customer ids."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from ckm.store import data_files
from ckm.store.data_files import DataFileWriter


def test_a_customers_rows_are_in_one_file_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "ROWS_PER_FILE", 250)
    ids = [None if at % 11 == 0 else f"C{at * 7 % 90:02}" for at in range(1_000)]
    rows = pl.DataFrame({"customer_id": ids, "source_row": range(1_000)})
    writer = DataFileWriter(tmp_path, "load", expected_rows=1_000)
    for batch in rows.iter_slices(300):
        writer.write(batch)
    files = writer.close()
    written = [pl.read_parquet(tmp_path / file.name) for file in files]
    assert len(files) == 4
    assert pl.concat(written).sort("source_row").equals(rows)
    assert all(part["source_row"].is_sorted() for part in written)
    bounds = sorted(file.bounds("customer_id") for file in files)
    assert all(high < low for (_, high), (low, _) in pairwise(bounds))
    assert [part["customer_id"].has_nulls() for part in written].count(True) == 1
