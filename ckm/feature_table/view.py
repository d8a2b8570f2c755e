"""The transactions as an analysis that stands on a day may see them, and what it leaves out."""

from __future__ import annotations

from calendar import monthrange
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import MINYEAR, date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.feature_table.tally import PurchaseTally, tally_purchases
from ckm.features import END_OF_TIME, NEEDED_COLUMNS, currencies, end_of_day, row_counts
from ckm.scanned import explain
from ckm.settings import parse_time_zone

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

TRANSACTIONS = "transactions"
FINEST_MONEY_SCALE = 10_000
"""Money is summed in hundredths of a cent: finer than any currency's coin, and unit prices have four decimals."""
OPTIONAL_COLUMNS = {"category": pl.String(), "channel": pl.String(), "cost": pl.Float64(), "discount": pl.Float64()}
"""Columns of the transactions without which some features are null."""
SUM_LIMIT = 2**62
"""Of an Int64, with room for what rounding each amount adds."""


@dataclass(frozen=True)
class LeftOut:
    """What an analysis does not rest on; each row is counted once, by the first reason that applies."""

    rows: int
    """All rows, those that count among them."""
    rows_after_as_of: int
    rows_cancelled: int
    rows_without_customer: int
    cancelled_credits: int
    """Cancelled rows with a negative amount, which was not taken off either."""
    customers_without_purchase: int
    """Customers with returns only; their returns are in no revenue."""

    @property
    def remarks(self) -> list[str]:
        """What was left out, as sentences."""
        remarks = [
            f"left out: {count:,} of {counted(self.rows, 'row')} ({count / self.rows:.1%}) {what}"
            for count, what in (
                (self.rows_after_as_of, "after the as-of date"),
                (self.rows_cancelled, "of cancelled orders"),
                (self.rows_without_customer, "without a customer"),
            )
            if count
        ]
        if self.cancelled_credits:
            remarks.append(
                f"{counted(self.cancelled_credits, 'cancelled row')} with a negative amount, which was not taken off; "
                "where it gives money back, map it to type 'return'"
            )
        if self.customers_without_purchase:
            remarks.append(f"left out: {counted(self.customers_without_purchase, 'customer')} who only returned")
        return remarks


@dataclass(frozen=True)
class View:
    """The transactions up to a day.

    Attributes
    ----------
    frame
        All of them, those after ``until`` too; the features see none of those. Every optional column is there.
    as_of
        The day the analysis stands on.
    until
        First instant that must not be seen.
    time_zone
        Zone whose calendar says what a day is.
    currency
        Of every amount.
    scale
        Amounts are summed in ``1 / scale`` of the currency's unit.
    counts
        Of :func:`ckm.features.row_counts`.
    customers
        Of :func:`ckm.features.purchase_features`, where counting the rows has given them too.
    """

    frame: nw.LazyFrame[pl.LazyFrame]
    as_of: date
    until: datetime
    time_zone: str
    currency: str
    scale: int
    counts: dict[str, Any]
    customers: pl.DataFrame | None = None

    def since(self, months: int) -> datetime:
        """First instant of the ``months`` up to the as-of date."""
        return end_of_day(months_before(self.as_of, months), self.time_zone)

    def left_out(self, customers_without_purchase: int) -> LeftOut:
        """What the analysis does not rest on."""
        return LeftOut(
            rows=self.counts["rows"],
            rows_after_as_of=self.counts["rows_after"],
            rows_cancelled=self.counts["rows_cancelled"],
            rows_without_customer=self.counts["rows_without_customer"],
            cancelled_credits=self.counts["cancelled_credits"],
            customers_without_purchase=customers_without_purchase,
        )


def view_transactions(
    transactions: pl.LazyFrame, *, as_of: date | None, time_zone: str, amounts: tuple[str, ...]
) -> View:
    """Count the rows once, and see whether they bear an analysis as of a day.

    Parameters
    ----------
    transactions
        With :data:`ckm.features.NEEDED_COLUMNS`; of :data:`OPTIONAL_COLUMNS`, those that are absent are null.
    as_of
        Default: the day of the newest row.
    time_zone
        Zone whose calendar says what a day is.
    amounts
        Columns of money that will be summed.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        See :func:`ckm.feature_table.table.feature_table`.
    """
    need_columns(transactions)
    frame = nw.from_native(_with_optional_columns(transactions))
    until = end_of_day(as_of, time_zone) if as_of else END_OF_TIME
    tally: PurchaseTally | None = None
    if amounts == ("net",):
        with readable():
            tally = tally_purchases(transactions, until=until, time_zone=time_zone, money_scale=FINEST_MONEY_SCALE)
        counts = tally.counts
    else:
        counts = collect(row_counts(frame, until=until, amounts=amounts)).row(0, named=True)
    view = view_of_counts(transactions, counts, as_of=as_of, time_zone=time_zone, amounts=amounts)
    return replace(view, customers=tally.customers) if tally and view.scale == FINEST_MONEY_SCALE else view


