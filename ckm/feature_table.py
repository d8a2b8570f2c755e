"""From transactions to one row per customer, as of a day: the one door that every analysis goes through."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import narwhals as nw
import polars as pl

from ckm.errors import InputError, NotEnoughDataError, UsageError
from ckm.feature_columns import (
    MONEY_DIGITS,
    OTHER,
    PARTY_COLUMNS,
    amount,
    channel_visits,
    habit_columns,
    margin,
    order_value_columns,
    rhythm_columns,
    spend_columns,
)
from ckm.features import (
    END_OF_TIME,
    NEEDED_COLUMNS,
    Period,
    currencies,
    end_of_day,
    gap_histogram,
    main_values,
    purchase_counts,
    purchase_days,
    purchase_features,
    purchase_gaps,
    rhythm_features,
    row_counts,
    spend_features,
    visit_counts,
)
from ckm.models.rhythm import population_gap

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["FeatureTable", "LeftOut", "Population", "amount", "counted", "feature_table", "months_before"]

FINEST_MONEY_SCALE = 10_000
"""Money is summed in hundredths of a cent: finer than any currency's coin, and unit prices have four decimals."""
OPTIONAL_COLUMNS = {"category": pl.String(), "channel": pl.String(), "cost": pl.Float64(), "discount": pl.Float64()}
"""Columns of the transactions without which some features are null."""
RFM_COLUMNS = ("customer_id", "last_purchase", "recency_days", "frequency", "monetary", "net_total", "rows")
"""Columns that every table has."""
MOST_CHANNELS = 8
"""Channels with a column of their own."""
POPULATION_DIGITS = 6
"""Significant digits of what is learned: it is rounded before it is used, so that a saved definition says what was."""
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
class Population:
    """What is usual among all customers, which a customer of whom little is known borrows.

    Attributes
    ----------
    gap_median_days, gap_p80_days
        Median and 80th percentile of the days between two purchases; None where nobody came back, or not asked for.
    margin_share
        Margin of a unit of net where the cost is known; None where it is nowhere, or not asked for. Net without a
        cost then counts as margin in full.
    """

    gap_median_days: float | None = None
    gap_p80_days: float | None = None
    margin_share: float | None = None


@dataclass(frozen=True)
class FeatureTable:
    """Customers and their features.

    Attributes
    ----------
    frame
        One row per customer with a purchase, by ``customer_id``; with prospects, also those of the customers' table
        without one. Columns: ``ckm/data/features.yaml``.
    as_of
        The day the table stands on; it saw nothing after it.
    currency
        Of every amount.
    time_zone
        Zone whose calendar says what a day is.
    money_scale
        Amounts are whole numbers of ``1 / money_scale`` of the currency's unit; sums of them are exact.
    population
        What was learned from all customers, or given.
    left_out
        What was not used, and why.
    features
        Names of the columns that hold a value for at least one customer.
    remarks
        What a reader should know of the features, as sentences.
    """

    frame: pl.DataFrame
    as_of: date
    currency: str
    time_zone: str
    money_scale: int
    population: Population
    left_out: LeftOut
    features: frozenset[str]
    remarks: tuple[str, ...] = ()


