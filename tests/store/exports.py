"""Exports of a small shop over some days, and the expected states of its orders, computed in plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from ckm.store import LoadFacts, OnConflict, Store

START = datetime(2024, 3, 1, 12, tzinfo=UTC)
SCHEMA = pl.Schema(
    {
        "order_id": pl.String(),
        "line_no": pl.String(),
        "customer_id": pl.String(),
        "ordered_at": pl.Datetime("us", "UTC"),
        "product_id": pl.String(),
        "net": pl.Float64(),
        "quantity": pl.Float64(),
        "discount": pl.Float64(),
        "cost": pl.Float64(),
        "type": pl.String(),
        "updated_at": pl.Datetime("us", "UTC"),
        "dated_by": pl.String(),
        "source_row": pl.Int64(),
    }
)
CONTENT = tuple(name for name in SCHEMA if name not in ("updated_at", "dated_by", "source_row"))
SAID = ("order_id", "product_id", "ordered_at", "net", "type", "dated_by")
Said = tuple[str, str, datetime, float, str, str | None]


@dataclass(frozen=True)
class Order:
    """State of an order on a day: net by product, and the refunded amount."""

    order_id: str
    day: int
    lines: Mapping[str, float]
    returned: float = 0.0
    cancelled: bool = False

    @property
    def at(self) -> datetime:
        return START + timedelta(days=self.day, minutes=int(self.order_id))

    def rows(self) -> list[tuple[str, float, str]]:
        kind = "cancel" if self.cancelled else "sale"
        rows = [(product, net, kind) for product, net in self.lines.items()]
        return [*rows, ("", -self.returned, "return")] if self.returned else rows


Export = tuple[Order, ...]


def frame(export: Iterable[Order], *, updated: datetime | None = None) -> pl.DataFrame:
    rows = [
        (
            order.order_id, None, "ann", order.at, product or None, net, 1.0 if net > 0 else None, None, None, kind,
            updated, "order" if kind == "return" else None,
        )
        for order in export
        for product, net, kind in order.rows()
    ]  # fmt: skip
    return pl.DataFrame([(*row, number) for number, row in enumerate(rows, 1)], schema=SCHEMA, orient="row")


def take(
    root: Path,
    rows: pl.DataFrame,
    name: str,
    *,
    source: str = "web",
    whole: bool = False,
    exported: datetime | None = None,
    on_conflict: OnConflict | None = None,
) -> LoadFacts:
    """Load ``rows`` as a file named ``name``."""
    store = Store(root)
    facts = LoadFacts(
        "", "transactions", "load", name, f"sha-{name}", f"content-{name}", source, ("order_id", "line_no"), CONTENT,
        by_order=True, whole=whole, moment=exported.isoformat() if exported else None,
    )  # fmt: skip
    with store.locked():
        writer = store.begin(facts, schema=rows.schema, expected_rows=len(rows))
        for start in range(0, len(rows), 7):
            writer.add(rows[start : start + 7])
        return writer.finish(on_conflict)


def said(rows: pl.LazyFrame | pl.DataFrame) -> list[Said]:
    day = [name for name in SAID if name != "net"]
    found: list[Said] = rows.lazy().select(SAID).collect().rows()
    returns = rows.lazy().filter(pl.col("dated_by").is_not_null()).group_by(day).agg(pl.col("net").sum())
    found = [row for row in found if row[-1] is None] + returns.select(SAID).collect().rows()
    return sorted(found, key=str)


def known(exports: Sequence[tuple[datetime, Export]], moment: datetime | None = None) -> list[Said]:
    """Return the rows expected before a moment (None: now) from exports with their moments, by the documented rules."""
    states: dict[str, list[tuple[datetime, Order]]] = {}
    for at, export in sorted(exports, key=lambda pair: pair[0]):
        for order in export:
            mine = states.setdefault(order.order_id, [])
            if not mine or mine[-1][1] != order:
                mine.append((at, order))
    rows: list[Said] = []
    for chain in states.values():
        seen = [pair for pair in chain if moment is None or pair[0] < moment] or chain[:1]
        last = seen[-1][1]
        rows += [(last.order_id, p or None, last.at, net, kind, None) for p, net, kind in last.rows() if net > 0]  # type: ignore[misc]
        before = 0.0
        for number, (at, order) in enumerate(seen):
            more = order.returned - before
            before = order.returned
            day = max(at, order.at) if number else order.at
            if more:
                rows.append((last.order_id, None, day, -more, "return", "first_seen" if number else "order"))  # type: ignore[arg-type]
    return sorted(rows, key=str)


ENDS = (Order("100", 0, {"p": 1.0, "q": 1.0}), Order("101", 0, {"p": 1.0, "q": 1.0}))
"""First and last order of every export, which a page could cut; they never change."""


def next_day(export: Export, changes: Mapping[str, str], new: int) -> Export:
    """Return the export of the next day, with changed orders (``changes`` by order id) and ``new`` orders."""
    before = [order for order in export if order not in ENDS]
    day = max((order.day for order in before), default=-1) + 1
    changed = [_changed(order, changes.get(order.order_id, "")) for order in before]
    first = len(before)
    fresh = [Order(str(first + n), day, {"p": 10.0, "q": 5.0} if n % 2 else {"p": 10.0}) for n in range(new)]
    return (ENDS[0], *changed, *fresh, ENDS[1])


def _changed(order: Order, what: str) -> Order:
    if what == "refund" and not order.cancelled:
        return replace(order, returned=order.returned + 2.0)
    if what == "cancel" and not order.returned:
        return replace(order, cancelled=True)
    if what == "amend":
        return replace(order, lines={name: net + 1 for name, net in order.lines.items()})
    if what == "add" and "z" not in order.lines:
        return replace(order, lines={**order.lines, "z": 3.0})
    return order


def newest(export: Iterable[Order]) -> datetime:
    return max(order.at for order in export)