def view_of_counts(
    transactions: pl.LazyFrame,
    counts: dict[str, Any],
    *,
    as_of: date | None,
    time_zone: str,
    amounts: tuple[str, ...] = ("net",),
    nameless: bool = False,
) -> View:
    """See whether rows that are counted already bear an analysis as of a day.

    Parameters
    ----------
    transactions, as_of, time_zone, amounts
        See :func:`view_transactions`.
    counts
        Of :func:`ckm.features.row_counts`, up to the end of ``as_of``.
    nameless
        Whether rows without a customer are summed too; ``largest`` and the currencies of the counts are then of these
        as well.

    Raises
    ------
    InputError, UsageError, NotEnoughDataError
        See :func:`ckm.feature_table.table.feature_table`.
    """
    frame = nw.from_native(_with_optional_columns(transactions))
    until = end_of_day(as_of, time_zone) if as_of else END_OF_TIME
    if not counts["purchases"]:
        raise _nothing_bought(counts, as_of, time_zone)
    if counts["first_currency"] != counts["last_currency"]:
        raise _several_currencies(collect(currencies(frame, until=until, nameless=nameless)))
    summed = counts["rows_used"] + (counts["rows_without_customer"] if nameless else 0)
    return View(
        frame=frame,
        as_of=as_of or _local_date(counts["latest"], time_zone),
        until=until,
        time_zone=time_zone,
        currency=counts["first_currency"],
        scale=_money_scale(counts["largest"], summed, amounts),
        counts=counts,
    )


def collect(frame: nw.LazyFrame[pl.LazyFrame]) -> pl.DataFrame:
    """Run the plan, in batches that need not all fit into memory.

    Raises
    ------
    InputError
        A file of the data cannot be read to its end.
    """
    with readable():
        return frame.to_native().collect(engine="streaming")


@contextmanager
def readable() -> Iterator[None]:
    """Turn polars' complaint about a damaged file, which only shows when its pages are read, into an InputError."""
    try:
        yield
    except (pl.exceptions.ComputeError, OSError) as error:
        if damaged := explain(error):
            raise damaged from error
        raise InputError(
            "the data cannot be read to their end: a file is damaged, or has changed while it was read",
            hint="ckm inspect FILE says where",
        ) from error


def counted(count: int, noun: str) -> str:
    """Return ``1 row`` or ``1,234 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def months_before(day: date, months: int) -> date:
    """Same day of the month ``months`` earlier, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    year = max(year, MINYEAR + 1)  # a window of ten thousand months is all time, also east of Greenwich
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _with_optional_columns(transactions: pl.LazyFrame) -> pl.LazyFrame:
    there = transactions.collect_schema()
    return transactions.with_columns(
        (pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in OPTIONAL_COLUMNS.items()
        if there.get(name) != dtype
    )


def need_transactions(tables: Mapping[str, pl.LazyFrame], time_zone: str) -> pl.LazyFrame:
    """Return the transactions among the tables that an analysis got.

    Parameters
    ----------
    tables
        By name.
    time_zone
        In which the analysis counts days.

    Raises
    ------
    NotEnoughDataError
        There are none.
    UsageError
        There is no such time zone; the near one is suggested.
    """
    parse_time_zone(time_zone)
    if TRANSACTIONS not in tables:
        raise NotEnoughDataError(
            f"there is no table '{TRANSACTIONS}'",
            hint=f"there are: {', '.join(sorted(tables)) or 'none'}; load some: ckm ingest FILE --as {TRANSACTIONS}",
        )
    return tables[TRANSACTIONS]


def need_columns(transactions: pl.LazyFrame) -> None:
    """Refuse transactions without a column that every analysis reads.

    Raises
    ------
    InputError
        One is missing; near names are suggested.
    """
    available = transactions.collect_schema().names()
    for column in NEEDED_COLUMNS:
        if column not in available:
            near = get_close_matches(column, available, n=1, cutoff=0.6)
            raise InputError(
                f"transactions: no column '{column}'",
                hint=f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(available)}",
                column=column,
            )


def _local_date(instant: datetime, time_zone: str) -> date:
    return instant.astimezone(ZoneInfo(time_zone)).date()


def _nothing_bought(counts: dict[str, Any], as_of: date | None, time_zone: str) -> NotEnoughDataError:
    when = f" on or before {as_of}" if as_of else ""
    there = [
        f"{counts[column]:,} {what}"
        for column, what in (
            ("rows_after", "after the as-of date"),
            ("rows_cancelled", "of cancelled orders"),
            ("rows_without_customer", "without a customer"),
            ("rows_used", "with returns"),
        )
        if counts[column]
    ]
    hint = "look at how 'customer_id' and 'type' were mapped"
    if not counts["rows"]:
        hint = "load some: ckm ingest FILE --as transactions"
    if counts["rows_after"]:
        first, last = _local_date(counts["earliest"], time_zone), _local_date(counts["latest"], time_zone)
        hint = f"the transactions reach from {first} to {last}"
    detail = f" ({', '.join(there)})" if there else ""
    return NotEnoughDataError(
        f"no purchase by a known customer{when}: {counted(counts['rows'], 'row')} in all{detail}", hint=hint
    )


def _several_currencies(those: pl.DataFrame) -> UsageError:
    found = those["currency"].sort().to_list()
    return UsageError(
        f"column 'currency' holds several currencies ({', '.join(found)}), and ckm adds no amounts of two",
        hint="keep the rows of one currency; a rule in the mapping can set the others aside",
        currencies=found,
    )


def _money_scale(largest: float, rows: int, amounts: tuple[str, ...]) -> int:
    scale = FINEST_MONEY_SCALE
    while scale > 1 and largest * rows * scale >= SUM_LIMIT:
        scale //= 10
    if largest * rows * scale >= SUM_LIMIT:
        columns = " or ".join(f"'{column}'" for column in amounts)
        raise InputError(f"column {columns} holds an amount too large to be money", hint="look at it with 'ckm check'")
    return scale
