"""Exported table of customers: one row per customer with features, segments, values and churn, and its dictionary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.suppression import suppress
from ckm._segment.lifecycle.definition import STATES
from ckm.metrics.customer_columns import NAME, describe_columns, list_audiences, own_columns
from ckm.metrics.feature_sample import read_features
from ckm.metrics.growth_potential import GrowthPotential, read_growth_potential
from ckm.metrics.lifetime import Lifetime
from ckm.metrics.likely_items import likely_products
from ckm.metrics.second_order import SecondOrders
from ckm.metrics.value_at_risk import Risk

if TYPE_CHECKING:
    from datetime import date

    from ckm.metrics.context import ReportContext
    from ckm.metrics.customer_columns import CustomerColumn
    from ckm.metrics.customer_segments import Segments
    from ckm.metrics.feature_sample import FeatureSample
    from ckm.metrics.lifecycle import Lifecycle
    from ckm.metrics.metric import Missing

MONEY_DIGITS, ORDER_DIGITS = 2, 4
DAYS_A_YEAR = 365
_TYPES: dict[str, pl.DataType] = {
    name: pl.Float64()
    for name in (
        "current_value",
        "potential_value",
        "headroom",
        "expected_orders",
        "expected_spend",
        "expected_spend_low",
        "expected_spend_high",
        "clv",
        "p_leave",
        "value_at_risk",
        "second_order_probability",
        "second_order_revenue",
    )
} | {
    "second_order_due_until": pl.Date(),
    "likely_category_support": pl.Int64(),
    "likely_product_support": pl.Int64(),
}


@dataclass(frozen=True)
class CustomerFacts:
    """Results of a report per customer: input of :func:`customer_table`.

    Attributes
    ----------
    sample, lifetime, growth_potential, segments, risk, lifecycle
        Results of the report's sections for all customers.
    loyal
        customer_id and rule of the loyal customers; None without the list.
    second_orders
        Customers who are due for a second order; None if not computed.
    """

    sample: FeatureSample
    lifetime: Lifetime | Missing
    growth_potential: GrowthPotential | Missing
    segments: Segments | None
    risk: Risk | Missing
    lifecycle: Lifecycle | None = None
    loyal: pl.DataFrame | None = None
    second_orders: SecondOrders | Missing | None = None


@dataclass(frozen=True)
class CustomerTable:
    """The exported table with its dictionary.

    Attributes
    ----------
    frame
        One row per customer with a purchase, sorted by ``customer_id``.
    columns
        Description of each column, in order.
    as_of, currency
        As-of date of the table and of all amounts.
    high_headroom
        Names of the value segments with high headroom.
    """

    frame: pl.DataFrame
    columns: tuple[CustomerColumn, ...]
    as_of: date
    currency: str
    high_headroom: tuple[str, ...]

    @property
    def has_names(self) -> bool:
        """Whether the table contains customer names."""
        return NAME in self.frame.columns


def customer_table(context: ReportContext, known: CustomerFacts, *, names: bool = False) -> CustomerTable:
    """Return the table of all customers with a purchase.

    If the report used a sample, this computes the features of all customers: under a minute for 20 million rows.

    Parameters
    ----------
    context
        Context of all customers.
    known
        Results of the report.
    names
        Whether to include customer names.
    """
    sample, growth_potential, leaving = _of_everybody(context, known)
    frame = sample.table.frame
    for part in (
        _names(context) if names else None,
        known.segments.frame if known.segments else None,
        _states(known.lifecycle),
        _values(growth_potential),
        _expected(known.lifetime),
        leaving,
        _second_orders(context, known.second_orders),
        None if known.loyal is None else known.loyal.select("customer_id", loyalty_rule="rule"),
    ):
        if part is not None:
            frame = frame.join(part, on="customer_id", how="left", maintain_order="left")
    alone = suppress(
        frame.select("customer_id"), context.tables, as_of=context.as_of, settings=context.config.churn,
        time_zone=context.ledger.time_zone,
    ).frame  # fmt: skip
    frame = frame.with_columns(left_alone=alone["suppressed"])
    added = [name for name in own_columns() if name != NAME or names]
    absent = [pl.lit(None, _TYPES.get(name, pl.String())).alias(name) for name in added if name not in frame.columns]
    frame = frame.with_columns(absent)
    beside = ("customer_id", NAME) if names else ("customer_id",)
    features = [name for name in sample.table.frame.columns if name != "customer_id"]
    frame = frame.select(*beside, *features, *(name for name in added if name not in beside))
    return CustomerTable(
        frame=frame,
        columns=describe_columns(frame.schema),
        as_of=context.as_of,
        currency=context.ledger.currency,
        high_headroom=() if not isinstance(growth_potential, GrowthPotential) else growth_potential.segments[:2],
    )


def audiences(table: CustomerTable) -> dict[str, pl.DataFrame]:
    """Return the audience lists by name.

    Each has ``customer_id``, the name if the table has names, and the columns that the action needs. Customers who must
    not be contacted (no consent, or a recent contact) are in no list.
    """
    reachable = table.frame.filter(pl.col("left_alone").is_null())
    chosen = {
        "loyal": (pl.col("loyalty_rule").is_not_null(), "clv", True),
        "at-risk": (pl.col("risk_level").is_not_null(), "value_at_risk", True),
        "headroom": (
            pl.col("value_segment").is_in(table.high_headroom) & (pl.col("recency_days") < DAYS_A_YEAR),
            "headroom",
            True,
        ),
        "reactivated": (pl.col("lifecycle_state") == "reactivated", "last_purchase", True),
        "one-time": (pl.col("frequency") == 1, "recency_days", False),
        "second_order_due": (pl.col("second_order_due_until").is_not_null(), "second_order_probability", True),
    }
    beside = ("customer_id", NAME) if table.has_names else ("customer_id",)
    lists = {}
    for each in list_audiences():
        which, by, descending = chosen[each.name]
        found = reachable.filter(which).sort(by, "customer_id", descending=[descending, False], nulls_last=True)
        lists[each.name] = found.select(*beside, *each.columns)
    return lists


def _of_everybody(
    context: ReportContext, known: CustomerFacts
) -> tuple[FeatureSample, GrowthPotential | Missing, pl.DataFrame | None]:
    """Return features, growth potential and risk of all customers, also if the report used a sample."""
    sample, growth_potential = known.sample, known.growth_potential
    if not sample.is_complete:
        sample = read_features(context, all_customers=True)
        growth_potential = read_growth_potential(context, sample)
    if not isinstance(known.risk, Risk):
        return sample, growth_potential, None
    at_risk = pl.when(pl.col("level").is_not_null()).then("value_at_risk")
    estimates = known.risk.estimates.customers.select(
        "customer_id", "p_leave", "reason", risk_level="level", value_at_risk=at_risk
    )
    return sample, growth_potential, estimates


def _names(context: ReportContext) -> pl.DataFrame | None:
    customers = context.tables.get("customers")
    if customers is None or NAME not in customers.collect_schema():
        return None
    return customers.select(pl.col("customer_id").cast(pl.String), pl.col(NAME).cast(pl.String)).collect()


def _states(lifecycle: Lifecycle | None) -> pl.DataFrame | None:
    if lifecycle is None:
        return None
    states = pl.DataFrame({"customer_id": lifecycle.ledger.customers, "state": lifecycle.state})
    named = pl.lit(pl.Series(STATES)).gather(pl.col("state").cast(pl.UInt32))
    return states.filter(pl.col("state") >= 0).select("customer_id", lifecycle_state=named)


def _values(growth_potential: GrowthPotential | Missing) -> pl.DataFrame | None:
    return (
        growth_potential.customers.rename({"segment": "value_segment"})
        if isinstance(growth_potential, GrowthPotential)
        else None
    )


def _second_orders(context: ReportContext, found: SecondOrders | Missing | None) -> pl.DataFrame | None:
    if not isinstance(found, SecondOrders):
        return None
    due = found.customers.select(
        "customer_id",
        "second_order_probability",
        "likely_category",
        second_order_due_until="due_until",
        second_order_revenue="expected_revenue",
        likely_category_support="likely_category_customers",
    )
    return due.join(likely_products(context, found), on="customer_id", how="left", maintain_order="left")


def _expected(lifetime: Lifetime | Missing) -> pl.DataFrame | None:
    if not isinstance(lifetime, Lifetime):
        return None
    low, high = lifetime.spend_bounds or (None, None)
    bounds = {
        name: pl.lit(None, pl.Float64) if end is None else pl.Series(end).round(MONEY_DIGITS)
        for name, end in (("expected_spend_low", low), ("expected_spend_high", high))
    }
    return pl.DataFrame(
        {
            "customer_id": lifetime.customers,
            "expected_orders": pl.Series(lifetime.orders).round(ORDER_DIGITS),
            "expected_spend": pl.Series(lifetime.spend).round(MONEY_DIGITS),
            "clv": pl.Series(lifetime.value).round(MONEY_DIGITS),
        }
    ).with_columns(**bounds)
