"""Propose status rules for a file that is mapped by its column names: cancelled orders are no sales."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

import polars as pl

from ckm.io.mapping.column_types import ColumnShapes
from ckm.io.mapping.mapping import Meaning, StatusRule
from ckm.io.mapping.synonyms import normalise
from ckm.io.values.vocabulary import fold, null_words
from ckm.io.values.word_lists import load_data
from ckm.remark import assumption, doubt
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.remark import Remark

FILE = "order_status.yaml"
MOST_WORDS = 100
"""Maximum number of distinct texts of a column of status words."""


class ProposedStatus(NamedTuple):
    """Status rules for a file, and remarks on them.

    Attributes
    ----------
    rules
        A rule for each column with a known status; other words than those of the rule leave the decision to the next.
    remarks
        Which columns decide, and how many of their words are not known.
    """

    rules: tuple[StatusRule, ...] = ()
    remarks: tuple[Remark, ...] = ()


def proposed_status(columns: Sequence[str], sample: pl.DataFrame | None, net: str | None) -> ProposedStatus:
    """Return rules for the status columns among ``columns``, recognised by name and by words in the first records.

    Parameters
    ----------
    columns
        Source columns that are not mapped.
    sample
        The first records of the file; without records, no column is recognised.
    net
        The column with the amount, if one column has it. A row with a negative amount is a return already.
    """
    rules: list[StatusRule] = []
    remarks: list[Remark] = []
    for column in columns if sample is not None else ():
        assert sample is not None
        name, words = normalise(column), _words_of(sample[column])
        if rule := _flag(column, name, words, sample[column], net):
            rules.append(rule)
            continue
        if name not in _names("status") or not words or len(words) > MOST_WORDS:
            continue
        known = _meanings()
        meant: dict[str, Meaning] = {word: meaning for word, meaning in known.items() if meaning != "sale"}
        unknown = sum(word not in known for word in words)
        if 2 * unknown > len(words) and not any(word in meant for word in words):
            continue  # a status of something else
        rules.append(StatusRule(column, meant, other="next", above_zero=net))
        if unknown:
            remarks.append(
                doubt(f"'{column}': {unknown} of {len(words)} words are not known; their rows count as sales")
            )
    if rules:
        named = ", ".join(f"'{rule.source}'" for rule in rules)
        remarks.append(assumption(f"status by {named}: cancelled, failed and returned orders are not counted as sales"))
    return ProposedStatus(tuple(rules), tuple(remarks))


def refund_column(columns: Sequence[str], sample: pl.DataFrame | None) -> str | None:
    """Return the column with the amounts that were paid back; None without one, or with several."""
    shapes = ColumnShapes(sample)
    found = [
        column
        for column in columns
        if normalise(column) in _names("refunds") and shapes.fits("refund", column, _REFUNDS)
    ]
    return found[0] if len(found) == 1 else None


_REFUNDS = TABLES["transactions"]


def _flag(column: str, name: str, words: set[str], values: pl.Series, net: str | None) -> StatusRule | None:
    """Return the rule of a column that says yes or no, or when, of each row; None for any other column."""
    meaning = next((meaning for meaning in ("cancel", "refunded", "return") if name in _flags(meaning)), None)
    if meaning is None:
        return None
    decided = cast("Meaning", meaning)
    truths = {fold(word): word for word in load_data("truth_words.yaml")["true"]}
    denials = {fold(word) for word in load_data("truth_words.yaml")["false"]}
    if words and words <= truths.keys() | denials:
        return StatusRule(column, dict.fromkeys(truths.values(), decided), other="next", above_zero=net)
    if meaning == "cancel" and ColumnShapes(values.to_frame()).fits("ordered_at", column, _REFUNDS) and words:
        return StatusRule(column, filled=decided)
    return None


def _words_of(values: pl.Series) -> set[str]:
    """Return the distinct filled texts of a column, folded; one more than :data:`MOST_WORDS` of them at most."""
    if values.dtype.is_nested() or values.dtype.is_float():
        return set()
    texts = values.drop_nulls().cast(pl.String, strict=False).unique(maintain_order=True).head(MOST_WORDS + 1)
    return {fold(text) for text in texts if text.strip() and fold(text) not in null_words()}


@cache
def _names(kind: str) -> frozenset[str]:
    return frozenset(normalise(name) for names in load_data(FILE)[kind] for name in names)


@cache
def _flags(meaning: str) -> frozenset[str]:
    return frozenset(normalise(name) for names in load_data(FILE)["flags"].get(meaning, ()) for name in names)


@cache
def _meanings() -> dict[str, Meaning]:
    return {fold(str(word)): meaning for meaning, words in load_data(FILE)["words"].items() for word in words}
