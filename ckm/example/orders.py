"""Simulated orders, returns, cancelled orders and guest sales, with their lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ckm.example import seasons
from ckm.example.products import Product, on_sale, products_by_category
from ckm.example.words import words

if TYPE_CHECKING:
    from ckm.example.customers import Customer
    from ckm.example.random_stream import RandomStream

OPENING = {
    "web": (6 * 60, 23 * 60 + 45),
    "office": (8 * 60, 17 * 60),
    "till": (10 * 60, 19 * 60 + 50),
    "branch": (600, 1260),
}
"""First and last minute of the local day of orders, by channel. There are no orders close to midnight, so that each
order is on the same day in UTC and in Berlin, and monthly totals do not depend on the time zone."""
FAVOURITE = 0.72
"""Share of order lines with a product of the customer's favourite category, while this category is sold."""
DISCOUNTS = (0.15, 0.20, 0.25, 0.30)
SCANNED_ONE_BY_ONE = 0.1
SALE_PRICE_SHARE = 0.3
"""Share of orders at a reduced price during a sale of the shop."""


class OrderLine(NamedTuple):
    """A line of an order.

    Amounts are in cents and have the sign of ``quantity``, which is negative for a return. ``net`` is the amount after
    ``discount``. ``cost`` is the purchase price of all pieces; None if unknown.
    """

    product: Product
    quantity: int
    net: int
    discount: int
    cost: int | None


class Order(NamedTuple):
    """An order, a return or a cancelled order (``kind``: ``sale``, ``return``, ``cancel``).

    ``day``, ``promised`` and ``delivered`` are day numbers; the last two are None without a delivery. ``minute`` is
    the minute of the local day. ``customer_id`` is None for a guest sale. ``number`` is the order number, which is
    assigned after all orders are simulated.
    """

    day: int
    minute: int
    channel: str
    customer_id: str | None
    lines: tuple[OrderLine, ...]
    kind: str = "sale"
    promised: int | None = None
    delivered: int | None = None
    has_invoice: bool = False
    campaign_id: str | None = None
    number: str = ""

    @property
    def net(self) -> int:
        """Net value of all lines, in cents."""
        return sum(line.net for line in self.lines)


def fill(customer: Customer, day: int, stream: RandomStream, *, at_least_off: float = 0.0) -> Order:
    """Return a random order of a customer.

    Parameters
    ----------
    customer
        The customer.
    day
        Day number of the order; if the channel is closed, the order is on the next day on which it sells.
    stream
        Random numbers.
    at_least_off
        Minimum discount as a share of the gross amount.
    """
    traits = customer.traits
    channel = _channel(customer, stream)
    day = seasons.open_day(channel, day)
    off = stream.pick(DISCOUNTS) if stream.chance(traits["discounted"]) else 0.0
    if seasons.in_sale(day) and stream.chance(SALE_PRICE_SHARE):
        off = max(off, 0.20)
    products = dict.fromkeys(_product(customer, day, stream) for _ in range(stream.count(traits["lines"])))
    lines = [make_line(product, stream.count(traits["quantity"]), max(off, at_least_off)) for product in products]
    business = customer.group == "business"
    return Order(
        day,
        minute(channel, stream, office=business),
        channel,
        customer.customer_id,
        scan(lines, stream) if channel == "till" else tuple(lines),
        has_invoice=business,
    )


def minute(channel: str, stream: RandomStream, *, office: bool = False) -> int:
    """Return a random minute of the local day within the opening times of a channel (``office``: office hours)."""
    return stream.whole(*OPENING["office" if office else channel])


def make_line(product: Product, quantity: int, off: float) -> OrderLine:
    """Return an order line of a product; ``off`` is the discount as a share of the gross amount, in [0, 1]."""
    gross = product.price * quantity
    discount = round(gross * off)
    return OrderLine(
        product, quantity, gross - discount, discount, None if product.cost is None else product.cost * quantity
    )


def scan(lines: list[OrderLine], stream: RandomStream) -> tuple[OrderLine, ...]:
    """Return order lines as a till records them: some lines with two pieces become two equal lines with one piece."""
    scanned: list[OrderLine] = []
    for line in lines:
        if line.quantity == 2 and stream.chance(SCANNED_ONE_BY_ONE):
            off = line.discount / (line.net + line.discount)
            scanned += [make_line(line.product, 1, off)] * 2
        else:
            scanned.append(line)
    return tuple(scanned)


def return_one_line(order: Order, day: int, stream: RandomStream) -> Order:
    """Return an order of kind ``return`` for a random line of an order, with negative quantity and amounts.

    ``day`` is the day number of the return.
    """
    line = stream.pick(order.lines)
    back = OrderLine(line.product, -line.quantity, -line.net, -line.discount, None if line.cost is None else -line.cost)
    return order._replace(
        day=day, minute=minute(order.channel, stream), lines=(back,), kind="return",
        promised=None, delivered=None, has_invoice=False, campaign_id=None,
    )  # fmt: skip


def cancel(order: Order) -> Order:
    """Return a copy of an order with the kind ``cancel``, without delivery and with amounts of zero."""
    lines = tuple(line._replace(net=0, discount=0, cost=None if line.cost is None else 0) for line in order.lines)
    return order._replace(lines=lines, kind="cancel", promised=None, delivered=None, has_invoice=False)


def _channel(customer: Customer, stream: RandomStream) -> str:
    """Return the channel of an order: mostly the customer's home channel."""
    away = {"web": "till", "till": "web", "branch": "web"}[customer.home]
    if customer.group == "business" or (away == "till" and customer.region != "Berlin"):
        return customer.home
    return away if stream.chance(0.15) else customer.home


def _product(customer: Customer, day: int, stream: RandomStream) -> Product:
    """Return a random product, mostly of the customer's favourite category, that is sold on a day."""
    category = customer.favourite
    if not (on_sale(category, day) and stream.chance(FAVOURITE)):
        category = stream.weighted(
            {each: part for each, part in customer.traits["others"].items() if on_sale(each, day)}
        )
    return stream.pick(products_by_category()[category])


def anonymous(channel: str, day: int, stream: RandomStream) -> Order:
    """Return a random guest sale of a channel: an order without a customer id."""
    groups = {group: traits["share"] for group, traits in words("groups").items() if group != "business"}
    traits, products = words("groups")[stream.weighted(groups)], products_by_category()
    chosen = dict.fromkeys(
        stream.pick(products[stream.weighted(traits["others"])]) for _ in range(stream.count(traits["lines"]))
    )
    lines = [make_line(product, stream.count(traits["quantity"]), 0.0) for product in chosen]
    return Order(
        day, minute(channel, stream), channel, None, scan(lines, stream) if channel == "till" else tuple(lines)
    )
