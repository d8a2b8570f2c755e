"""Export of the loyalty programme: members with tier and points on two days (snapshots).

The file ``memberships.csv`` is outside of ``incoming/`` and has no mapping: ``ckm ingest memberships.csv --as
memberships`` loads it.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ckm.example import days
from ckm.example.channels.channel_export import delimited
from ckm.example.random_stream import RandomStream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.example.simulation import Simulation

FILES = ("memberships.csv", "truth/memberships.json")
HEADER = (
    "Customer ID", "Member ID", "VIP tier", "Member since", "Points earned", "Points spent", "Points expired",
    "Points balance", "Export date",
)  # fmt: skip
BEGAN = 60
"""Day number of the first day of the programme."""
JOINS = 0.12
"""Probability that a non-member joins at a purchase. Frequent buyers join earlier; membership has no effect on
purchases."""
REWARD, REDEEMS = 100, 0.5
"""Points that a reward costs, and probability that a member with enough points redeems rewards at a purchase."""
EXPIRE_AFTER = 365
"""Number of days after which points expire."""
YEAR = 365
TIERS = (("Gold", 600), ("Silver", 250), ("Basic", 0))
"""Name of each tier with the minimum of points earned in a year, highest tier first."""
EXPORTS = (days.LAST - YEAR, days.LAST)


@dataclass
class Account:
    """Points account of a member.

    Attributes
    ----------
    lots
        Points that can still be spent: day number on which they were earned, and number of points; oldest first.
    earned
        All earned points: day number and number of points, oldest first.
    redeemed, expired
        Total numbers of spent and of expired points.
    """

    lots: list[tuple[int, int]]
    earned: list[tuple[int, int]]
    redeemed: int = 0
    expired: int = 0

    def expire(self, day: int) -> None:
        """Expire the unspent points that were earned more than :data:`EXPIRE_AFTER` days before a day."""
        while self.lots and self.lots[0][0] + EXPIRE_AFTER < day:
            self.expired += self.lots.pop(0)[1]

    def redeem(self, points: int) -> None:
        """Spend a number of points, the oldest first; the balance must be sufficient."""
        self.redeemed += points
        while points:
            since, left = self.lots.pop(0)
            spent = min(left, points)
            points -= spent
            if left > spent:
                self.lots.insert(0, (since, left - spent))

    @property
    def balance(self) -> int:
        """Number of points that can still be spent."""
        return sum(points for _, points in self.lots)

    def tier(self, day: int) -> str:
        """Return the tier on a day, by the points earned in the 365 days up to it."""
        recent = sum(points for since, points in self.earned if since > day - YEAR)
        return next(name for name, least in TIERS if recent >= least)


def write_memberships(world: Simulation, folder: Path) -> None:
    """Write the snapshots to ``memberships.csv``, and their true totals to ``truth/memberships.json``."""
    rows = [row for on in EXPORTS for row in _members(world, on)]
    texts = [[str(cell) for cell in row] for row in rows]
    (folder / "memberships.csv").write_bytes(delimited([HEADER, *texts], ",").encode())
    text = json.dumps(_truth(rows), ensure_ascii=False, indent=1)
    (folder / "truth" / "memberships.json").write_bytes(f"{text}\n".encode())


def _members(world: Simulation, on: int) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a snapshot, one per member, with the columns :data:`HEADER`.

    A member earns one point per whole euro of net value. ``on`` is the day number of the snapshot; later purchases are
    ignored.
    """
    for history in sorted(world.histories, key=lambda each: each.customer.customer_id):
        customer = history.customer
        if customer.party_type != "person":
            continue
        stream = RandomStream(world.seed, "member", customer.customer_id)
        joined: int | None = None
        account = Account([], [])
        for order in sorted(history.purchases, key=lambda each: (each.day, each.minute)):
            if order.day < BEGAN or order.day > on:
                continue
            account.expire(order.day)
            takes = stream.chance(REDEEMS)
            if joined is None:
                joined = order.day if stream.chance(JOINS) else None
            elif account.balance >= REWARD and takes:
                account.redeem(account.balance // REWARD * REWARD)
            points = order.net // 100
            if joined is not None and points > 0:
                account.lots.append((order.day, points))
                account.earned.append((order.day, points))
        if joined is not None:
            account.expire(on)
            yield (
                customer.customer_id, f"M-{customer.customer_id}", account.tier(on), days.as_date(joined),
                sum(points for _, points in account.earned), account.redeemed, account.expired, account.balance,
                days.as_date(on),
            )  # fmt: skip


def _truth(rows: list[tuple[object, ...]]) -> dict[str, Any]:
    """Return the content of ``truth/memberships.json``.

    It has the number of members, members by tier and sums of points of each snapshot, and the true effect of a
    membership on purchases (0).
    """
    exports = {}
    for on in EXPORTS:
        mine = [row for row in rows if row[8] == days.as_date(on)]
        exports[str(days.as_date(on))] = {
            "members": len(mine),
            "tiers": dict(sorted(Counter(str(row[2]) for row in mine).items())),
            **{
                name: sum(int(str(row[place])) for row in mine)
                for place, name in enumerate(("earned", "redeemed", "expired", "balance"), start=4)
            },
        }
    return {
        "exports": exports,
        "effect": 0,
        "why": "members differ from other customers only because whoever buys often joins sooner",
    }
