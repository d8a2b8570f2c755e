"""What a pass over the transactions gathers of each customer and day: keys and whole numbers, added up by sorting.

A *slot* says what is kept apart of one customer: ``day << 1 | returned``, the day with the offset of
:data:`ckm.churning.timeline.EPOCH`. A *key* is ``customer << SLOT_BITS | slot``, where the customer is a number in
order of appearance, and at the end the position among the sorted ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from ckm.churning.timeline import DAY_BITS
from ckm.feature_table.register import id_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.feature_table.register import CustomerRegister

    Whole = NDArray[np.int64]

SLOT_BITS = DAY_BITS + 1
"""Of a key: a day, and whether it is of returns."""
SLOT_MASK = (1 << SLOT_BITS) - 1
MOST_PENDING = 2**24
"""Entries collected before those of one key are added up; 256 MB."""


class Gathered(NamedTuple):
    """Money by key.

    Attributes
    ----------
    key, money
        As long as there are entries.
    value
        Number of the value of the column ``by``, which tells entries apart as well; None without such a column.
    """

    key: Whole
    value: Whole | None
    money: Whole

    def where(self, chosen: NDArray[np.bool_]) -> Gathered:
        """Some of them, whatever their value."""
        return Gathered(self.key[chosen], None, self.money[chosen])

    def added_up(self) -> Gathered:
        """One entry per key and value, of sorted ones."""
        new = np.ones(len(self.key), dtype=bool)
        np.not_equal(self.key[1:], self.key[:-1], out=new[1:])
        if self.value is not None:
            new[1:] |= self.value[1:] != self.value[:-1]
        firsts = np.flatnonzero(new)
        money = np.add.reduceat(self.money, firsts) if len(firsts) else self.money
        return Gathered(self.key[firsts], None if self.value is None else self.value[firsts], money)


class Gathering:
    """Entries as they come; now and then those that belong together are added up."""

    def __init__(self, *, with_value: bool) -> None:
        self._with_value = with_value
        self._kept: list[Gathered] = []
        self._pending = 0

    def add(self, key: Whole, value: Whole, money: Whole) -> None:
        """Take entries in any order, keys as often as they come."""
        self._kept.append(Gathered(key, value.astype(np.int32) if self._with_value else None, money))
        self._pending += len(key)
        if self._pending >= MOST_PENDING:
            self._kept = [self.collected()]
            self._pending = 0

    def collected(self, codes: Whole | None = None) -> Gathered:
        """Every entry once, sorted; ``codes`` are what the customers' numbers become."""
        columns = {
            name: np.concatenate([column for each in self._kept if (column := getattr(each, name)) is not None])
            for name in ("key", "money", *(["value"] if self._with_value else []))
        }
        self._kept = []
        if codes is not None:
            columns["key"] = _recoded(columns["key"], codes)
        frame = pl.DataFrame(columns).sort(["key", "value"] if self._with_value else "key")
        value = frame["value"].to_numpy() if self._with_value else None
        return Gathered(frame["key"].to_numpy(), value, frame["money"].to_numpy()).added_up()


def _recoded(keys: Whole, codes: Whole) -> Whole:
    recoded: Whole = codes[keys >> SLOT_BITS]
    recoded <<= SLOT_BITS
    recoded |= keys & SLOT_MASK
    return recoded


def customers_in_order(register: CustomerRegister) -> tuple[pl.Series, Whole]:
    """Return the ids as sorted texts, and the position there of each number."""
    ids = register.ids
    if ids.dtype == pl.String:
        # polars sorts texts eight times faster than it finds the order that would sort them; the register knows it
        ordered = ids.sort()
        numbers = register.numbers(ordered, *id_words(ordered))
    else:
        texts = ids.cast(pl.String)
        numbers = texts.arg_sort().to_numpy()
        ordered = texts.gather(numbers)
    codes = np.empty(len(numbers), dtype=np.int64)
    codes[numbers] = np.arange(len(numbers))
    return ordered.alias("customer_id"), codes
