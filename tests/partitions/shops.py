"""The example shop as a dataset, and the comparison of a segmentation by partitions with the one in memory."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from ckm.config import Config
from ckm.dataset import Dataset
from ckm.partitions.engine import Engine
from ckm.segment import Segmentation, SegmentOptions, segment_dataset
from tests._segment.test_rules import TEA_CLUB
from tests.metrics.stores import example_frames

AS_OF = date(2025, 9, 1)
METHODS = ("rfm", "value", "lifecycle", "clusters", TEA_CLUB)


@cache
def example_dataset() -> Dataset:
    return Dataset({name: frame.lazy() for name, frame in example_frames().items()}, "example")


@cache
def in_memory(by: str | Path, **options: Any) -> Segmentation:
    return segment_dataset(example_dataset(), SegmentOptions(by=by, keep=False, **options), Config())


def assert_same_segments(
    dataset: Dataset, engine: Engine, expected: Segmentation, by: str | Path, rows: Path | bool = True, **options: Any
) -> None:
    """Check that a segmentation with an engine has the definition, columns, summary and remarks of ``expected``."""
    request = SegmentOptions(by=by, keep=False, engine=engine, rows=rows, **options)
    found = segment_dataset(dataset, request, Config())
    assert found.definition == expected.definition
    customers = found.customers
    if isinstance(rows, Path):
        assert found.written == expected.customers.height
        customers = pl.read_parquet(rows if rows.is_file() else rows / "*.parquet").sort("customer_id")
    assert_frame_equal(customers, expected.customers, rel_tol=1e-9, check_dtypes=not isinstance(rows, Path))
    assert_frame_equal(found.summary, expected.summary, rel_tol=1e-9)
    assert found.remarks == expected.remarks
    assert found.left_out == expected.left_out
