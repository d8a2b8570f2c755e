"""The first page: key figures, what happened and what to do next, each equal to its metric."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from ckm._loyalty.changed import change_in_short, revenue_finding
from ckm._loyalty.document import loyalty_document
from ckm._loyalty.first_page import TRENDS, comparison_of, key_figures, main_changes
from ckm._loyalty.localized import LocalizedReport
from ckm._loyalty.monthly import season_finding
from ckm._loyalty.next_steps import COMMANDS, actions
from ckm._loyalty.relationships import active_customer_flow
from ckm._loyalty.words import load_words
from ckm.metrics.metric import Metric, Metrics
from ckm.metrics.monthly import MONTHS
from ckm.metrics.next_steps import METRICS, next_steps
from ckm.metrics.significance import Change
from ckm.names import LANGUAGES
from ckm.render.document import Figure
from tests._loyalty.example_loyalty import example_document, example_metrics, example_report


def of(*metrics: Metric, lang: str = "en", **changes: object) -> LocalizedReport:
    """Return a report with nothing but these metrics."""
    return LocalizedReport(example_report(metrics=Metrics(metrics), **changes), load_words(lang))


def example(**changes: object) -> LocalizedReport:
    return LocalizedReport(example_report(**changes), load_words("en"))


def test_the_page_is_called_as_the_shop_and_says_its_period_beneath() -> None:
    document = example_document()
    assert document.title == "Teahouse"
    assert "Jul 1, 2025" in document.subtitle.replace("\xa0", " ")
    assert loyalty_document(example_report(shop="")).title == "shop"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_four_to_six_key_figures_with_the_last_months_or_why_they_are_missing(lang: str) -> None:
    localized = LocalizedReport(example_report(), load_words(lang))
    found = {each.label: each for each in key_figures(localized)}
    assert 4 <= len(found) <= 6
    months = {each: len(found[localized.title(each)].trend) for each in TRENDS}
    assert months == dict.fromkeys(TRENDS, MONTHS) | {"retention_rate": 7, "value_at_risk": 0}
    assert all(each.note and each.trend_description for each in found.values() if each.trend)
    assert found[localized.title("value_at_risk")].missing_trend == localized.say("key.no_trend_value_at_risk")


def test_a_trend_of_too_few_months_is_none_and_says_what_it_needs() -> None:
    rate = Metric("retention_rate", 0.5, n=100, lo=0.4, hi=0.6)
    months = [Metric("monthly_retention_rate", 0.5, (("month", f"2026-0{month}"),), n=100) for month in (5, 6)]
    order_value = Metric("average_order_value", 40.0, n=100)
    figures = {each.label: each for each in key_figures(of(rate, *months, order_value))}
    assert figures["Retention rate"].trend == ()
    assert figures["Retention rate"].missing_trend == "no trend: 26 months of data needed"
    assert figures["Average order value (AOV)"].missing_trend == "no trend: returns of few customers in a month"


def test_a_key_figure_equals_its_metric_and_its_trend_ends_with_the_newest_month() -> None:
    localized = example()
    revenue = next(key_figures(localized))
    months = localized.all("monthly_revenue", "month")
    assert revenue.value == localized.written("revenue", localized.number("revenue"))
    assert revenue.trend == tuple(each.value for each in months)


def test_three_sentences_name_what_is_significant_and_what_is_not() -> None:
    rose = main_changes(example()).sentences
    assert len(rose) == 3
    assert rose[0].startswith("Revenue of known customers rose by")
    quiet = main_changes(example(drivers=())).sentences
    assert "no significant change" in quiet[0]
    assert quiet[2] == "No other metric changed significantly."


def test_a_significant_change_below_the_largest_is_not_called_insignificant() -> None:
    other = Change("retention_rate", 0.5, 0.6, -0.15, -0.05)
    sentences = main_changes(example(drivers=(other,), significant=frozenset({"revenue", "retention_rate"}))).sentences
    assert sentences[0].startswith("Revenue of known customers rose by")
    assert sentences[2].startswith("Retention rate fell from 60% to 50%")


def test_sums_of_periods_of_unequal_length_are_compared_per_day_and_rates_not_at_all() -> None:
    found = {each.label: each.note for each in key_figures(example(days=(333, 365)))}
    assert found["Revenue"].startswith("+7.6% per day")
    assert found["Orders"].endswith("per day vs. previous period")
    assert found["Active customers"] == ""
    sentences = main_changes(example(days=(333, 365))).sentences
    assert "Revenue of known customers per day rose by 7.6%" in sentences[0]
    assert "more than before" not in sentences[1]
    unclear = revenue_finding(example(days=(333, 365), drivers=()))
    assert unclear.endswith("which is not significant.")
    assert not any(word in unclear for word in ("rose", "fell"))


def test_a_change_of_revenue_that_is_not_significant_is_no_rise_and_has_no_driver() -> None:
    finding = revenue_finding(example(drivers=()))
    assert finding.endswith("which is not significant.")
    assert "because" not in finding
    assert revenue_finding(example()).startswith("Revenue of known customers rose by")


def test_counts_of_equal_numbers_of_days_add_up_although_they_are_means_of_windows() -> None:
    change = Change("customers_active", 167.0, 267.55, -120.0, -80.0, days=365)
    assert change_in_short(example(), change) == "Active customers in 365 days fell from 268 to 167 (−101)."


def test_changes_of_the_life_cycle_stage_are_no_second_number_of_active_customers() -> None:
    [chart] = [each for each in active_customer_flow(example()) if isinstance(each, Figure)]
    assert "by the customer’s own purchase interval" in chart.headline
    assert "customers became active" not in chart.headline


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_shorter_period_is_explained_by_the_day_on_which_the_data_begin(lang: str) -> None:
    report = example_report(shortened_from=12, data_begin=date(2025, 1, 15))
    localized = LocalizedReport(report, load_words(lang))
    assert localized.numbers.day(date(2025, 1, 15)) in comparison_of(localized)
    whole = LocalizedReport(replace(report, shortened_from=None), load_words(lang))
    assert comparison_of(localized).startswith(comparison_of(whole))


def test_actions_are_ranked_by_money_and_each_has_its_amount_its_reason_and_its_command() -> None:
    localized = example()
    found = actions(localized)
    assert found is not None
    steps = next_steps(localized.report.metrics)
    amounts = [step.metric.value or 0.0 for step in steps]
    assert amounts == sorted(amounts, reverse=True)
    assert len(amounts) >= 3
    assert [each.amount for each in found.actions] == [
        localized.written(METRICS[s.action], s.metric.value) for s in steps
    ]
    assert all(each.reason and each.command.startswith("ckm ") for each in found.actions)
    listed = localized.report.metrics.get("call_value")
    assert listed is not None
    assert f"Call {localized.numbers.count(listed.n or 0)} customers" in " ".join(each.text for each in found.actions)


def test_an_action_without_an_amount_is_none_and_without_any_there_is_no_list() -> None:
    assert actions(of(Metric("call_value", 0.0, n=0), Metric("revenue", 5.0))) is None
    found = actions(of(Metric("win_back_value", 10.0, n=9)))
    assert found is not None
    assert [each.text for each in found.actions] == ["Win back 9 lapsed customers of high value."]
    assert found.note == ""


def test_only_a_driver_that_the_shop_can_act_on_is_a_cause_to_fix() -> None:
    metrics = [
        Metric("reason_value", 900.0, (("reason", "silent"),), n=30),
        Metric("reason_value", 100.0, (("reason", "late_delivery"),), n=12),
        Metric("reason_value", 50.0, (("reason", "complaint"),), n=6),
    ]
    (step,) = next_steps(Metrics(metrics))
    assert (step.action, step.reason, step.metric.value) == ("cause", "late_delivery", 100.0)


def test_the_entry_to_write_is_that_of_the_most_expensive_driver() -> None:
    metrics = [
        Metric("unanswered_value", 40.0, (("reason", "late_delivery"),), n=8),
        Metric("unanswered_value", 70.0, (("reason", "silent"),), n=9),
    ]
    found = actions(of(*metrics))
    assert found is not None
    assert [each.text for each in found.actions] == ["Write a knowledge entry for “No recent purchase”."]


def test_commands_name_the_file_that_was_read_as_a_word_of_a_shell() -> None:
    found = actions(of(Metric("call_value", 10.0, n=9), data="my orders.csv"))
    assert found is not None
    assert found.actions[0].command == "ckm churn-warn 'my orders.csv' -o calls.csv"
    assert COMMANDS.keys() == METRICS.keys()


@pytest.mark.parametrize(
    ("value", "finding"),
    [(50.0, "below the seasonal range"), (90.0, "within the seasonal range"), (130.0, "above the seasonal range")],
)
def test_the_newest_month_is_compared_with_its_seasonal_interval(value: float, finding: str) -> None:
    month = (("month", "2026-06"),)
    newest = Metric("monthly_revenue", value, month, previous=80.0)
    localized = of(newest, Metric("seasonal_revenue", 90.0, month, 12, 60.0, 120.0))
    assert finding in season_finding(localized, newest)
    assert "there is no seasonal range" in season_finding(of(newest), newest)
    assert "do not hold the same month" in season_finding(of(newest), replace(newest, previous=None))
    after_none = season_finding(of(newest), replace(newest, previous=0.0))
    assert after_none.endswith("in the same month last year it was €0.")


def test_the_numbers_of_the_page_are_those_of_the_metrics() -> None:
    values = {each.value for each in example_metrics()}
    localized = example()
    assert all(step.metric.value in values for step in next_steps(localized.report.metrics))
