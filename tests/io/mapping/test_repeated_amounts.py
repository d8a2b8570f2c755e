"""The total of an order, repeated on each of its lines, counts once."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import ckm
from ckm.io.mapping.proposal import Proposal, propose_mapping

ORDERS = [(f"A{number}", f"C{number % 9}", f"2024-0{1 + number % 9}-11", 10.0 + 7 * number) for number in range(30)]


def lines(*, products: bool = True, name: str = "order_total", same_product: bool = False) -> pl.DataFrame:
    """Return two lines for each order, both with the total of the order."""
    rows = [(*order, f"P{0 if same_product else line}") for order in ORDERS for line in range(2)]
    frame = pl.DataFrame(rows, schema=["order_id", "customer_id", "order_date", name, "product_id"], orient="row")
    return frame if products else frame.drop("product_id")


def proposed(records: pl.DataFrame, **options: object) -> Proposal:
    return propose_mapping(records.columns, "transactions", sample=records.cast(pl.String), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["order_total", "Amount", "total", "Bestellwert", "payment_value", "订单金额"])
def test_an_order_total_on_each_line_is_mapped_to_the_order(name: str) -> None:
    proposal = proposed(lines(name=name))
    assert ("order_net", name) in [(target, source) for target, source, _ in proposal.matched]
    assert any("counts once per order" in remark for remark in proposal.assumed)


def test_revenue_is_the_sum_of_the_orders(tmp_path: Path) -> None:
    lines().write_csv(tmp_path / "orders.csv")
    revenue = ckm.open(tmp_path / "orders.csv").segment().summary["revenue"].sum()
    assert revenue == pytest.approx(sum(total for *_, total in ORDERS))


def test_a_column_that_the_user_names_is_kept_with_a_remark() -> None:
    proposal = proposed(lines(), overrides={"net": "order_total"})
    assert "order_net" not in proposal.mapping.columns
    assert any("--column order_net='order_total'" in remark for remark in proposal.assumed)


def test_tickets_of_one_kind_keep_their_prices() -> None:
    assert "order_net" not in proposed(lines(same_product=True)).mapping.columns


def test_equal_prices_of_all_products_are_not_order_totals() -> None:
    proposal = proposed(lines().with_columns(order_total=pl.lit(9.9)))
    assert "order_net" not in proposal.mapping.columns


def test_a_general_name_without_products_is_only_remarked() -> None:
    proposal = proposed(lines(products=False, name="amount"))
    assert "order_net" not in proposal.mapping.columns
    assert any("if it is the order's total" in remark for remark in proposal.assumed)


def test_quantity_and_unit_price_are_preferred() -> None:
    records = lines(name="total").with_columns(quantity=pl.lit(1), unit_price=pl.lit(3.5))
    proposal = proposed(records)
    assert "order_net" not in proposal.mapping.columns
    assert any("not used" in remark for remark in proposal.assumed)
