"""Report section on growth potential: current value, potential value and expected spend of customers."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from ckm._loyalty.localized import NOTHING
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.chart_look import ruler
from ckm.render.document import Text
from ckm.render.time_charts import TimeColumn, column_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

NUMBERS = (
    "current_value",
    "potential_value",
    "peak_year_value",
    "clv",
    "clv_mean",
    "clv_past_error",
    "clv_past_days",
    "clv_past_coverage",
    "independence",
    "wallet_share",
)
VALUE_SEGMENTS = ("protect", "grow", "maintain", "monitor")
"""Value segments of ``ckm segment --by value``, highest current value first."""
DEVIATIONS = 1.96
"""Standard deviations around the mean that hold 95 % of normal values."""


def value_numbers(localized: LocalizedReport) -> Iterator[Block]:
    """Return a sentence on the customer lifetime value, and a folded table of the metrics of the section."""
    value = localized.of("clv")
    if value is not None:
        interval = localized.between("clv", value.lo, value.hi, exact=False)
        key = "find.clv" if interval else "find.clv_open"
        mean = localized.of("clv_mean")
        yield Text(
            localized.say(
                key,
                value=localized.written("clv", value.value),
                interval=interval,
                mean=localized.written("clv_mean", None if mean is None else mean.value),
            )
        )
    numbers = [metric for name in NUMBERS if (metric := localized.of(name)) is not None]
    if numbers:
        yield localized.metrics_table(localized.say("table.growth_potential"), numbers, folded=True)


def headroom(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the upsell potential by value segment."""
    by_segment = localized.parts("headroom", "segment", VALUE_SEGMENTS)
    total = sum(each.value or 0.0 for each in by_segment)
    if total <= 0:
        return
    is_whole = all(each.value is not None for each in by_segment)
    customers = {each.of("segment"): each.value for each in localized.all("headroom_customers", "segment")}
    bars = [
        Bar(
            localized.called("value_segment", each.of("segment") or ""),
            each.value or 0.0,
            localized.written(each.name, each.value),
            "muted",
        )
        for each in by_segment
    ]
    largest = max(by_segment, key=lambda each: each.value or 0.0)
    position = by_segment.index(largest)
    bars[position] = Bar(bars[position].name, bars[position].value, bars[position].text, "accent")
    rows = [
        (
            bar.name,
            localized.written("headroom_customers", customers.get(each.of("segment"))),
            localized.written(each.name, each.value, exact=True),
            localized.numbers.share((each.value or 0.0) / total, 1) if is_whole else NOTHING,
        )
        for bar, each in zip(bars, by_segment, strict=True)
    ]
    finding = localized.say(
        "find.headroom",
        headroom=localized.written("headroom", total),
        segment=bars[position].name,
        share=localized.numbers.share((largest.value or 0.0) / total),
    )
    yield localized.figure(
        localized.unless_hidden(finding, "headroom", whole=is_whole),
        "headroom",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.table(localized.title("headroom"), ("segment", "customers", "headroom", "share"), rows),
        note=True,
    )


