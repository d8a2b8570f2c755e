"""Update of a cached ledger: only customers with changed rows are read again.

A state of the transactions is a set of data files. Rows of new files are *added* and rows of deleted files are
*removed*; a row that only moved between files is neither. For each customer with an added or removed row, all entries
are computed again from all present rows of the customer. The shop's totals are integers by day: the sums of the added
rows are added to them, and those of the removed rows subtracted. If a figure cannot be updated this way, such as the
largest amount after its removal, the ledger is rebuilt from all transactions.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day
from ckm.customers.daily_revenue import revenue_of
from ckm.customers.day_totals import known_totals
from ckm.customers.definitions import DATED_BY, FINEST_MONEY_SCALE, NEEDED_COLUMNS, OPTIONAL_COLUMNS
from ckm.customers.ledger import Ledger, first_day_with_lines
from ckm.customers.ledger_reader import read_rows
from ckm.customers.required_tables import TRANSACTIONS
from ckm.customers.transaction_scan import DIMENSIONS
from ckm.dataset.declared_guests import without_guest_ids
from ckm.dataset.declared_payments import without_payments
from ckm.dataset.linked_customers import with_persons

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from ckm.store import TableSnapshot

    Integers = NDArray[np.int64]

MOST_REREAD = 0.25
"""Largest share of the table's rows in changed files for the ledger to be updated; above it, a rebuild is as fast."""
MOST_CHANGED = 0.2
"""Largest share of changed customers for the ledger to be updated; above it, a rebuild is as fast."""
NO_LINKS: Mapping[str, str] = MappingProxyType({})
"""Links of a ledger of customer ids."""
WHO = "customer_id"
HASHES = {" a": 0, " b": 1}
"""Columns and seeds of two 64-bit row hashes, by which equal rows of new and deleted files are identified."""


class Changes(NamedTuple):
    """Changes of the transactions since an earlier state.

    Attributes
    ----------
    added, removed
        Added and removed rows, with the columns of :func:`ledger_columns`.
    customers
        Sorted ids of the customers of these rows, and of customers whose links changed.
    rows
        All present rows of these customers.
    """

    added: pl.LazyFrame
    removed: pl.LazyFrame
    customers: pl.Series
    rows: pl.LazyFrame


def ledger_columns(schema: Collection[str]) -> list[str]:
    """Return the columns of the transactions that a ledger needs and that the schema has."""
    names = (*NEEDED_COLUMNS, *OPTIONAL_COLUMNS, *DIMENSIONS, DATED_BY)
    return [name for name in dict.fromkeys(names) if name in schema]


def changes_since(
    snapshot: TableSnapshot,
    files: Iterable[Sequence[Any]],
    customers: int,
    guest_ids: Iterable[str] = (),
    payments: Sequence[str] = (),
    before: Mapping[str, str] = NO_LINKS,
    persons: Mapping[str, str] = NO_LINKS,
) -> Changes | None:
    """Return the changes of the transactions and of links since an earlier state.

    Parameters
    ----------
    snapshot
        The present data files of the transactions.
    files
        Data files of the earlier state: ``files`` of its :class:`ckm.store.TableSnapshot`.
    customers
        Number of customers in the earlier state.
    guest_ids, payments
        Customer ids of guests, and sources of payments; equal in both states.
    before, persons
        Person id by customer id of the customers that are linked in the earlier and in the present state.

    Returns
    -------
    Changes | None
        None if a file of the earlier state no longer exists, or if so much changed that a rebuild is as fast.
    """
    added, removed = snapshot.since(files)
    if any(map(snapshot.lacks, removed)) or sum(mark[1] for mark in (*added, *removed)) > MOST_REREAD * snapshot.rows:
        return None
    columns = ledger_columns(snapshot.schema)
    new, old = (_rows(snapshot.scan(marks), columns, guest_ids, payments) for marks in (added, removed))
    if added and removed:
        new, old = _without_moved(new, old)
    ids = pl.concat([new.select(WHO), old.select(WHO)]).drop_nulls().unique().collect(engine="streaming")[WHO]
    relinked = {each for each in {*before, *persons} if before.get(each, each) != persons.get(each, each)}
    touched = {*ids, *relinked}
    theirs = {of.get(each, each) for each in touched for of in (before, persons)}
    if len(theirs) > MOST_CHANGED * customers:
        return None
    unlinked = (each for each in theirs if each not in persons)
    stored = pl.Series(WHO, [*unlinked, *(each for each, person in persons.items() if person in theirs)], pl.String)
    rows = _rows(snapshot.scan_customers(stored.sort()), columns, guest_ids, payments).filter(pl.col(WHO).is_not_null())
    new, rows = (with_persons({TRANSACTIONS: each}, persons)[TRANSACTIONS] for each in (new, rows))
    return Changes(new, old, pl.Series(WHO, sorted(theirs), pl.String), rows)


