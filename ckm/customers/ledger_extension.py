"""Update of a saved ledger: customers with changed rows are read again, the others are not.

A state of the transactions is a set of data files. What has entered and left since the ledger was made are the *came*
and the *gone* rows; a row that only moved to another file is in neither. Customers among them lose all their entries
and get those that are read from all their present rows. What belongs to the shop as a whole is whole numbers by day,
so that the sums of the rows that came, less those of the rows that are gone, are exact. Whatever cannot be told that
way, such as the largest amount where it is gone, makes the ledger be rebuilt.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day
from ckm.customers.daily_revenue import revenue_of
from ckm.customers.day_totals import known_totals
from ckm.customers.definitions import DATED_BY, FINEST_MONEY_SCALE, NEEDED_COLUMNS, OPTIONAL_COLUMNS
from ckm.customers.ledger import Ledger, first_day_with_lines
from ckm.customers.ledger_reader import read_rows
from ckm.customers.source import TRANSACTIONS
from ckm.customers.transaction_scan import DIMENSIONS
from ckm.dataset.declared_guests import without_guest_ids
from ckm.dataset.declared_payments import without_payments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from ckm.store import Snapshot

    Whole = NDArray[np.int64]

MOST_REREAD = 0.25
"""Of the table's rows in files that came or went: beyond it, comparing them takes as long as a ledger rebuilt."""
MOST_CHANGED = 0.2
"""Of the customers: beyond it, a ledger rebuilt is as fast."""
HASHES = {" a": 0, " b": 1}
"""Two hashes of a row by their seeds: 128 bits, by which equal rows of files that came and went are paired."""


class Changes(NamedTuple):
    """What changed in the transactions.

    Attributes
    ----------
    came, gone
        Rows with the columns of :func:`ledger_columns`.
    customers
        Ids of those to whom any of them belongs, sorted.
    rows
        All present rows of these customers.
    """

    came: pl.LazyFrame
    gone: pl.LazyFrame
    customers: pl.Series
    rows: pl.LazyFrame


def ledger_columns(schema: Collection[str]) -> list[str]:
    """Return the columns among those of the transactions from which a ledger is made."""
    names = (*NEEDED_COLUMNS, *OPTIONAL_COLUMNS, *DIMENSIONS, DATED_BY)
    return [name for name in dict.fromkeys(names) if name in schema]


def changes_since(
    snapshot: Snapshot,
    files: Iterable[Sequence[Any]],
    customers: int,
    guest_ids: Iterable[str] = (),
    payments: Sequence[str] = (),
) -> Changes | None:
    """Find what changed.

    Parameters
    ----------
    snapshot
        The present data files of the transactions.
    files
        The marks of those of an earlier state.
    customers
        How many there were then.
    guest_ids, payments
        Customer ids that are guests, and sources whose rows are payments, now as then.

    Returns
    -------
    Changes | None
        None where a file that went is deleted, or so much changed that all can as well be read.
    """
    came, gone = snapshot.since(files)
    if any(map(snapshot.lacks, gone)) or sum(mark[1] for mark in (*came, *gone)) > MOST_REREAD * snapshot.rows:
        return None
    columns = ledger_columns(snapshot.schema)
    new, old = (_rows(snapshot.scan(marks), columns, guest_ids, payments) for marks in (came, gone))
    if came and gone:
        new, old = _without_moved(new, old)
    ids = pl.concat([new.select("customer_id"), old.select("customer_id")])
    theirs = ids.drop_nulls().unique().collect(engine="streaming")["customer_id"].sort()
    if len(theirs) > MOST_CHANGED * customers:
        return None
    return Changes(new, old, theirs, _rows(snapshot.scan_customers(theirs), columns, guest_ids, payments))


def _rows(
    transactions: pl.LazyFrame, columns: list[str], guest_ids: Iterable[str], payments: Sequence[str]
) -> pl.LazyFrame:
    """Return rows of the store as analyses get them."""
    sales = without_payments(transactions, payments).select(columns)
    return without_guest_ids({TRANSACTIONS: sales}, guest_ids)[TRANSACTIONS]


