"""What is at risk, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.churning.levels import LEVELS
from ckm.report.bar_charts import Bar, bar_chart
from ckm.report.document import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

MOST_REASONS = 10


def churn_section(telling: Telling) -> Section:
    """Return value at risk by level and segment, and the reasons."""
    return Section(telling.say("section.churn"), tuple(_blocks(telling)))


def value_at_risk(telling: Telling) -> float | None:
    """Return the value at risk of all levels; None where there is none, or a level is hidden."""
    total = telling.of("value_at_risk")
    if total is not None:
        return total.value
    levels = telling.all("value_at_risk", "level")
    return sum(each.value or 0.0 for each in levels) if len(levels) == len(LEVELS) else None


def _blocks(telling: Telling) -> Iterator[Block]:
    yield from telling.missing("churn")
    yield from _levels(telling)
    segments = telling.all("value_at_risk_segment", "segment")
    if segments:
        yield telling.slices_table(telling.title("value_at_risk_segment"), "segment", segments)
    yield from _reasons(telling)
    unanswered = telling.of("unanswered_share")
    if unanswered is not None:
        yield telling.measures_table(telling.title(unanswered.name), [unanswered])


def _levels(telling: Telling) -> Iterator[Block]:
    levels = telling.all("value_at_risk", "level")
    if not any(each.value for each in levels):  # nobody is at risk, or too few customers at each level to show them
        return
    customers = {each.of("level"): each.value for each in telling.all("customers_at_risk", "level")}
    most = max(levels, key=lambda each: each.value or 0.0)
    bars = [
        Bar(
            telling.called("level", each.of("level") or ""),
            each.value or 0.0,
            telling.written(each.name, each.value),
            "accent" if each is most else "muted",
        )
        for each in levels
    ]
    rows = [
        (
            bar.name,
            telling.written("customers_at_risk", customers.get(each.of("level"))),
            telling.written(each.name, each.value, exact=True),
        )
        for bar, each in zip(bars, levels, strict=True)
    ]
    urgent = telling.number("customers_at_risk", level="urgent")
    finding = telling.say(
        "find.risk",
        urgent,
        total=telling.written("value_at_risk", value_at_risk(telling)),
        customers=telling.numbers.count(urgent),
        level=telling.called("level", "urgent"),
    )
    yield telling.figure(
        telling.unless_hidden(finding, "value_at_risk", whole=len(levels) == len(LEVELS)),
        "risk",
        bar_chart(bars, mirrored=telling.mirrored),
        telling.table(telling.title("value_at_risk"), ("level", "customers", "value_at_risk"), rows),
        note=True,
    )


def _reasons(telling: Telling) -> Iterator[Block]:
    reasons = sorted(telling.all("reason_value", "reason"), key=lambda each: -(each.value or 0.0))
    total = sum(each.value or 0.0 for each in reasons)
    if total <= 0:
        return
    bars = [
        Bar(
            telling.called("reason", each.of("reason") or ""),
            each.value or 0.0,
            telling.written(each.name, each.value),
            "muted" if number else "accent",
        )
        for number, each in enumerate(reasons[:MOST_REASONS])
    ]
    # what is not among those shown belongs to reasons that are hidden, of which none must be larger
    whole = value_at_risk(telling)
    first = reasons[0].value or 0.0
    surely_first = whole is not None and whole - total <= first
    unanswered = telling.of("unanswered_share")
    values = {"reason": bars[0].name, "share": telling.numbers.share(first / max(whole or 0.0, total))}
    finding = telling.say("find.reasons", **values)
    if unanswered is not None and unanswered.value is not None:
        finding += telling.say("unit.gap") + telling.say(
            "find.unanswered", share=telling.numbers.share(unanswered.value)
        )
    yield telling.figure(
        telling.unless_hidden(finding, "reason_value", whole=surely_first),
        "reasons",
        bar_chart(bars, mirrored=telling.mirrored),
        telling.slices_table(telling.title("reason_value"), "reason", reasons),
        note=True,
    )
