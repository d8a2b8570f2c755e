"""Determine from status columns what a record is: sale, return, refunded or cancelled sale, or no transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from ckm.io.values.vocabulary import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ckm.io.mapping.mapping import StatusRule

NEGATIVE = r"^[^\d]*[-\u2212\u2010-\u2014(]|\d[^\d]*[-\u2212]\s*$"
"""Pattern of a negative amount as text: with a minus before or after it, or in parentheses."""


class Meanings(NamedTuple):
    """Meanings of the status of records.

    Attributes
    ----------
    meaning
        Per record one of :data:`ckm.io.mapping.mapping.MEANINGS`; null if no rule applies.
    unknown
        Per record, whether its status is in no rule (Boolean).
    paid_out
        Number of ignored records with money paid out whose status does not mean a refund.
    """

    meaning: pl.Series
    unknown: pl.Series
    paid_out: int


def meanings_of(records: pl.DataFrame, rules: Iterable[StatusRule]) -> Meanings:
    """Return the meaning of each record, from the first rule whose meaning for it is not ``next``."""
    meaning = pl.Series([None], dtype=pl.String).new_from_index(0, records.height)
    unknown = pl.Series([False], dtype=pl.Boolean).new_from_index(0, records.height)
    paid_out = 0
    for rule in rules:
        words = records[rule.source].cast(pl.String)
        found = words.replace_strict(_meaning_by_word(words, rule), return_dtype=pl.String, default=None)
        if rule.blank:
            blank = words.str.strip_chars().fill_null("") == ""
            found = pl.select(pl.when(blank).then(pl.lit(rule.blank)).otherwise(found)).to_series()
        if rule.below_zero or rule.above_zero:
            concerned = _has_sign_of(rule, records)
            nothing = pl.Series([None], dtype=pl.String).new_from_index(0, records.height)
            found, words = found.zip_with(concerned, nothing), words.zip_with(concerned, nothing)
        if rule.words:
            unknown = unknown | (words.str.strip_chars().fill_null("") != "")
        unknown = unknown & (found != "next").fill_null(value=True)
        is_open = meaning.is_null() | (meaning == "next")
        if rule.below_zero and rule.filled == "ignore":
            paid_out += int((is_open & (found == "ignore")).sum())
        meaning = found.zip_with(is_open.fill_null(value=True), meaning)
    return Meanings(meaning.set(meaning == "next", None), unknown & meaning.is_null(), paid_out)


def _meaning_by_word(words: pl.Series, rule: StatusRule) -> dict[str, str]:
    """Return the meaning of each text in a status column."""
    known: dict[str, str] = {fold(word): meaning for word, meaning in rule.words.items()}
    found = {}
    for word in words.unique().drop_nulls().to_list():
        if fold(word):
            meaning = known.get(fold(word)) or rule.filled or rule.other
            if meaning:
                found[word] = meaning
    return found


def _has_sign_of(rule: StatusRule, records: pl.DataFrame) -> pl.Series:
    """Return a mask of the records whose amount has the sign to which the rule applies; zero has no sign."""
    amount = records[rule.below_zero or rule.above_zero or rule.source].cast(pl.String).fill_null("")
    negative = amount.str.contains(NEGATIVE)
    return amount.str.contains("[1-9]") & (negative if rule.below_zero else ~negative)
