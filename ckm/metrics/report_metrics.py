"""All metrics of a loyalty report, computed from its context."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ckm.metrics.changes import change_metrics
from ckm.metrics.cohorts import cohort_metrics
from ckm.metrics.comparison import compare
from ckm.metrics.concentration import concentration_metrics
from ckm.metrics.customer_estimates import CustomerEstimates
from ckm.metrics.data_quality import data_quality_metrics
from ckm.metrics.dimensions import customer_dimensions
from ckm.metrics.forecast_accuracy import forecast_accuracy_metrics, save_and_score
from ckm.metrics.lifecycle import lifecycle_metrics, lifecycle_of
from ckm.metrics.loyalty_matrix import loyalty_metrics
from ckm.metrics.loyalty_programme import programme_metrics
from ckm.metrics.monthly import monthly_metrics
from ckm.metrics.monthly_retention import monthly_retention
from ckm.metrics.monthly_risk import monthly_risk
from ckm.metrics.next_steps import call_list, next_step_metrics
from ckm.metrics.ratings import read_ratings
from ckm.metrics.relationship_structure import structure_metrics
from ckm.metrics.relationships import relationship_metrics
from ckm.metrics.satisfaction import satisfaction_metrics
from ckm.metrics.second_order import second_order_metrics, second_orders
from ckm.metrics.significance import judge_changes
from ckm.metrics.slices import slice_metrics
from ckm.metrics.survival import survival_metrics
from ckm.metrics.wallet_share import wallet_metrics
from ckm.models.threads import find_libraries

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from ckm.metrics.comparison import PeriodComparison
    from ckm.metrics.context import ReportContext
    from ckm.metrics.customer_estimates import SectionMetrics
    from ckm.metrics.customer_table import CustomerFacts
    from ckm.metrics.dimensions import CustomerDimension
    from ckm.metrics.forecast_accuracy import ScoredSpend
    from ckm.metrics.metric import Metric, Missing
    from ckm.metrics.ratings import Ratings
    from ckm.metrics.significance import Change
    from ckm.metrics.slices import Dimension


@dataclass(frozen=True)
class ReportMetrics:
    """Metrics of a report before suppression, and what they were computed from.

    Attributes
    ----------
    metrics, missing
        Metrics of all customers and of the slices; reasons for missing ones.
    context
        Context without the baskets.
    comparison
        Customers of both periods; None if the periods cannot be compared.
    parts
        Dimensions of the customers.
    ratings
        Ratings; None without any.
    estimates
        Estimates per customer.
    calls
        Customers with a warning who may be contacted, largest value at risk first.
    scored
        Accuracy of the newest saved spend forecast whose horizon has ended; None without one.
    loyal
        Loyal customers, highest revenue first.
    facts
        Results per customer for the export.
    """

    metrics: tuple[Metric, ...]
    missing: tuple[Missing, ...]
    context: ReportContext
    comparison: PeriodComparison | None
    parts: tuple[CustomerDimension, ...]
    ratings: Ratings | None
    estimates: CustomerEstimates
    calls: pl.DataFrame
    scored: ScoredSpend | None
    loyal: pl.DataFrame
    facts: CustomerFacts

    def changes(self) -> tuple[Change, ...]:
        """Return all changes since the comparison period (:func:`judge_changes`); none without a comparison."""
        causes = [each for each in self.parts if not each.is_consequence]
        return () if self.comparison is None else judge_changes(self.comparison, causes, self.ratings)


def report_metrics(
    whole: ReportContext, dimension: Dimension | None, *, keep: bool, progress: Callable[[str], None]
) -> ReportMetrics:
    """Compute all metrics of a report.

    Parameters
    ----------
    whole
        Context of all customers, with the baskets.
    dimension
        Dimension of the slices; None without slices.
    keep
        Whether a workspace saves the expected spend of each customer.
    progress
        Called with the name of each stage.
    """
    progress("relationships")
    # Only the features need the baskets; a ledger without them is cheaper to copy.
    context = replace(whole, ledger=whole.ledger.without_baskets())
    find_libraries()
    with ThreadPoolExecutor(1) as beside:  # each half is mostly array arithmetic, which leaves one core for the other
        reading = beside.submit(CustomerEstimates.read, whole, context, progress)
        if context.ledger.is_partitioned:  # one partition in memory at a time
            reading.result()
        lifecycle, ratings, comparison = lifecycle_of(context), read_ratings(context), compare(context)
        ledger = context.ledger
        parts = customer_dimensions(context, ledger.net_between(context.period) + ledger.net_between(context.compared))
        loyal, matrix, no_matrix = loyalty_metrics(context, lifecycle, ratings)
        second = second_orders(whole)
        sections: list[SectionMetrics] = [
            change_metrics(context, comparison, parts),
            monthly_metrics(context),
            ((*monthly_retention(context), *monthly_risk(context)), ()),
            relationship_metrics(context),
            (structure_metrics(context), ()),
            (programme_metrics(context), ()),
            cohort_metrics(context),
            survival_metrics(context, lifecycle),
            second_order_metrics(second, None if context.before is None else second_orders(context.before)),
            lifecycle_metrics(context, lifecycle),
            concentration_metrics(context),
            satisfaction_metrics(context, ratings),
            (matrix, no_matrix),
        ]
        estimates = reading.result()
    calls = call_list(context, estimates.risk)
    scored = save_and_score(context, estimates.lifetime, keep=keep)
    sections += [*estimates.sections(context), wallet_metrics(context), data_quality_metrics(context)]
    sections += [next_step_metrics(context, estimates.risk, calls, lifecycle), (forecast_accuracy_metrics(scored), ())]
    metrics = [metric for of_section, _ in sections for metric in of_section]
    if dimension is not None:
        progress("slices")
        metrics += slice_metrics(context, dimension, lifecycle, ratings)
        metrics += estimates.by_slice(context, dimension)
    return ReportMetrics(
        metrics=tuple(metrics),
        missing=tuple(each for _, of_section in sections for each in of_section),
        context=context,
        comparison=comparison,
        parts=parts,
        ratings=ratings,
        estimates=estimates,
        calls=calls,
        scored=scored,
        loyal=loyal.frame,
        facts=replace(estimates.facts(lifecycle, loyal.frame), second_orders=second),
    )
