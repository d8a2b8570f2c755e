"""Collect the distinct texts of many columns in one frame, so that each text is parsed once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_TEXTS = 1_000_000
"""Maximum values stacked at once."""


def distinct_texts(columns: Mapping[str, pl.Series]) -> Iterator[pl.DataFrame]:
    """Yield ``column``, ``text`` and ``times`` of each distinct text of the columns, without nulls.

    All texts of a column are in one frame; columns without texts are omitted.
    """
    names: list[str] = []
    size = 0
    for name, texts in columns.items():
        if names and size + len(texts) > MOST_TEXTS:
            yield _stacked(columns, names)
            names, size = [], 0
        names.append(name)
        size += len(texts)
    if names:
        yield _stacked(columns, names)


def _stacked(columns: Mapping[str, pl.Series], names: list[str]) -> pl.DataFrame:
    texts = [columns[name] if columns[name].dtype == pl.String else columns[name].cast(pl.String) for name in names]
    stacked = pl.DataFrame(
        {
            "at": np.repeat(np.arange(len(names), dtype=np.uint32), [len(each) for each in texts]),
            "text": pl.concat(texts) if texts else pl.Series([], dtype=pl.String),
        }
    )
    counted = stacked.lazy().drop_nulls("text").group_by("at", "text", maintain_order=True).agg(times=pl.len())
    named = pl.LazyFrame({"column": names}).with_row_index("at")
    return counted.join(named, on="at", maintain_order="left").select("column", "text", "times").collect()
