"""Reconciliation of payments with orders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.checked_table import prepare
from ckm.check.findings import Finding, Severity
from ckm.check.order_links import AMOUNT, CENTS, ORDER, SourceOrders, linked
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

OF = f"{ORDER} of"
KINDS = ("unpaid", "failed", "unmatched")
"""Orders without a successful payment; failed payments without a later success; payments without an order."""
SCHEMA = {
    "kind": pl.String,
    "order_id": pl.String,
    "payment_id": pl.String,
    "source": pl.String,
    "day": pl.Date,
    "amount": pl.Float64,
}
"""Columns of :func:`reconcile`."""


def reconcile(
    orders: pl.LazyFrame, payments: pl.LazyFrame, *, as_of: date | None = None, time_zone: str = "UTC"
) -> pl.DataFrame:
    """Return unpaid orders, failed payments without a later success, and payments without an order.

    A payment matches an order by the order number in any of its columns, else by amount, day and customer.

    Parameters
    ----------
    orders, payments
        Transactions of the sales sources and of the payment sources. A payment of type ``cancel`` has failed.
    as_of
        Rows after this date are excluded.
    time_zone
        Time zone of calendar days.

    Returns
    -------
    Columns of :data:`SCHEMA`, sorted by kind, day and id. ``amount`` is the goods value of the order, or the payment.
    """
    sold, paid = (prepare("transactions", each, as_of=as_of, time_zone=time_zone).frame for each in (orders, payments))
    shop = SourceOrders.of(sold, _sources(sold))
    payments_of = {}
    for source in _sources(paid):
        of_source = SourceOrders.of(paid, [source])
        matches = linked(of_source, shop)
        payments_of[source] = of_source.frame.join(matches, on=ORDER, how="left", maintain_order="left")
    done = [each.filter("bought")[OF] for each in payments_of.values()]
    covered = pl.concat([pl.Series(OF, [], dtype=pl.String), *done]).drop_nulls().unique().implode()
    found = [pl.DataFrame(schema=SCHEMA)]
    for source, each in payments_of.items():
        failed = each.filter(~pl.col("bought"), ~pl.col(OF).is_in(covered).fill_null(value=False))
        unmatched = each.filter("bought", pl.col(OF).is_null())
        found += [_listed("failed", failed, source), _listed("unmatched", unmatched, source)]
    unpaid = shop.frame.filter("bought", ~pl.col(ORDER).is_in(covered))
    found.append(
        unpaid.select(
            kind=pl.lit("unpaid"),
            order_id=ORDER,
            payment_id=pl.lit(None, dtype=pl.String),
            source=pl.lit(None, dtype=pl.String),
            day="day",
            amount=(pl.col(AMOUNT) / CENTS).round(2),
        )
    )
    kind = pl.col("kind").cast(pl.Enum(KINDS))
    return pl.concat(found).sort(kind, "day", "order_id", "payment_id")


def _sources(rows: pl.LazyFrame) -> list[str]:
    return rows.select(pl.col("source").drop_nulls().unique().sort()).collect(engine="streaming")["source"].to_list()


def _listed(kind: str, payments: pl.DataFrame, source: str) -> pl.DataFrame:
    return payments.select(
        kind=pl.lit(kind), order_id=OF, payment_id=ORDER, source=pl.lit(source), day="day",
        amount=(pl.col(AMOUNT) / CENTS).round(2),
    )  # fmt: skip


def payment_findings(reconciled: pl.DataFrame) -> Iterator[Finding]:
    """Yield a finding per kind with its count and amount.

    Payments without a known order are a warning. An unpaid order or a failed payment is an info, because a payment may
    still arrive.
    """
    words = {
        "unpaid": "{} without a successful payment",
        "failed": "failed {} without a later success",
        "unmatched": "{} without a known order",
    }
    for kind in KINDS:
        count = int((reconciled["kind"] == kind).sum())
        if count:
            noun = "order" if kind == "unpaid" else "payment"
            yield Finding(
                check="payments",
                severity=Severity.warning if kind == "unmatched" else Severity.info,
                table="transactions",
                part=kind,
                message=words[kind].format(counted(count, noun)),
                count=count,
                value=round(float(reconciled.filter(pl.col("kind") == kind)["amount"].sum()), 2),
                hint="ckm check --payments lists them",
            )