def feature_table(
    tables: Mapping[str, pl.LazyFrame],
    *,
    as_of: date | None = None,
    time_zone: str = "UTC",
    scope: Literal["rfm", "all"] = "all",
    window: int | None = None,
    money: Literal["net", "margin", "mean"] = "net",
    population: Population | None = None,
    with_prospects: bool = False,
) -> FeatureTable:
    """Return the features of every customer who bought by ``as_of``.

    Reads the transactions twice, first to count, then to aggregate; what is held grows with the customers and their
    days of purchase, not with the rows.

    Parameters
    ----------
    tables
        ``transactions``, with the columns of :class:`ckm.schema.Transactions`; of these ``category``, ``channel``,
        ``cost`` and ``discount`` may be absent. ``customers``, if there. What is a purchase and what a return:
        :mod:`ckm.features`.
    as_of
        The day the table stands on; everything after its end is left out. Default: the newest transaction.
    time_zone
        Zone whose calendar says what a day is.
    scope
        ``rfm``: recency, frequency and money alone, for less than half the cost; ``all``: every feature.
    window
        Months up to ``as_of`` that ``frequency`` and ``monetary`` look at. Default: all time. Who bought before it
        alone is there with a frequency of zero.
    money
        What ``monetary`` is: net of returns, margin, or net per purchase day.
    population
        Frozen by an earlier table: it is used, and nothing is learned. Default: learned from these customers.
    with_prospects
        Add the customers of the table ``customers`` who have bought and returned nothing by then and were created by
        then, suppliers aside.

    Raises
    ------
    InputError
        A column is missing, or amounts are too large to be summed exactly.
    UsageError
        The amounts have several currencies.
    NotEnoughDataError
        Nobody bought anything by ``as_of``.
    """
    _need_columns(tables["transactions"])
    frame = nw.from_native(_with_optional_columns(tables["transactions"]))
    has_cost = scope == "all" or money == "margin"
    amounts = ("net", "cost", "discount") if has_cost else ("net",)
    until = end_of_day(as_of, time_zone) if as_of else END_OF_TIME
    counts = _collect(row_counts(frame, until=until, amounts=amounts)).row(0, named=True)
    if not counts["purchases"]:
        raise _nothing_bought(counts, as_of, time_zone)
    if counts["first_currency"] != counts["last_currency"]:
        raise _several_currencies(_collect(currencies(frame, until=until)))

    stand = as_of or _local_date(counts["latest"], time_zone)
    view = _View(frame, stand, until, time_zone, _money_scale(counts["largest"], counts["rows_used"]))
    sums = _purchases(view)
    customers = tables.get("customers")
    members = sums.drop_nulls("last_purchase")
    left_out = _left_out(counts, sums.height - members.height)
    if with_prospects and customers is not None:
        members = pl.concat([members, _prospects(customers, sums, stand)], how="diagonal")
    members = members.sort("customer_id").with_columns(pl.col("frequency", "money", "rows").fill_null(0))

    spend = _collect(_spend(view, window)) if has_cost else None
    habits = _habits(view, spend) if spend is not None and scope == "all" else None
    population = population or _learn(spend, habits)
    table = _rfm_columns(view, members, spend, population, window, money)
    if spend is not None and habits is not None:
        table = _all_columns(view, table, spend, habits, population, customers)
    known = frozenset(name for name in table.columns if table[name].null_count() < table.height)
    return FeatureTable(
        frame=table,
        as_of=stand,
        currency=counts["first_currency"],
        time_zone=time_zone,
        money_scale=view.scale,
        population=population,
        left_out=left_out,
        features=known - {"customer_id"},
        remarks=tuple(_margin_remarks(spend, population, scope, window, money)),
    )


@dataclass(frozen=True)
class _View:
    """The transactions as an analysis may see them."""

    frame: nw.LazyFrame[pl.LazyFrame]
    as_of: date
    until: datetime
    time_zone: str
    scale: int

    def since(self, months: int) -> datetime:
        """First instant of the ``months`` up to the as-of date."""
        return end_of_day(months_before(self.as_of, months), self.time_zone)


@dataclass(frozen=True)
class _Habits:
    """What was collected of the days and the breadth of purchases, one row per customer."""

    rhythm: pl.DataFrame
    gaps: pl.DataFrame
    """The histogram of :func:`ckm.features.gap_histogram`."""
    categories: pl.DataFrame
    channels: pl.DataFrame
    visits: pl.DataFrame
    common_channels: tuple[str, ...]


