"""Small Parquet files with billions of equal rows are refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ckm.io.readers.parquet import MANY_ROWS
from tests.conftest import Run


def write(path: Path, rows: int) -> Path:
    """Write one row ``rows`` times, which takes a few kB."""
    table = pa.table({"order_id": pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), rows), ["A1"])})
    pq.write_table(table, path)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.parquet", "rows.parquet.gz"])
def test_a_small_parquet_file_with_billions_of_equal_rows_is_refused(name: str, tmp_path: Path, run: Run) -> None:
    path = write(tmp_path / name, MANY_ROWS + 1)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    found = run("inspect", path)
    assert found.exit_code == 3
    assert "10,000,001 rows" in found.stderr
    assert "repeat the same rows" in found.stderr


def test_millions_of_equal_rows_are_read(tmp_path: Path, run: Run) -> None:
    found = run("inspect", write(tmp_path / "rows.parquet", 100_000), "-f", "json")
    assert found.exit_code == 0
    assert '"rows": 100000' in found.stdout
