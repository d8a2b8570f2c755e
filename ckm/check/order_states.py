"""What the store knows of its orders' states: orders that came in parts, and returns without a day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.mapping.order_parts import SAID
from ckm.mapping.order_parts import cut_orders as cut_of
from ckm.schema import TABLES
from ckm.wording import counted, share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ckm.check.limits import CheckLimits
    from ckm.check.measure import Measured
    from ckm.check.subject import Subject


def partial_orders(merged: Mapping[str, int]) -> Iterator[Finding]:
    """Files that held a part of orders that were known with more lines: the lines of both were kept."""
    for file, count in sorted(merged.items()):
        yield Finding(
            check="partial_orders",
            severity=Severity.warning,
            table="transactions",
            part=file,
            message=f"{counted(count, 'order')} of this file were known with other lines too: both were kept",
            count=count,
            value=float(count),
            hint="right for pages and partial exports; if a file holds whole orders, say so in its mapping: "
            "whole_orders: yes",
        )


def cut_orders(sales: Subject) -> Iterator[Finding]:
    """Orders that have more goods, by their own totals, than the lines that are there."""
    columns = ("order_id", "line_no", "type", "net", "discount", "quantity", "currency", SAID)
    if any(sales.dtypes.get(name) != TABLES[sales.name].dtypes[name] for name in columns):
        return
    rows = sales.whole.select(columns)
    told = rows.filter(pl.col(SAID).is_not_null()).select("order_id").unique()
    cut = cut_of(rows.join(told, on="order_id", how="semi").collect())
    if len(cut):
        sums = cut.group_by("currency").agg(pl.col("open").sum()).sort("currency")
        lacking = ", ".join(f"{amount:,.2f} {code}" for code, amount in sums.iter_rows())
        yield Finding(
            check="partial_orders",
            severity=Severity.warning,
            table=sales.name,
            message=f"{counted(len(cut), 'order')} with more goods, by their own totals, than the lines that were "
            f"loaded: {lacking} more",
            count=len(cut),
            value=float(len(cut)),
            hint="where an export comes in pages, load the one that goes on with the order",
        )


def undated_returns(measured: Measured, _limits: CheckLimits) -> Iterator[Finding]:
    """Returns that have the day of their order for want of one of their own."""
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
            message=f"{counted(count, 'return')} ({share(count / returns)} of all) have no day of their own and count "
            "from the day of their order; no churn feature is made of them",
            count=count,
            value=count / returns,
            hint="returns that are seen for the first time in a later export count from its day",
        )
