"""Any table as numbers: which columns are numbers, which are categories, which say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RARE_LEVEL = 20
"""Categories with fewer rows are taken together."""
MOST_LEVELS = 50
"""Of a category; the rarest beyond are taken together."""
NEARLY_UNIQUE = 0.5
"""A text column with more different values than this share of the rows names the rows and describes nothing."""
OTHER = "(other)"
MISSING = "(missing)"


@dataclass(frozen=True)
class Encoding:
    """How a table becomes numbers.

    Attributes
    ----------
    numbers
        Columns read as numbers; text that is no number is NaN, as is null.
    levels
        Values of each category, most frequent first; each becomes a column of 0 and 1, and so does the rest.
    left_out
        Columns that say nothing, and why.
    """

    numbers: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]

    def __call__(self, frame: pl.DataFrame) -> dict[str, Floats]:
        """Return the columns by name, those of a category as ``column=value``."""
        columns = {name: as_numbers(frame[name]) for name in self.numbers}
        for name, levels in self.levels.items():
            words = _words(frame[name])
            for level in levels:
                columns[f"{name}={level}"] = (words == level).to_numpy().astype(np.float64)
            columns[f"{name}={OTHER}"] = (~words.is_in(list(levels))).to_numpy().astype(np.float64)
        return columns


def learn_encoding(frame: pl.DataFrame) -> Encoding:
    """Say which columns are numbers (at least three different ones), which categories, and which say nothing."""
    numbers: list[str] = []
    levels: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, str] = {}
    for name in frame.columns:
        column = frame[name]
        different = column.n_unique()
        if different < 2:
            left_out[name] = "the same in every row"
        elif _is_number(column) and different > 2:
            numbers.append(name)
        elif column.dtype.is_nested() or column.dtype == pl.Binary:
            left_out[name] = f"of type {column.dtype}"
        elif different > NEARLY_UNIQUE * len(column):
            left_out[name] = "nearly as many different values as rows"
        else:
            levels[name] = _levels(column)
    return Encoding(tuple(numbers), levels, left_out)


def as_numbers(column: pl.Series) -> Floats:
    """Return numbers, NaN for null, blanks and infinity; days since 1970 for dates."""
    if column.dtype == pl.String:
        column = column.str.strip_chars().cast(pl.Float64, strict=False)
    elif column.dtype in (pl.Date, pl.Datetime):
        column = column.dt.epoch("d")
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values


def _is_number(column: pl.Series) -> bool:
    if column.dtype.is_numeric() or column.dtype in (pl.Date, pl.Datetime):
        return True
    if column.dtype != pl.String:
        return False
    written = column.str.strip_chars()
    written = written.filter(written.is_not_null() & (written != ""))
    return len(written) > 0 and written.cast(pl.Float64, strict=False).is_not_null().all()


def _words(column: pl.Series) -> pl.Series:
    words = column.cast(pl.String).str.strip_chars()
    return words.replace("", None).fill_null(MISSING)


def _levels(column: pl.Series) -> tuple[str, ...]:
    counts = (
        _words(column).alias("level").to_frame().group_by("level").len().sort("len", "level", descending=[True, False])
    )
    return tuple(counts.filter(pl.col("len") >= RARE_LEVEL)["level"].head(MOST_LEVELS).to_list())
