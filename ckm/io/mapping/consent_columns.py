"""Columns of exports that say whether a customer accepts advertising (``ckm/data/consent_columns.yaml``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from ckm.io.mapping.synonyms import normalise
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WORDS, COLUMNS = "consent_words.yaml", "consent_columns.yaml"
CONSENT_TABLES = {"customers": None, "transactions": "ordered_at"}
"""Tables whose additional columns are read as consents, with the column that dates them; None without a date."""


def consent_columns(names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return the columns that are read as consents, with their entry in ``consent_columns.yaml``."""
    known = {normalise(name): entry for entry in load_data(COLUMNS)["columns"] for name in entry["names"]}
    return {name: known[normalise(name)] for name in names if normalise(name) in known}


def resembles_consent(column: str) -> bool:
    """Return whether a part of a column name, split at blanks and punctuation, is a word for a consent."""
    words = set(load_data("profile_columns.yaml")["consent"])
    return not words.isdisjoint(re.split(r"[\W_]+", column.casefold()))


def granted(column: str) -> pl.Expr:
    """Return whether the texts of a column are consents: true for a known word of consent, else false; null is null."""
    return consent_word(column).is_in(load_data(WORDS)["granted"])


def answer(column: str, entry: Mapping[str, Any]) -> pl.Expr:
    """Return the answer in a consent column: true for a consent, false for a refusal, null for none.

    A column of refusals has no consents; a text that is not known to deny the refusal is one.
    """
    word = consent_word(column)
    filled = word != ""
    if entry.get("refuses"):
        return pl.when(filled & ~word.is_in(load_data(WORDS)["not_refused"])).then(pl.lit(value=False))
    return pl.when(filled).then(granted(column))


def consent_word(column: str) -> pl.Expr:
    """Return the texts of a column in lower case, with underscores for blanks and hyphens."""
    return pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]+", "_")
