"""Each record of a faulty table is parsed correctly or rejected; no value moves to another column."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import pytest

from ckm.io.readers.read import open_source
from tests.io.readers.pollution import Polluted, dialects, single_rows, structures

if TYPE_CHECKING:
    from pathlib import Path

CASES = list(chain(dialects(), structures(), single_rows()))


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[name for name, _ in CASES])
def test_each_record_is_parsed_correctly_or_rejected(tmp_path: Path, case: Polluted) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(case.data)
    with open_source(path) as source:
        batches = list(source.batches())
        names = list(source.format.columns)
    rows = [["" if cell is None else cell for cell in row] for batch in batches for row in batch.records.rows()]
    assert names == case.names
    assert rows == case.rows
    assert sum(batch.rejected.height for batch in batches) == case.rejected
