"""The rule of the holdout: documented hash, exact share, and no influence of the order of the persons."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.assignments import check_name, document_digest, draw_holdout, person_hash
from ckm.errors import UsageError
from tests.conftest import examples

ids = st.lists(st.text("abc0123456789ก中", min_size=1, max_size=6), min_size=1, max_size=60, unique=True)


def test_the_hash_of_a_person_is_the_documented_sha256() -> None:
    assert person_hash("may", "cus_42") == hashlib.sha256(b"may\x00cus_42").hexdigest()[:16] == "a9f221daea28457f"


@given(st.dictionaries(st.sampled_from("abcd"), ids, min_size=1), st.floats(0.05, 0.5))
@settings(max_examples=examples(60))
def test_the_holdout_has_the_planned_share_in_total_and_within_one_person_per_stratum(
    persons: dict[str, list[str]], share: float
) -> None:
    strata, held = draw_holdout({name: [f"{name}{each}" for each in of] for name, of in persons.items()}, "s", share)
    assert sum(each.holdout for each in strata) == round(share * sum(map(len, persons.values()))) == len(held)
    assert all(abs(each.holdout - share * each.customers) <= 1 for each in strata)


@given(ids, st.randoms())
@settings(max_examples=examples(60))
def test_the_order_of_the_persons_does_not_change_the_holdout(persons: list[str], random: object) -> None:
    shuffled = persons.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert draw_holdout({"all": persons}, "s", 0.3) == draw_holdout({"all": shuffled}, "s", 0.3)


def test_a_person_is_in_the_holdout_exactly_if_the_hash_is_at_most_the_cut() -> None:
    persons = [f"c{number}" for number in range(500)]
    [stratum], held = draw_holdout({"all": persons}, "salt", 0.2)
    assert held == {each for each in persons if person_hash("salt", each) <= stratum.cut}


def test_the_digest_ignores_its_own_key_and_the_order_of_the_keys() -> None:
    plain = {"b": [1, 2], "a": "x"}
    assert document_digest({"a": "x", "b": [1, 2], "digest": "y"}) == document_digest(plain)
    assert document_digest({"a": "x", "b": [2, 1]}) != document_digest(plain)


@pytest.mark.parametrize("name", ["", "Win", "../x", "a b", ".hidden", "a/b", "x" * 65])
def test_a_name_that_cannot_be_a_folder_on_every_system_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="invalid name of an audience"):
        check_name(name)
    check_name("win-back-2026.05")
