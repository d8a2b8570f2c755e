"""Words with a fixed meaning: "no value", and the contract's own words in other languages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ckm.schema import VOCABULARIES
from ckm.values.data_files import load_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import polars as pl


def fold(word: str) -> str:
    """Return a word as words are compared: without surrounding blanks and case."""
    return word.strip().casefold()


@cache
def null_words() -> frozenset[str]:
    """Return the folded words that mean "no value" where a number or a date is due."""
    return frozenset(fold(str(word)) for words in load_data("null_words.yaml")["words"] for word in words)


@cache
def guest_words() -> frozenset[str]:
    """Return the customer ids that stand for guests: folded, without blanks and punctuation."""
    return frozenset(fold(str(word)) for words in load_data("guest_words.yaml").values() for word in words)


@cache
def contract_words(column: str) -> dict[str, str]:
    """Return what words mean in a contract column with a vocabulary: folded word to the contract's; else empty."""
    known = load_data("vocabulary.yaml").get(column, {})
    words = {fold(str(word)): meaning for meaning, others in known.items() for word in others}
    own = (*VOCABULARIES.get(column, ()), *known, *(currency_codes() if column == "currency" else ()))
    return words | {fold(word): word for word in own}


@cache
def currency_codes() -> tuple[str, ...]:
    """Return the codes of ISO 4217."""
    return tuple(load_data("number_marks.yaml")["codes"])


def currencies_of(mark: str) -> frozenset[str]:
    """Return the currencies that a sign or word beside an amount can mean; none when it is no such sign."""
    shared = load_data("number_marks.yaml")["shared"].get(fold(mark))
    known = contract_words("currency").get(fold(mark))
    return frozenset(shared or ([known] if known else []))


def translate(values: pl.Series, words: Mapping[str, str]) -> pl.Series:
    """Replace each text whose folded form is in ``words``; others stay as they are.

    The words are compared once per distinct value.
    """
    distinct = values.unique().drop_nulls().to_list()
    changed = {value: words[fold(value)] for value in distinct if fold(value) in words and words[fold(value)] != value}
    return values.replace(changed) if changed else values


def folded(words: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return a translation with its words folded."""
    return {fold(word): meaning for word, meaning in words}
