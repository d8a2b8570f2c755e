"""Export of the web shop: German CSV in Windows-1252, two files whose periods overlap."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import ChannelExport, amount, delimited, with_spoilt_copies
from ckm.example.products import category_name
from ckm.example.random_stream import RandomStream
from ckm.example.words import words

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.orders import Order, OrderLine
    from ckm.example.simulation import Simulation

HEADER = (
    "Bestellnummer", "Position", "Kundennummer", "Bestelldatum", "Artikelnummer", "Warengruppe", "Menge", "Rabatt",
    "Nettobetrag", "Einstand", "Vorgang", "Zugesagt", "Geliefert", "Rechnung", "Aktion", "Bemerkung",
)  # fmt: skip
DATE, AMOUNT, NET = HEADER.index("Bestelldatum"), HEADER.index("Menge"), HEADER.index("Nettobetrag")
KINDS = {"sale": "Verkauf", "return": "Retoure", "cancel": "Storno"}
ENCODING = "windows-1252"
REMARKED = 0.02
EXPORTS = {
    "web-orders-2024.csv": (0, 369, {"date": 5, "quantity": 4, "field": 3}),
    "web-orders-2025-26.csv": (361, days.LAST, {"date": 14, "quantity": 11, "field": 9}),
}
"""First and last day number, and number of broken rows by kind, of each export by file name. The second export begins
nine days before the first one ends."""


def write_web(world: Simulation, incoming: Path) -> list[ChannelExport]:
    """Write the order lines of the web shop to two CSV files."""
    orders = [order for order in world.orders if order.channel == "web"]
    return [
        _write(world.seed, incoming / name, [o for o in orders if first <= o.day <= last], last, broken)
        for name, (first, last, broken) in EXPORTS.items()
    ]


def overlap(world: Simulation) -> dict[str, int]:
    """Return the size of the overlap of the two exports.

    Returns
    -------
    dict
        ``days`` and ``lines``: numbers of days and of order lines in both exports. ``unchanged`` and ``updated``:
        numbers of these lines that are equal in both exports, and that have a day of delivery only in the second one.
    """
    (_, end, _), (start, _, _) = EXPORTS.values()
    both = [o for o in world.orders if o.channel == "web" and start <= o.day <= end]
    later = sum(len(o.lines) for o in both if o.delivered is not None and o.delivered > end)
    lines = sum(len(o.lines) for o in both)
    return {"days": end - start + 1, "lines": lines, "unchanged": lines - later, "updated": later}


def _write(seed: int, path: Path, orders: list[Order], exported_on: int, broken: dict[str, int]) -> ChannelExport:
    """Write orders as known on a day to a file, with broken rows by kind and a total row."""
    stream = RandomStream(seed, "export", path.name)
    rows = [_row(seed, order, n, line, exported_on) for order in orders for n, line in enumerate(order.lines, start=1)]
    spoilers = [(_bad_date, broken["date"]), (_bad_quantity, broken["quantity"]), (_bad_fields, broken["field"])]
    total = ["Summe"] + [""] * (len(HEADER) - 1)
    total[NET] = _euro(sum(line.net for order in orders for line in order.lines))
    body = [*with_spoilt_copies(rows, spoilers, stream), total]
    text = _preamble(orders, exported_on) + delimited([HEADER], ";") + "".join(map(_text, body))
    path.write_bytes(text.encode(ENCODING))
    return ChannelExport(
        file=f"incoming/{path.name}",
        table="transactions",
        encoding=ENCODING,
        delimiter=";",
        records=len(body),
        rejected={"one field too many": broken["field"], "total row": 1},
        broken={"impossible date": broken["date"], "text in the quantity": broken["quantity"]},
    )


def _preamble(orders: list[Order], exported_on: int) -> str:
    """Return the two lines above the header: title and period of the export."""
    first, last = days.as_date(orders[0].day), days.as_date(exported_on)
    return (
        "Kontor & Blatt – Bestellpositionen, alle Beträge netto in €\r\n"
        f"Zeitraum: {first:%d.%m.%Y} bis {last:%d.%m.%Y}\r\n"
    )


def _row(seed: int, order: Order, n: int, line: OrderLine, exported_on: int) -> list[str]:
    """Return the cells of the ``n``-th line of an order; deliveries after the day of the export are empty."""
    remark = _remark(seed, order) if n == 1 and order.kind == "sale" else ""
    delivered = order.delivered if order.delivered is not None and order.delivered <= exported_on else None
    return [
        order.number,
        str(n),
        order.customer_id or "",
        f"{_date(order.day)} {order.minute // 60:02d}:{order.minute % 60:02d}",
        line.product.product_id,
        category_name(line.product.category, "de"),
        str(line.quantity),
        _euro(line.discount),
        _euro(line.net),
        "" if line.cost is None else _euro(line.cost),
        KINDS[order.kind],
        _date(order.promised),
        _date(delivered),
        f"RE{order.number[1:]}" if order.has_invoice else "",
        order.campaign_id or "",
        remark,
    ]


def _remark(seed: int, order: Order) -> str:
    """Return the remark on an order, the same in both exports; in most cases empty."""
    stream = RandomStream(seed, "remark", order.number)
    return stream.pick(words("remarks")) if stream.chance(REMARKED) else ""


@cache
def _date(day: int | None) -> str:
    """Return a day number as German date; empty for None."""
    return "" if day is None else f"{days.as_date(day):%d.%m.%Y}"


def _euro(cents: int) -> str:
    """Return an amount in cents as German text, such as ``1.234,50``."""
    return amount(cents, ",", ".")


def _text(row: list[str]) -> str:
    """Return a row as a line of the CSV file.

    A row with too many fields is written without quotes: it simulates a program that does not quote a delimiter.
    """
    return delimited([row], ";") if len(row) == len(HEADER) else ";".join(row) + "\r\n"


def _bad_date(row: list[str], stream: RandomStream) -> list[str]:
    return [*row[:DATE], f"31.02.{row[DATE][6:]}", *row[DATE + 1 :]]


def _bad_quantity(row: list[str], stream: RandomStream) -> list[str]:
    return [*row[:AMOUNT], stream.pick(["zwei", "drei", "einige"]), *row[AMOUNT + 1 :]]


def _bad_fields(row: list[str], stream: RandomStream) -> list[str]:
    return [*row[:-1], "Bitte klingeln", stream.pick([" 2. Hof", " 4. Stock", " bei Groß"])]