def lifetime_value(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the share of lifetime value by decile of the customers."""
    tenths = localized.all("clv_share", "tenth")
    if not tenths:
        return
    columns = [
        TimeColumn(localized.numbers.count(int(each.of("tenth") or 0)), max(0.0, each.value or 0.0)) for each in tenths
    ]
    best = tenths[0]
    yield localized.figure(
        localized.say("find.lifetime", share=localized.numbers.share(best.value or 0.0)),
        "lifetime",
        column_chart(
            columns,
            ruler([column.up for column in columns], localized.numbers.share),
            ((localized.say("legend.clv_share"), "accent"),),
            mirrored=localized.mirrored,
        ),
        localized.table(
            localized.title("clv_share"),
            ("tenth", "share"),
            [
                (column.name, localized.numbers.share(each.value or 0.0, 1))
                for column, each in zip(columns, tenths, strict=True)
            ],
        ),
        note=True,
    )


def past_spend(localized: LocalizedReport) -> Iterator[Block]:
    """Return a sentence on the backtest of the spend forecast, and the table of its model weights."""
    days, error = localized.of("clv_past_days"), localized.of("clv_past_error")
    expected, came = (localized.of("clv_past_spend", what=what) for what in ("predicted", "actual"))
    if days is None or error is None or expected is None or came is None:
        return
    off = (expected.value or 0.0) / came.value - 1 if came.value else 0.0
    yield Text(
        localized.say(
            "find.clv_past",
            days=localized.numbers.count(days.value or 0.0),
            expected=localized.written("clv_past_spend", expected.value),
            came=localized.written("clv_past_spend", came.value),
            off=localized.numbers.share(off, 1, signed=True),
            error=localized.written("clv_past_error", error.value),
        )
    )
    weights = localized.all("clv_weight", "model")
    rows = [
        (localized.called("model", each.of("model") or ""), localized.written("clv_weight", each.value, exact=True))
        for each in weights
    ]
    yield localized.table(localized.title("clv_weight"), ("model", "share"), rows)


def holdout(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of expected and actual orders in the holdout, and a table of the models."""
    orders = localized.all("holdout_orders", "tenth", "what")
    by = {(each.of("tenth"), each.of("what")): each.value or 0.0 for each in orders}
    money = {
        (each.of("tenth"), each.of("what")): each.value for each in localized.all("holdout_money", "tenth", "what")
    }
    tenths = list(dict.fromkeys(each.of("tenth") or "" for each in orders))
    if not tenths:
        return
    came = [by.get((tenth, "actual"), 0.0) for tenth in tenths]
    expected = [by.get((tenth, "predicted"), 0.0) for tenth in tenths]
    columns = [
        TimeColumn(localized.numbers.count(int(tenth)), up, mark=mark)
        for tenth, up, mark in zip(tenths, came, expected, strict=True)
    ]
    rows = [
        (
            column.name,
            localized.numbers.decimal(mark, 0),
            localized.numbers.count(column.up),
            localized.written("holdout_money", money.get((tenth, "predicted"))),
            localized.written("holdout_money", money.get((tenth, "actual"))),
        )
        for tenth, column, mark in zip(tenths, columns, expected, strict=True)
    ]
    yield localized.figure(
        _holdout_finding(localized, sum(expected), sum(came)),
        "holdout",
        column_chart(
            columns,
            ruler([*came, *expected], localized.numbers.count),
            ((localized.say("legend.came_orders"), "muted"), (localized.say("legend.expected_orders"), "accent")),
            tones=("muted", "muted", "accent"),
            mirrored=localized.mirrored,
        ),
        localized.table(
            localized.say("table.holdout"),
            ("tenth", "expected_orders", "came_orders", "expected_money", "came_money"),
            rows,
        ),
        note=True,
    )
    yield from _models(localized)


def _models(localized: LocalizedReport) -> Iterator[Block]:
    totals = localized.all("holdout_total_orders", "model", "what")
    by = {(each.of("model"), each.of("what")): each.value or 0.0 for each in totals}
    models = list(dict.fromkeys(each.of("model") or "" for each in totals))
    if models:
        rows = [
            (
                localized.called("model", model),
                localized.numbers.count(by.get((model, "predicted"), 0.0)),
                localized.numbers.count(by.get((model, "actual"), 0.0)),
            )
            for model in models
        ]
        caption = localized.title("holdout_total_orders")
        yield localized.table(caption, ("model", "expected_orders", "came_orders"), rows)


def _holdout_finding(localized: LocalizedReport, expected: float, came: float) -> str:
    chance = DEVIATIONS * sqrt(max(came, 1.0))
    how = "right" if abs(came - expected) <= chance else "low" if expected < came else "high"
    return localized.say(
        f"find.holdout_{how}",
        expected=localized.numbers.count(expected),
        came=localized.numbers.count(came),
        off=localized.numbers.share(abs(expected / came - 1) if came else 1.0),
    )
