"""What a room of the loyalty report measures on: the ledger, the period, and what it is compared with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from ckm.customers.calendar import months_before
from ckm.customers.parties import party
from ckm.customers.period import Period

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from ckm.config import Config, Workspace
    from ckm.customers.ledger import Ledger

BEGUN_SHARE = 0.1
"""Of the days of a period that may lie before the data begin, for it to be looked at: holidays and a first week."""


@dataclass(frozen=True)
class Basis:
    """What is measured.

    Attributes
    ----------
    tables
        As read: ``transactions``, and ``customers`` and ``interactions`` where there are such. They hold all customers
        and all days; who and when is measured, the ledger and the periods say.
    ledger
        Purchases and returns of the customers who are measured.
    period
        What the report is about.
    compared
        What it is compared with.
    config
        Settings.
    workspace
        None for a file.
    seed
        Of everything random.
    """

    tables: Mapping[str, pl.LazyFrame]
    ledger: Ledger
    period: Period
    compared: Period
    config: Config
    workspace: Workspace | None = None
    seed: int = 0

    @property
    def as_of(self) -> date:
        """The day the report stands on: nothing later is known."""
        return self.ledger.as_of

    @property
    def is_comparable(self) -> bool:
        """Whether the data cover the period that is compared with."""
        return self.covers(self.compared)

    def covers(self, period: Period) -> bool:
        """Whether the data cover a period: they begin before it, or within the first tenth of its days."""
        return (self.ledger.begins - period.first).days <= BEGUN_SHARE * period.days

    @cached_property
    def before(self) -> Basis | None:
        """The same as of the end of the period that is compared with; None where the data do not cover it.

        Every ``previous`` is the measure of this basis. Its ledger knows nothing of later days; codes are the same. Its
        own ``compared`` lies as far before its period as that before ours.
        """
        if not self.is_comparable:
            return None
        compared = _as_far_before(self.period, self.compared)
        return replace(self, ledger=self.ledger.until(self.compared.last), period=self.compared, compared=compared)

    def only(self, chosen: NDArray[np.bool_]) -> Basis:
        """Return the basis of some customers, ``chosen`` by code."""
        return replace(self, ledger=self.ledger.only(chosen))

    def part(self, value: str) -> Basis:
        """Return the basis of one part of a ledger that was read by a column: its rows alone."""
        return replace(self, ledger=self.ledger.parts[value])

    @cached_property
    def parties(self) -> pl.DataFrame:
        """``party_type``, ``country``, ``region``, ``lang`` by code (String); null where unknown.

        Raises
        ------
        InputError
            A customer stands in the table more than once.
        """
        known = party(self.tables.get("customers")).lazy()
        codes = self.ledger.customers.to_frame("customer_id").lazy()
        return codes.join(known, on="customer_id", how="left", maintain_order="left").drop("customer_id").collect()


def _as_far_before(later: Period, earlier: Period) -> Period:
    """Return the period that lies as many months before ``earlier`` as that lies before ``later``."""
    lag = (later.last.year - earlier.last.year) * 12 + later.last.month - earlier.last.month
    before, last = (months_before(day, lag) for day in (earlier.first - timedelta(1), earlier.last))
    return Period(before + timedelta(1), last)
