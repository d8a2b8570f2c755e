"""Report section on cohorts: retention of new customers by month, and the survival curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.render.chart_look import ruler
from ckm.render.grid_charts import Cell, heat_map
from ckm.render.time_charts import Step, step_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.metric import Metric
    from ckm.render.document import Block

MOST_COHORTS = 13
MOST_STEPS = 60
"""Maximum number of points of the curve."""
SEVERAL = 2
HALF = 0.5


def cohort_retention(localized: LocalizedReport) -> Iterator[Block]:
    """Return the heat map of cohort retention."""
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
    """Return a sentence on the mean retention after one month, and after the last month that several cohorts have."""
    found = {}
    for month in months:
        of_month = [each for each in cells if each.of("month") == str(month)]
        customers = sum(each.n or 0 for each in of_month)
        if customers and len(of_month) >= min(SEVERAL, len(cells)):
            found[month] = sum((each.value or 0.0) * (each.n or 0) for each in of_month) / customers
    if not found:
        return localized.say("table.retention")
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


def survival_curve(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the survival curve."""
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
