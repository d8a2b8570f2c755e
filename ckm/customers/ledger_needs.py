"""Sums that an analysis needs from the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from ckm.customers.definitions import FIRST_CUSTOMER_KIND, FIRST_SHOP_KIND


@dataclass(frozen=True)
class Needs:
    """Sums that an analysis needs besides purchase days, lines, orders and net.

    Attributes
    ----------
    amounts
        Cost and discount, by customer and day.
    baskets
        Categories and channels by customer.
    shop
        Revenue of the shop, including guests, by day and dimension.
    by
        Column of the transactions; the ledger gets a part for each of its largest values. None: no parts.
    """

    amounts: bool = False
    baskets: bool = False
    shop: bool = False
    by: str | None = None

    def covers(self, other: Needs) -> bool:
        """Return whether a ledger read with these needs contains what ``other`` needs."""
        mine, theirs = ((each.amounts, each.baskets, each.shop) for each in (self, other))
        return all(have or not want for have, want in zip(mine, theirs, strict=True)) and other.by in (None, self.by)

    @property
    def money(self) -> tuple[str, ...]:
        """Amount columns that are summed."""
        return ("net", "cost", "discount") if self.amounts else ("net",)

    @property
    def first_kind(self) -> int:
        """Index in :data:`ckm.customers.definitions.KINDS` of the first kind of line that is used."""
        return FIRST_SHOP_KIND if self.shop or self.baskets else FIRST_CUSTOMER_KIND


LEAST = Needs()
"""No sums besides purchase days, lines, orders and net."""
EVERYTHING = Needs(amounts=True, baskets=True, shop=True)
"""All sums, without parts."""
