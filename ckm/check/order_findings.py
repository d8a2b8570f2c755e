"""Findings on order states: partial orders, and returns without a date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.io.mapping.order_parts import cut_orders as cut_of
from ckm.io.mapping.stored_amounts import STORED_AMOUNTS
from ckm.schema import TABLES
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.check.checked_table import CheckedTable
    from ckm.check.limits import CheckLimits
    from ckm.check.table_statistics import TableCounts


def partial_orders(merged: Mapping[str, int]) -> Iterator[Finding]:
    """Find files with only some lines of known orders, which were merged."""
    for file, count in sorted(merged.items()):
        yield Finding(
            check="partial_orders",
            severity=Severity.warning,
            table="transactions",
            part=file,
            message=f"{counted(count, 'order')} of this file had other lines in the store: both were kept",
            count=count,
            value=float(count),
            hint="correct for paged and partial exports; if a file contains whole orders, set in its mapping: "
            "whole_orders: yes",
        )


def cut_orders(sales: CheckedTable) -> Iterator[Finding]:
    """Find orders whose totals exceed the sum of their loaded lines."""
    columns = ("order_id", "line_no", "type", "net", "discount", "quantity", "currency", STORED_AMOUNTS)
    if any(sales.dtypes.get(name) != TABLES[sales.name].dtypes[name] for name in columns):
        return
    rows = sales.whole.select(columns)
    with_amounts = rows.filter(pl.col(STORED_AMOUNTS).is_not_null()).select("order_id").unique()
    cut = cut_of(rows.join(with_amounts, on="order_id", how="semi").collect())
    if len(cut):
        sums = cut.group_by("currency").agg(pl.col("open").sum()).sort("currency")
        lacking = ", ".join(f"{amount:,.2f} {code}" for code, amount in sums.iter_rows())
        yield Finding(
            check="partial_orders",
            severity=Severity.warning,
            table=sales.name,
            message=f"{counted(len(cut), 'order')} whose totals exceed the sum of their loaded lines by {lacking}",
            count=len(cut),
            value=float(len(cut)),
            hint="if the export has pages, load the page with the remaining lines",
        )


def undated_returns(measured: TableCounts, _limits: CheckLimits) -> Iterator[Finding]:
    """Find returns without a date, which get the date of their order."""
    is_return = ((pl.col("type") == "return") | (pl.col("net") < 0)).fill_null(value=False)
    undated = is_return & (pl.col("dated_by") == "order").fill_null(value=False)
    found = measured.subject.frame.select(returns=is_return.sum(), undated=undated.sum()).collect(engine="streaming")
    count, returns = int(found["undated"][0]), int(found["returns"][0])
    if count:
        yield Finding(
            check="undated_returns",
            severity=Severity.info,
            table=measured.subject.name,
            column="dated_by",
            message=f"{counted(count, 'return')} ({share(count / returns)} of all) have no date and count "
            "from the date of their order; churn features ignore them",
            count=count,
            value=count / returns,
            hint="returns that first occur in a later export count from its date",
        )
