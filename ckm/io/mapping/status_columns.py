"""Status and refund columns of files of no known platform: which rows are no purchase, and what is not deducted."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import polars as pl

from ckm.io.mapping.column_types import ColumnShapes
from ckm.io.mapping.mapping import FromColumn, StatusRule
from ckm.io.mapping.missing_columns import mapped_columns
from ckm.io.mapping.synonyms import normalise
from ckm.io.mapping.unmapped_columns import unmapped_columns
from ckm.io.values.booleans import truth_words
from ckm.io.values.vocabulary import contract_words, fold, null_words
from ckm.io.values.word_lists import load_data
from ckm.remark import assumption, doubt, warning
from ckm.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.io.mapping.mapping import Mapping, Meaning

FILE = "status_columns.yaml"
KINDS = ("names", "filled", "flags", "refunded_flags", "return_flags", "line_kinds")
"""Kinds of columns, in sections of the data file."""
SAID = {
    "cancel": "cancelled, failed and draft rows are no purchases",
    "refunded": "refunded rows are sales and returns",
    "return": "returned rows are returns",
    "ignore": "lines for shipping, tax, fees and payments are left out",
}
"""What a remark says of a status rule, by its meaning."""
FEWEST_ORDERS = 10
"""Minimum orders with several states from which a history of states is concluded."""
SEVERAL_ORDERS, FEWEST_CUSTOMERS, NEARLY_ALL = 3, 5, 0.9
"""Minimum orders of a customer, minimum number of such customers with a cancelled order, and minimum share of them with
only cancelled orders, from which a status is that of the customer."""
MOST_WORDS = 200
"""Maximum distinct texts of a column with statuses; a column with more has names or free text."""


def status_rules(
    mapping: Mapping, columns: Sequence[str], sample: pl.DataFrame | None = None
) -> tuple[StatusRule, ...]:
    """Return rules for the unmapped columns by which rows are no purchases: cancelled, failed, drafts, refunded.

    Such a column has a status, a date or reason that only a cancelled row has, or a mark that is true there. Refunded
    rows with a positive amount are sales that were returned in full. Lines for shipping, tax and payments are ignored
    by a column with the kind of the line. All other words leave the row as it is. A column named like a status of whose
    words in ``sample`` none is known, such as a state of the country, has no rule; nor has the status of a customer,
    which all orders of the customer have.
    """
    if mapping.table != "transactions":
        return ()
    kinds = {normalise(name): kind for kind in KINDS for name in load_data(FILE)[kind]}
    net = next(iter(mapped_columns(mapping.columns, ("net", "order_net"))), None)
    has_types = isinstance(mapping.columns.get("type"), FromColumn)  # it has rows of returns
    rules = []
    for column in _unmapped(mapping, columns):
        kind = kinds.get(normalise(column))
        if kind == "filled":
            rules.append(StatusRule(column, words=_without_meaning(), filled="cancel"))
        elif kind == "line_kinds":
            rules.append(StatusRule(column, words=dict.fromkeys(sorted(_folded("no_goods")), "ignore"), other="next"))
        elif kind == "names" and sample is not None and not _is_of_orders(column, mapping, sample):
            continue
        elif kind == "names":
            rules.append(StatusRule(column, words=dict.fromkeys(_cancelled(), "cancel"), other="next"))
            if not has_types:
                refunded: dict[str, Meaning] = dict.fromkeys(sorted(_folded("refunded")), "refunded")
                rules.append(StatusRule(column, words=refunded, other="next", above_zero=net))
        elif kind == "flags":
            rules.append(StatusRule(column, words=dict.fromkeys([*_cancelled(), *_true()], "cancel"), other="next"))
        elif kind is not None and not has_types:
            meaning: Meaning = "refunded" if kind == "refunded_flags" else "return"
            rules.append(StatusRule(column, words=dict.fromkeys(_true(), meaning), other="next", above_zero=net))
    return tuple(rules)


def refund_column(columns: Sequence[str], sample: pl.DataFrame | None) -> str | None:
    """Return the column with the amounts that were paid back; None without one, or with several."""
    names = {normalise(name) for name in load_data(FILE)["refund_amounts"]}
    shapes = ColumnShapes(sample)
    found = [name for name in columns if normalise(name) in names and shapes.fits("net", name, TABLES["transactions"])]
    return found[0] if len(found) == 1 else None


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
    for column in dict.fromkeys(rule.source for rule in mapping.status if rule.source in columns):
        meanings = {meaning for rule in mapping.status if rule.source == column for meaning in _meanings(rule)}
        said = [text for meaning, text in SAID.items() if meaning in meanings]
        remarks.append(assumption(f"by the column '{column}', {' and '.join(said)}"))
    if mapping.table != "transactions" or sample is None:
        return remarks
    left = _unmapped(mapping, columns)
    if not {"refund", "order_refund"} & mapping.columns.keys():
        for column in (column for column in left if _has_refunds(column, sample)):
            text = f"refunds in column '{column}' are not deducted; map them with --column refund='{column}'"
            remarks.append(warning(text))
    remarks += [
        doubt(f"column '{column}' is read as the status of the customer: no row is excluded by it")
        for column in left
        if normalise(column) in {normalise(name) for name in load_data(FILE)["names"]}
        and _is_of_customers(column, mapping, sample)
    ]
    remarks += _remarks_on_unknown_words(mapping, columns, sample)
    remarks += _remarks_on_histories(mapping, columns, sample)
    text = "count as sales of a product; a mapping can leave them out"
    remarks += [
        warning(f"lines for shipping, tax or fees in column '{column}' {text} (status, ignore)")
        for column in _product_columns(mapping, columns)
        if _has_words(column, sample, _folded("no_goods"))
    ]
    if not isinstance(mapping.columns.get("type"), FromColumn):
        statuses = list(dict.fromkeys(rule.source for rule in mapping.status if rule.source in columns))
        remarks += [
            warning(f"rows that are refunded or returned by column '{column}' count as sales")
            for column in [*left, *statuses]
            if _has_words(column, sample, _folded("returned"), most=MOST_WORDS)
        ]
    return remarks


def _remarks_on_unknown_words(mapping: Mapping, columns: Sequence[str], sample: pl.DataFrame) -> list[str]:
    """Return a remark on each status column some of whose words are known and others are not."""
    names = {normalise(name) for name in load_data(FILE)["names"]}
    remarks: list[str] = []
    for column in dict.fromkeys(rule.source for rule in mapping.status):
        if column not in columns or normalise(column) not in names:
            continue
        words = _words(column, sample)
        unknown = len(words - _known())
        if unknown and words & _known() and len(words) <= MOST_WORDS:
            text = f"{unknown} of the {len(words)} words in column '{column}' are not known; their rows count as sales"
            remarks.append(doubt(text))
    return remarks


def _remarks_on_histories(mapping: Mapping, columns: Sequence[str], sample: pl.DataFrame) -> list[str]:
    """Return a remark on each status column with several states of an order whose rows are otherwise equal."""
    order = mapped_columns(mapping.columns, ["order_id"])
    if not order:
        return []
    same = list(dict.fromkeys([*order, *mapped_columns(mapping.columns, ("line_no", "product_id", "quantity", "net"))]))
    states = dict.fromkeys(rule.source for rule in mapping.status if rule.other == "next" and rule.source in columns)
    remarks: list[str] = []
    for column in states:
        rows = sample.select(*same, column).unique()
        orders = rows.filter(rows.select(same).is_duplicated())[order[0]].n_unique()
        if orders >= FEWEST_ORDERS:
            text = f"{orders:,} orders have several rows that differ in column '{column}' only, and each row counts"
            remarks.append(warning(f"{text}; a mapping with key: [order_id] keeps the last state of each order"))
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


def _product_columns(mapping: Mapping, columns: Sequence[str]) -> list[str]:
    """Return the columns of products and their names, unless a rule reads the kinds of the lines."""
    if any("ignore" in rule.words.values() for rule in mapping.status):
        return []
    names = {normalise(name) for name in load_data(FILE)["product_names"]}
    used = mapped_columns(mapping.columns, ["product_id", "category"])
    return [column for column in columns if column in used or normalise(column) in names]


def _is_of_orders(column: str, mapping: Mapping, sample: pl.DataFrame) -> bool:
    """Return whether a column named like a status has words for orders, and is not the status of the customer."""
    return bool(_words(column, sample) & _known()) and not _is_of_customers(column, mapping, sample)


def _is_of_customers(column: str, mapping: Mapping, sample: pl.DataFrame) -> bool:
    """Return whether customers with several orders have either only cancelled orders or none, so that it is theirs."""
    who, when = (
        next(iter(mapped_columns(mapping.columns, names)), None) for names in (["customer_id"], ["ordered_at"])
    )
    if who is None or when is None or not {who, when} <= set(sample.columns):
        return False
    cancelled = {text: fold(text) in _cancelled() for text in sample[column].drop_nulls().unique()}
    words = sample[column].replace_strict(cancelled, default=None, return_dtype=pl.Boolean)
    by_customer = (
        sample.select(pl.col(who), pl.col(when), is_cancelled=words)
        .drop_nulls()
        .group_by(who)
        .agg(orders=pl.col(when).n_unique(), some=pl.col("is_cancelled").any(), every=pl.col("is_cancelled").all())
    )
    concerned = by_customer.filter(pl.col("orders") >= SEVERAL_ORDERS, "some")
    return concerned.height >= FEWEST_CUSTOMERS and int(concerned["every"].sum()) >= NEARLY_ALL * concerned.height


def _words(column: str, sample: pl.DataFrame) -> set[str]:
    """Return the folded texts of a column, without null words."""
    if sample.schema[column] != pl.String:
        return set()
    return {fold(text) for text in sample[column].drop_nulls().unique()} - {"", *null_words()}


def _has_words(column: str, sample: pl.DataFrame, words: frozenset[str], *, most: int | None = None) -> bool:
    """Return whether a text of a column is one of the folded ``words``; false if it has more than ``most`` texts."""
    if sample.schema[column] != pl.String:
        return False
    texts = sample[column].drop_nulls().unique()
    return (most is None or len(texts) <= most) and any(fold(text) in words for text in texts)


@cache
def _folded(section: str) -> frozenset[str]:
    """Return the folded words of a section of the data file."""
    return frozenset(fold(word) for word in load_data(FILE)[section])


@cache
def _known() -> frozenset[str]:
    """Return the folded words of a status of orders."""
    return _folded("sold") | _folded("refunded") | _folded("returned") | frozenset(_cancelled())


def _meanings(rule: StatusRule) -> set[str]:
    return {*rule.words.values(), *filter(None, [rule.filled])}


def _true() -> list[str]:
    return [word for word, is_true in truth_words().items() if is_true]


@cache
def _without_meaning() -> dict[str, Meaning]:
    """Return the words that fill a cell without a date or reason, each with the meaning ``next``."""
    false = (word for word, is_true in truth_words().items() if not is_true)
    return dict.fromkeys([*null_words(), *false, "0000-00-00", "0000-00-00 00:00:00"], "next")


@cache
def _cancelled() -> tuple[str, ...]:
    """Return the folded words for cancelled, failed and draft rows."""
    contract = (word for word, meaning in contract_words("type").items() if meaning == "cancel")
    return tuple(dict.fromkeys([*contract, *(fold(word) for word in load_data(FILE)["cancelled"])]))
