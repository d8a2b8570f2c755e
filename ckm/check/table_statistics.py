"""Counts of a table, computed in a few lazy passes; the checks use only these counts, never the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.checked_table import DAY, SALES
from ckm.customers.calendar import calendar_day
from ckm.customers.usual_days import usual_days

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from ckm.check.checked_table import CheckedTable

LABELS = ("channel", "currency", "source", "type")
"""Columns with few values; rows are counted by day and by these."""
CURRENCY_CODE = "^[A-Z]{3}$"
"""Pattern of an ISO 4217 code."""
BINS_PER_E = 100
"""Bins per factor of e in :func:`spread`: each is one per cent wide."""
ROW = "row"
"""Used instead of a column in the name of a rule over several columns."""
_NULLS, _BREAKS = "nulls|", "breaks|"


@dataclass(frozen=True)
class TableCounts:
    """The counts of one table.

    Attributes
    ----------
    by_month
        ``month`` (first day, null for rows without a date), ``rows``, ``nulls|COLUMN`` and ``breaks|COLUMN|RULE``.
    by_day
        ``day``, the :data:`LABELS` the table has, ``rows``, and for transactions ``net``, ``no_customer``,
        ``below_zero`` and ``above_zero`` (rows with a negative or positive ``net``).
    spread
        ``column``, ``currency``, ``bin``, ``rows``: histogram of positive sales on a log scale; transactions only.
    key_repeats
        Rows whose complete key occurred before; None if a key column is missing.
    row_repeats
        Duplicate rows, compared without lineage columns; the first of each is not counted.
    keep_stray_dates
        Whether rows with outlying dates are included.
    """

    subject: CheckedTable
    by_month: pl.DataFrame
    by_day: pl.DataFrame
    spread: pl.DataFrame
    key_repeats: int | None
    row_repeats: int
    keep_stray_dates: bool = False

    @cached_property
    def rows_by_day(self) -> pl.DataFrame:
        """``day`` and ``rows`` of the dated rows, oldest first."""
        return self.by_day.drop_nulls("day").group_by("day").agg(pl.col("rows").sum()).sort("day")

    @cached_property
    def usual_days(self) -> tuple[date, date] | None:
        """First and last day without outlying dates (:mod:`ckm.customers.usual_days`); None if no row is dated.

        With ``keep_stray_dates``, of all dates.
        """
        days = self.rows_by_day["day"]
        if days.is_empty():
            return None
        if self.keep_stray_dates:
            return days[0], days[-1]
        usual = usual_days(days.to_physical().cast(pl.Int64).to_numpy(), self.rows_by_day["rows"].to_numpy())
        return calendar_day(usual.first), calendar_day(usual.last)

    def on_usual_days(self, dated: pl.DataFrame, column: str = "day") -> pl.DataFrame:
        """Return the rows of a frame without outlying days or months, and without rows that have no date."""
        if self.usual_days is None:
            return dated.clear()
        first, last = self.usual_days
        return dated.filter(pl.col(column).is_between(first.replace(day=1) if column == "month" else first, last))

    @property
    def rows(self) -> int:
        """The number of rows."""
        return int(self.by_month["rows"].sum())

    def nulls(self, column: str) -> int:
        """Return the number of nulls in ``column``."""
        return int(self.by_month[_NULLS + column].sum())

    def nulls_by_month(self, column: str) -> pl.DataFrame:
        """Return ``month``, ``rows`` and ``nulls`` of the dated rows, oldest first."""
        # Select these three columns first: a table may have thousands, and this runs for each.
        counted = pl.DataFrame(
            [self.by_month["month"], self.by_month["rows"], self.by_month[_NULLS + column].alias("nulls")]
        )
        return counted.filter(pl.col("month").is_not_null()).sort("month")

    def breaks(self) -> dict[str, int]:
        """Return the number of rows that violate a rule, by ``COLUMN|RULE`` (``row|RULE`` for a rule over several)."""
        found = self.by_month.select(pl.col(f"^{_BREAKS.replace('|', '[|]')}.*$").sum())
        sums = found.row(0, named=True) if found.width else {}
        return {name.removeprefix(_BREAKS): int(count) for name, count in sums.items() if count}


def measure(
    subject: CheckedTable, *, spreads: bool = True, repeats: bool = True, keep_stray_dates: bool = False
) -> TableCounts:
    """Compute all counts in streaming passes, which hold counts and at most one hash per row in memory."""
    # Sequentially: collect_all caches shared scans, which needs five times the memory for 20 million rows.
    by_month, by_day = (query(subject).collect(engine="streaming") for query in (_by_month, _by_day))
    histograms = (spread(subject, column) for column in ("net", "quantity") if spreads)
    spread_frames = [query.collect(engine="streaming") for query in histograms if query is not None]
    key_repeats, row_repeats = _repeats(subject, by_month) if repeats else (None, 0)
    return TableCounts(
        subject=subject,
        by_month=by_month,
        by_day=_only_currencies(by_day),
        spread=_only_currencies(pl.concat(spread_frames) if spread_frames else pl.DataFrame(schema=_SPREAD)),
        key_repeats=key_repeats,
        row_repeats=row_repeats,
        keep_stray_dates=keep_stray_dates,
    )


def rules(subject: CheckedTable) -> dict[str, pl.Expr]:
    """Return the rules that the table can be checked for, by ``COLUMN|RULE``; null passes.

    Rules of missing columns and of columns with a wrong type are omitted (other findings report these), and so is
    ``nullability``, which the completeness check covers.
    """
    if subject.contract is None:
        return {}
    typed = {name for name, dtype in subject.contract.dtypes.items() if dtype == subject.dtypes.get(name)}
    asked = {}
    for name, rule in subject.contract.schema._validation_rules(with_cast=False).items():
        column, bar, kind = name.partition("|")
        if kind != "nullability" and set(rule.expr.meta.root_names()) <= typed:
            # the same names as in the quarantine
            asked[f"{column}|{kind.removeprefix('check__')}" if bar else f"{ROW}|{name}"] = rule.expr
    return asked


def _by_month(subject: CheckedTable) -> pl.LazyFrame:
    nulls = [pl.col(name).null_count().alias(_NULLS + name) for name in subject.own_columns]
    breaks = [rule.not_().sum().alias(_BREAKS + name) for name, rule in rules(subject).items()]
    month = pl.col(DAY).dt.truncate("1mo").alias("month")
    return subject.frame.group_by(month).agg(pl.len().cast(pl.Int64).alias("rows"), *nulls, *breaks).sort("month")


def _by_day(subject: CheckedTable) -> pl.LazyFrame:
    labels = [pl.col(name).cast(pl.String) for name in LABELS if subject.lacks(name) is None]
    counts = [pl.len().cast(pl.Int64).alias("rows")]
    if subject.name == "transactions" and subject.lacks("net") is None:
        net = pl.col("net")
        # NaN is greater than every number and makes a sum NaN; the contract check reports it.
        counts += [
            net.cast(pl.Float64).fill_nan(None).sum().alias("net"),
            (net < 0).sum().cast(pl.Int64).alias("below_zero"),
            ((net > 0) & net.cast(pl.Float64).is_not_nan()).sum().cast(pl.Int64).alias("above_zero"),
        ]
    if subject.name == "transactions" and subject.has("customer_id"):
        counts.append(pl.col("customer_id").is_null().sum().cast(pl.Int64).alias("no_customer"))
    return (
        subject.frame.group_by(pl.col(DAY).alias("day"), *labels)
        .agg(counts)
        .sort("day", *(label.meta.output_name() for label in labels))
    )


def _only_currencies(counted: pl.DataFrame) -> pl.DataFrame:
    """Replace invalid currency codes by null: findings show currencies, and a wrong column may have personal data."""
    if "currency" not in counted.columns:
        return counted
    code = pl.col("currency")
    return counted.with_columns(pl.when(code.str.contains(CURRENCY_CODE)).then(code).alias("currency"))


RESIDUE = 1e-9
"""A smaller value is zero: what is left where floats that should cancel out are added."""
_SPREAD = {"column": pl.String, "currency": pl.String, "bin": pl.Int32, "rows": pl.Int64}


def spread(subject: CheckedTable, column: str) -> pl.LazyFrame | None:
    """Return a log-scale histogram of positive sales values, so that a median needs no sorting."""
    if subject.name != "transactions" or subject.lacks(column) is not None:
        return None
    value = pl.col(column).cast(pl.Float64)
    sales = subject.frame.filter(value.is_finite() & (value > RESIDUE))
    if subject.lacks("type") is None:
        sales = sales.filter(pl.col("type").cast(pl.String).is_in(SALES))
    # Amounts of two currencies are never compared; a quantity has none.
    money = column == "net" and subject.lacks("currency") is None
    return (
        sales.group_by(
            pl.lit(column).alias("column"),
            (pl.col("currency").cast(pl.String) if money else pl.lit(None, pl.String)).alias("currency"),
            (value.log(math.e) * BINS_PER_E).floor().cast(pl.Int32).alias("bin"),
        )
        .agg(pl.len().cast(pl.Int64).alias("rows"))
        .sort("currency", "bin")
    )


def _repeats(subject: CheckedTable, by_month: pl.DataFrame) -> tuple[int | None, int]:
    key = subject.contract.key if subject.contract else ()
    key_repeats = None
    if key and subject.has(*key):
        complete = subject.frame.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in key))
        key_repeats = _count_repeats(complete, key)
        if key_repeats == 0 and not any(by_month[_NULLS + name].sum() for name in key):
            return 0, 0  # rows with different keys are not duplicates
    own = {"source", *subject.own_columns}
    content = [name for name in subject.dtypes if name in own]
    return key_repeats, _count_repeats(subject.frame, content)


def _count_repeats(frame: pl.LazyFrame, columns: Sequence[str]) -> int:
    """Count duplicate rows by one 64-bit hash per row.

    20 million hashes need 160 MB; the probability of a collision among them is 1 in 90,000
    (n²/2⁶⁵, the birthday bound).
    """
    if not columns:
        return 0
    hashes = frame.select(pl.struct(columns).hash(seed=0)).collect(engine="streaming").to_series()
    ordered = hashes.sort(in_place=True)
    return int((ordered == ordered.shift()).sum())
