"""Exports of a small fictional shop, for the tutorial and the how-to pages.

Usage: ``python docs/sample_exports.py FOLDER``. Writes one file per system, all with the same orders; equal bytes on
every run.
"""

from __future__ import annotations

import csv
import random
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

GOODS = {
    "CT-01": ("Canvas Tote", 1990),
    "WS-01": ("Wool Scarf", 3500),
    "LB-95": ("Leather Belt", 5900),
    "SO-3": ("Socks", 1550),
}
FIRST = date(2024, 1, 2)
DAYS = 540
SHIPPING = 490
CUSTOMERS = 140


@dataclass(frozen=True)
class Order:
    """An order; amounts in cents."""

    number: int
    at: datetime
    customer: int
    state: str
    lines: tuple[tuple[str, int], ...]
    discount: int
    refund: int

    @property
    def gross(self) -> int:
        """Value of the goods before the discount, in cents."""
        return sum(GOODS[product][1] * quantity for product, quantity in self.lines)

    @property
    def goods(self) -> int:
        """Value of the goods after the discount, in cents."""
        return self.gross - self.discount

    @property
    def email(self) -> str:
        """E-mail address of the customer."""
        return f"buyer{self.customer}@example.com"


def orders() -> list[Order]:
    """Return the shop's orders: some voided, some pending, some refunded in part or in whole."""
    dice = random.Random(14)
    found = []
    for customer in range(CUSTOMERS):
        day = dice.randrange(DAYS - 60)
        gap = dice.choice([25, 45, 80, 150])
        while day < DAYS:
            lines = tuple(
                (product, dice.choice([1, 1, 2])) for product in dice.sample(sorted(GOODS), dice.choice([1, 1, 2]))
            )
            state = dice.choices(["paid", "pending", "refunded", "partly", "void"], [86, 3, 4, 5, 2])[0]
            gross = sum(GOODS[product][1] * quantity for product, quantity in lines)
            discount = dice.choice([0, 0, 0, gross // 10])
            refund = {"refunded": gross - discount + SHIPPING, "partly": (gross - discount) // 2}.get(state, 0)
            at = datetime.combine(FIRST, datetime.min.time()) + timedelta(days=day, minutes=dice.randrange(480, 1300))
            found.append(Order(0, at, customer, state, lines, discount, refund))
            day += max(3, round(dice.expovariate(1 / gap)))
    found.sort(key=lambda each: (each.at, each.customer))
    return [
        Order(
            1001 + place, *[getattr(each, name) for name in ("at", "customer", "state", "lines", "discount", "refund")]
        )
        for place, each in enumerate(found)
    ]


def write_exports(folder: Path) -> None:
    """Write all exports into ``folder``."""
    shop = orders()
    writers = {
        "orders_export.csv": _shopify(shop),
        "customers_export.csv": _shopify_customers(),
        "woocommerce-orders.csv": _woocommerce(shop),
        "unified_payments.csv": _stripe(shop),
        "paypal-activity.csv": _paypal(shop),
        "all-orders.txt": _amazon(shop),
        "settlement.txt": _settlement(shop),
        "hubspot-contacts.csv": _contacts(),
        "zendesk-tickets.csv": _tickets(),
        "responses.csv": _responses(),
    }
    for name, rows in writers.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            delimiter = "\t" if name.endswith(".txt") else ","
            columns = list(dict.fromkeys(column for row in rows for column in row))
            writer = csv.DictWriter(file, columns, delimiter=delimiter, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(rows)


def _money(cents: int) -> str:
    return f"{cents / 100:.2f}"


def _shopify(shop: list[Order]) -> list[dict[str, Any]]:
    words = {"partly": "partially_refunded", "void": "voided"}
    rows: list[dict[str, Any]] = []
    for each in shop:
        for place, (product, quantity) in enumerate(each.lines):
            line = {"Name": f"#{each.number}", "Email": each.email}
            first = {
                "Financial Status": words.get(each.state, each.state),
                "Fulfillment Status": "fulfilled",
                "Currency": "EUR",
                "Subtotal": _money(each.goods),
                "Shipping": _money(SHIPPING),
                "Total": _money(each.goods + SHIPPING),
                "Discount Amount": _money(each.discount),
                "Refunded Amount": _money(each.refund),
            }
            goods = {
                "Created at": f"{each.at:%Y-%m-%d %H:%M:%S} +0100",
                "Lineitem quantity": quantity,
                "Lineitem name": GOODS[product][0],
                "Lineitem price": _money(GOODS[product][1]),
                "Lineitem sku": product,
            }
            rows.append(line | (first if place == 0 else dict.fromkeys(first, "")) | goods)
    return rows


def _shopify_customers() -> list[dict[str, Any]]:
    return [
        {
            "First Name": "Buyer",
            "Last Name": str(place),
            "Email": f"Buyer{place}@example.com",
            "Accepts Email Marketing": "yes",
            "Default Address Company": "",
            "Default Address City": "Berlin",
            "Default Address Country Code": "DE",
            "Default Address Zip": "10115",
            "Phone": "",
            "Total Spent": "0.00",
            "Total Orders": "0",
            "Tax Exempt": "no",
        }
        for place in range(CUSTOMERS)
    ]


def _woocommerce(shop: list[Order]) -> list[dict[str, Any]]:
    words = {"paid": "Completed", "pending": "On hold", "refunded": "Refunded", "partly": "Completed", "void": "Failed"}
    return [
        {
            "Order Number": each.number,
            "Order Status": words[each.state],
            "Order Date": f"{each.at:%Y-%m-%d %H:%M}",
            "Email (Billing)": each.email,
            "Cart Discount Amount": _money(each.discount),
            "Order Subtotal Amount": _money(each.gross),
            "Order Shipping Amount": _money(SHIPPING),
            "Order Refund Amount": _money(each.refund),
            "Order Total Amount": _money(each.goods + SHIPPING),
            "SKU": product,
            "Item Name": GOODS[product][0],
            "Quantity (- Refund)": quantity,
            "Item Cost": _money(GOODS[product][1]),
        }
        for each in shop
        for product, quantity in each.lines
    ]


def _stripe(shop: list[Order]) -> list[dict[str, Any]]:
    words = {"refunded": "Refunded", "void": "Failed"}
    return [
        {
            "id": f"ch_{each.number}",
            "Created date (UTC)": f"{each.at:%Y-%m-%d %H:%M:%S}",
            "Amount": _money(each.goods + SHIPPING),
            "Amount Refunded": _money(each.refund),
            "Currency": "eur",
            "Captured": "true",
            "Converted Amount": _money(each.goods + SHIPPING),
            "Converted Currency": "eur",
            "Description": f"Order #{each.number}",
            "Fee": _money(25 + (each.goods + SHIPPING) // 70),
            "PaymentIntent ID": f"pi_{each.number}",
            "Payment Source Type": "card",
            "Refunded date (UTC)": f"{each.at + timedelta(days=9):%Y-%m-%d %H:%M:%S}" if each.refund else "",
            "Status": words.get(each.state, "Paid"),
            "Customer ID": f"cus_{each.customer:04}",
            "Customer Email": each.email,
        }
        for each in shop
        if each.state != "pending"
    ]


def _paypal(shop: list[Order]) -> list[dict[str, Any]]:
    def row(
        at: datetime, kind: str, status: str, cents: int, who: tuple[str, str], ids: tuple[str, str]
    ) -> dict[str, Any]:
        return {
            "Date": f"{at:%d/%m/%Y}",
            "Time": f"{at:%H:%M:%S}",
            "TimeZone": "Europe/Berlin",
            "Name": "",
            "Type": kind,
            "Status": status,
            "Currency": "EUR",
            "Gross": _money(cents),
            "Fee": "0.00",
            "Net": _money(cents),
            "From Email Address": who[0],
            "To Email Address": who[1],
            "Transaction ID": ids[0],
            "Reference Txn ID": ids[1],
            "Balance Impact": "Credit" if cents > 0 else "Debit",
        }

    seller = "shop@example.com"
    rows = []
    for each in shop:
        status = {"pending": "Pending", "void": "Denied", "refunded": "Refunded", "partly": "Partially Refunded"}
        paid = each.goods + SHIPPING
        number = f"TX{each.number}"
        rows.append(
            row(
                each.at,
                "Express Checkout Payment",
                status.get(each.state, "Completed"),
                paid,
                (each.email, seller),
                (number, ""),
            )
        )
        if each.refund:
            later = each.at + timedelta(days=9)
            rows.append(
                row(later, "Payment Refund", "Completed", -each.refund, (seller, each.email), (f"{number}R", number))
            )
        if each.number % 60 == 0:
            rows.append(row(each.at, "General Withdrawal", "Completed", -100000, (seller, ""), (f"W{each.number}", "")))
    return rows


def _amazon(shop: list[Order]) -> list[dict[str, Any]]:
    words = {"void": "Cancelled", "pending": "Pending"}
    return [
        {
            "amazon-order-id": f"305-{each.number:07}-1",
            "merchant-order-id": "",
            "purchase-date": f"{each.at:%Y-%m-%dT%H:%M:%S}+00:00",
            "last-updated-date": f"{each.at:%Y-%m-%dT%H:%M:%S}+00:00",
            "order-status": words.get(each.state, "Shipped"),
            "fulfillment-channel": "Amazon",
            "sales-channel": "Amazon.de",
            "sku": product,
            "asin": f"B0{product}",
            "item-status": words.get(each.state, "Shipped"),
            "quantity": quantity,
            "currency": "EUR",
            "item-price": _money(GOODS[product][1] * quantity),
            "item-tax": "0.00",
            "item-promotion-discount": _money(each.discount // len(each.lines)),
            "buyer-email": f"b{each.customer}@marketplace.example",
        }
        for each in shop
        for product, quantity in each.lines
    ]


def _settlement(shop: list[Order]) -> list[dict[str, Any]]:
    head = {
        "settlement-id": "77",
        "settlement-start-date": "2024-01-01 00:00:00 UTC",
        "settlement-end-date": "2024-01-31 00:00:00 UTC",
        "deposit-date": "2024-02-02 00:00:00 UTC",
        "total-amount": "0.00",
        "currency": "EUR",
    }
    rows: list[dict[str, Any]] = [head]
    for each in shop[:20]:
        for product, quantity in each.lines:
            amounts = [("ItemPrice", "Principal", GOODS[product][1] * quantity), ("ItemFees", "Commission", -300)]
            for kind, what, cents in amounts:
                rows.append(
                    {
                        "settlement-id": "77",
                        "transaction-type": "Order",
                        "order-id": f"305-{each.number:07}-1",
                        "amount-type": kind,
                        "amount-description": what,
                        "amount": _money(cents),
                        "posted-date": f"{each.at:%Y-%m-%d}",
                        "posted-date-time": f"{each.at:%Y-%m-%d %H:%M:%S} UTC",
                        "order-item-code": f"{each.number}{product}",
                        "sku": product,
                        "quantity-purchased": quantity,
                    }
                )
    return rows


def _contacts() -> list[dict[str, Any]]:
    return [
        {
            "Record ID": 100000 + place,
            "First Name": "Buyer",
            "Last Name": str(place),
            "Email": f"buyer{place}@example.com",
            "Phone Number": "",
            "Contact owner": "Sales",
            "Lead Status": "",
            "Marketing contact status": "Marketing contact",
            "Create Date": f"{FIRST + timedelta(days=place):%Y-%m-%d} 09:00",
            "Lifecycle Stage": "Customer",
            "Country/Region": "DE",
        }
        for place in range(CUSTOMERS)
    ]


def _tickets() -> list[dict[str, Any]]:
    kinds = ["Problem", "Question", "Incident", "Task"]
    return [
        {
            "Id": 5000 + place,
            "Requester": f"Buyer {place}",
            "Requester id": 900 + place,
            "Requester email": f"buyer{place}@example.com",
            "Submitter": f"Buyer {place}",
            "Assignee": "Sam",
            "Group": "Care",
            "Subject": ["Parcel is late", "Which size", "Belt is broken", "Change of address"][place % 4],
            "Status": "Solved",
            "Via": "Email",
            "Ticket type": kinds[place % 4],
            "Created at": f"{FIRST + timedelta(days=3 * place):%Y-%m-%d} 10:00",
            "Solved at": f"{FIRST + timedelta(days=3 * place + 1):%Y-%m-%d} 16:00",
            "Satisfaction Score": "Good",
        }
        for place in range(60)
    ]


def _responses() -> list[dict[str, Any]]:
    return [
        {
            "Timestamp": f"{FIRST + timedelta(days=5 * place):%Y/%m/%d} {9 + place % 3}:30:00 AM GMT+1",
            "Email Address": f"buyer{place}@example.com",
            "Rating": 1 + place % 5,
            "Comments": "Fine" if place % 5 > 1 else "Late",
        }
        for place in range(40)
    ]


if __name__ == "__main__":
    write_exports(Path(sys.argv[1]))
