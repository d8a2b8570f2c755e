"""Facts of all customers on which the features of each customer depend; those of several ledgers can be joined."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.customers.columns import OTHER
from ckm.customers.day_totals import NO_DAY
from ckm.customers.ledger import most_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from ckm.customers.coverage import Coverage
    from ckm.customers.excluded_rows import LeftOut
    from ckm.customers.ledger import Ledger

MOST_CHANNELS = 8
"""Maximum number of channels with a separate feature."""


@dataclass(frozen=True)
class ShopFacts:
    """Facts of all customers as of a day.

    Attributes
    ----------
    coverage
        Coverage of all lines.
    only_returned
        Number of customers with returns only.
    busiest
        Id, rows and purchase days of the customers with the most rows, most first.
    day_counts
        Number of customers by number of purchase days (int64, from 0).
    first_day
        First purchase day of any customer; ``NO_DAY`` of :mod:`.day_totals` without one.
    largest_net
        Largest net of all purchases of one customer, in ``1 / scale`` of the currency's unit.
    costs_known, discounts_known, categories_known
        Whether any line has a cost, and any purchase a discount or a category.
    channel_days
        Purchase days by channel, summed over customers.
    """

    coverage: Coverage
    only_returned: int
    busiest: tuple[tuple[str, int, int], ...]
    day_counts: NDArray[np.int64]
    first_day: int
    largest_net: int
    costs_known: bool
    discounts_known: bool
    categories_known: bool
    channel_days: Mapping[str, int]

    @classmethod
    def of(cls, ledger: Ledger) -> ShopFacts:
        """Return the facts of the customers of a ledger."""
        purchases = ledger.purchases
        nets = np.diff(purchases.totals["net"][purchases.bounds])
        return cls(
            coverage=ledger.coverage,
            only_returned=ledger.customers_without_purchase,
            busiest=ledger.busiest,
            day_counts=np.bincount(purchases.counts, minlength=1),
            first_day=int(ledger.first_day.min(initial=NO_DAY)),
            largest_net=int(nets.max(initial=0)),
            costs_known=ledger.costs_known,
            discounts_known=any(each.sum_of("discounts_known") for each in ledger.bought),
            categories_known=len(ledger.categories.keys) > 0,
            channel_days=count_channel_days(ledger.channels.counts(of_days=True)),
        )

    def joined(self, other: ShopFacts) -> ShopFacts:
        """Return the facts of the customers of both, whose ledgers have the same coverage."""
        days = np.zeros(max(len(self.day_counts), len(other.day_counts)), dtype=np.int64)
        for each in (self, other):
            days[: len(each.day_counts)] += each.day_counts
        channels = dict(self.channel_days)
        for name, count in other.channel_days.items():
            channels[name] = channels.get(name, 0) + count
        return replace(
            self,
            only_returned=self.only_returned + other.only_returned,
            busiest=most_rows((*self.busiest, *other.busiest)),
            day_counts=days,
            first_day=min(self.first_day, other.first_day),
            largest_net=max(self.largest_net, other.largest_net),
            costs_known=self.costs_known or other.costs_known,
            discounts_known=self.discounts_known or other.discounts_known,
            categories_known=self.categories_known or other.categories_known,
            channel_days=channels,
        )

    @property
    def left_out(self) -> LeftOut:
        """Rows that the ledgers do not include, with the reason."""
        return replace(
            self.coverage.left_out(self.only_returned),
            shared_ids=self.coverage.shared_ids(self.busiest, self.day_counts),
        )


def count_channel_days(counts: pl.DataFrame) -> dict[str, int]:
    """Return the purchase days by channel, from ``value`` and ``count`` of :meth:`Baskets.counts`."""
    return dict(counts.group_by("value").agg(pl.col("count").sum()).iter_rows())


def common_channels(days: Mapping[str, int]) -> tuple[str, ...]:
    """Return the channels with the most purchase days, most first; the name of all other channels is never one."""
    ordered = sorted(days, key=lambda name: (-days[name], name.encode()))
    return tuple(name for name in ordered if name != OTHER)[:MOST_CHANNELS]
