"""List the columns of a file that a mapping does not use; names of amounts and statuses are listed apart."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ckm.io.mapping.consent_columns import consent_columns
from ckm.io.mapping.expressions import column_names, parse_sql
from ckm.io.mapping.mapping import Expression, sources_of
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.io.mapping.mapping import Mapping

FILE = "money_words.yaml"


class UnmappedColumns(NamedTuple):
    """Columns that a mapping does not use.

    Attributes
    ----------
    money
        Columns whose name indicates an amount, a status or a refund.
    others
        All other columns that the mapping does not use.
    """

    money: tuple[str, ...]
    others: tuple[str, ...]


def unmapped_columns(mapping: Mapping, columns: Sequence[str]) -> UnmappedColumns:
    """Return the columns of a file that ``mapping`` does not use."""
    used = {*mapping.drop, *mapping.order_level, *mapping.aside, *mapping.translate, *mapping.file_level}
    used.update(filter(None, [mapping.time_zone_column]))
    used.update(source for rule in mapping.status for source in rule.sources)
    for target, rule in mapping.columns.items():
        used.update(sources_of(rule))
        if isinstance(rule, Expression):
            used.update(column_names(parse_sql(rule.sql, where=target)))
    left = [column for column in columns if column not in used]
    consents = consent_columns(left)
    money = tuple(column for column in left if column not in consents and names_amount_or_status(column))
    return UnmappedColumns(money, tuple(column for column in left if column not in money))


def names_amount_or_status(column: str) -> bool:
    """Return whether a column name has a word for an amount, a refund or a status.

    >>> names_amount_or_status("Refunded Amount"), names_amount_or_status("Totally new")
    (True, False)
    """
    words, parts = _words()
    name = column.casefold()
    return not words.isdisjoint(re.findall(r"[^\W\d_]+", name)) or any(part in name for part in parts)


@cache
def _words() -> tuple[frozenset[str], tuple[str, ...]]:
    data = load_data(FILE)
    return frozenset(word for words in data["words"] for word in words), tuple(data["parts"])
