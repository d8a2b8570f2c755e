"""Names that options, completion and libraries share; importing them costs no time at start-up."""

from __future__ import annotations

from typing import Literal, get_args

ReportLanguage = Literal["en", "de", "zh-Hans", "zh-Hant", "th", "fa"]
LANGUAGES: tuple[str, ...] = get_args(ReportLanguage)
"""BCP 47 tags of the languages of the loyalty report; each has a file in ``ckm/data/report/``."""
FITTED_METHODS = ("rfm", "value", "lifecycle", "clusters")
"""Segment methods that learn from the customers, in the order of the help; see :data:`ckm._segment.methods.METHODS`."""
TABLES = ("customers", "transactions", "interactions", "relationships", "billing_fields", "consents")
"""Tables of the store; see :data:`ckm.schema.TABLES`."""
METRICS = ("visit", "order", "net", "margin", "complaint", "churn")
"""Outcomes per person within a window: whether there is a visit, an order, a complaint, or no order (churn); net sales;
margin."""
RATES = frozenset(("visit", "order", "complaint", "churn"))
"""Metrics that are shares of persons."""
LESS_IS_BETTER = frozenset(("complaint", "churn"))
"""Metrics of which a decrease is a benefit."""