def _rows(
    transactions: pl.LazyFrame, columns: list[str], guest_ids: Iterable[str], payments: Sequence[str]
) -> pl.LazyFrame:
    """Return stored rows as analyses use them: without payments, and without the customer id of guests."""
    sales = without_payments(transactions, payments).select(columns)
    return without_guest_ids({TRANSACTIONS: sales}, guest_ids)[TRANSACTIONS]


def extended(ledger: Ledger, changes: Changes) -> Ledger | None:
    """Return the updated ledger, equal to a rebuilt one; None if it must be rebuilt.

    Parameters
    ----------
    ledger
        Ledger of the earlier state, as of its newest day.
    changes
        Changes since then.

    Raises
    ------
    InputError
        A file cannot be read.
    """
    needs, zone = ledger.needs, ledger.time_zone
    added, removed = (read_rows(rows, time_zone=zone, needs=needs) for rows in (changes.added, changes.removed))
    reread = read_rows(changes.rows, time_zone=zone, needs=replace(needs, shop=False))
    return _merged(ledger, reread, changes.customers, added, removed)


def _without_moved(new: pl.LazyFrame, old: pl.LazyFrame) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    """Return the rows that do not occur equally often in both frames; all other rows only moved between files."""
    new, old = (rows.with_columns(pl.struct(pl.all()).hash(seed).alias(name) for name, seed in HASHES.items())
                for rows in (new, old))  # fmt: skip
    counts = [rows.select(*HASHES, count=pl.lit(number)) for rows, number in ((new, 1), (old, -1))]
    differ = pl.concat(counts).group_by(*HASHES).agg(pl.col("count").sum()).filter(pl.col("count") != 0)
    those = differ.collect(engine="streaming").lazy()
    left = (rows.join(those, on=list(HASHES), how="semi").drop(*HASHES) for rows in (new, old))
    new, old = (rows.collect(engine="streaming").lazy() for rows in left)
    return new, old


def _merged(ledger: Ledger, reread: Ledger, changed: pl.Series, added: Ledger, removed: Ledger) -> Ledger | None:
    """Return the ledger with the entries of changed customers from ``reread``, and the updated totals of the shop."""
    needs = ledger.needs
    coverage = ledger.coverage.changed(added.coverage, removed.coverage, needs.first_kind)
    if coverage is None or not coverage.purchases or len(coverage.currencies) != 1:
        return None
    if coverage.money_scale(needs.money, needs.first_kind) != FINEST_MONEY_SCALE:
        return None
    customers, codes, new_codes = _customers(ledger.customers, changed, reread.customers)
    baskets = [
        kept.changed(theirs, codes, new_codes, since, before)
        for kept, theirs, since, before in (
            (ledger.categories, reread.categories, added.categories, removed.categories),
            (ledger.channels, reread.channels, added.channels, removed.channels),
        )
    ]
    categories, channels = baskets
    if categories is None or channels is None:
        return None
    days = known_totals(
        *(
            kept.joined(theirs, codes, new_codes, len(customers))
            for kept, theirs in zip(ledger.all_lines, reread.all_lines, strict=True)
        )
    )
    guests = (
        ledger.guests.changed(added.guests, removed.guests, coverage.days_of("guest")) if needs.shop else ledger.guests
    )
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
            name: _changed_revenue(sums, added.dimensions[name], removed.dimensions[name])
            for name, sums in ledger.dimensions.items()
        },
    )


def _customers(kept: pl.Series, changed: pl.Series, reread: pl.Series) -> tuple[pl.Series, Integers, Integers]:
    """Return the sorted ids of unchanged and of reread customers, and the new code of each (-1: no longer present)."""
    stays = ~kept.is_in(changed.implode()).to_numpy()
    staying = kept.filter(pl.Series(stays))
    places = staying.search_sorted(reread).to_numpy().astype(np.int64)
    new_codes = places + np.arange(len(reread))
    before = np.cumsum(np.bincount(places, minlength=len(staying) + 1))[: len(staying)]
    codes = np.full(len(kept), -1, dtype=np.int64)
    codes[stays] = np.arange(len(staying)) + before
    order = np.empty(len(staying) + len(reread), dtype=np.int64)
    order[codes[stays]] = np.arange(len(staying))
    order[new_codes] = len(staying) + np.arange(len(reread))
    return pl.concat([staying, reread]).gather(order).alias("customer_id"), codes, new_codes


def _changed_revenue(kept: pl.DataFrame, added: pl.DataFrame, removed: pl.DataFrame) -> pl.DataFrame:
    return revenue_of(pl.concat([kept, added, removed.with_columns(-pl.col("net"))]))
