"""Report section on products and channels: the revenue of each, and its change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.customers.ledger import NO_VALUE
from ckm.metrics.changes import OF_ROWS, named_slices
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.document import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.metric import Metric
    from ckm.render.document import Block, Figure

FEWEST_SLICES = 2


def products_and_channels(localized: LocalizedReport) -> Iterator[Block]:
    """Return charts of the revenue by category and channel; between periods of unequal length the change is per day.

    Revenue without a category or channel is a slice too. A dimension without any value in the data is a line of text.
    """
    slices = localized.all("revenue_by_slice", "dimension", "value")
    absent = []
    for dimension in reversed(OF_ROWS):
        of_dimension = [each for each in slices if each.of("dimension") == dimension]
        if len(of_dimension) >= FEWEST_SLICES:
            yield _figure(localized, dimension, of_dimension)
        elif not of_dimension or of_dimension[0].of("value") == NO_VALUE:
            absent.append(localized.say(f"missing.no_{dimension}"))
    if absent:
        yield Text(localized.say("unit.gap").join(absent))


def _figure(localized: LocalizedReport, dimension: str, slices: list[Metric]) -> Figure:
    names = [localized.called(dimension, each.of("value") or "") for each in slices]
    changes = [_change(localized, each) for each in slices]
    largest = max(named_slices(slices), key=lambda each: each.value or 0.0)
    bars = [
        Bar(
            name,
            each.value or 0.0,
            localized.say("bar.with_change", value=localized.written(each.name, each.value), change=change)
            if change
            else localized.written(each.name, each.value),
            "accent" if each is largest else "muted",
        )
        for name, each, change in zip(names, slices, changes, strict=True)
    ]
    rows = [
        (
            name,
            localized.written(each.name, each.value, exact=True),
            localized.written(each.name, each.previous, exact=True) if each.previous is not None else "",
            change,
        )
        for name, each, change in zip(names, slices, changes, strict=True)
    ]
    keys = ("value_of", "revenue", "previous", "change") if any(changes) else ("value_of", "revenue")
    return localized.figure(
        _finding(localized, dimension, slices, largest),
        "revenue_by",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.table(
            localized.say("table.revenue_by", dimension=localized.dimension(dimension)),
            keys,
            [row[: len(keys)] for row in rows],
        ),
        dimension=localized.dimension(dimension),
    )


def _finding(localized: LocalizedReport, dimension: str, slices: list[Metric], largest: Metric) -> str:
    """Return the headline: the named slice with the largest change, with that change.

    Without a change, or for periods of unequal length, the share of the slice with the largest revenue; if the total is
    not positive, the title of the table.
    """
    total = sum(each.value or 0.0 for each in slices)
    moved = max(named_slices(slices), key=lambda each: abs(each.change or 0.0))
    name = localized.dimension(dimension)
    if moved.change and moved.days is None:
        return localized.say(
            f"find.slice_{'up' if moved.change > 0 else 'down'}",
            dimension=name,
            value=localized.called(dimension, moved.of("value") or ""),
            change=localized.written(moved.name, abs(moved.change)),
        )
    if total <= 0 or largest.value is None:
        return localized.say("table.revenue_by", dimension=name)
    return localized.say(
        "find.slice_share",
        dimension=name,
        value=localized.called(dimension, largest.of("value") or ""),
        share=localized.numbers.share(largest.value / total),
    )


def _change(localized: LocalizedReport, each: Metric) -> str:
    """Return the relative change, between unequal periods per day; empty without one."""
    return "" if each.growth is None else localized.numbers.share(each.growth, 1, signed=True)
