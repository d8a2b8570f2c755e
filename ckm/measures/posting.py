"""From what a pass gathered to ledgers: one of everything, and one of each part."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.churning.timeline import EPOCH, calendar_day
from ckm.measures.entries import Entries
from ckm.measures.gathered import SLOT_BITS, SLOT_MASK, Gathered
from ckm.measures.ledger import NO_VALUE, OTHER, Ledger, Till

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ckm.feature_table.view import View

MOST_PARTS = 8
"""Parts with a ledger of their own; what is beyond them shares one."""


def post(customers: pl.Series, entries: Gathered, nameless: pl.DataFrame, view: View) -> Ledger:
    """Return the ledger of entries, sorted by key.

    Parameters
    ----------
    customers
        Ids by code, sorted.
    entries
        With codes in their keys.
    nameless
        Rows without a customer: ``slot`` and ``money``.
    view
        What was counted, and on what day the ledger stands.
    """
    if entries.value is not None:
        entries = entries._replace(value=None).added_up()
    returned = (entries.key & 1).astype(bool)
    visits, returns = (
        Entries.of_arrays(entries.key[those] >> 1, entries.money[those], len(customers))
        for those in (~returned, returned)
    )
    till = _till(nameless)
    begins = min(int(days.min()) for days in (visits.day, returns.day, till.day) if len(days))
    return Ledger(
        customers=customers,
        visits=visits,
        returns=returns,
        till=till,
        begins=calendar_day(begins),
        as_of=view.as_of,
        currency=view.currency,
        scale=view.scale,
        time_zone=view.time_zone,
        left_out=view.left_out(0),
    )


def _till(sums: pl.DataFrame) -> Till:
    slot, money = pl.col("slot").cast(pl.Int64) & SLOT_MASK, pl.col("money")
    returned = slot % 2 == 1
    days = (
        sums.group_by(day=((slot // 2) - EPOCH).cast(pl.Int32))
        .agg(purchases=money.filter(~returned).sum(), returns=money.filter(returned).sum())
        .sort("day")
    )
    return Till(*(days[name].to_numpy() for name in ("day", "purchases", "returns")))


def post_parts(
    names: pl.Series, whole: Ledger, entries: Gathered, nameless: pl.DataFrame, view: View
) -> dict[str, Ledger]:
    """Return the ledgers of the values of ``by``: the largest, the rest together, and rows without a value.

    Parameters
    ----------
    names
        The values by their numbers in ``entries``; the first is that of rows without one.
    whole, entries, nameless, view
        See :func:`post`; ``nameless`` has the number of the value above its slot.
    """
    assert entries.value is not None
    till_value = nameless["slot"].to_numpy() >> SLOT_BITS
    revenue = np.zeros(len(names), dtype=np.int64)
    np.add.at(revenue, entries.value, entries.money)
    np.add.at(revenue, till_value, nameless["money"].to_numpy())
    largest = (
        pl.DataFrame({"name": names, "net": revenue})
        .with_row_index("number")
        .filter(pl.col("number") > 0)
        .sort("net", "name", descending=[True, False])
        .head(MOST_PARTS)
    )
    labels = [*largest["name"], OTHER, NO_VALUE]
    label = np.full(len(names), labels.index(OTHER, len(largest)), dtype=np.int64)
    label[largest["number"].to_numpy()] = np.arange(len(largest))
    label[0] = len(labels) - 1
    entry_label, till_label = label[entries.value], label[till_value]
    parts: dict[str, Ledger] = {}
    for number, name in enumerate(labels):
        mine = entries.where(entry_label == number)
        unnamed = nameless.filter(till_label == number)
        if len(mine.key) or len(unnamed):
            part = post(whole.customers, mine.added_up(), unnamed, view)
            there = np.zeros(len(whole.customers), dtype=bool)
            there[mine.key >> SLOT_BITS] = True
            parts[_new_name(name, parts)] = replace(
                part.only(there), till=part.till, begins=whole.begins, left_out=whole.left_out
            )
    return parts


def _new_name(name: str, taken: Mapping[str, object]) -> str:
    """A value may be called as the rest is called: both stand, told apart."""
    return f"{name} (*)" if name in taken else name
