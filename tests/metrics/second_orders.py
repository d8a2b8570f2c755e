"""Rows of customers with a first and a second order, for tests of when and what they buy second."""

from __future__ import annotations

from datetime import timedelta

from ckm.metrics.metric import Missing
from ckm.metrics.second_order import SecondOrders, second_orders
from tests.metrics.rows import START, Row, context, row, tables

TODAY = 400


def found(rows: list[Row], today: int | None = TODAY) -> SecondOrders | Missing:
    as_of = None if today is None else START + timedelta(today)
    return second_orders(context(tables(*rows), as_of=as_of))


def known(rows: list[Row], today: int = TODAY) -> SecondOrders:
    result = found(rows, today)
    assert isinstance(result, SecondOrders)
    return result


def forty_who_came_back(**columns: str) -> list[Row]:
    """One each after 1, 2, ... 40 days; the second orders bring 20 or 40 euros, so 30 on average."""
    rows = [row(f"back {gap:02}", 0, 10.0, **columns) for gap in range(1, 41)]
    return rows + [row(f"back {gap:02}", gap, 20.0 if gap % 2 else 40.0, **columns) for gap in range(1, 41)]


def once(who: str, days_ago: int, **columns: str) -> Row:
    return row(who, TODAY - days_ago, 10.0, **columns)
