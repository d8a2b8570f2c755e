"""Names are compared by their words: nicknames, initials, first and last words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from ckm._link.levels import FieldLevels
from ckm._link.name_forms import FORM, INITIAL
from ckm._link.records import comparable


def level(one: str, other: str, field: str = "given_name") -> int:
    values = pl.Series([one, other])
    return int(FieldLevels(field, values).levels(np.array([0]), np.array([1]))[0])


@pytest.mark.parametrize(
    ("one", "other"),
    [("robert", "bob"), ("wm", "william"), ("sepp", "josef"), ("juergen", "george"), ("bob", "robert james"),
     ("anna", "anna maria"), ("heinz", "karl heinz")],
)  # fmt: skip
def test_two_forms_of_one_given_name_are_similar_in_both_directions(one: str, other: str) -> None:
    assert level(one, other) == level(other, one) == FORM


@pytest.mark.parametrize("name", ["edward", "edmund"])
def test_a_nickname_of_two_names_is_similar_to_both_names(name: str) -> None:
    assert level("ned", name) == FORM


@pytest.mark.parametrize(
    ("one", "other"), [("robert", "hans"), ("anna maria", "karl josef"), ("bob", "bill"), ("j", "robert")]
)
def test_different_given_names_stay_different(one: str, other: str) -> None:
    assert level(one, other) == 0


def test_an_initial_is_weakly_similar_to_a_name_that_begins_with_it() -> None:
    assert level("j", "john") == level("john", "j r") == INITIAL


def test_a_double_surname_is_similar_to_its_first_and_last_part_only() -> None:
    assert (
        level("meyer", "meyer luedenscheid", "surname")
        == level("luedenscheid", "meyer luedenscheid", "surname")
        == FORM
    )
    assert level("bob", "robert", "surname") == 0


def test_titles_before_names_are_removed_and_a_surname_equal_to_a_title_stays() -> None:
    records = pl.DataFrame(
        {"given_name": ["Dr. Anna", "Sir", "Prof. Dr. Jo", "Bo"], "surname": ["Lee", "Frau Kern", "Lord", "Mag. Abel"]}
    )
    found = comparable(records)
    assert found["given_name"].to_list() == ["anna", None, "jo", "bo"]
    assert found["surname"].to_list() == ["lee", "kern", "lord", "abel"]