def months_before(day: date, months: int) -> date:
    """Same day of the month ``months`` earlier, or that month's last day where it is shorter."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def _with_optional_columns(transactions: pl.LazyFrame) -> pl.LazyFrame:
    there = transactions.collect_schema()
    return transactions.with_columns(
        (pl.col(name) if name in there else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in OPTIONAL_COLUMNS.items()
        if there.get(name) != dtype
    )


def _purchases(view: _View, since: datetime | None = None) -> pl.DataFrame:
    """Purchases, in no particular order: of all time, or from ``since`` on."""
    rows = view.frame if since is None else view.frame.filter(~(nw.col("ordered_at") < since))
    return _collect(purchase_features(rows, until=view.until, time_zone=view.time_zone, money_scale=view.scale))


def _prospects(customers: pl.LazyFrame, known: pl.DataFrame, as_of: date) -> pl.DataFrame:
    there = customers.collect_schema()
    asked = pl.lit(True)
    if "created_on" in there:
        asked &= pl.col("created_on").is_null() | (pl.col("created_on") <= as_of)
    if "party_type" in there:
        asked &= pl.col("party_type").cast(pl.String).ne_missing("supplier")
    return (
        customers.filter(asked)
        .select(pl.col("customer_id").cast(pl.String))
        .drop_nulls()
        .unique()
        .join(known.lazy(), on="customer_id", how="anti")
        .collect()
    )


def _left_out(counts: dict[str, Any], returned_only: int) -> LeftOut:
    return LeftOut(
        rows=counts["rows"],
        rows_after_as_of=counts["rows_after"],
        rows_cancelled=counts["rows_cancelled"],
        rows_without_customer=counts["rows_without_customer"],
        cancelled_credits=counts["cancelled_credits"],
        customers_without_purchase=returned_only,
    )


def _spend(view: _View, window: int | None) -> nw.LazyFrame[pl.LazyFrame]:
    year = view.since(12)
    periods = [
        Period("all", None, view.until),
        Period("year", year, view.until),
        Period("previous", view.since(24), year),
    ]
    if window is not None:
        periods.append(Period("window", view.since(window), view.until))
    return spend_features(view.frame, until=view.until, money_scale=view.scale, periods=tuple(periods))


def _habits(view: _View, spend: pl.DataFrame) -> _Habits:
    visits, categories = pl.collect_all(
        [
            purchase_days(
                view.frame, until=view.until, time_zone=view.time_zone, money_scale=view.scale, by=("channel",)
            ).to_native(),
            purchase_counts(view.frame, "category", until=view.until).to_native(),
        ],
        engine="streaming",
    )
    channels = _collect(visit_counts(nw.from_native(visits.lazy()), "channel"))
    days = visits.lazy().group_by("customer_id", "day").agg(pl.col("money").sum())
    gaps = nw.from_native(_collect(purchase_gaps(nw.from_native(days))).lazy())
    origin, latest = _collect(gaps.select(nw.col("number").min(), last=nw.col("number").max())).row(0)
    most = spend["all_bought"].max()
    assert isinstance(most, int)
    divisor = 1
    while most // divisor * (latest - origin) >= _SUM_LIMIT:
        divisor *= 10
    common = (
        channels.filter(pl.col("value") != OTHER)
        .group_by("value")
        .agg(pl.col("count").sum())
        .sort("count", "value", descending=[True, False])["value"]
        .head(MOST_CHANNELS)
    )
    return _Habits(
        rhythm=_collect(rhythm_features(gaps, origin=origin, money_divisor=divisor)),
        gaps=_collect(gap_histogram(gaps)),
        categories=_collect(main_values(nw.from_native(categories.lazy()))),
        channels=_collect(main_values(nw.from_native(channels.lazy()))),
        visits=channel_visits(channels, tuple(common)),
        common_channels=tuple(common),
    )


def _learn(spend: pl.DataFrame | None, habits: _Habits | None) -> Population:
    return Population(
        gap_median_days=None if habits is None else population_gap(habits.gaps, 0.5),
        gap_p80_days=None if habits is None else population_gap(habits.gaps, 0.8),
        margin_share=None if spend is None else _margin_share(spend),
    )


def _margin_share(spend: pl.DataFrame) -> float | None:
    costed, cost = _total(spend, "all_costed"), _total(spend, "all_cost")
    if not _total(spend, "costs_known") or costed <= 0:
        return None
    return float(f"{(costed - cost) / costed:.{POPULATION_DIGITS}g}")


def _total(frame: pl.DataFrame, column: str) -> int:
    return int(frame[column].sum())


def _rfm_columns(
    view: _View,
    members: pl.DataFrame,
    spend: pl.DataFrame | None,
    population: Population,
    window: int | None,
    money: str,
) -> pl.DataFrame:
    table = members.lazy().select(
        "customer_id",
        "last_purchase",
        (pl.lit(view.as_of) - pl.col("last_purchase")).dt.total_days().alias("recency_days"),
        "frequency",
        pl.col("money").alias("monetary"),
        amount("money", view.scale).alias("net_total"),
        "rows",
    )
    if window is not None:
        recent = _purchases(view, view.since(window)).lazy().select("customer_id", "frequency", monetary="money")
        table = table.drop("frequency", "monetary").join(recent, on="customer_id", how="left", maintain_order="left")
    if money == "margin" and spend is not None:
        measured = margin("all" if window is None else "window", population.margin_share)
        margins = spend.lazy().select("customer_id", monetary=measured)
        table = table.drop("monetary").join(margins, on="customer_id", how="left", maintain_order="left")
    table = table.with_columns(pl.col("frequency", "monetary").fill_null(0)).with_columns(
        amount("monetary", view.scale)
    )
    if money == "mean":
        per_day = pl.col("monetary") / pl.col("frequency").clip(lower_bound=1)
        table = table.with_columns(monetary=per_day.round(MONEY_DIGITS))
    return table.select(RFM_COLUMNS).collect()


def _all_columns(
    view: _View,
    table: pl.DataFrame,
    spend: pl.DataFrame,
    habits: _Habits,
    population: Population,
    customers: pl.LazyFrame | None,
) -> pl.DataFrame:
    named = {"values": "{}_values", "total": "{}_total", "main": "{}_main"}
    joined = table.lazy()
    for part in (
        spend,
        habits.rhythm,
        habits.categories.rename({old: new.format("category") for old, new in named.items()}),
        habits.channels.rename({old: new.format("channel") for old, new in named.items()}),
        habits.visits,
        _party(customers),
    ):
        joined = joined.join(part.lazy(), on="customer_id", how="left", maintain_order="left")
    columns = [
        *rhythm_columns(view.as_of, population.gap_median_days, population.gap_p80_days),
        *spend_columns(view.scale, population.margin_share, cost_known=bool(_total(spend, "costs_known"))),
        *order_value_columns(view.scale),
        *habit_columns(
            habits.common_channels,
            rest=bool(_total(habits.visits, f"visits_{OTHER}")),
            category_known=not habits.categories.is_empty(),
            channel_known=not habits.channels.is_empty(),
            discount_known=bool(_total(spend, "discounts_known")),
        ),
    ]
    return joined.select(*RFM_COLUMNS, *columns, *PARTY_COLUMNS).collect()


def _party(customers: pl.LazyFrame | None) -> pl.DataFrame:
    if customers is None:
        return pl.DataFrame(schema={"customer_id": pl.String} | dict.fromkeys(PARTY_COLUMNS, pl.String))
    there = customers.collect_schema()
    party = customers.select(
        (pl.col(name) if name in there else pl.lit(None)).cast(pl.String).alias(name)
        for name in ("customer_id", *PARTY_COLUMNS)
    ).collect()
    doubled = party.height - party["customer_id"].n_unique()
    if doubled:
        raise InputError(
            f"customers: {counted(doubled, 'row')} too many, because a customer stands there more than once",
            hint="keep one row for each 'customer_id'",
            column="customer_id",
        )
    return party


def _margin_remarks(
    spend: pl.DataFrame | None, population: Population, scope: str, window: int | None, money: str
) -> list[str]:
    if spend is None:
        return []
    measured = {"margin_12mo": "year"} if scope == "all" else {}
    if money == "margin":
        measured["monetary"] = "all" if window is None else "window"
    usual = population.margin_share
    assumed = "all of it counts as margin" if usual is None else f"{usual:.1%} of it counts as margin"
    remarks = []
    for column, period in measured.items():
        bought, costed = (_total(spend, f"{period}_{name}") for name in ("bought", "bought_costed"))
        if not _total(spend, "costs_known") and usual is None:
            remarks.append(f"no cost is known: {column} is the net amount")
        elif bought > costed:
            remarks.append(f"{column}: {(bought - costed) / bought:.1%} of the net amount has no cost; {assumed}")
    return remarks


def counted(count: int, noun: str) -> str:
    """Return ``1 row`` or ``1,234 rows``."""
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
