"""Export of the branch in Bangkok: CSV in TIS-620, Thai headers, years of the Buddhist era, amounts in euro."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.example import days
from ckm.example.channels.channel_export import ChannelExport, amount, delimited, with_spoilt_copies
from ckm.example.products import category_name
from ckm.example.random_stream import RandomStream

if TYPE_CHECKING:
    from pathlib import Path

    from ckm.example.simulation import Simulation

HEADER = (
    "เลขที่ใบเสร็จ", "ลำดับ", "รหัสลูกค้า", "วันที่", "รหัสสินค้า", "หมวดหมู่", "จำนวน", "ส่วนลด (EUR)", "ยอดสุทธิ (EUR)", "ประเภท",
)  # fmt: skip
DATE = HEADER.index("วันที่")
KINDS = {"sale": "ขาย", "return": "คืนสินค้า"}
BUDDHIST_ERA = 543
ENCODING = "tis-620"
BROKEN_DATES = 4


def write_branch(world: Simulation, incoming: Path) -> ChannelExport:
    """Write the order lines of the branch to ``branch-bkk.csv``, with invalid dates in some extra rows."""
    rows = [
        [
            order.number,
            str(n),
            order.customer_id or "",
            _date(order.day, order.minute),
            line.product.product_id,
            category_name(line.product.category, "th"),
            str(line.quantity),
            amount(line.discount, ".", ","),
            amount(line.net, ".", ","),
            KINDS[order.kind],
        ]
        for order in world.orders
        if order.channel == "branch"
        for n, line in enumerate(order.lines, start=1)
    ]
    body = with_spoilt_copies(rows, [(_bad_date, BROKEN_DATES)], RandomStream(world.seed, "export", "branch"))
    (incoming / "branch-bkk.csv").write_bytes(delimited([HEADER, *body], ",").encode("tis_620"))
    return ChannelExport(
        "incoming/branch-bkk.csv", "transactions", ENCODING, ",", len(body), broken={"impossible date": BROKEN_DATES}
    )


def _date(day: int, minute: int) -> str:
    """Return a day number and a minute as local date and time, with the year of the Buddhist era."""
    date = days.as_date(day)
    return f"{date:%d/%m}/{date.year + BUDDHIST_ERA} {minute // 60:02d}:{minute % 60:02d}"


def _bad_date(row: list[str], stream: RandomStream) -> list[str]:
    """Return a copy of a row with the impossible date 31 February."""
    return [*row[:DATE], f"31/02/{row[DATE][6:]}", *row[DATE + 1 :]]
