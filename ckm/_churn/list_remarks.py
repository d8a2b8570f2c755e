"""Remarks on a list of warnings: its length, and the expected gain of its contacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.expected_gain import order_is_of_value_at_risk
from ckm._churn.warning_levels import is_contact
from ckm.remark import assumption, doubt
from ckm.wording import counted

if TYPE_CHECKING:
    from ckm._churn.expected_gain import Assumptions
    from ckm._churn.warning_list import ChurnListing


def length_remarks(all_customers: pl.DataFrame, listed: pl.DataFrame) -> list[str]:
    """Return a remark on the share of warnings in a list that a budget or ``--new-only`` shortens."""
    warned = all_customers.filter(pl.col("level").is_not_null()).height
    return [doubt(f"the list and all totals include {listed.height:,} of {counted(warned, 'customer')} with a warning")]


def gain_remarks(listed: pl.DataFrame, listing: ChurnListing, assumptions: Assumptions) -> list[str]:
    """Return remarks on how the expected gain of the listed customers is computed."""
    remarks: list[str] = [listing.churn_cost.sentence(listing.value)]
    if listing.value == "revenue":
        remarks.append(assumption("the data have no costs: value at risk and expected gain are revenue, not margin"))
    if order_is_of_value_at_risk(listed.filter(is_contact())):
        remarks.append(
            assumption(
                "every expected gain is positive and in the order of the value at risk: whether a contact pays depends "
                f"on the {'measured' if assumptions.measured else 'assumed'} offer success rate of "
                f"{assumptions.offer_success_rate:.0%}{'' if assumptions.measured else ', not on the data'}"
            )
        )
    return remarks