def extended(ledger: Ledger, changes: Changes) -> Ledger | None:
    """Return the ledger of the present transactions, equal to one that is rebuilt; None where it must be rebuilt.

    Parameters
    ----------
    ledger
        Of the earlier state, as of its newest day.
    changes
        Since then.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    needs, zone = ledger.needs, ledger.time_zone
    came, gone = (read_rows(rows, time_zone=zone, needs=needs) for rows in (changes.came, changes.gone))
    again = read_rows(changes.rows, time_zone=zone, needs=replace(needs, shop=False))
    return _put_together(ledger, again, changes.customers, came, gone)


def _without_moved(new: pl.LazyFrame, old: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the rows of which there are not as many on the other side; a file that loses a row is written anew."""
    new, old = (rows.with_columns(pl.struct(pl.all()).hash(seed).alias(name) for name, seed in HASHES.items())
                for rows in (new, old))  # fmt: skip
    counts = [rows.select(*HASHES, count=pl.lit(number)) for rows, number in ((new, 1), (old, -1))]
    differ = pl.concat(counts).group_by(*HASHES).agg(pl.col("count").sum()).filter(pl.col("count") != 0)
    those = differ.collect(engine="streaming").lazy()
    left = (rows.join(those, on=list(HASHES), how="semi").drop(*HASHES) for rows in (new, old))
    new, old = (rows.collect(engine="streaming").lazy() for rows in left)
    return new, old


def _put_together(ledger: Ledger, again: Ledger, changed: pl.Series, came: Ledger, gone: Ledger) -> Ledger | None:
    """Return the ledger without the changed customers' entries, with those read ``again``, and the shop's own sums."""
    needs = ledger.needs
    coverage = ledger.coverage.changed(came.coverage, gone.coverage, needs.first_kind)
    if coverage is None or not coverage.purchases or len(coverage.currencies) != 1:
        return None
    if coverage.money_scale(needs.money, needs.first_kind) != FINEST_MONEY_SCALE:
        return None
    customers, codes, new_codes = _customers(ledger.customers, changed, again.customers)
    baskets = [
        kept.changed(theirs, codes, new_codes, since, before)
        for kept, theirs, since, before in (
            (ledger.categories, again.categories, came.categories, gone.categories),
            (ledger.channels, again.channels, came.channels, gone.channels),
        )
    ]
    categories, channels = baskets
    if categories is None or channels is None:
        return None
    days = known_totals(
        *(
            kept.joined(theirs, codes, new_codes, len(customers))
            for kept, theirs in zip(ledger.all_lines, again.all_lines, strict=True)
        )
    )
    guests = ledger.guests.changed(came.guests, gone.guests, coverage.days_of("guest")) if needs.shop else ledger.guests
    return replace(
        ledger,
        customers=customers,
        purchases=days[0],
        later_lines=days[1],
        returns=days[2],
        coverage=coverage,
        begins=calendar_day(first_day_with_lines(*days, guests) or 0),
        as_of=calendar_day(coverage.as_of),
        currency=coverage.currency(with_guests=needs.shop),
        categories=categories,
        channels=channels,
        guests=guests,
        dimensions={
            name: _changed_revenue(sums, came.dimensions[name], gone.dimensions[name])
            for name, sums in ledger.dimensions.items()
        },
    )


def _customers(kept: pl.Series, changed: pl.Series, again: pl.Series) -> tuple[pl.Series, Whole, Whole]:
    """Return the ids of unchanged and of re-read customers, sorted, and the new codes of both (-1: left out)."""
    stays = ~kept.is_in(changed.implode()).to_numpy()
    staying = kept.filter(pl.Series(stays))
    places = staying.search_sorted(again).to_numpy().astype(np.int64)
    new_codes = places + np.arange(len(again))
    before = np.cumsum(np.bincount(places, minlength=len(staying) + 1))[: len(staying)]
    codes = np.full(len(kept), -1, dtype=np.int64)
    codes[stays] = np.arange(len(staying)) + before
    order = np.empty(len(staying) + len(again), dtype=np.int64)
    order[codes[stays]] = np.arange(len(staying))
    order[new_codes] = len(staying) + np.arange(len(again))
    return pl.concat([staying, again]).gather(order).alias("customer_id"), codes, new_codes


def _changed_revenue(kept: pl.DataFrame, came: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    return revenue_of(pl.concat([kept, came, gone.with_columns(-pl.col("net"))]))
