"""Customer register: one number per id and one id per number, for integers and any texts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ckm.customers import register as register_module
from ckm.customers.register import CustomerRegister, id_words

texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "a", "a\0", "a\0\0", "12345678", "12345678\0", "123456789", "ชายกลาง", "王小明", "é" * 4, "é" * 5]
    ),
)


def numbers(register: CustomerRegister, ids: list[str] | list[int], dtype: pl.DataType) -> list[int]:
    series = pl.Series("customer_id", ids, dtype=dtype)
    return register.numbers(series, *id_words(series)).tolist() if len(ids) else []


@pytest.mark.slow
@settings(deadline=None)
@given(st.lists(st.lists(texts, max_size=20), max_size=5))
def test_texts_have_the_same_number_exactly_if_they_are_equal(batches: list[list[str]]) -> None:
    register = CustomerRegister(pl.String())
    found = [
        (text, number)
        for batch in batches
        for text, number in zip(batch, numbers(register, batch, pl.String()), strict=True)
    ]
    assert len({text for text, _ in found}) == len({number for _, number in found}) == len(set(found)) == len(register)
    assert all(register.ids[number] == text for text, number in found)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20), max_size=3))
def test_integer_ids_are_numbered_without_loss(batches: list[list[int]]) -> None:
    register = CustomerRegister(pl.Int64())
    for batch in batches:
        assert [register.ids[number] for number in numbers(register, batch, pl.Int64())] == batch
    assert len(register) == len({number for batch in batches for number in batch})


def test_enlarging_the_table_keeps_all_numbers() -> None:
    register = CustomerRegister(pl.String())
    ids = [f"C{number}" for number in range(60_000)]
    first = [
        number for start in range(0, 60_000, 5_000) for number in numbers(register, ids[start:][:5_000], pl.String())
    ]
    assert sorted(first) == list(range(60_000))
    assert numbers(register, ids, pl.String()) == first


def test_long_ids_with_the_same_hash_are_distinguished(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_alike(ids: pl.Series) -> tuple[register_module.Words, np.ndarray]:
        return np.full(len(ids), register_module.LONG_MARK), np.ones(len(ids), dtype=bool)

    register = CustomerRegister(pl.String())
    ids = [f"customer-{number % 7:036}" for number in range(50)]
    for batch in (ids[:20], ids[20:]):
        series = pl.Series("customer_id", batch)
        found = register.numbers(series, *all_alike(series))
        assert [register.ids[int(number)] for number in found] == batch
    assert len(register) == 7


def test_no_short_text_has_the_word_of_a_long_one() -> None:
    ids = pl.Series(["\U0010ffff", "ÿÿÿÿ", "~~~~~~~~", "\x7f" * 8, "a longer one than that"])
    words, long = id_words(ids)
    assert long is not None
    marked = (words & register_module.LONG_MARK) == register_module.LONG_MARK
    assert marked.tolist() == long.tolist() == [False, False, False, False, True]
