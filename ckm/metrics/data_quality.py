"""What the numbers rest on: rows used and left out, rows refused, and the totals of finance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.controls_file import CONTROLS_FILE, read_controls
from ckm.customers.calendar import months_before
from ckm.customers.definitions import local_day
from ckm.metrics.metric import Measure, Missing
from ckm.settings import end_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.customers.period import Period
    from ckm.metrics.context import Basis

TRUST = "data_quality"
IN_THE_LEDGER = frozenset(("sale", "return", "subscription"))
"""Types of transaction of which the ledger has the sums by day; only of cancelled rows it has none."""
DIGITS = 9
"""Cents are not exact in binary; a billionth of a unit is no difference."""


def trust_measures(basis: Basis) -> tuple[tuple[Measure, ...], tuple[Missing, ...]]:
    """Return how many rows the report rests on, what was left out or refused, and how far finance's totals are.

    ``rows_used`` and ``rows_left_out`` add up to all rows of the transactions. Rows without a customer are left out of
    everything that is per customer, and are in the revenue.

    Raises
    ------
    InputError
        ``controls.csv`` has a mistake; its line is named.
    """
    left_out = basis.ledger.left_out
    reasons = {
        "stray_date": left_out.rows_stray,
        "after_as_of": left_out.rows_after_as_of,
        "cancelled": left_out.rows_cancelled,
        "without_customer": left_out.rows_without_customer,
    }
    used = Measure("rows_used", float(left_out.rows - sum(reasons.values())), n=left_out.rows)
    unused = [Measure("rows_left_out", float(count), (("reason", reason),)) for reason, count in reasons.items()]
    compared, missing = _controls(basis)
    return (used, *unused, *_quarantined(basis), *compared), missing


def _quarantined(basis: Basis) -> Iterator[Measure]:
    """Rows refused at ingest by table, zero where none was; nothing for a file, which has no quarantine."""
    if basis.workspace is None:
        return
    from ckm.store import Store  # deltalake, which a file has no use for

    refused = Store(basis.workspace.store_dir).quarantine()
    counts: dict[str, int] = dict.fromkeys(basis.tables, 0)
    if refused is not None:
        counts |= dict(refused.group_by("table").agg(pl.len()).collect().iter_rows())
    for table in sorted(counts):
        yield Measure("rows_quarantined", float(counts[table]), (("table", table),))


def _controls(basis: Basis) -> tuple[tuple[Measure, ...], tuple[Missing, ...]]:
    path = None if basis.workspace is None else basis.workspace.root / CONTROLS_FILE
    if path is None or not path.exists():
        return (), (Missing(TRUST, "no_controls"),)
    lines = (
        read_controls(path)
        .filter(
            pl.col("month").is_in(months_within(basis.period)),
            pl.col("table") == "transactions",
            pl.col("currency") == basis.ledger.currency,
        )
        .drop_nulls("net")
        .sort("month", "source")
    )
    if lines.is_empty():
        return (), (Missing(TRUST, "no_control_months"),)
    return tuple(_against(lines, basis)), ()


def months_within(period: Period) -> list[date]:
    """First days of the calendar months that lie wholly within a period."""
    month, found = (period.last + timedelta(1)).replace(day=1), []
    while (month := months_before(month, 1)) >= period.first:
        found.append(month)
    return found[::-1]


def _against(lines: pl.DataFrame, basis: Basis) -> Iterator[Measure]:
    """One difference per month, and how many months are equal.

    A month that finance gives as a whole is compared as such; else its sources are, whose differences are added up,
    and it is equal if each is.
    """
    found = _totals(basis, by_source=lines["source"].null_count() < lines.height)
    allowed = basis.config.check.reconciliation_difference
    equal, months = 0, lines["month"].unique().sort()
    for month in months:
        differences = []
        for line in lines.filter(pl.col("month") == month).iter_rows(named=True):
            rows = found.filter(pl.col("month") == month)
            if line["source"] is not None:
                rows = rows.filter(pl.col("source") == line["source"])
            differences.append(
                (line["source"], round(basis.ledger.money(int(rows["net"].sum())) - line["net"], DIGITS))
            )
        whole = [difference for source, difference in differences if source is None]
        said = whole[0] if whole else round(sum(difference for _, difference in differences), DIGITS)
        equal += all(abs(difference) <= allowed for _, difference in differences)
        yield Measure("reconciliation_difference", said, (("month", f"{month:%Y-%m}"),))
    yield Measure("controls_equal", float(equal), n=len(months))


def _totals(basis: Basis, *, by_source: bool) -> pl.DataFrame:
    """``month``, ``source``, ``net`` (whole numbers) of the types that finance counts.

    From the ledger's sums by day; only the totals of sources, and of cancelled rows, take the rows again.
    """
    types = list(basis.config.check.control_types)
    if by_source or not set(types) <= IN_THE_LEDGER:
        return _read_totals(basis, types)
    day = pl.col("day").cast(pl.Int32).cast(pl.Date)
    return (
        basis.ledger.dimensions["type"]
        .lazy()
        .filter(pl.col("value").is_in(types))
        .group_by(month=day.dt.truncate("1mo"))
        .agg(pl.col("net").sum())
        .with_columns(source=pl.lit(None, pl.String))
        .collect()
    )


def _read_totals(basis: Basis, types: list[str]) -> pl.DataFrame:
    transactions, ledger = basis.tables["transactions"], basis.ledger
    source = pl.col("source").cast(pl.String) if "source" in transactions.collect_schema() else pl.lit(None, pl.String)
    rows = transactions.filter(
        pl.col("ordered_at") < end_of_day(basis.as_of, ledger.time_zone), pl.col("type").cast(pl.String).is_in(types)
    )
    dated = rows.with_columns(day=local_day("ordered_at", ledger.time_zone))
    net = (pl.col("net") * ledger.scale).round().cast(pl.Int64)
    months = dated.select(month=pl.col("day").dt.truncate("1mo"), source=source, net=net)
    return months.group_by("month", "source").agg(pl.col("net").sum()).collect(engine="streaming")
