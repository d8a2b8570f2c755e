"""Amounts of money in texts: numbers that carry at most one currency, and are no percentages."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from ckm.errors import UsageError
from ckm.schema import ORDER_AMOUNTS
from ckm.values.numbers import money_marks
from ckm.values.readers import NumberReader
from ckm.values.vocabulary import currencies_of

MONEY = frozenset({"net", "discount", "cost", "unit_price", "gross", "refund", "fee", *ORDER_AMOUNTS})
"""Targets that are amounts of money."""
PERCENT = r"[%％٪]\s*$"


@dataclass(frozen=True)
class AmountReader(NumberReader):
    """Numbers that are money.

    Attributes
    ----------
    marks
        The signs, codes and words found beside amounts are added here: each batch brings its own.
    """

    marks: set[str] = field(default_factory=set, compare=False)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Read amounts in any dress; a percentage is none."""
        self.marks.update(money_marks(texts))
        read = super().careful(texts)
        percent = texts.str.contains(PERCENT).fill_null(value=False)
        return read.set(percent, None) if percent.any() else read


def are_percentages(texts: pl.Series) -> bool:
    """Whether most texts of a column are percentages."""
    found = texts.drop_nulls()
    return found.dtype == pl.String and bool(len(found)) and 2 * found.str.contains(PERCENT).sum() > len(found)


def refuse_other_currencies(marks: set[str], currency: str) -> None:
    """Refuse marks beside amounts that cannot all stand for ``currency``.

    Raises
    ------
    UsageError
        Naming the marks, which are words of our own lists and no values.
    """
    meant = {mark: currencies_of(mark) for mark in sorted(marks)}
    meant = {mark: currencies for mark, currencies in meant.items() if currencies}
    if all(currency in currencies for currencies in meant.values()):
        return
    shared = frozenset.intersection(*meant.values())
    named = ", ".join(f"'{mark}'" for mark in meant)
    if not shared:
        raise UsageError(
            f"the amounts are of several currencies: they are marked as {named}",
            hint="add a column that names the currency of each row, or load one file per currency",
            marks=list(meant),
        )
    codes = sorted(shared)
    choice = f"--currency {codes[0]}" if len(codes) == 1 else f"--currency CODE, one of {', '.join(codes)}"
    raise UsageError(
        f"the amounts are marked as {named}, and every one would be taken for {currency}",
        hint=f"say which currency it is with {choice} (in a mapping, currency: {{value: CODE}})",
        marks=list(meant),
    )
