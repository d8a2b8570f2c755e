"""Report section on value at risk and its reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm._churn.warning_levels import LEVELS
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.document import ReportTable, TableColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

MOST_REASONS = 8
MOST_LISTED = 15
"""Maximum number of customers at risk on the page; the export has all."""


def value_at_risk(localized: LocalizedReport) -> float | None:
    """Return the value at risk of all warning levels; None if it is missing or a level is suppressed."""
    total = localized.of("value_at_risk")
    if total is not None:
        return total.value
    levels = localized.all("value_at_risk", "level")
    return sum(each.value or 0.0 for each in levels) if len(levels) == len(LEVELS) else None


def at_risk_list(localized: LocalizedReport) -> Iterator[Block]:
    """Return the table of customers at risk who may be contacted, largest value at risk first."""
    at_risk = localized.report.at_risk
    if at_risk.is_empty():
        return
    named = localized.report.names and "display_name" in at_risk.columns
    keys = ("customer", *(("name",) if named else ()), "level", "value_at_risk", "reason", "last_purchase")
    rows = []
    for row in at_risk.head(MOST_LISTED).iter_rows(named=True):
        last = row["last_purchase"]
        rows.append(
            (
                localized.raw(row["customer_id"]),
                *((localized.raw(row["display_name"] or ""),) if named else ()),
                localized.called("level", row["level"]),
                localized.written("value_at_risk", row["value_at_risk"], exact=True),
                localized.called("reason", row["reason"]) if row["reason"] else "",
                "" if last is None else localized.numbers.short_day(last),
            )
        )
    caption = localized.say(
        "table.at_risk",
        at_risk.height,
        all=localized.numbers.count(at_risk.height),
        shown=localized.numbers.count(len(rows)),
    )
    numeric = {"value_at_risk", "last_purchase"}
    columns = tuple(TableColumn(localized.say(f"column.{key}"), numeric=key in numeric) for key in keys)
    yield ReportTable(caption, columns, tuple(rows))
    yield from localized.pseudonym_note(at_risk["customer_id"].head(MOST_LISTED))


def risk_numbers(localized: LocalizedReport) -> Iterator[Block]:
    """Return tables of value at risk by segment, and of the share without a knowledge entry."""
    segments = localized.all("value_at_risk_segment", "segment")
    if segments:
        yield localized.slices_table(localized.title("value_at_risk_segment"), "segment", segments)
    unanswered = localized.of("unanswered_share")
    if unanswered is not None:
        yield localized.metrics_table(localized.title(unanswered.name), [unanswered], folded=True)


def risk_levels(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of value at risk by warning level."""
    levels = localized.parts("value_at_risk", "level", tuple(reversed(LEVELS)))
    if not any(each.value for each in levels):  # no customer is at risk, or all levels are suppressed
        return
    customers = {each.of("level"): each.value for each in localized.all("customers_at_risk", "level")}
    most = max(levels, key=lambda each: each.value or 0.0)
    bars = [
        Bar(
            localized.called("level", each.of("level") or ""),
            each.value or 0.0,
            localized.written(each.name, each.value),
            "accent" if each is most else "muted",
        )
        for each in levels
    ]
    rows = [
        (
            bar.name,
            localized.written("customers_at_risk", customers.get(each.of("level"))),
            localized.written(each.name, each.value, exact=True),
        )
        for bar, each in zip(bars, levels, strict=True)
    ]
    total = value_at_risk(localized)
    written = localized.written("value_at_risk", total)
    if all(each.value is not None for each in levels) or not localized.has_hidden("churn"):
        urgent = localized.number("customers_at_risk", level="urgent")
        count, level = localized.numbers.count(urgent), localized.called("level", "urgent")
        finding = localized.say("find.risk", urgent, total=written, customers=count, level=level)
    else:
        finding = localized.title("value_at_risk") if total is None else localized.say("find.risk_total", total=written)
    yield localized.figure(
        finding,
        "risk",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.table(localized.title("value_at_risk"), ("level", "customers", "value_at_risk"), rows),
        note=True,
    )


def churn_drivers(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of value at risk by top churn driver."""
    reasons = sorted(localized.all("reason_value", "reason"), key=lambda each: -(each.value or 0.0))
    total = sum(each.value or 0.0 for each in reasons)
    if total <= 0:
        return
    bars = [
        Bar(
            localized.called("reason", each.of("reason") or ""),
            each.value or 0.0,
            localized.written(each.name, each.value),
            "muted" if number else "accent",
        )
        for number, each in enumerate(reasons[:MOST_REASONS])
    ]
    if rest := sum(each.value or 0.0 for each in reasons[MOST_REASONS:]):
        bars.append(Bar(localized.called("reason", "rest"), rest, localized.written("reason_value", rest), "muted"))
    whole = value_at_risk(localized)
    bars += localized.suppressed_bar(reasons, whole)
    # the rest of the value at risk is of suppressed reasons, each of which may be as large as the rest
    first = reasons[0].value or 0.0
    surely_first = whole is not None and whole - total <= first
    unanswered = localized.of("unanswered_share")
    values = {"reason": bars[0].name, "share": localized.numbers.share(first / max(whole or 0.0, total))}
    finding = localized.say("find.reasons", **values)
    if unanswered is not None and unanswered.value:
        finding += localized.say("unit.gap") + localized.say(
            "find.unanswered", share=localized.numbers.share(unanswered.value)
        )
    yield localized.figure(
        localized.unless_hidden(finding, "reason_value", whole=surely_first),
        "reasons",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.slices_table(localized.title("reason_value"), "reason", reasons),
        note=True,
    )
