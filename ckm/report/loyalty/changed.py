"""What changed, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.metrics.decomposition import FACTORS
from ckm.metrics.drivers import EFFECT
from ckm.report.bar_charts import Bar, bar_chart
from ckm.report.document import Items, Section, Table, Text
from ckm.report.loyalty.localized import SAVED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.metrics.goals import Goal
    from ckm.metrics.significance import Change
    from ckm.metrics.metric import Measure
    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

MOST_DIMENSIONS = 3
"""Dimensions that have a chart; others have a table that shows when a reader asks for it."""
MOST_SLICES = 10
"""Slices of a dimension that a chart shows."""
SHOWN_WHERE_THEY_ARE = ("change_by_returns", "change_by_calendar")
"""Effects that most reports have none of."""
SMALLEST_SHARE = 0.0005
"""A change of less is 0.0 % as it is written, which is none."""


def changed_section(telling: Telling) -> Section:
    """Return the changes that matter, the bridge of the revenue, and the goals."""
    return Section(telling.say("section.changed"), tuple(_blocks(telling)))


def revenue_finding(telling: Telling) -> str:
    """Return how the revenue of known customers changed, and by what most; empty where there is nothing before."""
    revenue = telling.of("revenue_of_customers")
    if revenue is None or revenue.value is None or not revenue.previous or revenue.change is None:
        return ""
    finding = _change_finding(telling, revenue, revenue.previous, revenue.change)
    per_day = per_day_finding(telling)
    return f"{finding}{telling.say('unit.gap')}{per_day}" if per_day else finding


def _change_finding(telling: Telling, revenue: Measure, previous: float, change: float) -> str:
    share = change / previous
    if abs(share) < SMALLEST_SHARE:
        return telling.say("find.revenue_same", value=telling.written(revenue.name, revenue.value))
    way = "up" if change > 0 else "down"
    main = _main_effect(telling, up=change > 0)
    because = f"because.{main}_{way}" if main else "because.unknown"
    return telling.say(
        f"find.revenue_{way}",
        change=telling.written(revenue.name, abs(change)),
        share=telling.numbers.share(abs(share), 1),
        value=telling.written(revenue.name, revenue.value),
        because=telling.say(because),
    )


def per_day_finding(telling: Telling) -> str:
    """Return how the revenue of known customers changed per day; empty where both periods have as many days."""
    revenue, days = telling.of("revenue_of_customers"), telling.unequal_days
    if revenue is None or days is None or revenue.value is None or not revenue.previous:
        return ""
    before, now = revenue.previous / days[0], revenue.value / days[1]
    share = (now - before) / before
    way = "same" if abs(share) < SMALLEST_SHARE else "up" if now > before else "down"
    return telling.say(
        f"find.per_day_{way}",
        days=telling.days(days[1]),
        before=telling.days(days[0]),
        share=telling.numbers.share(abs(share), 1),
        value=telling.written(revenue.name, now),
    )


def _main_effect(telling: Telling, *, up: bool) -> str | None:
    """Return the factor that did more to a change than all others that went its way; None where none surely did."""
    effects = [effect for name in FACTORS if (effect := telling.of(f"change_by_{name}")) is not None]
    sign = 1 if up else -1
    pushes = [max(0.0, sign * (effect.value or 0.0)) for effect in effects]
    if len(effects) < len(FACTORS) or 2 * max(pushes) <= sum(pushes):  # what is hidden may have been the main one
        return None
    main = effects[pushes.index(max(pushes))]
    return main.name.removeprefix("change_by_") if _is_sure(main, up=up) else None


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
    if change.days is not None:
        what = telling.say("find.measure_in_days", measure=what, days=telling.days(change.days))
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
    effects = [effect for factor in FACTORS if (effect := telling.of(f"change_by_{factor}")) is not None]
    if revenue is None or revenue.value is None or revenue.previous is None or len(effects) < len(FACTORS):
        return
    before, now = telling.say("bar.before"), telling.say("bar.now")
    bars = [Bar(before, revenue.previous, telling.written(revenue.name, revenue.previous, exact=True), "faint")]
    reached = revenue.previous
    for effect in effects:
        change = effect.value or 0.0
        if not change and effect.name in SHOWN_WHERE_THEY_ARE:
            continue
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
    new, lost = by.get("new", 0.0), abs(by.get("lost", 0.0))
    finding = telling.title("change_by_kind")
    if new or lost:
        values = {"new": telling.written("change_by_kind", new), "lost": telling.written("change_by_kind", lost)}
        finding = telling.say("find.kinds", **values)
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
