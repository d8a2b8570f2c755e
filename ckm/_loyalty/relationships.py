"""Report section on customer groups, life cycle stages, active customer flow and concentration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._loyalty.localized import direction
from ckm._segment.lifecycle.definition import ACTIVE_STAGES, STATES
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.chart_look import ruler
from ckm.render.time_charts import TimeColumn, column_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

BALANCE = ("customers_new", "customers_retained", "customers_reactivated", "customers_lost")
NUMBERS = (
    "customers_active",
    *BALANCE,
    "retention_rate",
    "orders",
    "purchase_days",
    "orders_per_customer",
    "average_order_value",
    "repeat_rate_period",
    "repeat_rate_cohort",
    "median_interpurchase_days",
    "survival_median",
    "lapsed_after_first",
    "gini",
    "top_quintile_share",
)
CAME = ("new", "reactivated")
FEWEST_MONTHS = 2
"""Fewest months of a flow chart."""
NAMED_EVERY = 3
"""The axis labels one month in ``NAMED_EVERY``."""


def retention_finding(localized: LocalizedReport) -> str:
    """Return a sentence on the retention rate and its change; empty if it is unknown.

    Between periods of unequal length it has no change, because in more days more customers return.
    """
    rate = localized.of("retention_rate")
    if rate is None or rate.value is None:
        return ""
    share = localized.numbers.share(rate.value)
    went = direction(rate)
    if went is None or localized.unequal_days:
        return localized.say("find.retention", share=share)
    return localized.say(f"find.retention_{went}", share=share, previous=localized.numbers.share(rate.previous or 0.0))


def relationship_numbers(localized: LocalizedReport) -> Iterator[Block]:
    """Return a folded table of the metrics of customer relationships."""
    numbers = [metric for name in NUMBERS if (metric := localized.of(name)) is not None]
    if numbers:
        yield localized.metrics_table(localized.say("table.relationships"), numbers, folded=True)


def customer_finding(localized: LocalizedReport) -> str:
    """Return a sentence on the number of active customers and their groups; without the groups if they are not known.

    Periods of unequal length are not compared. Reactivated customers are left out where the data begin with the
    comparison period, so that nobody can have been inactive before.
    """
    active = localized.of("customers_active")
    if active is None:
        return ""
    parts = [part for name in BALANCE if (part := localized.of(name)) is not None]
    count = localized.written(active.name, active.value)
    if len(parts) < len(BALANCE):
        return localized.say("happened.customers", active.value, active=count)
    went = None if localized.unequal_days else direction(active)
    return localized.say(
        "find.balance_first" if _begins_with_comparison(localized) else f"find.balance_{went or 'only'}",
        active.value,
        active=count,
        change=localized.written(active.name, abs(active.change or 0.0)),
        **{part.name.removeprefix("customers_"): localized.written(part.name, part.value) for part in parts},
    )


def customer_balance(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of new, retained, reactivated and lost customers."""
    active = localized.of("customers_active")
    parts = [localized.of(name) for name in BALANCE]
    if active is None or None in parts:
        return
    if _begins_with_comparison(localized):
        parts = [part for part in parts if part is not None and part.name != "customers_reactivated"]
    bars = []
    for part in parts:
        assert part is not None
        lost = part.name == "customers_lost"
        signed = (part.value or 0.0) * (-1 if lost else 1)
        text = localized.written(part.name, signed)
        bars.append(Bar(localized.title(part.name), signed, text, "muted" if lost else "accent"))
    shown = [part for part in parts if part is not None]
    yield localized.figure(
        customer_finding(localized),
        "balance",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.metrics_table(localized.say("table.balance"), [active, *shown], folded=True),
        note=True,
    )


def _begins_with_comparison(localized: LocalizedReport) -> bool:
    return any(each.reason == "no_earlier_purchases" for each in localized.report.missing)


def lifecycle_stages(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of customers by life cycle stage."""
    has_prospects = all(each.reason != "no_customers_table" for each in localized.report.missing)
    states = localized.parts("lifecycle_stage", "state", STATES if has_prospects else STATES[:-1])
    total = sum(each.value or 0.0 for each in states)
    if not total:
        return
    there = sum(each.value or 0.0 for each in states if each.of("state") in ACTIVE_STAGES)
    bars = [
        Bar(
            localized.called("state", each.of("state") or ""),
            each.value or 0.0,
            localized.written(each.name, each.value),
            "accent" if each.of("state") in ACTIVE_STAGES else "muted",
        )
        for each in states
    ]
    finding = localized.say(
        "find.states",
        there,
        there=localized.numbers.count(there),
        all=localized.numbers.count(total),
        share=localized.numbers.share(there / total),
        lapsed=localized.numbers.count(localized.number("lifecycle_stage", state="lapsed")),
    )
    table = localized.slices_table(localized.title("lifecycle_stage"), "state", states)
    finding = localized.unless_hidden(finding, "lifecycle_stage", whole=all(each.value is not None for each in states))
    yield localized.figure(finding, "states", bar_chart(bars, mirrored=localized.mirrored), table)


def active_customer_flow(localized: LocalizedReport) -> Iterator[Block]:
    """Return the customers who became active and those who are no longer active, by month."""
    flows = localized.all("active_customer_flow", "month", "kind")
    months = list(dict.fromkeys(each.of("month") or "" for each in flows))
    if len(months) < FEWEST_MONTHS:
        return
    by = {(each.of("month"), each.of("kind")): each.value or 0.0 for each in flows}
    came = [sum(by.get((month, kind), 0.0) for kind in CAME) for month in months]
    stopped = [by.get((month, "no_longer_active"), 0.0) for month in months]
    columns = [
        TimeColumn(
            localized.numbers.month(month) if number % NAMED_EVERY == len(months) % NAMED_EVERY else "", up, down
        )
        for number, (month, up, down) in enumerate(zip(months, came, stopped, strict=True))
    ]
    legend = localized.say("legend.came"), localized.say("legend.no_longer_active")
    rows = [
        (
            localized.numbers.month(month),
            *(localized.numbers.count(by.get((month, kind), 0.0)) for kind in FLOW_COLUMNS),
        )
        for month in months
    ]
    yield localized.figure(
        localized.say(
            "find.flows",
            len(months),
            months=localized.numbers.count(len(months)),
            came=localized.numbers.count(sum(came)),
            stopped=localized.numbers.count(sum(stopped)),
        ),
        "flows",
        column_chart(
            columns,
            ruler([*came, *(-each for each in stopped)], localized.numbers.count),
            ((legend[0], "accent"), (legend[1], "muted")),
            mirrored=localized.mirrored,
        ),
        localized.table(localized.title("active_customer_flow"), ("month", *FLOW_COLUMNS), rows),
    )


FLOW_COLUMNS = ("new", "reactivated", "retained", "no_longer_active", "active")
"""Kinds in the table of flows."""


def revenue_concentration(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the revenue share of the top 20 % of the customers."""
    top, gini = localized.of("top_quintile_share"), localized.of("gini")
    if top is None or top.value is None:
        return
    rest = 1.0 - top.value
    bars = [
        Bar(localized.say("bar.best_fifth"), top.value, localized.numbers.share(top.value, 1), "accent"),
        Bar(localized.say("bar.others"), rest, localized.numbers.share(rest, 1), "muted"),
    ]
    yield localized.figure(
        localized.say("find.concentration", share=localized.numbers.share(top.value)),
        "concentration",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.metrics_table(
            localized.say("table.concentration"), [each for each in (top, gini) if each is not None], folded=True
        ),
    )
