"""Report section on satisfaction, the loyalty matrix, and loyal customers with the rule for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._loyalty.localized import NOTHING
from ckm.metrics.loyalty_rules import load_loyalty_rules
from ckm.render.bar_charts import Spot, spot_chart
from ckm.render.document import ReportTable, TableColumn
from ckm.render.grid_charts import Box, matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.metric import Metric
    from ckm.render.document import Block

SCALES = {"nps": ("nps_0_10", -100.0, 100.0), "csat": ("csat_1_5", 0.0, 1.0), "ces": ("ces_1_7", 1.0, 7.0)}
"""Rating scale, worst and best value of each satisfaction metric."""
CELLS = ("spurious", "true", "none", "latent")
"""Cells of the matrix in reading order: high behaviour above low, low attitude before high."""
MOST_LISTED = 20
"""Maximum number of loyal customers on the page; the workbook and machine formats have all."""


def satisfaction(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of NPS, CSAT and CES with their intervals, each on its scale."""
    found = [metric for name in SCALES if (metric := localized.of(name)) is not None]
    if not found:
        return
    spots, rows = [], []
    for each in found:
        scale, worst, best = SCALES[each.name]
        now, low, high, before = (
            None if end is None else (end - worst) / (best - worst)
            for end in (each.value, each.lo, each.hi, each.previous)
        )
        name, text = localized.title(each.name), localized.written(each.name, each.value)
        spots.append(Spot(name, text, now or 0.0, low, high, before))
        answers, asked = localized.of("responses", scale=scale), localized.of("response_rate", scale=scale)
        rows.append(
            (
                localized.title(each.name),
                localized.written(each.name, each.value, exact=True),
                localized.between(each.name, each.lo, each.hi),
                localized.written(each.name, each.previous, exact=True),
                localized.numbers.count(each.n or 0)
                if answers is None
                else localized.written("responses", answers.value),
                localized.written("response_rate", None if asked is None else asked.value, exact=True),
            )
        )
    yield localized.figure(
        _satisfaction_finding(localized, found[0]),
        "satisfaction",
        spot_chart(spots, mirrored=localized.mirrored),
        localized.table(
            localized.say("table.satisfaction"),
            ("metric", "value", "interval", "previous", "responses", "response_rate"),
            rows,
        ),
        note=True,
    )


def _satisfaction_finding(localized: LocalizedReport, first: Metric) -> str:
    values = {
        "value": localized.written(first.name, first.value),
        "interval": localized.between(first.name, first.lo, first.hi, exact=False),
    }
    if first.name != "nps":
        return localized.say(f"find.{first.name}", **values)
    low = first.value if first.lo is None else first.lo
    high = first.value if first.hi is None else first.hi
    if low is not None and low > 0:
        return localized.say("find.nps_up", **values)
    if high is not None and high < 0:
        return localized.say("find.nps_down", **values)
    return localized.say("find.nps_same", **values)


