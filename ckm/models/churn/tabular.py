"""Encoding of any table as numeric features: numbers, dates and indicator columns of categories."""

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
"""Fewest rows of a category's level; rarer levels are pooled."""
MOST_LEVELS = 50
"""Maximum number of levels of a category; the rarest of more levels are pooled."""
NEARLY_UNIQUE = 0.5
"""A text column with a larger share of distinct values identifies rows and is dropped."""
ISO_DATE = r"^(\d{4}-\d\d-\d\d)(?:[T ].*)?$"
OTHER = "(other)"
MISSING = "(missing)"


@dataclass(frozen=True)
class FeatureEncoding:
    """Fitted encoding of a table as numbers.

    Attributes
    ----------
    numbers
        Columns parsed as numbers, or as dates in days; null and other text are NaN.
    levels
        Levels of each category, most frequent first. Each level gets an indicator column, and all other values together
        get one.
    left_out
        Dropped columns, with the reason.
    all_different
        Columns of ``numbers`` with a different value in each row: measurements, or row numbers.
    """

    numbers: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, str]
    all_different: tuple[str, ...] = ()

    def __call__(self, frame: pl.DataFrame) -> dict[str, Floats]:
        """Return the features by name, shape (n,); an indicator column is named ``column=value``."""
        columns = {name: as_numbers(frame[name]) for name in self.numbers}
        for name, levels in self.levels.items():
            words = as_words(frame[name])
            for level in levels:
                columns[f"{name}={level}"] = (words == level).to_numpy().astype(np.float64)
            columns[f"{name}={OTHER}"] = (~words.is_in(list(levels))).to_numpy().astype(np.float64)
        return columns


def fit_encoding(frame: pl.DataFrame) -> FeatureEncoding:
    """Return the encoding of a table; columns with at most two distinct numbers or dates are categories."""
    numbers: list[str] = []
    levels: dict[str, tuple[str, ...]] = {}
    left_out: dict[str, str] = {}
    all_different: list[str] = []
    for name in frame.columns:
        column = frame[name]
        if column.dtype.is_nested() or column.dtype == pl.Binary:
            left_out[name] = f"of type {column.dtype}"
            continue
        different = as_words(column).n_unique()
        if different < 2:
            left_out[name] = "the same in every row"
        elif is_number(column) and different > 2:
            numbers.append(name)
            if different == len(column):
                all_different.append(name)
        elif different == len(column):
            left_out[name] = "different in every row"
        elif different > NEARLY_UNIQUE * len(column):
            left_out[name] = "nearly as many different values as rows"
        else:
            levels[name] = _levels(column)
    return FeatureEncoding(tuple(numbers), levels, left_out, tuple(all_different))


def as_numbers(column: pl.Series) -> Floats:
    """Return a column as numbers; dates, also as text (2025-03-31), as days since 1970-01-01; NaN for other values."""
    if column.dtype == pl.String:
        text = column.str.strip_chars()
        column = text.cast(pl.Float64, strict=False).fill_null(_days(text))
    elif column.dtype in (pl.Date, pl.Datetime):
        column = column.dt.epoch("d")
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values


def is_number(column: pl.Series) -> bool:
    """Return whether a column contains numbers or dates, or only text that parses as either."""
    if column.dtype.is_numeric() or column.dtype in (pl.Date, pl.Datetime):
        return True
    if column.dtype != pl.String:
        return False
    written = column.str.strip_chars()
    written = written.filter(written.is_not_null() & (written != ""))
    return len(written) > 0 and (
        written.cast(pl.Float64, strict=False).is_not_null().all() or _days(written).is_not_null().all()
    )


def _days(text: pl.Series) -> pl.Series:
    """Return days since 1970-01-01 for text that begins with an ISO date (2025-03-31); null for other text."""
    days = text.str.extract(ISO_DATE).str.to_date("%Y-%m-%d", strict=False)
    return days.dt.epoch("d").cast(pl.Float64)


def as_words(column: pl.Series) -> pl.Series:
    """Return a column as text without surrounding white space; :data:`MISSING` for null and blank values."""
    words = column.cast(pl.String).str.strip_chars()
    return words.replace("", None).fill_null(MISSING)


def _levels(column: pl.Series) -> tuple[str, ...]:
    words = as_words(column).alias("level").to_frame()
    counts = words.group_by("level").len().sort("len", "level", descending=[True, False])
    return tuple(counts.filter(pl.col("len") >= RARE_LEVEL)["level"].head(MOST_LEVELS).to_list())
