"""Find the currency that a column name states, as in ``Purchase amount (USD)``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ckm.io.values.amounts import MONEY
from ckm.io.values.vocabulary import currencies_of
from ckm.io.values.word_lists import load_data

if TYPE_CHECKING:
    from collections.abc import Iterable

SIGNS = "$€£¥￥฿₹₩₽₺₫₱₦"
"""Signs that stand beside a name without a space."""
BRACKETED = re.compile(r"^(?P<name>.*?)[\s_]*[(\[（【](?:in\s+)?(?P<mark>[^()\[\]（）【】]+)[)\]）】]$")
LAST = re.compile(rf"^(?P<name>.*?)(?:[\s_.-]+(?:in[\s_]+)?(?P<mark>[^\s_.-]+)|(?P<sign>[{SIGNS}]))$")
FIRST = re.compile(rf"^(?:(?P<mark>[^\s_.-]+)[\s_.-]+|(?P<sign>[{SIGNS}]))(?P<name>.+)$")


def currency_in_name(column: str) -> tuple[str, str] | None:
    """Return a column name without its currency, and the sign, code or word of that currency; None without one.

    A code in small letters that can be an English word (``all``, ``top``) is not a currency.

    >>> currency_in_name("Purchase Amount (USD)"), currency_in_name("revenue_usd"), currency_in_name("net_all")
    (('Purchase Amount', 'USD'), ('revenue', 'usd'), None)
    """
    for pattern in (BRACKETED, LAST, FIRST):
        found = pattern.match(column.strip())
        if found is None:
            continue
        parts = found.groupdict()
        mark = (parts.get("mark") or parts.get("sign") or "").strip()
        if found["name"] and currencies_of(mark) and not _is_word(mark):
            return found["name"], mark
    return None


def name_without_currency(column: str) -> str:
    """Return a column name without the currency in it."""
    found = currency_in_name(column)
    return found[0] if found else column


def marks_in_names(target: str, columns: Iterable[str]) -> set[str]:
    """Return the currency signs, codes and words in the names of the columns of a target; none if it has no amounts."""
    if target not in MONEY:
        return set()
    return {found[1] for column in columns if (found := currency_in_name(column))}


def _is_word(mark: str) -> bool:
    return mark.islower() and mark.isascii() and mark in load_data("number_marks.yaml")["words"]
