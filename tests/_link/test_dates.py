"""Two different dates of birth have a level by the kind of their difference."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ckm._link.dates import ERROR, HALF, Dates


def level(one: str, other: str) -> int:
    return int(Dates(pl.Series([one, other])).levels(np.array([0]), np.array([1]))[0])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("19801201", "19800112", ERROR),  # day and month exchanged
        ("12011980", "01121980", ERROR),  # the year comes last
        ("19790317", "19800317", ERROR),  # successive years
        ("19800101", "19800817", HALF),  # only the year is known
        ("19800317", "19650317", HALF),
        ("19800317", "19651124", 0),
    ],
)
def test_a_different_date_has_the_level_of_its_likely_error(one: str, other: str, expected: int) -> None:
    assert level(one, other) == level(other, one) == expected
