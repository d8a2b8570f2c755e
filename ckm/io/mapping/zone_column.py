"""Detect the time zone column of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.synonyms import normalise
from ckm.io.values.word_lists import load_data
from ckm.io.values.zones import zone_named

if TYPE_CHECKING:
    from collections.abc import Sequence


def zone_column(columns: Sequence[str], sample: pl.DataFrame | None) -> str | None:
    """Return the only column with a time zone name that is not mapped otherwise; None without one, or with two."""
    if sample is None:
        return None
    names = {normalise(name) for name in load_data("time_zones.yaml")["columns"]}
    found = [name for name in columns if normalise(name) in names and name in sample.columns]
    return found[0] if len(found) == 1 and _are_zones(sample[found[0]]) else None


def _are_zones(values: pl.Series) -> bool:
    words = [word for word in values.drop_nulls().cast(pl.String, strict=False).unique() if word.strip()]
    return bool(words) and all(zone_named(word) for word in words)
