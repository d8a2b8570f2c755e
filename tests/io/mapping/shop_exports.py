"""Invented orders of a shop with their true totals, and exports of them in the layouts of shop systems."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

GOODS = {"MUG": 1250, "TEA": 695, "POT": 4999, "BAG": 330, "CUP": 1000}


@dataclass(frozen=True)
class Order:
    """One order; amounts in the smallest unit of the currency. Prices exclude tax if ``tax_on_top``."""

    number: int
    email: str
    status: str
    lines: tuple[tuple[str, int], ...]
    discount: int = 0
    shipping: int = 0
    refund_of_goods: int = 0
    shipping_refunded: bool = False
    tax_percent: int = 0
    tax_on_top: bool = False

    @property
    def day(self) -> date:
        return date(2024, 3, 1) + timedelta((self.number - 1001) // 2)

    @property
    def gross(self) -> int:
        return sum(quantity * GOODS[product] for product, quantity in self.lines)

    @property
    def goods(self) -> int:
        return self.gross - self.discount

    @property
    def tax(self) -> int:
        share = self.tax_percent / (100 if self.tax_on_top else 100 + self.tax_percent)
        return round(self.goods * share)

    @property
    def total(self) -> int:
        return self.goods + self.shipping + (self.tax if self.tax_on_top else 0)

    @property
    def refunded(self) -> int:
        """The refunded amount: goods with their tax, and shipping if it was refunded."""
        of_goods = self.refund_of_goods
        if self.tax_on_top and self.goods:
            of_goods = round(of_goods * (self.goods + self.tax) / self.goods)
        return of_goods + (self.shipping if self.shipping_refunded else 0)


@dataclass(frozen=True)
class Shop:
    """Orders of a shop, and their true totals."""

    orders: tuple[Order, ...]
    digits: int = 2
    counted: tuple[Order, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "counted", tuple(each for each in self.orders if each.status != "void"))

    def money(self, amount: int) -> str:
        return f"{amount / 10**self.digits:.{self.digits}f}"

    def by_order(self) -> dict[str, tuple[float, float, float]]:
        """Return, per purchase, net sales, discounts and returns."""
        unit = 10**self.digits
        return {
            str(each.number): (each.goods / unit, each.discount / unit, each.refund_of_goods / unit)
            for each in self.counted
        }


def shop(seed: int, *, count: int = 40, digits: int = 2, tax_on_top: bool = False) -> Shop:
    """Return invented orders with several lines, discounts, partial and full refunds, and voided orders."""
    dice = random.Random(seed)
    orders = []
    for number in range(1001, 1001 + count):
        lines = tuple((product, dice.randint(1, 3)) for product in dice.sample(sorted(GOODS), dice.randint(1, 4)))
        gross = sum(quantity * GOODS[product] for product, quantity in lines)
        status = dice.choices(["paid", "pending", "refunded", "partly", "void"], [60, 8, 10, 15, 7])[0]
        discount = dice.choice([0, 0, gross // 10, gross // 3 + 1])
        shipping = dice.choice([0, 490])
        goods = gross - discount
        refund = {"refunded": goods, "partly": goods // 3 + 1}.get(status, 0)
        back = status == "refunded" and dice.random() < 0.5
        if tax_on_top and status == "refunded":
            back = True
        email = f"buyer{dice.randint(1, 15)}@example.com" if dice.random() < 0.9 else ""
        orders.append(
            Order(number, email, status, lines, discount, shipping, refund, back, 7 if tax_on_top else 19, tax_on_top)
        )
    return Shop(tuple(orders), digits)


SHOPIFY = {
    "paid": "paid",
    "pending": "pending",
    "refunded": "refunded",
    "partly": "partially_refunded",
    "void": "voided",
}


def shopify(of: Shop, *, currency: str = "EUR") -> pl.DataFrame:
    """Return the orders in the layout of Shopify: order-level values on the first line only."""
    rows = []
    for each in of.orders:
        for place, (product, quantity) in enumerate(each.lines):
            first = place == 0
            order = {
                "Financial Status": SHOPIFY[each.status],
                "Currency": currency,
                "Subtotal": of.money(each.goods),
                "Shipping": of.money(each.shipping),
                "Taxes": of.money(each.tax),
                "Total": of.money(each.total),
                "Discount Amount": of.money(each.discount),
                "Refunded Amount": of.money(each.refunded),
            }
            line = {
                "Name": f"#{each.number}",
                "Email": each.email,
                "Created at": f"{each.day} 10:00:00 +0100",
                "Lineitem quantity": str(quantity),
                "Lineitem name": product.title(),
                "Lineitem price": of.money(GOODS[product]),
                "Lineitem sku": product,
                "Fulfillment Status": "fulfilled" if first else "",
            }
            rows.append(
                {name: value or None for name, value in line.items()}
                | {k: v if first else None for k, v in order.items()}
            )
    return pl.DataFrame(rows, infer_schema_length=None)


WOOCOMMERCE = {
    "paid": "Completed",
    "pending": "On hold",
    "refunded": "Refunded",
    "partly": "Completed",
    "void": "Failed",
}


def woocommerce(of: Shop, *, quantities_left: bool = False) -> pl.DataFrame:
    """Return the orders in the layout of WooCommerce: order-level values on each line.

    ``quantities_left``: of an order that was refunded as a whole, no quantity is left.
    """
    rows = []
    for each in of.orders:
        left = 0 if quantities_left and each.status == "refunded" else 1
        for product, quantity in each.lines:
            rows.append(
                {
                    "Order Number": str(each.number),
                    "Order Status": WOOCOMMERCE[each.status],
                    "Order Date": f"{each.day} 10:00",
                    "Email (Billing)": each.email or None,
                    "Cart Discount Amount": of.money(each.discount),
                    "Order Subtotal Amount": of.money(each.gross),
                    "Order Shipping Amount": of.money(each.shipping),
                    "Order Refund Amount": of.money(each.refunded),
                    "Order Total Amount": of.money(each.total),
                    "Order Total Tax Amount": of.money(each.tax),
                    "SKU": product,
                    "Item Name": product.title(),
                    "Quantity (- Refund)": str(quantity * left),
                    "Item Cost": of.money(GOODS[product]),
                }
            )
    return pl.DataFrame(rows, infer_schema_length=None)
