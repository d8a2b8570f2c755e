"""Purchasing capacity: what customers bring, what they could bring, and what they are expected to bring."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from ckm.report.bar_charts import Bar, bar_chart
from ckm.report.chart_look import ruler
from ckm.report.document import Section, Text
from ckm.report.time_charts import Column, column_chart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

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
DEVIATIONS = 1.96
"""Of a Poisson count, within which 95 % of the counts lie that come by chance."""


def capacity_section(telling: Telling) -> Section:
    """Return headroom by segment, the lifetime value, and how its model did in the holdout."""
    return Section(telling.say("section.capacity"), tuple(_blocks(telling)))


def _blocks(telling: Telling) -> Iterator[Block]:
    yield from telling.missing("growth_potential")
    numbers = [measure for name in NUMBERS if (measure := telling.of(name)) is not None]
    if numbers:
        yield telling.measures_table(telling.say("table.growth_potential"), numbers)
    yield from _headroom(telling)
    yield from _lifetime(telling)
    yield from _past_spend(telling)
    yield from _holdout(telling)


def _headroom(telling: Telling) -> Iterator[Block]:
    room = telling.all("headroom", "segment")
    total = sum(each.value or 0.0 for each in room)
    if total <= 0:
        return
    customers = {each.of("segment"): each.value for each in telling.all("headroom_customers", "segment")}
    bars = [
        Bar(
            telling.called("value_segment", each.of("segment") or ""),
            each.value or 0.0,
            telling.written(each.name, each.value),
            "muted",
        )
        for each in room
    ]
    largest = max(room, key=lambda each: each.value or 0.0)
    position = room.index(largest)
    bars[position] = Bar(bars[position].name, bars[position].value, bars[position].text, "accent")
    rows = [
        (
            bar.name,
            telling.written("headroom_customers", customers.get(each.of("segment"))),
            telling.written(each.name, each.value, exact=True),
            telling.numbers.share((each.value or 0.0) / total, 1),
        )
        for bar, each in zip(bars, room, strict=True)
    ]
    finding = telling.say(
        "find.headroom",
        headroom=telling.written("headroom", total),
        segment=bars[position].name,
        share=telling.numbers.share((largest.value or 0.0) / total),
    )
    yield telling.figure(
        telling.unless_hidden(finding, "headroom"),
        "headroom",
        bar_chart(bars, mirrored=telling.mirrored),
        telling.table(telling.title("headroom"), ("segment", "customers", "headroom", "share"), rows),
        note=True,
    )


def _lifetime(telling: Telling) -> Iterator[Block]:
    tenths = telling.all("clv_share", "tenth")
    if not tenths:
        return
    columns = [
        Column(telling.numbers.count(int(each.of("tenth") or 0)), max(0.0, each.value or 0.0)) for each in tenths
    ]
    best = tenths[0]
    yield telling.figure(
        telling.say("find.lifetime", share=telling.numbers.share(best.value or 0.0)),
        "lifetime",
        column_chart(
            columns,
            ruler([column.up for column in columns], telling.numbers.share),
            ((telling.say("legend.clv_share"), "accent"),),
            mirrored=telling.mirrored,
        ),
        telling.table(
            telling.title("clv_share"),
            ("tenth", "share"),
            [
                (column.name, telling.numbers.share(each.value or 0.0, 1))
                for column, each in zip(columns, tenths, strict=True)
            ],
        ),
        note=True,
    )


def _past_spend(telling: Telling) -> Iterator[Block]:
    """Of what the expected spend is made, and how right it was in the last days."""
    days, error = telling.of("clv_past_days"), telling.of("clv_past_error")
    expected, came = (telling.of("clv_past_spend", what=what) for what in ("predicted", "actual"))
    if days is None or error is None or expected is None or came is None:
        return
    off = (expected.value or 0.0) / came.value - 1 if came.value else 0.0
    yield Text(
        telling.say(
            "find.clv_past",
            days=telling.numbers.count(days.value or 0.0),
            expected=telling.written("clv_past_spend", expected.value),
            came=telling.written("clv_past_spend", came.value),
            off=telling.numbers.share(off, 1, signed=True),
            error=telling.written("clv_past_error", error.value),
        )
    )
    weights = telling.all("clv_weight", "model")
    rows = [
        (telling.called("model", each.of("model") or ""), telling.written("clv_weight", each.value, exact=True))
        for each in weights
    ]
    yield telling.table(telling.title("clv_weight"), ("model", "share"), rows)


def _holdout(telling: Telling) -> Iterator[Block]:
    orders = telling.all("holdout_orders", "tenth", "what")
    by = {(each.of("tenth"), each.of("what")): each.value or 0.0 for each in orders}
    money = {(each.of("tenth"), each.of("what")): each.value for each in telling.all("holdout_money", "tenth", "what")}
    tenths = list(dict.fromkeys(each.of("tenth") or "" for each in orders))
    if not tenths:
        return
    came = [by.get((tenth, "actual"), 0.0) for tenth in tenths]
    expected = [by.get((tenth, "predicted"), 0.0) for tenth in tenths]
    columns = [
        Column(telling.numbers.count(int(tenth)), up, mark=mark)
        for tenth, up, mark in zip(tenths, came, expected, strict=True)
    ]
    rows = [
        (
            column.name,
            telling.numbers.decimal(mark, 0),
            telling.numbers.count(column.up),
            telling.written("holdout_money", money.get((tenth, "predicted"))),
            telling.written("holdout_money", money.get((tenth, "actual"))),
        )
        for tenth, column, mark in zip(tenths, columns, expected, strict=True)
    ]
    yield telling.figure(
        _holdout_finding(telling, sum(expected), sum(came)),
        "holdout",
        column_chart(
            columns,
            ruler([*came, *expected], telling.numbers.count),
            ((telling.say("legend.came_orders"), "muted"), (telling.say("legend.expected_orders"), "accent")),
            tones=("muted", "muted", "accent"),
            mirrored=telling.mirrored,
        ),
        telling.table(
            telling.say("table.holdout"),
            ("tenth", "expected_orders", "came_orders", "expected_money", "came_money"),
            rows,
        ),
        note=True,
    )
    yield from _models(telling)


def _models(telling: Telling) -> Iterator[Block]:
    totals = telling.all("holdout_total_orders", "model", "what")
    by = {(each.of("model"), each.of("what")): each.value or 0.0 for each in totals}
    models = list(dict.fromkeys(each.of("model") or "" for each in totals))
    if models:
        rows = [
            (
                telling.called("model", model),
                telling.numbers.count(by.get((model, "predicted"), 0.0)),
                telling.numbers.count(by.get((model, "actual"), 0.0)),
            )
            for model in models
        ]
        caption = telling.title("holdout_total_orders")
        yield telling.table(caption, ("model", "expected_orders", "came_orders"), rows)


def _holdout_finding(telling: Telling, expected: float, came: float) -> str:
    chance = DEVIATIONS * sqrt(max(came, 1.0))
    how = "right" if abs(came - expected) <= chance else "low" if expected < came else "high"
    return telling.say(
        f"find.holdout_{how}",
        expected=telling.numbers.count(expected),
        came=telling.numbers.count(came),
        off=telling.numbers.share(abs(expected / came - 1) if came else 1.0),
    )
