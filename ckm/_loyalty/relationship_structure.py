"""Report section on the relationship structure: groups, partners, contacts, referrals, party types and industries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.customers.ledger import NO_VALUE
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.document import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

NUMBERS = (
    "grouped_customers",
    "grouped_revenue",
    "partner_revenue",
    "partner_customers",
    "single_contact_accounts",
    "single_contact_revenue",
    "referred_customers",
    "referred_revenue",
)
MOST_INDUSTRIES = 8
"""Maximum number of industries of the chart, those of the largest revenue; the table has all."""


def structure_numbers(localized: LocalizedReport) -> Iterator[Block]:
    """Return the table of the metrics of relations, and where their names are."""
    numbers = [metric for name in NUMBERS if (metric := localized.of(name)) is not None]
    if numbers:
        yield localized.metrics_table(localized.say("table.structure"), numbers)
        yield Text(localized.say("text.structure"))


def industries(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the revenue by industry."""
    found = sorted(localized.all("industry_revenue", "industry"), key=lambda each: -(each.value or 0.0))
    known = [each for each in found if each.of("industry") != NO_VALUE]
    if not known:
        return
    bars = [
        Bar(
            localized.called("industry", each.of("industry") or ""),
            each.value or 0.0,
            localized.written(each.name, each.value),
            "accent" if each is known[0] else "muted",
        )
        for each in known[:MOST_INDUSTRIES]
    ]
    largest = localized.called("industry", known[0].of("industry") or "")
    yield localized.figure(
        localized.say("find.industries", industry=largest, revenue=localized.written("revenue", known[0].value)),
        "industries",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.slices_table(localized.title("industry_revenue"), "industry", found),
    )


def parties(localized: LocalizedReport) -> Iterator[Block]:
    """Return the table of active customers and revenue by party type."""
    customers = localized.all("party_customers", "party_type")
    revenue = {each.of("party_type"): each for each in localized.all("party_revenue", "party_type")}
    if not customers:
        return
    rows = []
    for each in customers:
        party = each.of("party_type") or ""
        money = revenue.get(party)
        rows.append(
            (
                localized.called("party_type", party),
                localized.written(each.name, each.value),
                localized.written("party_revenue", money.value if money else None, exact=True),
                localized.written("party_revenue", money.change, exact=True, signed=True)
                if money and money.change is not None and money.days is None
                else "",
            )
        )
    yield localized.table(
        localized.say("table.parties"), ("party_type", "customers", "revenue", "change"), rows, folded=False
    )
