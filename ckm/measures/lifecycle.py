"""States of the life cycle and the balance of customers in rhythm, from the ledger.

What ``ckm segment --by lifecycle`` says, number for number (:mod:`ckm.segmentation.lifecycle`), without reading the
transactions again: a customer's rhythm is read off the sorted gaps, as of any day.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm.churning.gaps import last_gaps, quantiles
from ckm.churning.timeline import day_number
from ckm.feature_table.sums import prospects
from ckm.measures.balance import LONG_SHARE, balances
from ckm.measures.entries import NO_DAY
from ckm.measures.measure import Measure, Missing
from ckm.models.rhythm import population_gap, shrunk_gap
from ckm.segmentation.definition import readable_number
from ckm.segmentation.library import Library
from ckm.segmentation.lifecycle.definition import FEWEST_GAPS, STATES, LifecycleDefinition

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.churning.gaps import Gaps
    from ckm.measures.basis import Basis
    from ckm.measures.ledger import Ledger

    Mask = NDArray[np.bool_]
    Whole = NDArray[np.int64]

SECTION = "relationships"
METHOD = "lifecycle"


@dataclass(frozen=True)
class Lifecycle:
    """Who is in which state as of a day.

    Attributes
    ----------
    definition
        Thresholds, and the rhythm of all customers.
    ledger
        What had happened by the day.
    state
        Position in :data:`ckm.segmentation.lifecycle.definition.STATES`, by code (int8); -1 for who had bought nothing.
    earlier
        The same as of the end of the period that is compared with, by the same definition; None where there is none.
    """

    definition: LifecycleDefinition
    ledger: Ledger
    state: NDArray[np.int8]
    earlier: Lifecycle | None = None

    def is_in(self, *states: str) -> Mask:
        """Whether a customer is in one of some states, by code."""
        return np.isin(self.state, [STATES.index(state) for state in states])

    @cached_property
    def is_lapsed(self) -> Mask:
        """Whether a customer counts as lost, by code."""
        return self.is_in("lapsed")


def lifecycle_definition(basis: Basis) -> LifecycleDefinition | None:
    """Return the definition that ``ckm segment --by lifecycle`` would use; None where there is no rhythm to judge by.

    The workspace's kept one where it counts days in the same time zone, else one that is learned from the ledger.
    """
    if basis.workspace is not None:
        saved = Library(basis.workspace.root / "segments").find(METHOD)
        same_days = saved is not None and saved.time_zone == basis.ledger.time_zone
        if saved is not None and same_days and isinstance(saved.definition, LifecycleDefinition):
            return saved.definition
    histogram = basis.ledger.gaps.histogram()
    usual, long = (population_gap(histogram, share) for share in (0.5, LONG_SHARE))
    if usual is None or long is None or histogram["count"].sum() < FEWEST_GAPS:
        return None
    return LifecycleDefinition(readable_number(usual), readable_number(long))


def lifecycle_of(basis: Basis, definition: LifecycleDefinition | None = None) -> Lifecycle | None:
    """Judge every customer of a basis as of its day, and as of the end of the period that is compared with.

    Parameters
    ----------
    basis
        What is measured.
    definition
        One ruler for several parts of the customers; default: that of :func:`lifecycle_definition`.

    Returns
    -------
    Lifecycle | None
        None where there is no rhythm to judge by.
    """
    definition = definition or lifecycle_definition(basis)
    if definition is None:
        return None
    ledger = basis.ledger
    gaps = ledger.gaps
    earlier = None
    if basis.before is not None:
        past = basis.before.ledger
        earlier = Lifecycle(definition, past, _states(past, gaps, definition))
    return Lifecycle(definition, ledger, _states(ledger, gaps, definition), earlier)


def _states(ledger: Ledger, gaps: Gaps, definition: LifecycleDefinition) -> NDArray[np.int8]:
    today, last = day_number(ledger.as_of), ledger.visits.last_days()
    known = gaps.by(today)
    counts = known.counts()
    starts = np.cumsum(counts) - counts
    ended, rank = last_gaps(known, starts, last)
    earlier = np.maximum(counts - 1, 0)
    bought = last != NO_DAY
    features = pl.DataFrame(
        {
            "recency_days": (today - last.astype(np.int64))[bought],
            "gaps": counts[bought],
            "gap_last_days": ended[bought],
            "earlier": earlier[bought],
            "long": quantiles(known.lengths, starts, counts, LONG_SHARE)[bought],
            "long_before": quantiles(known.lengths, starts, earlier, LONG_SHARE, without=rank)[bought],
        }
    ).with_columns(pl.col("gap_last_days", "long", "long_before").fill_nan(None))
    usual = definition.gap_p80_days
    features = features.with_columns(
        gap_median_days=pl.lit(definition.gap_median_days),  # stands beside the state, and decides nothing
        gap_p80_days=shrunk_gap(pl.col("long"), pl.col("gaps"), usual),
        gap_p80_days_before=shrunk_gap(pl.col("long_before"), pl.col("earlier"), usual),
    )
    found = np.full(len(last), -1, dtype=np.int8)
    found[bought] = definition.assign(features)["segment"].cast(pl.Enum(STATES)).to_physical().to_numpy()
    return found


def lifecycle_measures(
    basis: Basis, lifecycle: Lifecycle | None, *, with_prospects: bool = True
) -> tuple[tuple[Measure, ...], tuple[Missing, ...]]:
    """Measure ``state`` and ``flow``.

    Parameters
    ----------
    basis
        What is measured.
    lifecycle
        Of :func:`lifecycle_of`.
    with_prospects
        Whether to count those of the customers' table who have bought and returned nothing; a part of the customers
        that is told by what they bought has none.
    """
    if lifecycle is None:
        there = len(basis.ledger.gaps.lengths)
        return (), (Missing(SECTION, "few_repeat_buyers", (("there", there), ("needed", FEWEST_GAPS))),)
    now = _counted(basis, lifecycle, with_prospects=with_prospects)
    then = _counted(basis, lifecycle.earlier, with_prospects=with_prospects) if lifecycle.earlier else {}
    states = [Measure("state", count, (("state", state),), previous=then.get(state)) for state, count in now.items()]
    flows = [
        Measure("flow", count, (("month", f"{balance.month:%Y-%m}"), ("kind", kind)))
        for balance in balances(lifecycle.ledger, lifecycle.definition)
        for kind, count in balance.counts.items()
    ]
    return (*states, *flows), ()


def _counted(basis: Basis, lifecycle: Lifecycle, *, with_prospects: bool) -> dict[str, int]:
    counts = np.bincount(lifecycle.state[lifecycle.state >= 0], minlength=len(STATES))
    found = dict(zip(STATES, counts.tolist(), strict=True))
    del found["prospect"]
    customers = basis.tables.get("customers")
    if with_prospects and customers is not None:
        ledger = lifecycle.ledger
        known = (np.diff(ledger.visits.bounds) > 0) | (np.diff(ledger.returns.bounds) > 0)
        seen = ledger.customers.filter(pl.Series(known)).to_frame("customer_id")
        found["prospect"] = prospects(customers, seen, ledger.as_of).height
    return found
