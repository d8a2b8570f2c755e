"""From transactions to one row per customer, as of a day: the one door that every analysis goes through."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.features import END_OF_TIME, NEEDED_COLUMNS, currencies, end_of_day, purchase_features, row_counts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

FINEST_MONEY_SCALE = 10_000
"""Money is summed in hundredths of a cent: finer than any currency's coin, and unit prices have four decimals."""
_SUM_LIMIT = 2**62  # of an Int64, with room for what rounding each amount adds


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
class FeatureTable:
    """Customers and their features.

    Attributes
    ----------
    frame
        One row per customer with a purchase, by ``customer_id``.
    as_of
        The day the table stands on; it saw nothing after it.
    currency
        Of every amount.
    time_zone
        Zone whose calendar says what a day is.
    money_scale
        Amounts are whole numbers of ``1 / money_scale`` of the currency's unit; sums of them are exact.
    left_out
        What was not used, and why.
    """

    frame: pl.DataFrame
    as_of: date
    currency: str
    time_zone: str
    money_scale: int
    left_out: LeftOut


def feature_table(
    tables: Mapping[str, pl.LazyFrame], *, as_of: date | None = None, time_zone: str = "UTC"
) -> FeatureTable:
    """Return the features of every customer who bought by ``as_of``.

    Reads the transactions twice, first to count, then to aggregate; what is held grows with the customers and their
    days of purchase, not with the rows.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`. What is a purchase and what a return:
        :mod:`ckm.features`.
    as_of
        The day the table stands on; everything after its end is left out. Default: the newest transaction.
    time_zone
        Zone whose calendar says what a day is.

    Raises
    ------
    InputError
        A column is missing, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies.
    NotEnoughDataError
        Nobody bought anything by ``as_of``.
    """
    transactions = tables["transactions"]
    _need_columns(transactions)
    frame = nw.from_native(transactions)
    until = end_of_day(as_of, time_zone) if as_of else END_OF_TIME
    counts = _collect(row_counts(frame, until=until)).row(0, named=True)
    if not counts["purchases"]:
        raise _nothing_bought(counts, as_of, time_zone)
    if counts["first_currency"] != counts["last_currency"]:
        raise _several_currencies(_collect(currencies(frame, until=until)))

    scale = _money_scale(counts["largest"], counts["rows_used"])
    features = _collect(purchase_features(frame, until=until, time_zone=time_zone, money_scale=scale))
    stand = as_of or _local_date(counts["latest"], time_zone)
    buyers = (
        features.drop_nulls("last_purchase")
        .sort("customer_id")
        .select(
            "customer_id",
            "last_purchase",
            (pl.lit(stand) - pl.col("last_purchase")).dt.total_days().alias("recency_days"),
            "frequency",
            amount("money", scale).alias("monetary"),
            amount("money", scale).alias("net_total"),
            "rows",
        )
    )
    return FeatureTable(
        frame=buyers,
        as_of=stand,
        currency=counts["first_currency"],
        time_zone=time_zone,
        money_scale=scale,
        left_out=LeftOut(
            rows=counts["rows"],
            rows_after_as_of=counts["rows_after"],
            rows_cancelled=counts["rows_cancelled"],
            rows_without_customer=counts["rows_without_customer"],
            cancelled_credits=counts["cancelled_credits"],
            customers_without_purchase=features.height - buyers.height,
        ),
    )


def counted(count: int, noun: str) -> str:
    """Return ``1 row`` or ``1,234 rows``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def amount(column: str, scale: int) -> pl.Expr:
    """Whole numbers of ``1 / scale`` as money, in the unit of the currency."""
    # polars divides by a constant as a product with its reciprocal, which turns 825767.051 into 825767.0510000001
    return (pl.col(column) / scale).round(len(str(scale)) - 1)


def _collect(frame: nw.LazyFrame[pl.LazyFrame]) -> pl.DataFrame:
    return frame.to_native().collect(engine="streaming")


def _need_columns(transactions: pl.LazyFrame) -> None:
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


def _money_scale(largest: float, rows: int) -> int:
    scale = FINEST_MONEY_SCALE
    while scale > 1 and largest * rows * scale >= _SUM_LIMIT:
        scale //= 10
    if largest * rows * scale >= _SUM_LIMIT:
        raise InputError("column 'net' holds an amount too large to be money", hint="look at it with 'ckm check'")
    return scale
