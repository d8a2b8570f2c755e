"""Values of an outcome metric per person in a period, from the ledger and the interactions of a shop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.calendar import day_number
from ckm.customers.contacts import Events
from ckm.customers.day_totals import NEVER
from ckm.customers.definitions import local_day
from ckm.customers.ledger import sum_by_code
from ckm.customers.ledger_cache import cached_ledger, find_cache
from ckm.customers.ledger_needs import Needs
from ckm.errors import NotEnoughDataError
from ckm.schema import NO_CURRENCY
from ckm.time_zones import end_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.customers.period import Period
    from ckm.dataset import Dataset

    Floats = NDArray[np.float64]

INTERACTIONS = "interactions"
VISIT = "visit"
"""Topic of interactions of kind ``event`` that are visits to the web shop or to a physical shop."""


@dataclass(frozen=True)
class ShopRecord:
    """Ledger and tables of a shop as of a day.

    Attributes
    ----------
    ledger
        Customer ledger: purchases and returns of each person.
    dataset
        Tables, with the links between customer ids as known on the as-of date.
    """

    ledger: Ledger
    dataset: Dataset

    @property
    def as_of(self) -> date:
        """As-of date: rows of later days are not used."""
        return self.ledger.as_of

    @property
    def currency(self) -> str:
        """Currency of all amounts."""
        return self.ledger.currency

    def positions(self, persons: Sequence[str]) -> NDArray[np.int64]:
        """Return the index of each person in the ledger, shape (n,); -1 for persons without a purchase or return."""
        codes = {person: code for code, person in enumerate(self.ledger.customers)}
        return np.array([codes.get(each, -1) for each in persons], dtype=np.int64)

    def values(self, metric: str, persons: Sequence[str], period: Period) -> Floats:
        """Return the value of a metric for each person in a period.

        Parameters
        ----------
        metric
            One of :data:`ckm.names.METRICS`.
        persons
            Customer ids, n of them.
        period
            First and last day of the outcome.

        Returns
        -------
        Floats
            Shape (n,): 0 or 1 for a rate, else an amount in the currency. A person without a purchase has 0, and 1 for
            ``churn``.

        Raises
        ------
        NotEnoughDataError
            The data have no amounts, no costs, or no interactions of the kind that the metric needs.
        """
        if metric in ("visit", "complaint"):
            return self._with_interaction(metric, persons, period)
        positions = self.positions(persons)
        by_code = self._of_ledger(metric, period)
        without = 1.0 if metric == "churn" else 0.0
        return np.where(positions >= 0, by_code[np.maximum(positions, 0)], without)

    def _of_ledger(self, metric: str, period: Period) -> Floats:
        """Return the metric order, churn, net or margin for each customer of the ledger, shape (n customers,)."""
        ledger = self.ledger
        if metric in ("order", "churn"):
            ordered = (ledger.orders_between(period) > 0).astype(np.float64)
            return 1.0 - ordered if metric == "churn" else ordered
        if ledger.currency == NO_CURRENCY:
            raise NotEnoughDataError(f"metric '{metric}' needs amounts, and the data have none", hint="choose order")
        net = ledger.net_between(period)
        if metric == "net":
            return net / ledger.scale
        share = ledger.margin_share()
        if share is None:
            raise NotEnoughDataError("metric 'margin' needs costs, and the data have none", hint="choose net")
        costed, cost = (sum_by_code(ledger.all_lines, name, period) for name in ("costed", "cost"))
        return (costed - cost + share * (net - costed)) / ledger.scale

    def _with_interaction(self, metric: str, persons: Sequence[str], period: Period) -> Floats:
        """Return 1 for each person with an interaction in the period, else 0; shape (n,).

        ``metric`` is ``visit`` or ``complaint``.
        """
        frame = self.dataset.tables.get(INTERACTIONS)
        if frame is None:
            raise NotEnoughDataError(f"metric '{metric}' needs the table interactions", hint="choose order")
        kind = pl.col("kind") == "complaint"
        if metric == VISIT:
            kind = (pl.col("kind") == "event") & (pl.col("topic").str.to_lowercase() == VISIT)
        of_kind = frame.filter(kind)
        zone = self.ledger.time_zone
        if of_kind.head(1).collect().is_empty():
            kinds = "interactions of kind event with topic visit" if metric == VISIT else "complaints"
            raise NotEnoughDataError(f"metric '{metric}' needs {kinds}, and there are none", hint="choose order")
        codes = {person: code for code, person in enumerate(persons)}
        rows = (
            of_kind.filter(pl.col("customer_id").is_in(list(codes)), pl.col("at") < end_of_day(period.last, zone))
            .select("customer_id", day=local_day("at", zone).to_physical())
            .collect()
        )
        events = Events(
            np.array([codes[each] for each in rows["customer_id"]], dtype=np.uint32), rows["day"].to_numpy(), NEVER
        )
        first, last = day_number(period.first), day_number(period.last)
        return (events.count(len(codes), first - 1, last) > 0).astype(np.float64)


def read_shop(dataset: Dataset, as_of: date | None = None) -> ShopRecord:
    """Return the ledger and the tables of a dataset as of a day.

    Parameters
    ----------
    dataset
        Tables.
    as_of
        As-of date. Default: the newest usual day with a transaction.
    """
    known = dataset.known_on(as_of)
    config = known.config
    ledger = cached_ledger(
        known.tables,
        find_cache(known),
        as_of=as_of,
        time_zone=config.time_zone,
        needs=Needs(amounts=True, baskets=True),
        keep_stray_dates=config.keeps_stray_dates,
    )
    return ShopRecord(ledger, known)
