"""An amount that repeats the total of the order on each of its lines counts once, unless the user maps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.workspace import Desk

HEADER = "Order ID,Customer ID,Order Date,Product,Qty,Total"


def orders(desk: Desk, *, total: bool, product: str = "P{line}", amounts: int = 20, count: int = 20) -> Path:
    """Write ``count`` orders of two lines; ``total``: each line has the order's total, else an amount of its own."""
    lines = [
        f"A{order},C{order % 7},2025-01-{order:02},{product.format(line=line)},{1 + order % 3},"
        f"{10 + order % amounts + (0 if total else line)}.50"
        for order in range(1, count + 1)
        for line in (0, 1)
    ]
    path = desk.root / "orders.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_total_on_every_line_counts_once(desk: Desk) -> None:
    found = desk.one(orders(desk, total=True), "--as", "transactions")
    assert "'Total' is the same on all lines of an order and counts once per order" in " ".join(found["remarks"])
    assert desk.table()["net"].sum() == pytest.approx(sum(10.5 + order % 20 for order in range(1, 21)))


def test_an_amount_that_the_user_maps_is_loaded_as_it_is(desk: Desk) -> None:
    path = orders(desk, total=True)
    desk.one(path, "--as", "transactions", "--column", "net=Total")
    assert desk.table()["net"].sum() == pytest.approx(2 * sum(10.5 + order % 20 for order in range(1, 21)))


@pytest.mark.parametrize(
    "differs",
    [{"total": False}, {"total": True, "product": "P"}, {"total": True, "amounts": 3}, {"total": True, "count": 9}],
    ids=["amounts of lines", "one product in an order", "few prices", "few orders"],
)
def test_amounts_that_may_be_of_lines_are_loaded(desk: Desk, differs: dict[str, int]) -> None:
    assert desk.one(orders(desk, **differs), "--as", "transactions")["accepted"]  # type: ignore[arg-type]
