"""Segments of the warned customers, by the default definition of the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._segment.apply import apply_definition
from ckm._segment.library import Library
from ckm.errors import UsageError
from ckm.remark import doubt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from ckm.customers.ledger import Ledger
    from ckm.dataset import Dataset

DEFAULT_SEGMENTS = "default"
"""Segment definition whose segments the warnings list."""


def with_segments(
    frame: pl.DataFrame, dataset: Dataset, tables: Mapping[str, pl.LazyFrame], as_of: date, ledger: Ledger
) -> tuple[pl.DataFrame, list[str]]:
    """Add ``segment`` from the workspace's default definition; null without one, or if it does not match the data."""
    without = frame.with_columns(segment=pl.lit(None, pl.String))
    if dataset.workspace is None:
        return without, []
    try:
        saved = Library(dataset.workspace.root / "segments").find(DEFAULT_SEGMENTS)
        if saved is None:
            return without, []
        segments = apply_definition(saved, tables, as_of=as_of, ledger=ledger).kept.select("customer_id", "segment")
    except UsageError as error:
        # An invalid segment definition must not suppress the warnings.
        return without, [doubt(f"no segments: {error}")]
    remark = f"segments by definition '{saved.name}' version {saved.version}"
    return frame.join(segments, on="customer_id", how="left", maintain_order="left"), [remark]
