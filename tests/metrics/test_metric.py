"""The change of a metric between periods of unequal length: over equal days, with one value in every format."""

from __future__ import annotations

import pytest

from ckm._loyalty.first_page import key_figures
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.words import load_words
from ckm.commands.loyalty_screen import show_loyalty
from ckm.metrics.metric import Metric, Metrics
from ckm.metrics.report import LoyaltyReport
from ckm.names import LANGUAGES
from tests._loyalty.example_loyalty import example_report

FEBRUARY, MARCH = 28, 31


def march(*metrics: Metric) -> LoyaltyReport:
    """Return a report on March, compared with February."""
    return example_report(metrics=Metrics(metrics), days=(FEBRUARY, MARCH), drivers=(), goals=(), by=None)


def changes(report: LoyaltyReport) -> dict[str, float | None]:
    return dict(report.metrics.table().select("metric", "change").iter_rows())


def test_a_sum_that_grew_with_the_days_alone_has_no_change() -> None:
    report = march(Metric("revenue", 3100.0, previous=2800.0), Metric("orders", 62.0, previous=56.0))
    assert changes(report) == {"revenue": 0.0, "orders": 0.0}


def test_the_change_of_a_sum_is_that_over_the_days_of_the_shorter_period() -> None:
    report = march(Metric("revenue", 3410.0, previous=2800.0))
    assert changes(report) == {"revenue": pytest.approx(3410 * FEBRUARY / MARCH - 2800)}


def test_what_more_days_alone_change_has_no_change_and_what_does_not_depend_on_them_has_the_difference() -> None:
    report = march(
        Metric("customers_active", 310.0, previous=280.0),
        Metric("retention_rate", 0.5, previous=0.4),
        Metric("average_order_value", 50.0, previous=40.0),
    )
    assert changes(report) == {"customers_active": None, "retention_rate": None, "average_order_value": 10.0}


def test_periods_of_equal_length_are_compared_by_their_totals() -> None:
    report = example_report(metrics=Metrics([Metric("customers_active", 310.0, previous=280.0)]), days=(365, 365))
    assert changes(report) == {"customers_active": 30.0}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_and_terminal_write_the_change_per_day_that_the_machine_formats_hold(
    capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    revenue, previous = 3410.0, 2800.0
    report = march(Metric("revenue", revenue, previous=previous), Metric("customers_active", 310.0, previous=280.0))
    change = changes(report)["revenue"]
    assert change is not None
    localized = LocalizedReport(report, load_words(lang))
    share = localized.numbers.share(change / previous, 1, signed=True)
    figures = {each.label: each.note for each in key_figures(localized)}
    assert share in figures[localized.title("revenue")]
    assert figures[localized.title("customers_active")] == ""
    show_loyalty(report, lang)
    screen = capsys.readouterr().out
    marks = dict.fromkeys([0x2066, 0x2069, 0x2060])
    assert localized.say("unit.per_day", change=share).translate(marks) in screen
    assert localized.written("revenue", revenue - previous, signed=True).translate(marks) not in screen
