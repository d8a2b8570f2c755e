"""How earlier forecasts turned out: saved warnings and expected spend against what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.report.document import Items, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm.report.document import Block
    from ckm.report.loyalty.localized import Telling

NUMBERS = ("warning_precision", "warning_recall", "warning_lead_time", "spend_expected", "spend_came")


def past_section(telling: Telling) -> Section:
    """Return the score of the newest saved forecasts whose horizon has passed; without blocks where there are none."""
    return Section(telling.say("section.past"), tuple(_blocks(telling)))


def _blocks(telling: Telling) -> Iterator[Block]:
    findings = tuple(past_findings(telling))
    if findings:
        yield Items(findings)
    numbers = [measure for name in NUMBERS if (measure := telling.of(name)) is not None]
    if numbers:
        yield telling.measures_table(telling.say("table.past"), numbers)


def past_findings(telling: Telling) -> Iterator[str]:
    """Say how the warnings, and the spend that was expected, turned out."""
    report, numbers = telling.report, telling.numbers
    warned, caught = telling.of("warning_precision"), telling.of("warning_recall")
    if report.warnings_scored is not None and warned is not None and caught is not None and warned.n:
        yield telling.say(
            "find.past_warnings",
            warned.n,
            warned=numbers.count(warned.n),
            day=numbers.day(report.warnings_scored.first),
            until=numbers.day(report.warnings_scored.last),
            share=numbers.share(warned.value or 0.0),
            caught=numbers.share(caught.value or 0.0),
        )
    expected, came = telling.of("spend_expected"), telling.of("spend_came")
    if report.spend_scored is not None and expected is not None and came is not None and expected.value:
        yield telling.say(
            "find.past_spend",
            day=numbers.day(report.spend_scored.first),
            until=numbers.day(report.spend_scored.last),
            expected=telling.written(expected.name, expected.value),
            came=telling.written(came.name, came.value),
            off=numbers.share((came.value or 0.0) / expected.value - 1, 1, signed=True),
        )
