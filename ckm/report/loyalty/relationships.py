"""The structure of the relationships: who came, who stayed, who left, how long, and who brings how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.report.bar_charts import Bar, bar_chart
from ckm.report.chart_look import ruler
from ckm.report.document import Section
from ckm.report.grid_charts import Cell, heat_map
from ckm.report.loyalty.localized import way
from ckm.report.time_charts import Column, Step, column_chart, step_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.metrics.metric import Measure
    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

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
"""Points of a curve, of which each has its band: 120 marks."""
IN_RHYTHM = ("active", "reactivated", "new")
"""States of the life cycle of those who are there."""
FELL_OUT = ("cooling", "lapsed")
"""States of those who are not any more."""
CAME = ("new", "reactivated")
NAMED_EVERY = 3
"""Months of which one is named beneath its column."""
SEVERAL = 2
HALF = 0.5


def relationships_section(telling: Telling) -> Section:
    """Return the balance of customers, retention, tenure, the life cycle and concentration."""
    return Section(telling.say("section.relationships"), tuple(_blocks(telling)))


def retention_finding(telling: Telling) -> str:
    """Return how many came back, compared with the period before within its interval; empty where it is not known.

    Periods of unequal length are not compared: in more days more come back.
    """
    rate = telling.of("retention_rate")
    if rate is None or rate.value is None:
        return ""
    share = telling.numbers.share(rate.value)
    went = way(rate)
    if went is None or telling.unequal_days:
        return telling.say("find.retention", share=share)
    return telling.say(f"find.retention_{went}", share=share, previous=telling.numbers.share(rate.previous or 0.0))


def _blocks(telling: Telling) -> Iterator[Block]:
    yield from telling.missing("relationships")
    yield from _balance(telling)
    numbers = [measure for name in NUMBERS if (measure := telling.of(name)) is not None]
    if numbers:
        yield telling.measures_table(telling.say("table.relationships"), numbers)
    yield from _retention(telling)
    yield from _survival(telling)
    yield from _states(telling)
    yield from _flows(telling)
    yield from _concentration(telling)
    yield from _parties(telling)


def _balance(telling: Telling) -> Iterator[Block]:
    active = telling.of("customers_active")
    parts = [telling.of(name) for name in BALANCE]
    if active is None or None in parts:
        return
    bars = []
    for part in parts:
        assert part is not None
        lost = part.name == "customers_lost"
        signed = (part.value or 0.0) * (-1 if lost else 1)
        text = telling.written(part.name, signed)
        bars.append(Bar(telling.title(part.name), signed, text, "muted" if lost else "accent"))
    went = way(active)
    values = {part.name.removeprefix("customers_"): telling.written(part.name, part.value) for part in parts if part}
    finding = telling.say(
        f"find.balance_{went or 'only'}",
        active.value,
        active=telling.written(active.name, active.value),
        change=telling.written(active.name, abs(active.change or 0.0)),
        **values,
    )
    shown = [part for part in parts if part is not None]
    yield telling.figure(
        finding,
        "balance",
        bar_chart(bars, mirrored=telling.mirrored),
        telling.measures_table(telling.say("table.balance"), [active, *shown], folded=True),
        note=True,
    )


def _retention(telling: Telling) -> Iterator[Block]:
    cells = telling.all("retention_cohort", "cohort", "month")
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
            telling.numbers.decimal(100 * (each.value or 0.0), 0),
        )
        for (cohort, month), each in by.items()
    ]
    rows = [
        [telling.numbers.month(cohort)]
        + [telling.written(each.name, each.value) if (each := by.get((cohort, month))) else "" for month in months]
        for cohort in cohorts
    ]
    names = [telling.numbers.count(month) for month in months]
    table = telling.table(telling.say("table.retention"), ("cohort",), [row[:1] for row in rows])
    columns = (*table.columns, *(type(table.columns[0])(name, numeric=True) for name in names))
    yield telling.figure(
        _cohorts_finding(telling, cells, months),
        "retention",
        heat_map(drawn, [row[0] for row in rows], names, telling.say("axis.months_after"), mirrored=telling.mirrored),
        type(table)(table.caption, columns, tuple(tuple(row) for row in rows), folded=True),
        note=True,
    )


def _cohorts_finding(telling: Telling, cells: tuple[Measure, ...], months: list[int]) -> str:
    """Return what came of the customers of all cohorts after one month and after the last that several reached."""
    found = {}
    for month in months:
        of_month = [each for each in cells if each.of("month") == str(month)]
        customers = sum(each.n or 0 for each in of_month)
        if customers and len(of_month) >= min(SEVERAL, len(cells)):
            found[month] = sum((each.value or 0.0) * (each.n or 0) for each in of_month) / customers
    if not found:
        return telling.title("retention_cohort")
    first, last = min(found), max(found)
    key = "find.cohorts" if last > first else "find.cohorts_short"
    return telling.say(
        key,
        last,
        month=telling.numbers.count(first),
        first=telling.numbers.share(found[first]),
        months=telling.numbers.count(last),
        last=telling.numbers.share(found[last]),
    )


def _survival(telling: Telling) -> Iterator[Block]:
    points = telling.all("survival", "days")
    if len(points) < SEVERAL:
        return
    stride = -(-len(points) // MOST_STEPS)
    kept = [each for number, each in enumerate(points) if number % stride == 0 or number == len(points) - 1]
    kept = kept[: MOST_STEPS + 1]
    steps = [Step(float(each.of("days") or 0), each.value or 0.0, each.lo, each.hi) for each in kept]
    median = telling.of("survival_median")
    last = steps[-1]
    if median is not None and median.value is not None:
        finding = telling.say("find.survival", days=telling.written(median.name, median.value))
    elif (once := telling.of("lapsed_after_first")) is not None and (once.value or 0.0) >= HALF:
        finding = telling.say("find.survival_once", share=telling.numbers.share(once.value or 0.0))
    else:
        finding = telling.say(
            "find.survival_open",
            share=telling.numbers.share(last.y),
            days=telling.say("unit.days", last.x, days=telling.numbers.count(last.x)),
        )
    rows = [
        (
            telling.numbers.count(float(each.of("days") or 0)),
            telling.written(each.name, each.value, exact=True),
            telling.between(each.name, each.lo, each.hi),
            "" if each.n is None else telling.numbers.count(each.n),
        )
        for each in kept
    ]
    yield telling.figure(
        finding,
        "survival",
        step_chart(
            steps,
            ruler([last.x], telling.numbers.count, telling.say("axis.tenure")),
            ruler([0.0, 1.0], telling.numbers.share),
            half=median.value if median is not None and (median.value or 0) <= last.x else None,
            mirrored=telling.mirrored,
        ),
        telling.table(telling.say("table.survival"), ("days", "share", "interval", "at_risk"), rows),
        note=True,
    )


def _states(telling: Telling) -> Iterator[Block]:
    states = telling.all("lifecycle_stage", "state")
    total = sum(each.value or 0.0 for each in states)
    if not total:
        return
    there = sum(each.value or 0.0 for each in states if each.of("state") in IN_RHYTHM)
    bars = [
        Bar(
            telling.called("state", each.of("state") or ""),
            each.value or 0.0,
            telling.written(each.name, each.value),
            "accent" if each.of("state") in IN_RHYTHM else "muted",
        )
        for each in states
    ]
    finding = telling.say(
        "find.states",
        there,
        there=telling.numbers.count(there),
        all=telling.numbers.count(total),
        share=telling.numbers.share(there / total),
        lapsed=telling.numbers.count(telling.number("lifecycle_stage", state="lapsed")),
    )
    table = telling.slices_table(telling.title("lifecycle_stage"), "state", states)
    finding = telling.unless_hidden(
        finding, "lifecycle_stage", whole={*IN_RHYTHM, *FELL_OUT} <= {each.of("state") for each in states}
    )
    yield telling.figure(finding, "states", bar_chart(bars, mirrored=telling.mirrored), table)


def _flows(telling: Telling) -> Iterator[Block]:
    flows = telling.all("active_customer_flow", "month", "kind")
    months = list(dict.fromkeys(each.of("month") or "" for each in flows))
    if not months:
        return
    by = {(each.of("month"), each.of("kind")): each.value or 0.0 for each in flows}
    came = [sum(by.get((month, kind), 0.0) for kind in CAME) for month in months]
    lost = [by.get((month, "lost"), 0.0) for month in months]
    columns = [
        Column(telling.numbers.month(month) if number % NAMED_EVERY == len(months) % NAMED_EVERY else "", up, down)
        for number, (month, up, down) in enumerate(zip(months, came, lost, strict=True))
    ]
    legend = telling.say("legend.came"), telling.say("legend.fell_out")
    rows = [
        (telling.numbers.month(month), *(telling.numbers.count(by.get((month, kind), 0.0)) for kind in FLOW_COLUMNS))
        for month in months
    ]
    yield telling.figure(
        telling.say(
            "find.flows",
            len(months),
            months=telling.numbers.count(len(months)),
            came=telling.numbers.count(sum(came)),
            lost=telling.numbers.count(sum(lost)),
        ),
        "flows",
        column_chart(
            columns,
            ruler([*came, *(-each for each in lost)], telling.numbers.count),
            ((legend[0], "accent"), (legend[1], "muted")),
            mirrored=telling.mirrored,
        ),
        telling.table(telling.title("active_customer_flow"), ("month", *FLOW_COLUMNS), rows),
    )


FLOW_COLUMNS = ("new", "reactivated", "retained", "lost", "active")
"""Kinds in the table of flows."""


def _concentration(telling: Telling) -> Iterator[Block]:
    top, gini = telling.of("top_quintile_share"), telling.of("gini")
    if top is None or top.value is None:
        return
    rest = 1.0 - top.value
    bars = [
        Bar(telling.say("bar.best_fifth"), top.value, telling.numbers.share(top.value, 1), "accent"),
        Bar(telling.say("bar.others"), rest, telling.numbers.share(rest, 1), "muted"),
    ]
    yield telling.figure(
        telling.say("find.concentration", share=telling.numbers.share(top.value)),
        "concentration",
        bar_chart(bars, mirrored=telling.mirrored),
        telling.measures_table(
            telling.say("table.concentration"), [each for each in (top, gini) if each is not None], folded=True
        ),
    )


def _parties(telling: Telling) -> Iterator[Block]:
    customers = telling.all("party_customers", "party_type")
    revenue = {each.of("party_type"): each for each in telling.all("party_revenue", "party_type")}
    if not customers:
        return
    rows = []
    for each in customers:
        party = each.of("party_type") or ""
        money = revenue.get(party)
        rows.append(
            (
                telling.called("party_type", party),
                telling.written(each.name, each.value),
                telling.written("party_revenue", money.value if money else None, exact=True),
                telling.written("party_revenue", money.change, exact=True, signed=True)
                if money and money.change is not None
                else "",
            )
        )
    yield telling.table(
        telling.say("table.parties"), ("party_type", "customers", "revenue", "change"), rows, folded=False
    )
