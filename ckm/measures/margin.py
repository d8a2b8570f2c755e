"""What is left of what customers pay: after what they give back, and after the cost of the goods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm.feature_table.table import POPULATION_DIGITS

if TYPE_CHECKING:
    from ckm.measures.basis import Basis
    from ckm.measures.ledger import Costed


@dataclass(frozen=True)
class Margin:
    """Of all customers and all time.

    Attributes
    ----------
    share
        Margin of a unit of net where the cost is known, the rule of
        :class:`ckm.feature_table.table.Population`; None where it is nowhere, and money is revenue then.
    kept
        Share of the money of purchases that was not paid back for returns, 0 to 1.
    """

    share: float | None
    kept: float

    @property
    def of_net(self) -> float:
        """What a unit of net brings: margin, or all of it where no cost is known."""
        return 1.0 if self.share is None else self.share

    @property
    def of_purchases(self) -> float:
        """What a unit of purchases brings, once returns are taken off."""
        return self.kept * self.of_net


def read_margin(basis: Basis) -> Margin:
    """Return the margin as known on the day of the report."""
    bought, returned = (int(each.totals["net"][-1]) for each in (basis.ledger.visits, basis.ledger.returns))
    kept = min(1.0, max(0.0, (bought + returned) / bought)) if bought > 0 else 1.0
    return Margin(_share(basis.ledger.costed), round(kept, POPULATION_DIGITS))


def _share(costed: Costed) -> float | None:
    if not costed.rows or costed.net <= 0:
        return None
    return float(f"{(costed.net - costed.cost) / costed.net:.{POPULATION_DIGITS}g}")
