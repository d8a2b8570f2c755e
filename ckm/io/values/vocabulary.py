"""Words with a fixed meaning: null words, guests, currencies, and words for the values of schema columns."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ckm.io.values.word_lists import load_data
from ckm.schema import VOCABULARIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl


def fold(word: str) -> str:
    """Return a case-folded word without surrounding spaces, for comparisons."""
    return word.strip().casefold()


@cache
def null_words() -> frozenset[str]:
    """Return the folded null words for numbers and dates."""
    return frozenset(fold(str(word)) for words in load_data("null_words.yaml")["words"] for word in words)


@cache
def guest_words() -> frozenset[str]:
    """Return the customer ids of guests: folded, without spaces and punctuation."""
    return frozenset(fold(str(word)) for words in load_data("guest_words.yaml").values() for word in words)


@cache
def contract_words(column: str) -> dict[str, str]:
    """Return the values of a schema column with fixed values, by folded word; empty for other columns."""
    known = load_data("vocabulary.yaml").get(column, {})
    words = {fold(str(word)): meaning for meaning, others in known.items() for word in others}
    own = (*VOCABULARIES.get(column, ()), *known, *(currency_codes() if column == "currency" else ()))
    return words | {fold(word): word for word in own}


@cache
def currency_codes() -> tuple[str, ...]:
    """Return the codes of ISO 4217."""
    return tuple(load_data("number_marks.yaml")["codes"])


def currencies_of(mark: str) -> frozenset[str]:
    """Return the possible currencies of a sign or word; none if it is not a currency mark."""
    shared = load_data("number_marks.yaml")["shared"].get(fold(mark))
    known = contract_words("currency").get(fold(mark))
    return frozenset(shared or ([known] if known else []))


def translate(values: pl.Series, words: Mapping[str, str]) -> pl.Series:
    """Replace each text whose folded form is in ``words``; others are unchanged.

    The words are compared once per distinct value.
    """
    distinct = values.unique().drop_nulls().to_list()
    changed = {value: words[fold(value)] for value in distinct if fold(value) in words and words[fold(value)] != value}
    return values.replace(changed) if changed else values


def folded(words: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return word-value pairs as a dictionary by folded word."""
    return {fold(word): meaning for word, meaning in words}
