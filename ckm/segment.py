"""Segment customers by recency, frequency and money; the function behind ``ckm segment``."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.features import END_OF_TIME, NEEDED_COLUMNS, currencies, end_of_day, purchase_features, row_counts
from ckm.rfm import MEASURES, NameTable, load_names, quantile_cuts

if TYPE_CHECKING:
    from datetime import date, datetime

FINEST_MONEY_SCALE = 10_000
"""Money is summed in hundredths of a cent: finer than any currency's coin, and unit prices have four decimals."""
_SUM_LIMIT = 2**62  # of an Int64, with room for what rounding each amount adds
_SUMMARY_COLUMNS = (
    "segment",
    "customers",
    "share",
    "revenue",
    "revenue_share",
    "median_recency_days",
    "orders_per_customer",
    "average_order_value",
    "currency",
    "advice",
)
SHARE_DIGITS = 12
"""polars divides by one number through its reciprocal: 40 of 100 would be 0.39999999999999997."""


@dataclass(frozen=True)
class LeftOut:
    """What a segmentation does not rest on; each row is counted once, by the first reason that applies."""

    rows: int
    """All rows, those that count among them."""
    rows_after_as_of: int
    rows_cancelled: int
    rows_without_customer: int
    cancelled_credits: int
    """Cancelled rows with a negative amount, which was not taken off either."""
    customers_without_purchase: int
    """Customers with returns only; their returns are in no revenue."""


@dataclass(frozen=True)
class ScoreCounts:
    """How many different scores each measure really has; fewer than asked for when values tie."""

    recency: int
    frequency: int
    monetary: int


@dataclass(frozen=True)
class Segmentation:
    """Named customers, the segments they make up, and what a reader needs to trust them.

    Attributes
    ----------
    customers
        One row per customer with a purchase, by ``customer_id``: customer_id, segment; r_score, f_score, m_score
        (Int8, 1 worst); recency_days (Int64, last purchase day to ``as_of``), frequency (Int64, days with a
        purchase), monetary (Float64, net of returns), currency. No nulls.
    summary
        One row per name, best first, also where nobody bears it: segment, customers, share (of all customers),
        revenue, revenue_share (null where the total is not positive), median_recency_days, orders_per_customer
        (purchase days), average_order_value (revenue per purchase day), currency, advice. The three averages are
        null where nobody is.
    as_of
        The day the analysis stands on; it saw nothing after it.
    currency
        Of every amount.
    bins
        Scores asked for.
    scores
        Scores that exist.
    left_out
        What was not used, and why.
    """

    customers: pl.DataFrame
    summary: pl.DataFrame
    as_of: date
    currency: str
    bins: int
    scores: ScoreCounts
    left_out: LeftOut

    @property
    def remarks(self) -> list[str]:
        """What a reader should know beside the numbers, as sentences."""
        left, scores = self.left_out, self.scores
        buyers = _counted(self.customers.height, "customer")
        remarks = [f"as of {self.as_of}: {buyers} with a purchase, money in {self.currency}"]
        for count, what in (
            (left.rows_after_as_of, "after the as-of date"),
            (left.rows_cancelled, "of cancelled orders"),
            (left.rows_without_customer, "without a customer"),
        ):
            if count:
                remarks.append(f"left out: {count:,} of {_counted(left.rows, 'row')} ({count / left.rows:.1%}) {what}")
        if left.cancelled_credits:
            remarks.append(
                f"{_counted(left.cancelled_credits, 'cancelled row')} with a negative amount, which was not taken off; "
                "where it gives money back, map it to type 'return'"
            )
        if left.customers_without_purchase:
            remarks.append(f"left out: {_counted(left.customers_without_purchase, 'customer')} who only returned")
        remarks.append(
            f"scores in use, of {self.bins}: recency {scores.recency}, frequency {scores.frequency}, "
            f"monetary {scores.monetary} (equal values always score the same)"
        )
        if self.summary["revenue_share"].null_count():
            remarks.append("the total of all amounts is not positive: there are no shares of revenue")
        return remarks


def segment_customers(
    transactions: pl.LazyFrame,
    *,
    as_of: date | None = None,
    names: NameTable | None = None,
    time_zone: str = "UTC",
) -> Segmentation:
    """Score every customer on recency, frequency and money, and name the 125 combinations.

    Reads ``transactions`` twice, first to count, then to aggregate; what is held grows with the customers and their
    days of purchase, not with the rows.

    Parameters
    ----------
    transactions
        Columns of :class:`ckm.schema.Transactions`. What is a purchase and what a return: :mod:`ckm.features`.
    as_of
        The day the analysis stands on; everything after its end is left out. Default: the newest transaction.
    names
        Names and the number of scores. Default: the eleven usual names over five scores.
    time_zone
        Zone whose calendar says what a day is.

    Raises
    ------
    InputError
        A column is missing, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies.
    NotEnoughDataError
        Nobody bought anything by ``as_of``, or fewer customers did than there are scores.
    """
    names = names or load_names()
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
    buyers = features.drop_nulls("last_purchase").sort("customer_id")
    if buyers.height < names.bins:
        raise _too_few(buyers.height, names.bins)

    stand = as_of or _local_date(counts["latest"], time_zone)
    scored = _score(buyers, stand, names)
    currency = counts["first_currency"]
    return Segmentation(
        customers=_customers(scored, currency, scale),
        summary=_summary(scored, names, currency, scale),
        as_of=stand,
        currency=currency,
        bins=names.bins,
        scores=ScoreCounts(**{measure: scored[f"{measure[0]}_score"].n_unique() for measure in MEASURES}),
        left_out=_left_out(counts, customers_without_purchase=features.height - buyers.height),
    )


