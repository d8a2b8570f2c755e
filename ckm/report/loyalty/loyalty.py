"""Satisfaction, the matrix of behaviour and attitude, and who is loyal by which rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.report.bar_charts import Spot, spot_chart
from ckm.report.document import Column, Section, Table
from ckm.report.grid_charts import Box, matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.metrics.metric import Measure
    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

SCALES = {"nps": ("nps_0_10", -100.0, 100.0), "csat": ("csat_1_5", 0.0, 1.0), "ces": ("ces_1_7", 1.0, 7.0)}
"""Measures of satisfaction: the scale of the answers, and the worst and the best that the measure can be."""
CELLS = ("spurious", "true", "none", "latent")
"""Of the matrix in reading order: behaviour high above low, attitude low before high."""
MOST_LISTED = 20
"""Loyal customers on the page; the workbook and the machine formats have all."""


def loyalty_section(telling: Telling) -> Section:
    """Return satisfaction with its intervals, the loyalty matrix and the list of loyal customers."""
    return Section(telling.say("section.loyalty"), tuple(_blocks(telling)))


def _blocks(telling: Telling) -> Iterator[Block]:
    yield from telling.missing("loyalty")
    yield from _satisfaction(telling)
    yield from _matrix(telling)
    yield from _rules(telling)
    yield from _list(telling)


def _satisfaction(telling: Telling) -> Iterator[Block]:
    found = [measure for name in SCALES if (measure := telling.of(name)) is not None]
    if not found:
        return
    spots, rows = [], []
    for each in found:
        scale, worst, best = SCALES[each.name]
        now, low, high, before = (
            None if end is None else (end - worst) / (best - worst)
            for end in (each.value, each.lo, each.hi, each.previous)
        )
        name, text = telling.title(each.name), telling.written(each.name, each.value)
        spots.append(Spot(name, text, now or 0.0, low, high, before))
        answers, asked = telling.of("responses", scale=scale), telling.of("response_rate", scale=scale)
        rows.append(
            (
                telling.title(each.name),
                telling.written(each.name, each.value, exact=True),
                telling.between(each.name, each.lo, each.hi),
                telling.written(each.name, each.previous, exact=True),
                telling.numbers.count(each.n or 0) if answers is None else telling.written("responses", answers.value),
                telling.written("response_rate", None if asked is None else asked.value, exact=True),
            )
        )
    yield telling.figure(
        _satisfaction_finding(telling, found[0]),
        "satisfaction",
        spot_chart(spots, mirrored=telling.mirrored),
        telling.table(
            telling.say("table.satisfaction"),
            ("measure", "value", "interval", "previous", "responses", "response_rate"),
            rows,
        ),
        note=True,
    )


def _satisfaction_finding(telling: Telling, first: Measure) -> str:
    values = {
        "value": telling.written(first.name, first.value),
        "interval": telling.between(first.name, first.lo, first.hi, exact=False),
    }
    if first.name != "nps":
        return telling.say(f"find.{first.name}", **values)
    low = first.value if first.lo is None else first.lo
    high = first.value if first.hi is None else first.hi
    if low is not None and low > 0:
        return telling.say("find.nps_up", **values)
    if high is not None and high < 0:
        return telling.say("find.nps_down", **values)
    return telling.say("find.nps_same", **values)


def _matrix(telling: Telling) -> Iterator[Block]:
    counts = {each.of("loyalty"): each.value or 0.0 for each in telling.all("loyalty_matrix_cell", "loyalty")}
    total = sum(counts.values())
    if not total:
        return
    revenue = {each.of("loyalty"): each.value for each in telling.all("loyalty_matrix_cell_revenue", "loyalty")}
    most = max(counts.values())
    boxes = [
        Box(
            telling.called("loyalty", cell),
            telling.say(
                "bar.cell",
                customers=telling.numbers.count(counts.get(cell, 0.0)),
                share=telling.numbers.share(counts.get(cell, 0.0) / total),
            ),
            telling.say(f"cell.{cell}"),
            counts.get(cell, 0.0) / most,
        )
        for cell in CELLS
    ]
    rows = [
        (
            telling.called("loyalty", cell),
            telling.say(f"cell.{cell}"),
            telling.numbers.count(counts.get(cell, 0.0)),
            telling.numbers.share(counts.get(cell, 0.0) / total, 1),
            telling.written("loyalty_matrix_cell_revenue", revenue.get(cell), exact=True),
        )
        for cell in ("true", "spurious", "latent", "none")
    ]
    titles = ("loyalty", "meaning", "customers", "share", "revenue")
    columns = tuple(Column(telling.say(f"column.{key}"), numeric=number > 1) for number, key in enumerate(titles))
    finding = telling.say(
        "find.matrix",
        counts.get("true", 0.0),
        true=telling.numbers.count(counts.get("true", 0.0)),
        all=telling.numbers.count(total),
        share=telling.numbers.share(counts.get("true", 0.0) / total),
        spurious=telling.numbers.count(counts.get("spurious", 0.0)),
    )
    yield telling.figure(
        telling.unless_hidden(finding, "loyalty_matrix_cell", whole=counts.keys() >= set(CELLS)),
        "matrix",
        matrix(boxes, mirrored=telling.mirrored),
        Table(telling.say("table.matrix"), columns, tuple(rows), folded=True),
        note=True,
    )


def _rules(telling: Telling) -> Iterator[Block]:
    rules = telling.all("loyal_customers", "rule")
    if rules:
        yield telling.slices_table(telling.title("loyal_customers"), "rule", rules, folded=False)


def _list(telling: Telling) -> Iterator[Block]:
    loyal = telling.report.loyal
    if loyal.is_empty():
        return
    named = telling.report.names and "display_name" in loyal.columns
    keys = ("customer", *(("name",) if named else ()), "rule", "orders", "revenue", "last_purchase", "attitude")
    numeric = {"orders", "revenue", "last_purchase"}
    rows = []
    for row in loyal.head(MOST_LISTED).iter_rows(named=True):
        last = row["last_purchase"]
        rows.append(
            (
                telling.raw(row["customer_id"]),
                *((telling.raw(row["display_name"] or ""),) if named else ()),
                telling.called("rule", row["rule"]),
                telling.numbers.count(row["orders"]),
                telling.written("revenue", row["revenue"], exact=True),
                "" if last is None else telling.numbers.short_day(last),
                attitude_text(telling, row["attitude"]),
            )
        )
    caption = telling.say(
        "table.loyal",
        loyal.height,
        all=telling.numbers.count(loyal.height),
        shown=telling.numbers.count(len(rows)),
    )
    columns = tuple(Column(telling.say(f"column.{key}"), numeric=key in numeric) for key in keys)
    yield Table(caption, columns, tuple(rows), folded=True)


def attitude_text(telling: Telling, attitude: str | None) -> str:
    """Return the newest rating of a customer, written ``scale=rating`` in the list, as a person reads it."""
    if not attitude:
        return ""
    scale, found, rating = attitude.partition("=")
    if not found:
        return telling.called("attitude", attitude)
    try:
        shown = telling.numbers.decimal(float(rating), 0)
    except ValueError:
        return telling.raw(attitude)
    return telling.say("bar.rating", scale=telling.called("scale", scale), rating=shown)
