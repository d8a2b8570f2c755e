"""Report section on the accuracy of earlier forecasts: saved warnings and expected spend compared with the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ckm.render.document import Items

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ckm._loyalty.localized import LocalizedReport
    from ckm.render.document import Block

NUMBERS = ("warning_precision", "warning_recall", "warning_lead_time", "spend_expected", "spend_came")


def forecast_accuracy(localized: LocalizedReport) -> Iterator[Block]:
    """Return sentences and a table on the newest saved forecasts whose horizon has ended; nothing without any."""
    findings = tuple(forecast_accuracy_findings(localized))
    if findings:
        yield Items(findings)
    numbers = [metric for name in NUMBERS if (metric := localized.of(name)) is not None]
    if numbers:
        yield localized.metrics_table(localized.say("table.past"), numbers, folded=True)


def forecast_accuracy_findings(localized: LocalizedReport) -> Iterator[str]:
    """Yield sentences on the accuracy of the warnings and of the expected spend."""
    report, numbers = localized.report, localized.numbers
    warned, caught = localized.of("warning_precision"), localized.of("warning_recall")
    if report.warnings_scored is not None and warned is not None and caught is not None and warned.n:
        yield localized.say(
            "find.past_warnings",
            warned.n,
            warned=numbers.count(warned.n),
            day=numbers.day(report.warnings_scored.first),
            until=numbers.day(report.warnings_scored.last),
            share=numbers.share(warned.value or 0.0),
            caught=numbers.share(caught.value or 0.0),
        )
    expected, came = localized.of("spend_expected"), localized.of("spend_came")
    if report.spend_scored is not None and expected is not None and came is not None and expected.value:
        yield localized.say(
            "find.past_spend",
            day=numbers.day(report.spend_scored.first),
            until=numbers.day(report.spend_scored.last),
            expected=localized.written(expected.name, expected.value),
            came=localized.written(came.name, came.value),
            off=numbers.share((came.value or 0.0) / expected.value - 1, 1, signed=True),
        )
