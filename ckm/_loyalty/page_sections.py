"""Sections of the page in the order of a manager's questions, each with its charts, tables and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._loyalty.changed import drivers, goals, revenue_bridge, revenue_by_kind, revenue_drivers, revenue_numbers
from ckm._loyalty.churn import at_risk_list, churn_drivers, risk_levels, risk_numbers
from ckm._loyalty.cohorts import cohort_retention, survival_curve
from ckm._loyalty.data_quality import reconciliation, remarks, rows_read
from ckm._loyalty.first_page import comparison_of
from ckm._loyalty.forecast_accuracy import forecast_accuracy
from ckm._loyalty.growth_potential import headroom, holdout, lifetime_value, past_spend, value_numbers
from ckm._loyalty.loyalty import loyal_list, loyalty_matrix, loyalty_rules, satisfaction
from ckm._loyalty.monthly import revenue_over_time
from ckm._loyalty.products import products_and_channels
from ckm._loyalty.programme import programme_numbers
from ckm._loyalty.relationship_structure import industries, parties, structure_numbers
from ckm._loyalty.relationships import (
    active_customer_flow,
    customer_balance,
    lifecycle_stages,
    relationship_numbers,
    revenue_concentration,
)
from ckm.render.document import Section, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block


@dataclass(frozen=True)
class PageSection:
    """A section of the page.

    Attributes
    ----------
    name
        Name; the title is the text ``section.NAME``.
    of_catalogue
        Section of the metric catalogue with its metrics.
    blocks
        Functions that return its charts, tables and texts.
    says_missing
        Whether it gives the reasons for missing metrics of that section of the catalogue.
    optional
        Whether it is left out without data: for what many shops do not have.
    """

    name: str
    of_catalogue: str
    blocks: tuple[Callable[[LocalizedReport], Iterator[Block]], ...]
    says_missing: bool = True
    optional: bool = False

    def section(self, localized: LocalizedReport) -> Section:
        """Return the section with all blocks for which there are data; without any, with one line on the reason."""
        title = localized.say(f"section.{self.name}")
        found = tuple(block for make in self.blocks for block in make(localized))
        missing = tuple(localized.missing(self.of_catalogue)) if self.says_missing else ()
        if not found or all(isinstance(block, Text) for block in found):
            line = (*missing, *found, Text(localized.say("text.no_data")))[0]
            return Section(title, (line,), absent=True)
        read_first = comparison_of(localized)  # the lead has this reason already
        return Section(title, (*found, *(line for line in missing if line.text not in read_first)))


PAGE_SECTIONS = (
    PageSection(
        "revenue",
        "changed",
        (revenue_over_time, revenue_bridge, drivers, revenue_by_kind, revenue_drivers, goals, revenue_numbers),
    ),
    PageSection(
        "segments",
        "relationships",
        (
            customer_balance,
            active_customer_flow,
            lifecycle_stages,
            revenue_concentration,
            relationship_numbers,
        ),
    ),
    PageSection("at_risk", "churn", (risk_levels, churn_drivers, at_risk_list, risk_numbers)),
    PageSection("products", "changed", (products_and_channels,), says_missing=False),
    PageSection("structure", "relationships", (structure_numbers, parties, industries), says_missing=False),
    PageSection("cohorts", "relationships", (cohort_retention, survival_curve), says_missing=False),
    PageSection("value", "growth_potential", (value_numbers, lifetime_value, headroom, holdout, past_spend)),
    PageSection("satisfaction", "loyalty", (satisfaction, loyalty_matrix, loyalty_rules, loyal_list)),
    PageSection("programme", "loyalty", (programme_numbers,), says_missing=False, optional=True),
    PageSection("data_quality", "data_quality", (reconciliation, rows_read, forecast_accuracy, remarks)),
)
"""Sections in the order of the page."""
BEFORE_SLICES = 4
"""Number of sections before that of ``--by``."""
