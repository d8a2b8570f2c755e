"""Read the transactions into a ledger, optionally with a part for each value of a column."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.calendar import calendar_day, day_number
from ckm.customers.day_totals import KNOWN_BY, DayTotals
from ckm.customers.definitions import FINEST_MONEY_SCALE
from ckm.customers.grouped_sums import sum_by_key
from ckm.customers.guests import Guests
from ckm.customers.ledger import NO_VALUE, OTHER, Ledger, first_day_with_lines
from ckm.customers.ledger_needs import LEAST, Needs
from ckm.customers.orders import first_days_of, orders_at
from ckm.customers.required_tables import require_transactions
from ckm.customers.transaction_scan import SLOT_BITS, TransactionScan
from ckm.errors import UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.coverage import Coverage

    Integers = NDArray[np.int64]

UNDATED = ("undated", "undated_lines")
"""Names of the sums of undated returns, which count on the day of their order."""
MOST_PARTS = 8
"""Maximum number of values of a column that get a part each; all other values share one part."""


def read_ledger(
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    needs: Needs = LEAST,
    keep_stray_dates: bool = False,
) -> Ledger:
    """Read the transactions into a ledger without rows with stray dates.

    Parameters
    ----------
    tables, time_zone, needs
        See :func:`read_all_days`.
    as_of
        As-of date; later rows are left out. Default: the newest usual day
        (:mod:`ckm.customers.usual_days`).
    keep_stray_dates
        Whether rows with stray dates are included; the default of ``as_of`` is then the day of the newest row.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        See :func:`read_all_days`.
    """
    found = read_all_days(tables, as_of=as_of, time_zone=time_zone, needs=needs)
    return found if keep_stray_dates else found.on_usual_days(as_of_named=as_of is not None)


def read_all_days(
    tables: Mapping[str, pl.LazyFrame], *, as_of: date | None = None, time_zone: str = "UTC", needs: Needs = LEAST
) -> Ledger:
    """Read the transactions into a ledger, including rows with stray dates.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`. :mod:`ckm.customers` defines purchase,
        return and order.
    as_of
        As-of date; later rows are left out. Default: the day of the newest row.
    time_zone
        Time zone of the days.
    needs
        Sums to read besides purchase days, lines, orders and net.

    Raises
    ------
    InputError
        A column is missing, a file is damaged, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies; the time zone is unknown; or the column ``needs.by`` is missing.
    NotEnoughDataError
        There are no transactions, or no known customer has a purchase by ``as_of``.
    """
    transactions = require_transactions(tables, time_zone)
    columns = transactions.collect_schema().names()
    if needs.by is not None and needs.by not in columns:
        raise UnknownNameError("column", needs.by, columns)

    last_day = day_number(as_of) if as_of else None

    def read(scale: int) -> TransactionScan:
        return TransactionScan(transactions, time_zone, needs, scale, last_day).run()

    scan = read(FINEST_MONEY_SCALE)
    coverage = scan.counter.coverage()
    if not coverage.purchases:
        raise coverage.no_purchase_error(as_of)
    currency = coverage.currency(with_guests=needs.shop)
    scale = coverage.money_scale(needs.money, needs.first_kind)
    if scale != FINEST_MONEY_SCALE:  # amounts of 10**13 and more are summed in coarser units
        scan = read(scale)
    return ledger_of_scan(scan, coverage, currency, scale, time_zone)


def read_rows(transactions: pl.LazyFrame, *, time_zone: str, needs: Needs, as_of: date | None = None) -> Ledger:
    """Read some rows (possibly none) into a ledger as of ``as_of`` or their newest day, to update or join ledgers.

    Neither currencies nor amounts are checked: the currency is empty, and amounts are in the finest money scale.
    """
    last_day = day_number(as_of) if as_of else None
    scan = TransactionScan(transactions, time_zone, needs, FINEST_MONEY_SCALE, last_day).run()
    return ledger_of_scan(scan, scan.counter.coverage(), "", FINEST_MONEY_SCALE, time_zone)


def ledger_of_scan(scan: TransactionScan, coverage: Coverage, currency: str, scale: int, time_zone: str) -> Ledger:
    """Return the ledger of a finished scan."""
    customers, codes = scan.customers()
    with ThreadPoolExecutor(1) as beside:  # both threads run library code that releases the GIL
        coming = beside.submit(scan.orders.first_days, codes)
        entries = scan.sums.collected(lambda keys: _recoded(keys, codes))
        orders = coming.result()
    guest_sums = scan.guests.collected()
    has_parts = "value" in entries.columns
    summed = sum_by_key(entries.drop("value"), ["key"]) if has_parts else entries
    purchases, later_lines, returns = _day_totals(summed, orders, len(customers))
    if not has_parts:
        del summed, entries  # free this memory, as much as the ledger needs, before the baskets are built
    guests = Guests.of(guest_sums)
    whole = Ledger(
        customers=customers,
        purchases=purchases,
        later_lines=later_lines,
        returns=returns,
        coverage=coverage,
        # some rows (`read_rows`) may contain no line of a customer or guest
        begins=calendar_day(first_day_with_lines(purchases, later_lines, returns, guests) or 0),
        as_of=calendar_day(coverage.as_of),
        currency=currency,
        scale=scale,
        time_zone=time_zone,
        categories=scan.baskets("category", codes),
        channels=scan.baskets("channel", codes),
        guests=guests,
        dimensions={name: sums.frame(none=NO_VALUE) for name, sums in scan.shop.items()},
        needs=scan.needs,
    )
    if not has_parts:
        return whole
    parts = _parts(scan.values.names, whole, entries, scan.orders.by_value(codes), guest_sums)
    return replace(whole, parts=parts)


def _recoded(keys: Integers, codes: Integers) -> Integers:
    new: Integers = codes[keys >> SLOT_BITS]
    new <<= SLOT_BITS
    new |= keys & ((1 << SLOT_BITS) - 1)
    return new


def _day_totals(entries: pl.DataFrame, first_days: Integers, customers: int) -> tuple[DayTotals, DayTotals, DayTotals]:
    """Return purchases, later lines and returns; ``entries`` are sorted by ``key``, ``first_days`` are of orders."""
    key = entries["key"].to_numpy()
    returned = (key & 1).astype(bool)

    def totals(those: NDArray[np.bool_], names: list[str], **more: Integers) -> DayTotals:
        sums = {name: entries[name].to_numpy()[those] for name in names}
        return DayTotals.of_sums(key[those] >> 1, sums | more, customers)

    names = [name for name in entries.columns if name not in ("key", "value")]
    undated = [name for name in UNDATED if name in names and (entries["undated_lines"] != 0).any()]
    names = [name for name in names if name not in UNDATED]
    for known, of in KNOWN_BY.items():
        if known in names and not (entries[known] != 0).any():  # no line has a known amount
            names = [name for name in names if name not in (known, *of)]
    begun = np.zeros(len(key), dtype=np.int64)
    begun[~returned] = orders_at(key[~returned] >> 1, first_days)
    begins = begun > 0
    return (
        totals(begins, names, orders=begun[begins]),
        totals(~returned & ~begins, names),
        totals(returned, [name for name in names if not name.startswith("discount")] + undated),
    )


def _parts(
    names: pl.Series, whole: Ledger, entries: pl.DataFrame, orders: pl.DataFrame, guests: pl.DataFrame
) -> dict[str, Ledger]:
    """Return a ledger for each of a column's largest values, one for all other values, and one for null.

    Parameters
    ----------
    names
        Values by number; the first is null.
    whole
        The ledger of all rows.
    entries, orders, guests
        Entries of the ledger, with the number of the value in ``value``. An order in two parts counts in both.
    """
    revenue = np.zeros(len(names), dtype=np.int64)
    np.add.at(revenue, entries["value"].to_numpy(), entries["net"].to_numpy())
    np.add.at(revenue, guests["value"].to_numpy(), guests["money"].to_numpy())
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
    labelled = [
        each.with_columns(value=pl.Series(label[each["value"].to_numpy()])) for each in (entries, orders, guests)
    ]
    parts: dict[str, Ledger] = {}
    for number, name in enumerate(labels):
        mine, my_orders, my_guests = (each.filter(pl.col("value") == number) for each in labelled)
        if mine.height or my_guests.height:
            sums = sum_by_key(mine.drop("value"), ["key"])
            bought, later, returned = _day_totals(sums, first_days_of(my_orders), len(whole.customers))
            part = replace(whole, purchases=bought, later_lines=later, returns=returned)
            part_name = f"{name} (*)" if name in parts else name  # a value may equal the label of the rest or of null
            parts[part_name] = replace(part.of_anybody(), guests=Guests.of(my_guests), dimensions={})
    return parts
