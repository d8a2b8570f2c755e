"""Report section on the loyalty programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.render.document import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

NUMBERS = ("members", "member_activity_rate", "points_liability", "point_redemption_rate", "member_difference")
TIERS = "members_by_tier"


def programme_numbers(localized: LocalizedReport) -> Iterator[Block]:
    """Return the metrics of the programme, the members by tier, and the caution on their difference to non-members."""
    numbers = [metric for name in NUMBERS if (metric := localized.of(name)) is not None]
    if not numbers:
        return
    yield localized.metrics_table(localized.say("table.programme"), numbers)
    if tiers := localized.all(TIERS, "tier"):
        yield localized.slices_table(localized.title(TIERS), "tier", tiers, folded=False)
    if any(each.name == "member_difference" for each in numbers):
        yield Text(localized.say("text.programme"))
