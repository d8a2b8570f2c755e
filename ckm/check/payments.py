"""Payments held against the orders that they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm.check.findings import Finding, Severity
from ckm.check.order_links import AMOUNT, CENTS, ORDER, Orders, linked
from ckm.check.subject import prepare
from ckm.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

OF = f"{ORDER} of"
KINDS = ("unpaid", "failed", "unmatched")
"""Orders without a successful payment; failed payments that were not repeated with success; payments of no order."""
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
    """Return the orders that are not paid, and the payments that failed for good or are of no order.

    A payment is an order's by the order's number, wherever the payment names it, else by amount, day and customer.

    Parameters
    ----------
    orders, payments
        Transactions: of the sources that sell, and of those that are payments. A payment of type ``cancel`` failed.
    as_of
        Rows after this day do not take part.
    time_zone
        Zone whose calendar says what a day is.

    Returns
    -------
    Columns of :data:`SCHEMA`, sorted by kind, day and id. ``amount`` is the goods of the order, or the payment.
    """
    sold, paid = (prepare("transactions", each, as_of=as_of, time_zone=time_zone).frame for each in (orders, payments))
    shop = Orders.of(sold, _sources(sold))
    payments_of = {source: _with_orders(Orders.of(paid, [source]), shop) for source in _sources(paid)}
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


def _with_orders(payments: Orders, shop: Orders) -> pl.DataFrame:
    return payments.frame.join(linked(payments, shop), on=ORDER, how="left", maintain_order="left")


def _sources(rows: pl.LazyFrame) -> list[str]:
    return rows.select(pl.col("source").drop_nulls().unique().sort()).collect(engine="streaming")["source"].to_list()


def _listed(kind: str, payments: pl.DataFrame, source: str) -> pl.DataFrame:
    return payments.select(
        kind=pl.lit(kind), order_id=OF, payment_id=ORDER, source=pl.lit(source), day="day",
        amount=(pl.col(AMOUNT) / CENTS).round(2),
    )  # fmt: skip


def payment_findings(reconciled: pl.DataFrame) -> Iterator[Finding]:
    """How many orders and payments have no other: an info of each kind, for a payment may still come."""
    words = {
        "unpaid": "{} without a successful payment",
        "failed": "{} that failed, none of them repeated with success",
        "unmatched": "{} of no order that is known",
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
