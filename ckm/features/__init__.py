"""Customer features as narwhals expressions on lazy frames: nothing is read and nothing is collected here.

The same code runs on polars today and on Spark when the data outgrow a machine. What Spark cannot do through
narwhals stays out: differences of dates in days among it, so that spans of days are differences of day numbers
(:func:`ckm.features.rhythm.day_number`), and the distance to the as-of date is taken on the collected result.

What counts as what, for every analysis:

- a **purchase** is a row that is neither cancelled nor a return and whose ``net`` is not negative;
- a **return** (type ``return``, or a negative ``net``) takes money back and is no purchase;
- a **cancelled** row (type ``cancel``) is nothing at all: neither purchase nor money;
- a row without a customer belongs to no customer and is only counted.
"""

from ckm.features.breadth import main_values, purchase_counts, visit_counts
from ckm.features.purchases import (
    END_OF_TIME,
    NEEDED_COLUMNS,
    currencies,
    end_of_day,
    is_after,
    is_cancelled,
    is_purchase,
    is_used,
    local_day,
    purchase_features,
    row_counts,
    whole_money,
)
from ckm.features.rhythm import day_number, gap_histogram, purchase_days, purchase_gaps, rhythm_features
from ckm.features.spend import Period, spend_features

__all__ = [
    "END_OF_TIME",
    "NEEDED_COLUMNS",
    "Period",
    "currencies",
    "day_number",
    "end_of_day",
    "gap_histogram",
    "is_after",
    "is_cancelled",
    "is_purchase",
    "is_used",
    "local_day",
    "main_values",
    "purchase_counts",
    "purchase_days",
    "purchase_features",
    "purchase_gaps",
    "rhythm_features",
    "row_counts",
    "spend_features",
    "visit_counts",
    "whole_money",
]
