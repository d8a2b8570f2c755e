"""Estimates per customer: features, growth potential, lifetime value, segment and churn, computed once for a report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from ckm.customers.period import Period
from ckm.metrics.customer_segments import read_segments
from ckm.metrics.customer_table import CustomerFacts
from ckm.metrics.feature_sample import read_features
from ckm.metrics.growth_potential import growth_potential_metrics, read_growth_potential
from ckm.metrics.lifetime import lifetime_metrics, read_lifetime
from ckm.metrics.margin import read_margin
from ckm.metrics.metric import Metric, Missing
from ckm.metrics.slices import CUSTOMERS, slice_contexts
from ckm.metrics.value_at_risk import NO_FORECAST, read_risk, value_at_risk_metrics
from ckm.models.threads import find_libraries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl

    from ckm.metrics.context import ReportContext
    from ckm.metrics.customer_segments import Segments
    from ckm.metrics.feature_sample import FeatureSample
    from ckm.metrics.growth_potential import GrowthPotential
    from ckm.metrics.lifecycle import Lifecycle
    from ckm.metrics.lifetime import Lifetime
    from ckm.metrics.margin import Margin
    from ckm.metrics.slices import Dimension
    from ckm.metrics.value_at_risk import Risk

SectionMetrics = tuple[tuple[Metric, ...], tuple[Missing, ...]]
"""Metrics of a section of the catalogue, and what is missing in it."""


@dataclass(frozen=True)
class CustomerEstimates:
    """Estimates of all customers.

    Attributes
    ----------
    margin
        Margin share of the net.
    sample
        Features of the customers, or of a sample of them.
    lifetime, growth_potential, risk
        Lifetime value, growth potential, and value at risk; each, or why it is missing.
    segments
        RFM segments; None if they are unknown.
    """

    margin: Margin
    sample: FeatureSample
    lifetime: Lifetime | Missing
    growth_potential: GrowthPotential | Missing
    segments: Segments | None
    risk: Risk | Missing

    @classmethod
    def read(cls, whole: ReportContext, context: ReportContext, progress: Callable[[str], None]) -> CustomerEstimates:
        """Compute the estimates.

        Parameters
        ----------
        whole
            Context with the baskets, which only the features need.
        context
            The same context without the baskets.
        progress
            Called with the name of each stage.
        """
        progress("churn")
        margin, sample, segments = read_margin(context), read_features(whole), read_segments(context)
        risk = read_risk(whole, margin, segments)
        progress("customer value and growth potential")
        refused = isinstance(risk, Missing) and risk.reason == NO_FORECAST
        find_libraries()
        with ThreadPoolExecutor(1) as beside:  # the lifetime value takes most of the time of a report
            valuing = None if refused else beside.submit(read_lifetime, context, margin)
            growth_potential = read_growth_potential(context, sample)
            lifetime = Missing("growth_potential", NO_FORECAST) if valuing is None else valuing.result()
        return cls(margin, sample, lifetime, growth_potential, segments, risk)

    @property
    def warnings_scored(self) -> Period | None:
        """Horizon of the scored run of warnings; None without one."""
        outcome = None if isinstance(self.risk, Missing) else self.risk.outcome
        return None if outcome is None else Period(outcome.as_of, outcome.as_of + timedelta(outcome.horizon))

    def sections(self, context: ReportContext) -> tuple[SectionMetrics, ...]:
        """Return the metrics of growth potential, lifetime value and churn of the customers of a context."""
        return (
            growth_potential_metrics(context, self.growth_potential, self.margin),
            lifetime_metrics(context, self.lifetime),
            value_at_risk_metrics(context, self.risk),
        )

    def by_slice(self, context: ReportContext, dimension: Dimension) -> Iterator[Metric]:
        """Yield the metrics of :meth:`sections` by slice; none for slices of transactions."""
        if dimension.table != CUSTOMERS:
            return
        for value, part in slice_contexts(context, dimension):
            for metrics, _ in self.sections(part):
                yield from (metric.within(dimension.column, value) for metric in metrics)

    def facts(self, lifecycle: Lifecycle | None, loyal: pl.DataFrame) -> CustomerFacts:
        """Return the input of the exported customer table: these estimates, life cycle stages and loyal customers."""
        return CustomerFacts(
            self.sample, self.lifetime, self.growth_potential, self.segments, self.risk, lifecycle, loyal
        )
