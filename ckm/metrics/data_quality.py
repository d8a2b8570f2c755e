"""Data quality: rows used, left out and quarantined, and reconciliation with the control totals of finance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from ckm.check.controls_file import CONTROLS_FILE, read_controls
from ckm.customers.calendar import months_before
from ckm.customers.definitions import local_day
from ckm.metrics.metric import Metric, Missing
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ckm.customers.period import Period
    from ckm.metrics.context import ReportContext

TRUST = "data_quality"
IN_THE_LEDGER = frozenset(("sale", "return", "subscription"))
"""Types of transaction whose sums by day the ledger contains; cancelled rows have none."""
DIGITS = 9
"""Decimals of a difference: cents are not exact in binary, so differences below a billionth count as zero."""


def data_quality_metrics(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the numbers of used, left-out and quarantined rows, and the differences to the control totals.

    ``rows_used`` and ``rows_left_out`` add up to all rows of the transactions. Rows without a customer are excluded
    from all metrics per customer, but are part of the revenue.

    Raises
    ------
    InputError
        ``controls.csv`` has a mistake; its line is named.
    """
    left_out = context.ledger.left_out
    reasons = {
        "stray_date": left_out.rows_stray,
        "after_as_of": left_out.rows_after_as_of,
        "cancelled": left_out.rows_cancelled,
        "without_customer": left_out.rows_without_customer,
    }
    used = Metric("rows_used", float(left_out.rows - sum(reasons.values())), n=left_out.rows)
    unused = [Metric("rows_left_out", float(count), (("reason", reason),)) for reason, count in reasons.items()]
    compared, missing = _controls(context)
    return (used, *unused, *_quarantined(context), *compared), missing


def _quarantined(context: ReportContext) -> Iterator[Metric]:
    """Return the number of quarantined rows of each table; None for a file, which has no quarantine."""
    if context.workspace is None:
        return
    from ckm.store import Store  # import here: deltalake is not needed for a plain file

    refused = Store(context.workspace.store_dir).quarantine()
    counts: dict[str, int] = dict.fromkeys(context.tables, 0)
    if refused is not None:
        counts |= dict(refused.group_by("table").agg(pl.len()).collect().iter_rows())
    for table in sorted(counts):
        yield Metric("rows_quarantined", float(counts[table]), (("table", table),))


def _controls(context: ReportContext) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    path = None if context.workspace is None else context.workspace.root / CONTROLS_FILE
    if path is None or not path.exists():
        return (), (Missing(TRUST, "no_controls"),)
    lines = (
        read_controls(path)
        .filter(
            pl.col("month").is_in(months_within(context.period)),
            pl.col("table") == "transactions",
            pl.col("currency") == context.ledger.currency,
        )
        .drop_nulls("net")
        .sort("month", "source")
    )
    if lines.is_empty():
        return (), (Missing(TRUST, "no_control_months"),)
    return tuple(_against(lines, context)), ()


def months_within(period: Period) -> list[date]:
    """Return the first days of the calendar months within a period."""
    month, found = (period.last + timedelta(1)).replace(day=1), []
    while (month := months_before(month, 1)) >= period.first:
        found.append(month)
    return found[::-1]


def _against(lines: pl.DataFrame, context: ReportContext) -> Iterator[Metric]:
    """Return the difference to the control totals per month, and the number of months without a difference.

    A control total of a whole month is compared with the month's revenue. Control totals of single sources are compared
    source by source, and the differences are summed; a month in which no source has a control total has no difference.
    """
    found = _totals(context, by_source=lines["source"].null_count() < lines.height)
    allowed = context.config.check.reconciliation_difference
    equal, months = 0, lines["month"].unique().sort()
    for month in months:
        differences = []
        for line in lines.filter(pl.col("month") == month).iter_rows(named=True):
            rows = found.filter(pl.col("month") == month)
            if line["source"] is not None:
                rows = rows.filter(pl.col("source") == line["source"])
            differences.append(
                (line["source"], round(context.ledger.money(int(rows["net"].sum())) - line["net"], DIGITS))
            )
        whole = [difference for source, difference in differences if source is None]
        difference = whole[0] if whole else round(sum(difference for _, difference in differences), DIGITS)
        equal += all(abs(difference) <= allowed for _, difference in differences)
        yield Metric("reconciliation_difference", difference, (("month", f"{month:%Y-%m}"),))
    yield Metric("controls_equal", float(equal), n=len(months))


def _totals(context: ReportContext, *, by_source: bool) -> pl.DataFrame:
    """Return ``month``, ``source`` and ``net`` (integers) of the transaction types in ``controls.csv``.

    The sums come from the ledger; totals by source or of cancelled rows read the transactions again.
    """
    types = list(context.config.check.control_types)
    if by_source or not set(types) <= IN_THE_LEDGER:
        return _read_totals(context, types)
    day = pl.col("day").cast(pl.Int32).cast(pl.Date)
    return (
        context.ledger.dimensions["type"]
        .lazy()
        .filter(pl.col("value").is_in(types))
        .group_by(month=day.dt.truncate("1mo"))
        .agg(pl.col("net").sum())
        .with_columns(source=pl.lit(None, pl.String))
        .collect()
    )


def _read_totals(context: ReportContext, types: list[str]) -> pl.DataFrame:
    transactions, ledger = context.tables["transactions"], context.ledger
    source = pl.col("source").cast(pl.String) if "source" in transactions.collect_schema() else pl.lit(None, pl.String)
    rows = transactions.filter(
        pl.col("ordered_at") < end_of_day(context.as_of, ledger.time_zone), pl.col("type").cast(pl.String).is_in(types)
    )
    dated = rows.with_columns(day=local_day("ordered_at", ledger.time_zone))
    net = (pl.col("net") * ledger.scale).round().cast(pl.Int64)
    months = dated.select(month=pl.col("day").dt.truncate("1mo"), source=source, net=net)
    return months.group_by("month", "source").agg(pl.col("net").sum()).collect(engine="streaming")
