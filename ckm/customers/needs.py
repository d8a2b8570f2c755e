"""Requirements of an analysis on the ledger."""

from __future__ import annotations

from dataclasses import dataclass

from ckm.customers.definitions import OF_CUSTOMERS, OF_THE_SHOP


@dataclass(frozen=True)
class Needs:
    """Requirements on the ledger beyond purchase days, lines, orders and net.

    Attributes
    ----------
    amounts
        Cost and discount.
    baskets
        Categories and channels by customer.
    shop
        The shop's own sums, with guests, by day and dimension.
    by
        A column by whose values the ledger comes in parts as well.
    """

    amounts: bool = False
    baskets: bool = False
    shop: bool = False
    by: str | None = None

    def covers(self, other: Needs) -> bool:
        """Whether a ledger that was read with these holds what another analysis needs."""
        mine, theirs = ((each.amounts, each.baskets, each.shop) for each in (self, other))
        return all(have or not want for have, want in zip(mine, theirs, strict=True)) and other.by in (None, self.by)

    @property
    def money(self) -> tuple[str, ...]:
        """Columns of amounts that are summed."""
        return ("net", "cost", "discount") if self.amounts else ("net",)

    @property
    def first_kind(self) -> int:
        """First of the kinds of lines that is used."""
        return OF_THE_SHOP if self.shop or self.baskets else OF_CUSTOMERS


LEAST = Needs()
"""Purchase days, lines, orders and net alone."""
EVERYTHING = Needs(amounts=True, baskets=True, shop=True)
"""All but a column's parts."""
