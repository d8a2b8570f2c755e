"""Which file an error of a query is about."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.exceptions import ComputeError

from ckm.io.scanned_files import explain, forget, remember


@pytest.fixture(autouse=True)
def _nothing_before() -> None:
    forget()


def test_the_file_registered_last_is_examined_first(tmp_path: Path) -> None:
    earlier, later, sound = (tmp_path / name for name in ("earlier.parquet", "later.parquet", "sound.parquet"))
    pl.DataFrame({"a": [1]}).write_parquet(sound)
    for path in (earlier, later):
        path.write_bytes(sound.read_bytes()[:-20])
    remember([later, earlier], "again")
    remember([sound, later], "restore it")
    found = explain(ComputeError("out of spec"))
    assert found is not None
    assert str(found).startswith(str(later))
    assert found.hint == "restore it"
    forget()
    assert explain(ComputeError("out of spec")) is None


def test_an_unrelated_error_names_no_file(tmp_path: Path) -> None:
    remember([tmp_path / "missing.parquet"], "again")
    assert explain(ZeroDivisionError()) is None
