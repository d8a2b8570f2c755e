"""Ratings without a scale have that of their column's name, or the narrowest that contains them."""

from __future__ import annotations

import polars as pl
import pytest

from ckm.io.mapping.rating_scale import inferred_scale


@pytest.mark.parametrize(
    ("column", "ratings", "scale"),
    [
        ("Rating", [1, 2, 5], "csat_1_5"), ("Rating", [1, 7, 4], "ces_1_7"), ("Rating", [0, 3, 10], "nps_0_10"),
        ("NPS score", [3, 5, 4], "nps_0_10"), ("nps", [9], "nps_0_10"), ("star_rating", [4, 3], "csat_1_5"),
        ("Effort", [2, 3], "ces_1_7"), ("Rating", [4.5, 5.0, 3.5], "csat_1_5"),
    ],
)  # fmt: skip
def test_the_scale_is_inferred(column: str, ratings: list[float], scale: str) -> None:
    found = inferred_scale(column, pl.Series([str(rating) for rating in ratings * 10]))
    assert found is not None
    assert found[0] == scale


@pytest.mark.parametrize(
    "ratings", [["1", "2", "3"] * 10, ["1", "100"] * 20, ["good"] * 30, ["5"], [], ["-1", "5"] * 20]
)
def test_values_that_fit_no_scale_have_none(ratings: list[str]) -> None:
    assert inferred_scale("Rating", pl.Series(ratings, dtype=pl.String)) is None
