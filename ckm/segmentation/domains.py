"""What values a feature can have: its type, and where it begins and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping

CHANNEL_SHARE = "channel_share_"
"""One feature per channel of the data begins like this: the dictionary cannot know which there are."""


@dataclass(frozen=True)
class Domain:
    """The values of a feature; null is always among them.

    Attributes
    ----------
    dtype
        Its type in the feature table.
    low, high
        The least and the greatest number that it can be; None where there is no such bound.
    """

    dtype: pl.DataType
    low: float | None = None
    high: float | None = None


_COUNT = Domain(pl.Int64(), low=0)
_DAYS = Domain(pl.Float64(), low=0)
_MONEY = Domain(pl.Float64())
_SHARE = Domain(pl.Float64(), low=0, high=1)
_TEXT = Domain(pl.String())
_DATE = Domain(pl.Date())
_DOMAINS = {
    "last_purchase": _DATE,
    "first_purchase": _DATE,
    **dict.fromkeys(("recency_days", "frequency", "rows", "tenure_days", "gaps", "gap_last_days"), _COUNT),
    **dict.fromkeys(("categories", "channels"), _COUNT),
    **dict.fromkeys(("gap_median_days", "gap_p80_days", "usual_gap_days_before", "gap_p80_days_before"), _DAYS),
    **dict.fromkeys(("monetary", "net_total", "spend_12mo", "spend_previous_12mo", "margin_12mo"), _MONEY),
    **dict.fromkeys(("order_value_mean", "order_value_trend"), _MONEY),
    **dict.fromkeys(("cost_known_share", "discount_share", "return_share"), _MONEY),
    **dict.fromkeys(("weekday_main_share", "weekend_share"), _SHARE),
    **dict.fromkeys(("category_main", "channel_main", "party_type", "country", "region", "lang"), _TEXT),
    "weekday_main": _TEXT,
}


def known_domains() -> Mapping[str, Domain]:
    """Return the features of the dictionary that a rule can read, in its order."""
    return _DOMAINS


def domain_of(name: str) -> Domain | None:
    """Return the values of the feature ``name``; None where there is no such feature."""
    if name.startswith(CHANNEL_SHARE) and name != CHANNEL_SHARE:
        return _SHARE
    return known_domains().get(name)
