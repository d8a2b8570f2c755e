"""Life cycle stages and active customer flow, from the ledger.

The numbers are those of ``ckm segment --by lifecycle``, from the same definition and the same ledger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from ckm._segment.definition import readable_number
from ckm._segment.library import Library
from ckm._segment.lifecycle.definition import FEWEST_GAPS, STATES, LifecycleDefinition
from ckm._segment.lifecycle.flows import COUNTS, lifecycle_flows
from ckm.customers.calendar import day_number
from ckm.customers.columns import interpurchase_columns
from ckm.customers.interpurchase import LONG_SHARE, customer_intervals
from ckm.customers.parties import prospects
from ckm.metrics.metric import Metric, Missing
from ckm.models.purchase_interval import population_gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ckm.customers.ledger import Ledger
    from ckm.metrics.context import ReportContext

    Mask = NDArray[np.bool_]
    Integers = NDArray[np.int64]

SECTION = "relationships"
METHOD = "lifecycle"


@dataclass(frozen=True)
class Lifecycle:
    """Life cycle stage of each customer as of a day.

    Attributes
    ----------
    definition
        Thresholds of the stages, and the median interpurchase time of all customers.
    ledger
        Ledger as of the day.
    state
        Position in :data:`ckm._segment.lifecycle.definition.STATES` of each customer code (int8); -1 without a
        purchase.
    earlier
        Life cycle stages as of the end of the comparison period, with the same definition; None without a comparison.
    """

    definition: LifecycleDefinition
    ledger: Ledger
    state: NDArray[np.int8]
    earlier: Lifecycle | None = None

    def is_in(self, *states: str) -> Mask:
        """Return whether each customer is in one of the stages ``states``, shape (customers,)."""
        return np.isin(self.state, [STATES.index(state) for state in states])

    @cached_property
    def is_lapsed(self) -> Mask:
        """Whether each customer is lapsed, shape (customers,)."""
        return self.is_in("lapsed")


def lifecycle_definition(context: ReportContext) -> LifecycleDefinition | None:
    """Return the definition of ``ckm segment --by lifecycle``; None if the purchase interval is unknown.

    The definition is the saved one of the workspace if its time zone is the same; otherwise it is fitted on the ledger.
    """
    if context.workspace is not None:
        saved = Library(context.workspace.root / "segments").find(METHOD)
        same_days = saved is not None and saved.time_zone == context.ledger.time_zone
        if saved is not None and same_days and isinstance(saved.definition, LifecycleDefinition):
            return saved.definition
    histogram = context.ledger.gap_histogram
    usual, long = (population_gap(histogram, share) for share in (0.5, LONG_SHARE))
    if usual is None or long is None or histogram["count"].sum() < FEWEST_GAPS:
        return None
    return LifecycleDefinition(readable_number(usual), readable_number(long))


def lifecycle_of(context: ReportContext, definition: LifecycleDefinition | None = None) -> Lifecycle | None:
    """Return the stages of all customers of a context as of its day, and as of the end of the comparison period.

    Parameters
    ----------
    context
        Input of the report.
    definition
        Common definition for several parts of the customers; default: :func:`lifecycle_definition`.

    Returns
    -------
    Lifecycle | None
        None if the purchase interval is unknown.
    """
    definition = definition or lifecycle_definition(context)
    if definition is None:
        return None

    def now(ledger: Ledger) -> Lifecycle:
        return Lifecycle(definition, ledger, ledger.by_customer(lambda part: _states(part, definition)))

    found = now(context.ledger)
    return found if context.before is None else replace(found, earlier=now(context.before.ledger))


def _states(ledger: Ledger, definition: LifecycleDefinition) -> NDArray[np.int8]:
    purchases = ledger.purchases
    last, bought = purchases.last_days().astype(np.int64), purchases.has_any
    own = customer_intervals(purchases, ledger.gaps).with_columns(
        days=purchases.counts, recency_days=day_number(ledger.as_of) - last
    )
    features = own.filter(pl.Series(bought)).select(
        "recency_days", *interpurchase_columns(ledger.as_of, definition.gap_median_days, definition.gap_p80_days)
    )
    found = np.full(len(last), -1, dtype=np.int8)
    found[bought] = definition.assign(features)["segment"].cast(pl.Enum(STATES)).to_physical().to_numpy()
    return found


def lifecycle_metrics(
    context: ReportContext, lifecycle: Lifecycle | None, *, with_prospects: bool = True
) -> tuple[tuple[Metric, ...], tuple[Missing, ...]]:
    """Return the metrics ``lifecycle_stage`` and ``active_customer_flow``.

    Parameters
    ----------
    context
        Input of the report.
    lifecycle
        Result of :func:`lifecycle_of`.
    with_prospects
        Whether to count customers in the table ``customers`` without purchases and returns. A slice by a column of the
        transactions has none of them.
    """
    if lifecycle is None:
        there = int(context.ledger.gap_histogram["count"].sum())
        return (), (Missing(SECTION, "few_repeat_buyers", (("there", there), ("needed", FEWEST_GAPS))),)
    now = _counted(context, lifecycle, with_prospects=with_prospects)
    then = _counted(context, lifecycle.earlier, with_prospects=with_prospects) if lifecycle.earlier else {}
    states = [
        Metric("lifecycle_stage", count, (("state", state),), previous=then.get(state)) for state, count in now.items()
    ]
    flows = [
        Metric("active_customer_flow", balance[kind], (("month", balance["period"]), ("kind", kind)))
        for balance in lifecycle_flows(lifecycle.ledger, lifecycle.definition).frame.iter_rows(named=True)
        for kind in COUNTS
    ]
    return (*states, *flows), ()


def _counted(context: ReportContext, lifecycle: Lifecycle, *, with_prospects: bool) -> dict[str, int]:
    counts = np.bincount(lifecycle.state[lifecycle.state >= 0], minlength=len(STATES))
    found = dict(zip(STATES, counts.tolist(), strict=True))
    del found["prospect"]
    customers = context.tables.get("customers")
    if with_prospects and customers is not None:
        ledger = lifecycle.ledger
        known = ledger.has_purchase | ledger.has_return
        seen = ledger.customers.filter(pl.Series(known)).to_frame("customer_id")
        found["prospect"] = prospects(customers, seen, ledger.as_of).height
    return found
