"""Infer the scale of ratings in a file without a column of scales, from the column's name and its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.values.numbers import is_number
from ckm.remark import assumption
from ckm.schema import RATING_SCALES

if TYPE_CHECKING:
    from ckm.remark import Remark

NAMED = {
    "nps_0_10": ("nps", "promoter", "recommend", "weiterempfehl"),
    "csat_1_5": ("csat", "star", "stern"),
    "ces_1_7": ("ces", "effort"),
}
"""Words in a column name by scale."""
BOUNDS = dict(sorted(RATING_SCALES.items(), key=lambda item: item[1][1] - item[1][0]))
"""Lowest and highest rating by scale, the narrowest first."""
FEWEST = 20
"""Minimum number of ratings from which the highest one is expected to occur."""


def inferred_scale(column: str, values: pl.Series) -> tuple[str, Remark] | None:
    """Return the scale of a column of ratings, with the remark on it; None if the values fit no scale, or are few.

    A name such as ``NPS`` decides if the values are within its scale. Without one it is the narrowest scale that
    contains all values and whose highest rating occurs.
    """
    texts = values.drop_nulls().cast(pl.String, strict=False)
    numbers = texts.filter(is_number(texts)).str.strip_chars().cast(pl.Float64, strict=False).drop_nulls()
    if numbers.is_empty() or len(numbers) < len(texts):
        return None
    low, high = float(numbers.min() or 0.0), float(numbers.max() or 0.0)  # type: ignore[arg-type]
    words = column.casefold()
    for scale, names in NAMED.items():
        lowest, highest = BOUNDS[scale]
        if any(re.search(rf"(?<![^\W_]){name}", words) for name in names) and lowest <= low and high <= highest:
            return scale, assumption(f"ratings are on the scale {scale}, by the name '{column}'")
    for scale, (lowest, highest) in BOUNDS.items():
        if lowest <= low and high == highest and len(numbers) >= FEWEST:
            return scale, assumption(f"no column of scales: ratings are from {lowest:.0f} to {highest:.0f} ({scale})")
    return None
