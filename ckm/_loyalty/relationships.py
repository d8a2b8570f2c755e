"""Report section on customer relationships: customer flow, retention, tenure and concentration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._loyalty.localized import way
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.chart_look import ruler
from ckm.render.document import Section
from ckm.render.grid_charts import Cell, heat_map
from ckm.render.time_charts import Step, TimeColumn, column_chart, step_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.metric import Metric
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
MOST_COHORTS = 13
MOST_STEPS = 60
"""Maximum points of a curve, each with its interval: 120 marks."""
ACTIVE_STAGES = ("active", "reactivated", "new")
"""Life cycle stages that count as active."""
INACTIVE_STAGES = ("cooling", "lapsed")
"""Life cycle stages that count as inactive."""
CAME = ("new", "reactivated")
NAMED_EVERY = 3
"""Number of months per label below the columns."""
SEVERAL = 2
HALF = 0.5


def relationships_section(localized: LocalizedReport) -> Section:
    """Return the balance of customers, retention, tenure, the life cycle and concentration."""
    return Section(localized.say("section.relationships"), tuple(_blocks(localized)))


def retention_finding(localized: LocalizedReport) -> str:
    """Return a sentence on retention compared with the previous period, within its interval; empty if unknown.

    Periods of unequal length are not compared: in more days more come back.
    """
    rate = localized.of("retention_rate")
    if rate is None or rate.value is None:
        return ""
    share = localized.numbers.share(rate.value)
    went = way(rate)
    if went is None or localized.unequal_days:
        return localized.say("find.retention", share=share)
    return localized.say(f"find.retention_{went}", share=share, previous=localized.numbers.share(rate.previous or 0.0))


def _blocks(localized: LocalizedReport) -> Iterator[Block]:
    yield from localized.missing("relationships")
    yield from _balance(localized)
    numbers = [metric for name in NUMBERS if (metric := localized.of(name)) is not None]
    if numbers:
        yield localized.metrics_table(localized.say("table.relationships"), numbers)
    yield from _retention(localized)
    yield from _survival(localized)
    yield from _states(localized)
    yield from _flows(localized)
    yield from _concentration(localized)
    yield from _parties(localized)


def _balance(localized: LocalizedReport) -> Iterator[Block]:
    active = localized.of("customers_active")
    parts = [localized.of(name) for name in BALANCE]
    if active is None or None in parts:
        return
    bars = []
    for part in parts:
        assert part is not None
        lost = part.name == "customers_lost"
        signed = (part.value or 0.0) * (-1 if lost else 1)
        text = localized.written(part.name, signed)
        bars.append(Bar(localized.title(part.name), signed, text, "muted" if lost else "accent"))
    went = way(active)
    values = {part.name.removeprefix("customers_"): localized.written(part.name, part.value) for part in parts if part}
    finding = localized.say(
        f"find.balance_{went or 'only'}",
        active.value,
        active=localized.written(active.name, active.value),
        change=localized.written(active.name, abs(active.change or 0.0)),
        **values,
    )
    shown = [part for part in parts if part is not None]
    yield localized.figure(
        finding,
        "balance",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.metrics_table(localized.say("table.balance"), [active, *shown], folded=True),
        note=True,
    )


def _retention(localized: LocalizedReport) -> Iterator[Block]:
    cells = localized.all("retention_cohort", "cohort", "month")
    cohorts = sorted({each.of("cohort") or "" for each in cells})[-MOST_COHORTS:]
    months = sorted({int(each.of("month") or 0) for each in cells if each.of("cohort") in cohorts})[:MOST_COHORTS]
    cells = tuple(each for each in cells if each.of("cohort") in cohorts and int(each.of("month") or 0) in months)
    if not cells:
        return
    most = max(each.value or 0.0 for each in cells) or 1.0
    by = {(each.of("cohort"), int(each.of("month") or 0)): each for each in cells}
    drawn = [
        Cell(
            cohorts.index(cohort or ""),
            months.index(month),
            (each.value or 0.0) / most,
            localized.numbers.decimal(100 * (each.value or 0.0), 0),
        )
        for (cohort, month), each in by.items()
    ]
    rows = [
        [localized.numbers.month(cohort)]
        + [localized.written(each.name, each.value) if (each := by.get((cohort, month))) else "" for month in months]
        for cohort in cohorts
    ]
    names = [localized.numbers.count(month) for month in months]
    table = localized.table(localized.say("table.retention"), ("cohort",), [row[:1] for row in rows])
    columns = (*table.columns, *(type(table.columns[0])(name, numeric=True) for name in names))
    yield localized.figure(
        _cohorts_finding(localized, cells, months),
        "retention",
        heat_map(
            drawn, [row[0] for row in rows], names, localized.say("axis.months_after"), mirrored=localized.mirrored
        ),
        type(table)(table.caption, columns, tuple(tuple(row) for row in rows), folded=True),
        note=True,
    )


def _cohorts_finding(localized: LocalizedReport, cells: tuple[Metric, ...], months: list[int]) -> str:
    """Return a sentence on the retention of all cohorts after one month and after the last common month."""
    found = {}
    for month in months:
        of_month = [each for each in cells if each.of("month") == str(month)]
        customers = sum(each.n or 0 for each in of_month)
        if customers and len(of_month) >= min(SEVERAL, len(cells)):
            found[month] = sum((each.value or 0.0) * (each.n or 0) for each in of_month) / customers
    if not found:
        return localized.title("retention_cohort")
    first, last = min(found), max(found)
    key = "find.cohorts" if last > first else "find.cohorts_short"
    return localized.say(
        key,
        last,
        month=localized.numbers.count(first),
        first=localized.numbers.share(found[first]),
        months=localized.numbers.count(last),
        last=localized.numbers.share(found[last]),
    )


def _survival(localized: LocalizedReport) -> Iterator[Block]:
    points = localized.all("survival", "days")
    if len(points) < SEVERAL:
        return
    stride = -(-len(points) // MOST_STEPS)
    kept = [each for number, each in enumerate(points) if number % stride == 0 or number == len(points) - 1]
    kept = kept[: MOST_STEPS + 1]
    steps = [Step(float(each.of("days") or 0), each.value or 0.0, each.lo, each.hi) for each in kept]
    median = localized.of("survival_median")
    last = steps[-1]
    if median is not None and median.value is not None:
        finding = localized.say("find.survival", days=localized.written(median.name, median.value))
    elif (once := localized.of("lapsed_after_first")) is not None and (once.value or 0.0) >= HALF:
        finding = localized.say("find.survival_once", share=localized.numbers.share(once.value or 0.0))
    else:
        finding = localized.say(
            "find.survival_open",
            share=localized.numbers.share(last.y),
            days=localized.say("unit.days", last.x, days=localized.numbers.count(last.x)),
        )
    rows = [
        (
            localized.numbers.count(float(each.of("days") or 0)),
            localized.written(each.name, each.value, exact=True),
            localized.between(each.name, each.lo, each.hi),
            "" if each.n is None else localized.numbers.count(each.n),
        )
        for each in kept
    ]
    yield localized.figure(
        finding,
        "survival",
        step_chart(
            steps,
            ruler([last.x], localized.numbers.count, localized.say("axis.tenure")),
            ruler([0.0, 1.0], localized.numbers.share),
            half=median.value if median is not None and (median.value or 0) <= last.x else None,
            mirrored=localized.mirrored,
        ),
        localized.table(localized.say("table.survival"), ("days", "share", "interval", "at_risk"), rows),
        note=True,
    )


def _states(localized: LocalizedReport) -> Iterator[Block]:
    states = localized.all("lifecycle_stage", "state")
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
    finding = localized.unless_hidden(
        finding, "lifecycle_stage", whole={*ACTIVE_STAGES, *INACTIVE_STAGES} <= {each.of("state") for each in states}
    )
    yield localized.figure(finding, "states", bar_chart(bars, mirrored=localized.mirrored), table)


def _flows(localized: LocalizedReport) -> Iterator[Block]:
    flows = localized.all("active_customer_flow", "month", "kind")
    months = list(dict.fromkeys(each.of("month") or "" for each in flows))
    if not months:
        return
    by = {(each.of("month"), each.of("kind")): each.value or 0.0 for each in flows}
    came = [sum(by.get((month, kind), 0.0) for kind in CAME) for month in months]
    lost = [by.get((month, "lost"), 0.0) for month in months]
    columns = [
        TimeColumn(
            localized.numbers.month(month) if number % NAMED_EVERY == len(months) % NAMED_EVERY else "", up, down
        )
        for number, (month, up, down) in enumerate(zip(months, came, lost, strict=True))
    ]
    legend = localized.say("legend.came"), localized.say("legend.fell_out")
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
            lost=localized.numbers.count(sum(lost)),
        ),
        "flows",
        column_chart(
            columns,
            ruler([*came, *(-each for each in lost)], localized.numbers.count),
            ((legend[0], "accent"), (legend[1], "muted")),
            mirrored=localized.mirrored,
        ),
        localized.table(localized.title("active_customer_flow"), ("month", *FLOW_COLUMNS), rows),
    )


FLOW_COLUMNS = ("new", "reactivated", "retained", "lost", "active")
"""Kinds in the table of flows."""


def _concentration(localized: LocalizedReport) -> Iterator[Block]:
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


def _parties(localized: LocalizedReport) -> Iterator[Block]:
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
                if money and money.change is not None
                else "",
            )
        )
    yield localized.table(
        localized.say("table.parties"), ("party_type", "customers", "revenue", "change"), rows, folded=False
    )
