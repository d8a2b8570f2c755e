"""On a part of the Pollock benchmark no record is lost silently, and the score is not lower than before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[3] / "bench/pollock.py"
SHARED = Path(os.environ.get("CKM_SHARED") or BENCH.parents[2] / "../shared/data").resolve()


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "csv/pollock").is_dir(), reason="the Pollock files are not in ../shared/data")
def test_every_file_of_the_benchmark_is_read_without_loss() -> None:
    done = subprocess.run(
        [sys.executable, BENCH, "ckm"],
        capture_output=True,
        check=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(BENCH.parents[2]), "CKM_SHARED": str(SHARED)},
    )
    header, _, row, *_ = (line.strip("| ").split(" | ") for line in done.stdout.splitlines())
    found = dict(zip(header, row, strict=True))
    assert float(found["simple"]) >= 9.9
    assert float(found["weighted"]) >= 9.9
    assert (found["lost"], found["crashed"]) == ("0", "0")
