"""A later export that lacks a column of discounts or refunds changes none of the known ones."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest

from ckm.workspace import lay_out
from tests.ingest.workspace import Desk
from tests.io.mapping import shop_exports as shops

PRICES = {"MUG": 10.0, "POT": 30.0}


class Sale(NamedTuple):
    """An order in one export: pieces of each product left after returns, refund, discount, status."""

    left: dict[str, int]
    refund: float = 0.0
    discount: float = 0.0
    status: str = "Completed"


ORDERED = Sale({"MUG": 2, "POT": 1})
RETURNED_MUG = Sale({"MUG": 1, "POT": 1}, refund=10.0)
RETURNED_POT = Sale({"MUG": 1, "POT": 0}, refund=40.0)
GOODWILL = Sale({"MUG": 2, "POT": 1}, refund=5.0)
REFUNDED = Sale({"MUG": 0, "POT": 0}, refund=50.0, status="Refunded")
CANCELLED = Sale({"MUG": 2, "POT": 1}, status="Cancelled")
VOUCHER = Sale({"MUG": 2, "POT": 1}, discount=5.0)
VOUCHER_RETURNED = Sale({"MUG": 1, "POT": 1}, refund=9.0, discount=5.0)


def woocommerce(sale: Sale, *, lacks: tuple[str, ...] = (), less: float = 0.0) -> str:
    """Return an export of three orders, of which the second one is ``sale``, without the columns ``lacks``.

    The prices of that order are reduced by the share ``less``.
    """
    rows = []
    for number, each in enumerate((ORDERED, sale, ORDERED)):
        gross = sum(PRICES[sku] * pieces for sku, pieces in ORDERED.left.items())
        for sku, pieces in each.left.items():
            rows.append(
                {
                    "Order Number": str(number),
                    "Order Status": each.status,
                    "Order Date": f"2024-03-{number + 1:02} 10:00",
                    "Email (Billing)": f"c{number}@example.org",
                    "Order Currency": "EUR",
                    "Order Subtotal Amount": f"{gross:.2f}",
                    "Cart Discount Amount": f"{each.discount:.2f}",
                    "Order Refund Amount": f"{each.refund:.2f}",
                    "Order Total Amount": f"{gross - each.discount:.2f}",
                    "SKU": sku,
                    "Item Name": sku.title(),
                    "Quantity (- Refund)": str(pieces),
                    "Item Cost": f"{PRICES[sku] * (1 - less * (number == 1)):.2f}",
                }
            )
    return pl.DataFrame(rows).drop(lacks).write_csv()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    lay_out(tmp_path / "shop")
    return Desk(tmp_path / "shop")


def net(desk: Desk, order: str = "1") -> float:
    rows = desk.table().filter(pl.col("order_id") == order, pl.col("type") != "cancel")
    found: float = rows.select(pl.col("net").sum().round(2)).item()
    return found


REFUND, DISCOUNT, SUBTOTAL = "Order Refund Amount", "Cart Discount Amount", "Order Subtotal Amount"
CASES = {
    "the refund is in the quantity": (RETURNED_MUG, RETURNED_MUG, (REFUND,), 40.0),
    "the refund is in no quantity": (GOODWILL, GOODWILL, (REFUND,), 45.0),
    "the whole order is refunded": (REFUNDED, REFUNDED, (REFUND,), 0.0),
    "more pieces are returned": (RETURNED_MUG, RETURNED_POT, (REFUND,), 10.0),
    "the order is refunded as a whole now": (RETURNED_MUG, REFUNDED, (REFUND,), 0.0),
    "the order is cancelled now": (RETURNED_MUG, CANCELLED, (REFUND,), 0.0),
    "there was no refund": (ORDERED, ORDERED, (REFUND,), 50.0),
    "the discount": (VOUCHER, VOUCHER, (DISCOUNT,), 45.0),
    "discount and refund": (VOUCHER_RETURNED, VOUCHER_RETURNED, (DISCOUNT, REFUND), 36.0),
    "subtotal and refund": (RETURNED_MUG, RETURNED_MUG, (SUBTOTAL, REFUND), 40.0),
    "all amounts of the order": (
        VOUCHER_RETURNED, VOUCHER_RETURNED, (SUBTOTAL, DISCOUNT, REFUND, "Order Total Amount"), 36.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("first", [(), (ORDERED,)], ids=["known", "known in two states"])
def test_a_missing_column_of_an_export_changes_no_known_amount(desk: Desk, case: str, first: tuple[Sale, ...]) -> None:
    known, later, lacks, expected = CASES[case]
    for number, sale in enumerate((*first, known)):
        desk.one(desk.write(f"whole{number}.csv", woocommerce(sale)))
    assert known != later or net(desk) == expected
    desk.one(desk.write("less.csv", woocommerce(later, lacks=lacks)))
    assert net(desk) == expected
    assert net(desk, "0") == net(desk, "2") == 50.0
    desk.one(desk.write("again.csv", woocommerce(later)))
    assert net(desk) == expected


def test_lines_after_the_discount_keep_no_discount(desk: Desk) -> None:
    desk.one(desk.write("whole.csv", woocommerce(VOUCHER)))
    desk.one(desk.write("less.csv", woocommerce(VOUCHER, lacks=(SUBTOTAL, DISCOUNT), less=0.1)))
    assert net(desk) == 45.0


def test_lines_after_returns_without_the_subtotal_keep_the_refund_once(desk: Desk) -> None:
    desk.one(desk.write("whole.csv", woocommerce(Sale({"MUG": 2, "POT": 1}, refund=10.0))))
    desk.one(desk.write("less.csv", woocommerce(RETURNED_MUG, lacks=(SUBTOTAL, REFUND))))
    assert net(desk) == 40.0


def test_the_remark_counts_the_orders_that_keep_known_amounts(desk: Desk) -> None:
    desk.one(desk.write("whole.csv", woocommerce(RETURNED_MUG)))
    before = desk.table().select("order_id", "line_no", "type", "net")
    result = desk.one(desk.write("less.csv", woocommerce(RETURNED_MUG, lacks=(REFUND,))))
    assert "1 order keeps known discounts or refunds: this file has no column for them" in result["remarks"]
    assert (result["updated"], result["unchanged"]) == (0, 6)
    assert desk.table().select("order_id", "line_no", "type", "net").equals(before)


LAYOUTS = {
    "woocommerce": lambda: shops.woocommerce(shops.shop(0, count=30)),
    "woocommerce after returns": lambda: shops.woocommerce(shops.shop(0, count=30), quantities_left=True),
    "shopify": lambda: shops.shopify(shops.shop(0, count=30)),
}
AMOUNTS = {
    "woocommerce": (REFUND, DISCOUNT, SUBTOTAL, "Order Total Amount", "Order Total Tax Amount"),
    "shopify": ("Refunded Amount", "Discount Amount", "Subtotal", "Total", "Taxes"),
}


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_export_loaded_again_without_any_two_amounts_changes_no_net(layout: str, tmp_path: Path) -> None:
    export = LAYOUTS[layout]()
    for number, lacks in enumerate(combinations(AMOUNTS[layout.split()[0]], 2)):
        lay_out(tmp_path / str(number))
        desk = Desk(tmp_path / str(number))
        desk.one(desk.write("whole.csv", export.write_csv()))
        before = desk.table().group_by("order_id").agg(pl.col("net").sum().round(2)).sort("order_id")
        desk.one(desk.write("less.csv", export.drop(lacks).write_csv()))
        after = desk.table().group_by("order_id").agg(pl.col("net").sum().round(2)).sort("order_id")
        assert after.equals(before), lacks


def shopify(desk: Desk, name: str, *, lacks: tuple[str, ...] = ()) -> None:
    header = (
        "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
        "Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Refunded Amount,Vendor,"
        "Lineitem discount,Lineitem fulfillment status,Accepts Marketing"
    )
    line = "#1,c@x.org,partially_refunded,2024-03-01 10:00:00 +0000,fulfilled,EUR,{},0.00,0.00,{},V5,5.00,"
    line += "2024-03-01 10:00:00 +0000,1,Pot,30.00,POT,4.00,V,2.00,fulfilled,no"
    other = "#2,d@x.org,paid,2024-03-02 10:00:00 +0000,fulfilled,EUR,30.00,0.00,0.00,30.00,,0.00,"
    other += "2024-03-02 10:00:00 +0000,1,Pot,30.00,POT,0.00,V,0.00,fulfilled,no"
    text = "\n".join((header, line.format("23.00", "23.00"), other)) + "\n"
    desk.one(desk.write(name, pl.read_csv(text.encode(), infer_schema=False).drop(lacks).write_csv()))


@pytest.mark.parametrize(
    "lacks",
    [
        ("Refunded Amount",),
        ("Discount Amount", "Subtotal"),
        ("Discount Amount", "Subtotal", "Lineitem discount"),
        ("Discount Amount", "Subtotal", "Lineitem discount", "Refunded Amount", "Total"),
    ],
)
def test_a_shopify_order_keeps_the_discounts_of_its_lines_too(desk: Desk, lacks: tuple[str, ...]) -> None:
    shopify(desk, "whole.csv")
    assert net(desk, "#1") == 19.0
    shopify(desk, "less.csv", lacks=lacks)
    assert net(desk, "#1") == 19.0
    assert net(desk, "#2") == 30.0


AMAZON = (
    "amazon-order-id,purchase-date,order-status,fulfillment-channel,sales-channel,product-name,sku,item-status,quantity,"
    "currency,buyer-email,item-price,item-promotion-discount"
)


def test_a_line_keeps_its_net_if_the_file_lacks_only_its_discount(desk: Desk) -> None:
    line = "A1,2024-03-01T10:00:00+00:00,Shipped,Amazon,Amazon.de,Pot,POT,Shipped,1,EUR,c@x.org"
    desk.one(desk.orders("whole.csv", f"{line},50.00,5.00", header=AMAZON))
    assert net(desk, "A1") == 45.0
    header = AMAZON.removesuffix(",item-promotion-discount")
    result = desk.one(desk.orders("less.csv", f"{line},50.00", header=header))
    assert (net(desk, "A1"), result["unchanged"]) == (45.0, 1)
    desk.one(desk.orders("price.csv", f"{line},48.00", header=header))
    assert net(desk, "A1") == 48.0


def test_an_older_export_without_discounts_gives_no_earlier_state(desk: Desk) -> None:
    desk.one(desk.write("whole.csv", woocommerce(VOUCHER)))
    desk.one(desk.write("older.csv", woocommerce(VOUCHER, lacks=(DISCOUNT,))), "--exported", "2024-03-02")
    assert net(desk) == 45.0
    assert desk.store.states("transactions").filter(pl.col("order_id") == "1", pl.col("net") > 40).is_empty()
