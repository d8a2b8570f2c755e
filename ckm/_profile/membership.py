"""Membership of the loyalty programme: tier, points, and value of the points."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._profile.figures import ProfileFigure
from ckm.metrics.loyalty_programme import TABLE, members_on
from ckm.schema import TABLES

if TYPE_CHECKING:
    from ckm._profile.record import CustomerRecord

FIGURES = (
    ("tier", "Tier", "tier"),
    ("member_since", "Member since", "joined_on"),
    ("points_balance", "Points", "points_balance"),
    ("points_earned", "… earned since joining", "points_earned"),
    ("points_redeemed", "… redeemed since joining", "points_redeemed"),
)
"""Name, label and column of each figure."""


def membership(record: CustomerRecord) -> list[ProfileFigure]:
    """Return tier, points and their value from the newest snapshot by the as-of date; empty if not a member."""
    rows = record.rows(TABLE)
    found = members_on(rows.lazy(), record.as_of) if rows.height else rows
    if found.is_empty():
        return []
    values, of, source = found.row(0, named=True), TABLES[TABLE].exposure, record.source(TABLE)
    figures = [
        ProfileFigure(name, label, values[column], source, record.as_of, of(column))
        for name, label, column in FIGURES
        if values[column] is not None
    ]
    config, points = record.dataset.config, values["points_balance"]
    if config.loyalty.point_value is not None and points is not None and record.ledger is not None:
        worth, currency = round(points * config.loyalty.point_value, 2), record.ledger.currency
        exposure = of("points_balance")
        label = "Value of the points"
        figures.append(ProfileFigure("points_value", label, worth, source, record.as_of, exposure, currency))
    return figures