def _left_out(counts: dict[str, Any], *, customers_without_purchase: int) -> LeftOut:
    return LeftOut(
        rows=counts["rows"],
        rows_after_as_of=counts["rows_after"],
        rows_cancelled=counts["rows_cancelled"],
        rows_without_customer=counts["rows_without_customer"],
        cancelled_credits=counts["cancelled_credits"],
        customers_without_purchase=customers_without_purchase,
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


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
        f"no purchase by a known customer{when}: {_counted(counts['rows'], 'row')} in all{detail}", hint=hint
    )


def _several_currencies(those: pl.DataFrame) -> UsageError:
    found = those["currency"].sort().to_list()
    return UsageError(
        f"column 'currency' holds several currencies ({', '.join(found)}), and ckm adds no amounts of two",
        hint="keep the rows of one currency; a rule in the mapping can set the others aside",
        currencies=found,
    )


def _too_few(customers: int, bins: int) -> NotEnoughDataError:
    return NotEnoughDataError(
        f"{_counted(customers, 'customer')} with a purchase, {bins} needed to tell {bins} scores apart",
        hint="take in more data, or a later --as-of",
        customers=customers,
        needed=bins,
    )


def _money_scale(largest: float, rows: int) -> int:
    scale = FINEST_MONEY_SCALE
    while scale > 1 and largest * rows * scale >= _SUM_LIMIT:
        scale //= 10
    if largest * rows * scale >= _SUM_LIMIT:
        raise InputError("column 'net' holds an amount too large to be money", hint="look at it with 'ckm check'")
    return scale


def _amount(scale: int) -> pl.Expr:
    # polars divides by a constant as a product with its reciprocal, which turns 825767.051 into 825767.0510000001
    return (pl.col("money") / scale).round(len(str(scale)) - 1)


def _score(buyers: pl.DataFrame, as_of: date, names: NameTable) -> pl.DataFrame:
    recency, frequency, money = pl.col("recency_days"), pl.col("frequency"), pl.col("money")
    buyers = buyers.with_columns((pl.lit(as_of) - pl.col("last_purchase")).dt.total_days().alias("recency_days"))
    return buyers.with_columns(
        quantile_cuts(buyers["recency_days"], names.bins, fewer_is_better=True).score(recency).alias("r_score"),
        quantile_cuts(buyers["frequency"], names.bins).score(frequency).alias("f_score"),
        quantile_cuts(buyers["money"], names.bins).score(money).alias("m_score"),
    ).with_columns(names.name(pl.col("r_score"), pl.col("f_score"), pl.col("m_score")).alias("segment"))


def _customers(scored: pl.DataFrame, currency: str, scale: int) -> pl.DataFrame:
    return scored.select(
        "customer_id",
        pl.col("segment").cast(pl.String),
        "r_score",
        "f_score",
        "m_score",
        "recency_days",
        "frequency",
        _amount(scale).alias("monetary"),
        pl.lit(currency).alias("currency"),
    )


def _summary(scored: pl.DataFrame, names: NameTable, currency: str, scale: int) -> pl.DataFrame:
    table = pl.DataFrame(
        {"segment": names.names, "advice": [segment.advice for segment in names.segments]},
        schema_overrides={"segment": pl.Enum(names.names)},
    )
    groups = scored.group_by("segment").agg(
        pl.len().cast(pl.Int64).alias("customers"),
        pl.col("money").sum(),
        pl.col("frequency").sum(),
        pl.col("recency_days").median().alias("median_recency_days"),
    )
    customers, money = pl.col("customers"), pl.col("money")
    return (
        table.join(groups, on="segment", how="left", maintain_order="left")
        .with_columns(pl.col("customers", "money").fill_null(0))
        .with_columns(
            pl.col("segment").cast(pl.String),
            (customers / customers.sum()).round(SHARE_DIGITS).alias("share"),
            _amount(scale).alias("revenue"),
            pl.when(money.sum() > 0).then((money / money.sum()).round(SHARE_DIGITS)).alias("revenue_share"),
            (pl.col("frequency") / customers).alias("orders_per_customer"),
            (_amount(scale) / pl.col("frequency")).alias("average_order_value"),
            pl.lit(currency).alias("currency"),
        )
        .select(_SUMMARY_COLUMNS)
    )
