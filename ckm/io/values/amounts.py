"""Parse amounts of money: numbers with at most one currency, which are not percentages."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from ckm.errors import UsageError
from ckm.io.values.numbers import money_marks
from ckm.io.values.readers import NumberReader
from ckm.io.values.vocabulary import currencies_of
from ckm.schema import ORDER_AMOUNTS

MONEY = frozenset({"net", "discount", "cost", "unit_price", "gross", "refund", "fee", *ORDER_AMOUNTS})
"""Targets of amounts."""
PERCENT = r"[%％٪]\s*$"


@dataclass(frozen=True)
class AmountReader(NumberReader):
    """Parser of amounts.

    Attributes
    ----------
    marks
        The currency signs, codes and words found with amounts, collected over all batches.
    """

    marks: set[str] = field(default_factory=set, compare=False)

    def careful(self, texts: pl.Series) -> pl.Series:
        """Parse amounts in any format; percentages are invalid."""
        self.marks.update(money_marks(texts))
        read = super().careful(texts)
        percent = texts.str.contains(PERCENT).fill_null(value=False)
        return read.set(percent, None) if percent.any() else read


def are_percentages(texts: pl.Series) -> bool:
    """Return whether most texts of a column are percentages."""
    found = texts.drop_nulls()
    return found.dtype == pl.String and bool(len(found)) and 2 * found.str.contains(PERCENT).sum() > len(found)


def refuse_other_currencies(marks: set[str], currency: str) -> None:
    """Refuse currency marks that contradict ``currency``.

    Raises
    ------
    UsageError
        A mark contradicts; the error shows the marks, which are from ckm's lists and not values.
    """
    meant = {mark: currencies_of(mark) for mark in sorted(marks)}
    meant = {mark: currencies for mark, currencies in meant.items() if currencies}
    if all(currency in currencies for currencies in meant.values()):
        return
    shared = frozenset.intersection(*meant.values())
    named = ", ".join(f"'{mark}'" for mark in meant)
    if not shared:
        raise UsageError(
            f"the amounts have several currencies: {named}",
            hint="add a currency column, or load one file per currency",
            marks=list(meant),
        )
    codes = sorted(shared)
    choice = f"--currency {codes[0]}" if len(codes) == 1 else f"--currency CODE, one of {', '.join(codes)}"
    raise UsageError(
        f"the amounts are marked as {named}, but the currency would be {currency}",
        hint=f"set the currency with {choice} (in a mapping, currency: {{value: CODE}})",
        marks=list(meant),
    )
