"""Columns of a file that its mapping takes no notice of: those of money and status, and the others."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from ckm.mapping.expressions import column_names, parse_sql
from ckm.mapping.mapping import Expression, sources_of
from ckm.values.data_files import load_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ckm.mapping.mapping import Mapping

FILE = "money_words.yaml"


class PassedOver(NamedTuple):
    """Columns that nothing in a mapping names.

    Attributes
    ----------
    money
        Those whose name speaks of money, a status or a refund.
    others
        The rest.
    """

    money: tuple[str, ...]
    others: tuple[str, ...]


def passed_over(mapping: Mapping, columns: Sequence[str]) -> PassedOver:
    """Return the columns of a file that ``mapping`` does not name."""
    used = {*mapping.drop, *mapping.order_level, *mapping.aside, *mapping.translate, *mapping.file_level}
    used.update(filter(None, [mapping.time_zone_column]))
    used.update(source for rule in mapping.status for source in rule.sources)
    for target, rule in mapping.columns.items():
        used.update(sources_of(rule))
        if isinstance(rule, Expression):
            used.update(column_names(parse_sql(rule.sql, where=target)))
    left = [column for column in columns if column not in used]
    money = tuple(column for column in left if speaks_of_money(column))
    return PassedOver(money, tuple(column for column in left if column not in money))


def speaks_of_money(column: str) -> bool:
    """Whether the name of a column has a word for an amount, a refund or a status.

    >>> speaks_of_money("Refunded Amount"), speaks_of_money("Totally new")
    (True, False)
    """
    words, parts = _words()
    name = column.casefold()
    return not words.isdisjoint(re.findall(r"[^\W\d_]+", name)) or any(part in name for part in parts)


@cache
def _words() -> tuple[frozenset[str], tuple[str, ...]]:
    data = load_data(FILE)
    return frozenset(word for words in data["words"] for word in words), tuple(data["parts"])
