"""What changed, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.measures.drivers import EFFECT
from ckm.report.bar_charts import Bar, bar_chart
from ckm.report.document import Items, Section, Table, Text
from ckm.report.loyalty.telling import SAVED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.measures.goals import Goal
    from ckm.measures.judgement import Change
    from ckm.measures.measure import Measure
    from ckm.report.document import Block
    from ckm.report.loyalty.telling import Telling

EFFECTS = ("customers", "frequency", "order_value")
"""What the change of the revenue is made of."""
MOST_DIMENSIONS = 3
"""Dimensions that have a chart; others have a table that shows when a reader asks for it."""
MOST_SLICES = 10
"""Slices of a dimension that a chart shows."""


def changed_section(telling: Telling) -> Section:
    """Return the changes that matter, the bridge of the revenue, and the goals."""
    return Section(telling.say("section.changed"), tuple(_blocks(telling)))


def revenue_finding(telling: Telling) -> str:
    """Return how the revenue of known customers changed, and by what most; empty where there is nothing before."""
    revenue = telling.of("revenue_of_customers")
    if revenue is None or revenue.value is None or not revenue.previous or revenue.change is None:
        return ""
    share = revenue.change / revenue.previous
    if abs(share) < 0.0005:
        return telling.say("find.revenue_same", value=telling.written(revenue.name, revenue.value))
    up = revenue.change > 0
    because = "because.unknown"
    effects = [effect for name in EFFECTS if (effect := telling.of(f"change_by_{name}")) is not None]
    if effects:
        strongest = max(effects, key=lambda effect: (effect.value or 0.0) * (1 if up else -1))
        if _is_sure(strongest, up=up):
            because = f"because.{strongest.name.removeprefix('change_by_')}_{'up' if up else 'down'}"
    return telling.say(
        f"find.revenue_{'up' if up else 'down'}",
        change=telling.written(revenue.name, abs(revenue.change)),
        share=telling.numbers.share(abs(share), 1),
        value=telling.written(revenue.name, revenue.value),
        because=telling.say(because),
    )


def _is_sure(effect: Measure, *, up: bool) -> bool:
    """Whether an effect went that way beyond its interval."""
    end = effect.lo if up else effect.hi
    worst = effect.value if end is None else end
    return worst is not None and (worst > 0 if up else worst < 0)


def _blocks(telling: Telling) -> Iterator[Block]:
    if telling.report.drivers:
        yield Text(telling.say("text.drivers"))
        yield Items(tuple(change_sentence(telling, change) for change in telling.report.drivers))
    yield from _bridge(telling)
    yield from _kinds(telling)
    yield from _slices(telling)
    yield from _goals(telling)
    names = ("revenue", "revenue_of_customers", "revenue_without_customer", "revenue_returns")
    revenues = [measure for name in names if (measure := telling.of(name)) is not None]
    if revenues:
        yield telling.measures_table(telling.say("table.revenue"), revenues)
    yield from telling.missing("changed")


def change_sentence(telling: Telling, change: Change) -> str:
    """Return how a measure changed, within its interval, and what moved it most."""
    name, moved = change.measure, change.value - change.previous
    claimed = change.lo is None or change.hi is None or change.lo > 0 or change.hi < 0
    how = "same" if not claimed or moved == 0 else "up" if moved > 0 else "down"
    what = telling.title(name)
    if change.slice:
        what = telling.say(
            "find.measure_of_slice",
            measure=what,
            slice=telling.joined([telling.called(dimension, value) for dimension, value in change.slice]),
        )
    sentence = telling.say(
        f"find.change_{how}",
        measure=what,
        value=telling.written(name, change.value),
        previous=telling.written(name, change.previous),
        change=telling.written(name, moved, signed=True),
    )
    if change.lo is not None and change.hi is not None:
        ends = (telling.written(name, end, signed=True) for end in (change.lo, change.hi))
        low, high = ends
        sentence += telling.say("unit.gap") + telling.say("find.interval", low=low, high=high)
    for dimension in dict.fromkeys(driver.dimension for driver in change.drivers):
        named = [
            telling.say(
                "find.driver",
                value=telling.called(dimension, driver.value),
                change=telling.written(name, driver.change, signed=True),
            )
            for driver in change.drivers
            if driver.dimension == dimension
        ]
        key = "find.effects" if dimension == EFFECT else "find.drivers"
        parts = telling.say(key, dimension=telling.dimension(dimension), drivers=telling.joined(named))
        sentence += telling.say("unit.gap") + parts
    return sentence


def _bridge(telling: Telling) -> Iterator[Block]:
    revenue = telling.of("revenue_of_customers")
    effects = [telling.of(f"change_by_{effect}") for effect in EFFECTS]
    if revenue is None or revenue.value is None or revenue.previous is None or None in effects:
        return
    before, now = telling.say("bar.before"), telling.say("bar.now")
    bars = [Bar(before, revenue.previous, telling.written(revenue.name, revenue.previous, exact=True), "faint")]
    reached = revenue.previous
    for effect in effects:
        assert effect is not None
        change = effect.value or 0.0
        text = telling.written(effect.name, change, exact=True, signed=True)
        name = telling.say(f"bar.{effect.name}")
        bars.append(Bar(name, reached + change, text, "accent" if change >= 0 else "muted", start=reached))
        reached += change
    bars.append(Bar(now, revenue.value, telling.written(revenue.name, revenue.value, exact=True), "ink"))
    yield telling.figure(
        revenue_finding(telling) or telling.title(revenue.name),
        "bridge",
        bar_chart(bars, mirrored=telling.mirrored),
        telling.table(telling.say("table.bridge"), ("measure", "value"), [(bar.name, bar.text) for bar in bars]),
        note=True,
    )


def _kinds(telling: Telling) -> Iterator[Block]:
    kinds = telling.all("change_by_kind", "kind")
    if not kinds:
        return
    by = {each.of("kind"): each.value or 0.0 for each in kinds}
    bars = [
        Bar(
            telling.called("kind", each.of("kind") or ""),
            each.value or 0.0,
            telling.written(each.name, each.value, exact=True, signed=True),
            "accent" if (each.value or 0.0) >= 0 else "muted",
        )
        for each in kinds
    ]
    finding = telling.say(
        "find.kinds",
        new=telling.written("change_by_kind", by.get("new", 0.0)),
        lost=telling.written("change_by_kind", abs(by.get("lost", 0.0))),
    )
    table = telling.table(telling.title("change_by_kind"), ("kind", "change"), [(bar.name, bar.text) for bar in bars])
    yield telling.figure(finding, "kinds", bar_chart(bars, mirrored=telling.mirrored), table)


def _slices(telling: Telling) -> Iterator[Block]:
    slices = telling.all("change_by_slice", "dimension", "value")
    for place, dimension in enumerate(_most_telling_first(telling, slices)):
        rows = sorted(
            (each for each in slices if each.of("dimension") == dimension), key=lambda each: -abs(each.value or 0.0)
        )
        shown = sorted(rows[:MOST_SLICES], key=lambda each: -(each.value or 0.0))
        bars = [
            Bar(
                telling.called(dimension, each.of("value") or ""),
                each.value or 0.0,
                telling.written(each.name, each.value, exact=True, signed=True),
                "accent" if (each.value or 0.0) >= 0 else "muted",
            )
            for each in shown
        ]
        largest = rows[0]
        if not largest.value:
            continue
        finding = telling.say(
            f"find.slice_{'up' if largest.value > 0 else 'down'}",
            dimension=telling.dimension(dimension),
            value=telling.called(dimension, largest.of("value") or ""),
            change=telling.written(largest.name, abs(largest.value)),
        )
        caption = telling.say("table.slices", dimension=telling.dimension(dimension))
        body = [(bar.name, bar.text) for bar in bars]
        plain = telling.table(caption, ("value_of", "change"), body)
        if place >= MOST_DIMENSIONS:
            yield plain
            continue
        yield telling.figure(
            finding,
            "slices",
            bar_chart(bars, mirrored=telling.mirrored),
            plain,
            dimension=telling.dimension(dimension),
        )


def _most_telling_first(telling: Telling, slices: tuple[Measure, ...]) -> list[str]:
    """Return dimensions, those behind the changes that matter first, saved segments last.

    A segment is told from what its customers did, so that those who still buy gained most is no news.
    """
    behind = [driver.dimension for change in telling.report.drivers for driver in change.drivers]
    known = list(dict.fromkeys(each.of("dimension") or "" for each in slices))
    return sorted(known, key=lambda name: (name.startswith(SAVED), name not in behind, known.index(name)))


def goal_sentence(telling: Telling, goal: Goal) -> str:
    """Return what was wanted, what was reached, and whether that is enough."""
    return telling.say(
        "goal.sentence",
        measure=telling.title(goal.name),
        wanted=_wanted(telling, goal),
        reached=telling.written(goal.name, goal.value),
        state=_state(telling, goal),
    )


def _wanted(telling: Telling, goal: Goal) -> str:
    key = "goal.at_least" if goal.direction == ">=" else "goal.at_most"
    return telling.say(key, wanted=telling.written(goal.name, goal.wanted, exact=True))


def _state(telling: Telling, goal: Goal) -> str:
    return telling.say("goal.unknown" if goal.on_track is None else "goal.on" if goal.on_track else "goal.off")


def _goals(telling: Telling) -> Iterator[Table]:
    if not telling.report.goals:
        return
    rows = [
        (
            telling.title(goal.name),
            _wanted(telling, goal),
            telling.written(goal.name, goal.value, exact=True),
            telling.between(goal.name, goal.lo, goal.hi),
            _state(telling, goal),
        )
        for goal in telling.report.goals
    ]
    yield telling.table(
        telling.say("table.goals"), ("goal", "wanted", "reached", "interval", "state"), rows, folded=False
    )
