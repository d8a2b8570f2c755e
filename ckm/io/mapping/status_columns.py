"""Status and refund columns of files of no known platform: which rows are no purchase, and what is not deducted."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.column_types import ColumnShapes
from ckm.io.mapping.mapping import FromColumn, StatusRule
from ckm.io.mapping.synonyms import normalise
from ckm.io.mapping.unmapped_columns import unmapped_columns
from ckm.io.values.vocabulary import contract_words, fold
from ckm.io.values.word_lists import load_data
from ckm.remark import assumption, warning
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.io.mapping.mapping import Mapping

FILE = "status_columns.yaml"
MOST_WORDS = 200
"""Maximum distinct texts of a column with statuses; a column with more has names or free text."""


def status_rules(mapping: Mapping, columns: Sequence[str]) -> tuple[StatusRule, ...]:
    """Return a rule for each unmapped status column: rows that are cancelled, failed or drafts are no purchases.

    All other words leave the row as it is.
    """
    if mapping.table != "transactions":
        return ()
    names = {normalise(name) for name in load_data(FILE)["names"]}
    left = [column for column in _unmapped(mapping, columns) if normalise(column) in names]
    return tuple(StatusRule(column, words=dict.fromkeys(_cancelled(), "cancel"), other="next") for column in left)


def status_remarks(mapping: Mapping, columns: Sequence[str], sample: pl.DataFrame | None) -> list[str]:
    """Return remarks on the status rules of a mapping, and on refunds in columns that it does not use.

    Parameters
    ----------
    mapping
        A mapping of transactions, with the rules of :func:`status_rules`.
    columns
        The columns of the file that a message may show.
    sample
        The first records; only refunds that occur in them are remarked.
    """
    remarks: list[str] = []
    for rule in mapping.status:
        if rule.source in columns:
            text = "cancelled, failed and draft rows are no purchases, all others count"
            remarks.append(assumption(f"by the status column '{rule.source}', {text}"))
    if mapping.table != "transactions" or sample is None:
        return remarks
    left = _unmapped(mapping, columns)
    if not {"refund", "order_refund"} & mapping.columns.keys():
        for column in (column for column in left if _has_refunds(column, sample)):
            text = f"refunds in column '{column}' are not deducted; map them with --column refund='{column}'"
            remarks.append(warning(text))
    if not isinstance(mapping.columns.get("type"), FromColumn):
        statuses = [rule.source for rule in mapping.status if rule.source in columns]
        remarks += [
            warning(f"rows that are refunded or returned by column '{column}' count as sales")
            for column in [*left, *statuses]
            if _has_returned_rows(column, sample)
        ]
    return remarks


def _unmapped(mapping: Mapping, columns: Sequence[str]) -> list[str]:
    unmapped = unmapped_columns(mapping, columns)
    return [column for column in columns if column in {*unmapped.money, *unmapped.others}]


def _has_refunds(column: str, sample: pl.DataFrame) -> bool:
    """Return whether a column has the name of refunded amounts, and an amount other than zero."""
    data = load_data(FILE)
    name = column.casefold()
    words = set(re.findall(r"[^\W\d_]+", name))
    if words.isdisjoint(data["refund_words"]) and not any(part in name for part in data["refund_parts"]):
        return False
    amounts = sample[column].drop_nulls()
    if not ColumnShapes(sample).fits("net", column, TABLES["transactions"]):
        return False
    return bool(amounts.cast(pl.String, strict=False).str.contains("[1-9١-٩۱-۹]").any())


def _has_returned_rows(column: str, sample: pl.DataFrame) -> bool:
    """Return whether a column of few distinct texts has a word for a refunded or returned row."""
    if sample.schema[column] != pl.String:
        return False
    texts = sample[column].drop_nulls().unique()
    words = {fold(word) for word in load_data(FILE)["returned"]}
    return len(texts) <= MOST_WORDS and any(fold(text) in words for text in texts)


@cache
def _cancelled() -> tuple[str, ...]:
    """Return the folded words for cancelled, failed and draft rows."""
    contract = (word for word, meaning in contract_words("type").items() if meaning == "cancel")
    return tuple(dict.fromkeys([*contract, *(fold(word) for word in load_data(FILE)["cancelled"])]))
