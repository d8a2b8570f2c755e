"""Report section on the change of revenue, its drivers, and goals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ckm._loyalty.localized import SAVED
from ckm.metrics.changes import OF_ROWS, named_slices
from ckm.metrics.customer_balance import KINDS
from ckm.metrics.decomposition import FACTORS
from ckm.metrics.drivers import EFFECT
from ckm.render.bar_charts import Bar, bar_chart
from ckm.render.document import Items, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.metrics.goals import Goal
    from ckm.metrics.metric import Metric
    from ckm.metrics.significance import Change
    from ckm.render.document import Block

MOST_DIMENSIONS = 1
"""Dimensions with a chart; further ones have a folded table."""
SHOWN_WHERE_THEY_ARE = ("change_by_returns", "change_by_calendar")
"""Factors whose bar is left out if the effect is zero."""
SMALLEST_SHARE = 0.0005
"""Smallest relative change that is not displayed as 0.0 %."""


def revenue_finding(localized: LocalizedReport) -> str:
    """Return a sentence on the change of known customers' revenue and its main driver; empty without a comparison.

    Between periods of unequal length the change is per day. A change that is not significant is neither a rise nor a
    fall, and has no driver.
    """
    revenue, days = localized.of("revenue_of_customers"), localized.unequal_days
    if revenue is None or revenue.value is None or not revenue.previous or (days is None and revenue.change is None):
        return ""
    is_significant = localized.report.is_significant("revenue")
    if days is not None:
        return _per_day_finding(localized, revenue.value, revenue.previous, days, is_significant=is_significant)
    change = revenue.change or 0.0
    share = change / revenue.previous
    value = localized.written(revenue.name, revenue.value)
    if abs(share) < SMALLEST_SHARE:
        return localized.say("find.revenue_same", value=value)
    if not is_significant:
        return localized.say(
            "find.change_same",
            metric=localized.title(revenue.name),
            value=value,
            previous=localized.written(revenue.name, revenue.previous),
            change=localized.written(revenue.name, change, signed=True),
        )
    went = "up" if change > 0 else "down"
    main = _main_effect(localized, up=change > 0)
    because = f"because.{main}_{went}" if main else "because.unknown"
    return localized.say(
        f"find.revenue_{went}",
        change=localized.written(revenue.name, abs(change)),
        share=localized.numbers.share(abs(share), 1),
        value=value,
        because=localized.say(because),
    )


def _per_day_finding(
    localized: LocalizedReport, value: float, previous: float, days: tuple[int, int], *, is_significant: bool
) -> str:
    """Return a sentence on known customers' revenue per day.

    ``value`` and ``days[1]`` are the revenue and the days of the period, ``previous`` and ``days[0]`` those of the
    comparison period.
    """
    before, now = previous / days[0], value / days[1]
    share = (now - before) / before
    went = "up" if now > before else "down"
    if abs(share) < SMALLEST_SHARE:
        went = "same"
    elif not is_significant:
        went = "unclear"
    name = "revenue_of_customers"
    return localized.say(
        f"find.per_day_{went}",
        days=localized.days(days[1]),
        before=localized.days(days[0]),
        share=localized.numbers.share(abs(share), 1),
        previous=localized.written(name, before),
        value=localized.written(name, now),
    )


def _main_effect(localized: LocalizedReport, *, up: bool) -> str | None:
    """Return the significant factor with more than half of the effects in the direction of a change; else None."""
    effects = [effect for name in FACTORS if (effect := localized.of(f"change_by_{name}")) is not None]
    sign = 1 if up else -1
    pushes = [max(0.0, sign * (effect.value or 0.0)) for effect in effects]
    if len(effects) < len(FACTORS) or 2 * max(pushes) <= sum(pushes):  # a suppressed factor may have been the main one
        return None
    main = effects[pushes.index(max(pushes))]
    return main.name.removeprefix("change_by_") if _is_sure(main, up=up) else None


def _is_sure(effect: Metric, *, up: bool) -> bool:
    """Return whether the whole interval of an effect is in the direction of the change."""
    end = effect.lo if up else effect.hi
    worst = effect.value if end is None else end
    return worst is not None and (worst > 0 if up else worst < 0)


def drivers(localized: LocalizedReport) -> Iterator[Block]:
    """Return the list of reported changes with their drivers."""
    if localized.report.drivers:
        yield Text(localized.say("text.drivers"))
        yield Items(tuple(change_sentence(localized, change) for change in localized.report.drivers))


def revenue_numbers(localized: LocalizedReport) -> Iterator[Block]:
    """Return the folded table of the revenue to the cent, and sentences on what net sales include."""
    names = ("revenue", "revenue_of_customers", "revenue_without_customer", "revenue_returns")
    revenues = [metric for name in names if (metric := localized.of(name)) is not None]
    if revenues:
        yield localized.metrics_table(localized.say("table.revenue"), revenues, folded=True)
        yield from map(Text, localized.net_sales())


def change_sentence(localized: LocalizedReport, change: Change) -> str:
    """Return a sentence on the change of a metric, with its interval and its drivers."""
    sentence, name = change_in_short(localized, change), change.metric
    if change.lo is not None and change.hi is not None:
        ends = (localized.written(name, end, signed=True) for end in (change.lo, change.hi))
        low, high = ends
        sentence += localized.say("unit.gap") + localized.say("find.interval", low=low, high=high)
    for dimension in dict.fromkeys(driver.dimension for driver in change.drivers):
        named = [
            localized.say(
                "find.driver",
                value=localized.called(dimension, driver.value),
                change=localized.written(name, driver.change, signed=True),
            )
            for driver in change.drivers
            if driver.dimension == dimension
        ]
        key = "find.effects" if dimension == EFFECT else "find.drivers"
        parts = localized.say(key, dimension=localized.dimension(dimension), drivers=localized.joined(named))
        sentence += localized.say("unit.gap") + parts
    return sentence


def change_in_short(localized: LocalizedReport, change: Change) -> str:
    """Return a sentence on the change of a metric, without interval and drivers."""
    name, value, previous = change.metric, change.value, change.previous
    if change.days is not None and localized.is_count(name):  # a mean of windows: the texts must add up
        value, previous = float(round(value)), float(round(previous))
    moved = value - previous
    claimed = change.lo is None or change.hi is None or change.lo > 0 or change.hi < 0
    how = "same" if not claimed or moved == 0 else "up" if moved > 0 else "down"
    what = localized.title(name)
    if change.slice:
        what = localized.say(
            "find.metric_of_slice",
            metric=what,
            slice=localized.joined([localized.called(dimension, value) for dimension, value in change.slice]),
        )
    if change.days is not None:
        what = localized.say("find.metric_in_days", metric=what, days=localized.days(change.days))
    return localized.say(
        f"find.change_{how}",
        metric=what,
        value=localized.written(name, value),
        previous=localized.written(name, previous),
        change=localized.written(name, moved, signed=True),
    )


def revenue_bridge(localized: LocalizedReport) -> Iterator[Block]:
    """Return the bridge from the revenue of the comparison period to that of this one."""
    revenue = localized.of("revenue_of_customers")
    effects = [effect for factor in FACTORS if (effect := localized.of(f"change_by_{factor}")) is not None]
    if revenue is None or revenue.value is None or revenue.previous is None or len(effects) < len(FACTORS):
        return
    before, now = localized.say("bar.before"), localized.say("bar.now")
    bars = [Bar(before, revenue.previous, localized.written(revenue.name, revenue.previous, exact=True), "faint")]
    reached = revenue.previous
    for effect in effects:
        change = effect.value or 0.0
        if not change and effect.name in SHOWN_WHERE_THEY_ARE:
            continue
        text = localized.written(effect.name, change, exact=True, signed=True)
        name = localized.say(f"bar.{effect.name}")
        bars.append(Bar(name, reached + change, text, "accent" if change >= 0 else "muted", start=reached))
        reached += change
    bars.append(Bar(now, revenue.value, localized.written(revenue.name, revenue.value, exact=True), "ink"))
    yield localized.figure(
        revenue_finding(localized) or localized.title(revenue.name),
        "bridge",
        bar_chart(bars, mirrored=localized.mirrored),
        localized.table(localized.say("table.bridge"), ("metric", "value"), [(bar.name, bar.text) for bar in bars]),
        note=True,
    )


def revenue_by_kind(localized: LocalizedReport) -> Iterator[Block]:
    """Return the chart of the revenue change by customer group; none for periods of unequal length."""
    kinds = localized.parts("change_by_kind", "kind", KINDS)
    if not kinds or localized.unequal_days:
        return
    by = {each.of("kind"): each.value for each in kinds}
    bars = [
        Bar(
            localized.called("kind", each.of("kind") or ""),
            each.value or 0.0,
            localized.written(each.name, each.value, exact=True, signed=True),
            "accent" if (each.value or 0.0) >= 0 else "muted",
        )
        for each in kinds
    ]
    new, lost = by.get("new"), by.get("lost")
    finding = localized.title("change_by_kind")
    if new is not None and lost is not None and (new or lost):
        values = {"new": localized.written("change_by_kind", new)}
        values["lost"] = localized.written("change_by_kind", abs(lost))
        finding = localized.say("find.kinds", **values)
    table = localized.table(
        localized.title("change_by_kind"), ("kind", "change"), [(bar.name, bar.text) for bar in bars]
    )
    yield localized.figure(finding, "kinds", bar_chart(bars, mirrored=localized.mirrored), table)


def revenue_drivers(localized: LocalizedReport) -> Iterator[Block]:
    """Return charts of the revenue change by customer dimension; none for periods of unequal length."""
    slices = localized.all("change_by_slice", "dimension", "value")
    slices = tuple(each for each in slices if each.of("dimension") not in OF_ROWS)
    dimensions = [] if localized.unequal_days else _ordered_dimensions(localized, slices)
    for place, dimension in enumerate(dimensions):
        rows = sorted(
            (each for each in slices if each.of("dimension") == dimension), key=lambda each: -abs(each.value or 0.0)
        )
        shown = sorted(rows, key=lambda each: -(each.value or 0.0))
        bars = [
            Bar(
                localized.called(dimension, each.of("value") or ""),
                each.value or 0.0,
                localized.written(each.name, each.value, exact=True, signed=True),
                "accent" if (each.value or 0.0) >= 0 else "muted",
            )
            for each in shown
        ]
        largest = named_slices(rows)[0]
        if not largest.value:
            continue
        caption = localized.say("table.slices", dimension=localized.dimension(dimension))
        revenue = localized.of("revenue")
        suppressed = localized.suppressed_bar(rows, None if revenue is None else revenue.change)
        finding = caption  # a suppressed slice may have changed more
        if not suppressed:
            finding = localized.say(
                f"find.slice_{'up' if largest.value > 0 else 'down'}",
                dimension=localized.dimension(dimension),
                value=localized.called(dimension, largest.of("value") or ""),
                change=localized.written(largest.name, abs(largest.value)),
            )
        bars += suppressed
        body = [(bar.name, bar.text) for bar in bars]
        plain = localized.table(caption, ("value_of", "change"), body)
        if place >= MOST_DIMENSIONS:
            yield replace(plain, folded=True)
            continue
        yield localized.figure(
            finding,
            "slices",
            bar_chart(bars, mirrored=localized.mirrored),
            plain,
            dimension=localized.dimension(dimension),
        )


def _ordered_dimensions(localized: LocalizedReport, slices: tuple[Metric, ...]) -> list[str]:
    """Return the dimensions: those of reported drivers first, saved segments last.

    Segments follow from the purchases, so that active segments always grow most.
    """
    behind = [driver.dimension for change in localized.report.drivers for driver in change.drivers]
    known = list(dict.fromkeys(each.of("dimension") or "" for each in slices))
    return sorted(known, key=lambda name: (name.startswith(SAVED), name not in behind, known.index(name)))


def goal_sentence(localized: LocalizedReport, goal: Goal) -> str:
    """Return a sentence on the target and the value of a goal, and whether it is reached."""
    return localized.say(
        "goal.sentence",
        metric=localized.title(goal.name),
        wanted=_wanted(localized, goal),
        reached=localized.written(goal.name, goal.value),
        state=_state(localized, goal),
    )


def _wanted(localized: LocalizedReport, goal: Goal) -> str:
    key = "goal.at_least" if goal.direction == ">=" else "goal.at_most"
    return localized.say(key, wanted=localized.written(goal.name, goal.wanted, exact=True))


def _state(localized: LocalizedReport, goal: Goal) -> str:
    return localized.say("goal.unknown" if goal.on_track is None else "goal.on" if goal.on_track else "goal.off")


def goals(localized: LocalizedReport) -> Iterator[Block]:
    """Return the table of goals with target, actual value and state."""
    if not localized.report.goals:
        return
    rows = [
        (
            localized.title(goal.name),
            _wanted(localized, goal),
            localized.written(goal.name, goal.value, exact=True),
            localized.between(goal.name, goal.lo, goal.hi),
            _state(localized, goal),
        )
        for goal in localized.report.goals
    ]
    yield localized.table(
        localized.say("table.goals"), ("goal", "wanted", "reached", "interval", "state"), rows, folded=False
    )