def loyalty_matrix(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the loyalty matrix: customers by behaviour and attitude."""
    cells = localized.parts("loyalty_matrix_cell", "loyalty", CELLS)
    counts = dict.fromkeys(CELLS, 0.0) | {each.of("loyalty") or "": each.value for each in cells}
    total = sum(each or 0.0 for each in counts.values())
    if not total:
        return
    revenue = {each.of("loyalty"): each.value for each in localized.all("loyalty_matrix_cell_revenue", "loyalty")}
    most = max(each or 0.0 for each in counts.values())
    boxes = []
    for cell, count in counts.items():
        text = localized.written("loyalty_matrix_cell", count)
        if (share := _share(localized, count, counts)) != NOTHING:
            text = localized.say("bar.cell", customers=text, share=share)
        name, meaning = localized.called("loyalty", cell), localized.say(f"cell.{cell}")
        boxes.append(Box(name, text, meaning, (count or 0.0) / most))
    rows = tuple(
        (
            localized.called("loyalty", cell),
            localized.say(f"cell.{cell}"),
            localized.written("loyalty_matrix_cell", counts[cell]),
            _share(localized, counts[cell], counts, digits=1),
            localized.written("loyalty_matrix_cell_revenue", revenue.get(cell), exact=True),
        )
        for cell in ("true", "spurious", "latent", "none")
    )
    titles = ("loyalty", "meaning", "customers", "share", "revenue")
    columns = tuple(
        TableColumn(localized.say(f"column.{key}"), numeric=number > 1) for number, key in enumerate(titles)
    )
    yield localized.figure(
        _matrix_finding(localized, counts, total),
        "matrix",
        matrix(boxes, mirrored=localized.mirrored),
        ReportTable(localized.say("table.matrix"), columns, rows, folded=True),
        note=True,
    )


def _share(localized: LocalizedReport, count: float | None, counts: dict[str, float | None], digits: int = 0) -> str:
    """Return a share of the customers with a rating; a dash if a count, and with it the total, is suppressed."""
    known = [each for each in counts.values() if each is not None]
    return NOTHING if count is None or len(known) < len(counts) else localized.numbers.share(count / sum(known), digits)


def _matrix_finding(localized: LocalizedReport, counts: dict[str, float | None], total: float) -> str:
    finding = localized.say(
        "find.matrix",
        counts["true"],
        true=localized.written("loyalty_matrix_cell", counts["true"]),
        all=localized.numbers.count(total),
        share=_share(localized, counts["true"], counts),
        spurious=localized.written("loyalty_matrix_cell", counts["spurious"]),
    )
    return localized.unless_hidden(finding, "loyalty_matrix_cell", whole=None not in counts.values())


def loyalty_rules(localized: LocalizedReport) -> Iterator[Block]:
    """Return the table of loyal customers by rule."""
    rules = localized.parts("loyal_customers", "rule", [each.name for each in load_loyalty_rules().rules])
    if rules:
        yield localized.slices_table(localized.title("loyal_customers"), "rule", rules)


def loyal_list(localized: LocalizedReport) -> Iterator[Block]:
    """Return the table of loyal customers, highest revenue first."""
    loyal = localized.report.loyal
    if loyal.is_empty():
        return
    named = localized.report.names and "display_name" in loyal.columns
    keys = ("customer", *(("name",) if named else ()), "rule", "orders", "revenue", "last_purchase", "attitude")
    numeric = {"orders", "revenue", "last_purchase"}
    rows = []
    for row in loyal.head(MOST_LISTED).iter_rows(named=True):
        last = row["last_purchase"]
        rows.append(
            (
                localized.raw(row["customer_id"]),
                *((localized.raw(row["display_name"] or ""),) if named else ()),
                localized.called("rule", row["rule"]),
                localized.numbers.count(row["orders"]),
                localized.written("revenue", row["revenue"], exact=True),
                "" if last is None else localized.numbers.short_day(last),
                attitude_text(localized, row["attitude"]),
            )
        )
    caption = localized.say(
        "table.loyal",
        loyal.height,
        all=localized.numbers.count(loyal.height),
        shown=localized.numbers.count(len(rows)),
    )
    columns = tuple(TableColumn(localized.say(f"column.{key}"), numeric=key in numeric) for key in keys)
    yield ReportTable(caption, columns, tuple(rows), folded=True)
    yield from localized.pseudonym_note(loyal["customer_id"].head(MOST_LISTED))


def attitude_text(localized: LocalizedReport, attitude: str | None) -> str:
    """Return the newest rating ``scale=rating`` as a text; empty without one."""
    if not attitude:
        return ""
    scale, found, rating = attitude.partition("=")
    if not found:
        return localized.called("attitude", attitude)
    try:
        shown = localized.numbers.decimal(float(rating), 0)
    except ValueError:
        return localized.raw(attitude)
    return localized.say("bar.rating", scale=localized.called("scale", scale), rating=shown)
