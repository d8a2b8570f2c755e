"""The loyalty report: headlines agree with the metrics, and missing metrics have a reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import altair as alt
import polars as pl
import pytest

from ckm._loyalty.changed import change_sentence, drivers, revenue_finding
from ckm._loyalty.churn import value_at_risk
from ckm._loyalty.document import findings, lead_of, loyalty_document
from ckm._loyalty.first_page import NOT_COMPARED, key_figures
from ckm._loyalty.forecast_accuracy import forecast_accuracy, forecast_accuracy_findings
from ckm._loyalty.localized import LocalizedReport, direction
from ckm._loyalty.page_sections import PAGE_SECTIONS
from ckm._loyalty.slices import slices_section
from ckm._loyalty.words import load_words
from ckm.customers.period import Period
from ckm.metrics.metric import Metric, Metrics, Missing
from ckm.metrics.significance import Change
from ckm.names import LANGUAGES
from ckm.render.charts import MOST_MARKS, marks
from ckm.render.document import Document, Facts, Figure, Items, ReportTable, Section, Text
from ckm.render.markdown import render_mail
from tests._loyalty.example_loyalty import example_document, example_metrics, example_report

MOST_LINES = 60


def localized_example(*changed: Metric, **changes: object) -> LocalizedReport:
    """Return the example with some metrics in place of those of their name and slice."""
    places = {(each.name, each.slice) for each in changed}
    kept = [each for each in example_metrics() if (each.name, each.slice) not in places]
    return LocalizedReport(example_report(metrics=Metrics([*kept, *changed]), **changes), load_words("en"))


def figures(document: Document) -> list[Figure]:
    return [block for section in document.sections for block in section.blocks if isinstance(block, Figure)]


def tables(section: Section) -> list[ReportTable]:
    return [block for block in section.blocks if isinstance(block, ReportTable)]


def texts_of(section: Section) -> list[str]:
    return [block.text for block in section.blocks if isinstance(block, Text)]


def built(localized: LocalizedReport, name: str) -> Section:
    return next(each for each in PAGE_SECTIONS if each.name == name).section(localized)


def section(document: Document, title: str) -> Section:
    return next(each for each in document.sections if each.title == title)


def texts(document: Document) -> list[str]:
    found = [document.title, document.lead]
    for each in document.sections:
        for block in each.blocks:
            match block:
                case Text(text):
                    found.append(text)
                case Items(items):
                    found += items
                case Figure():
                    found += [block.headline, block.description, block.note]
                case Facts(facts):
                    found += [part for fact in facts for part in fact]
    return found


@pytest.mark.slow
@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_section_has_texts_in_every_language(lang: str) -> None:
    document, words = example_document(lang), load_words(lang)
    wanted = [*(each.name for each in PAGE_SECTIONS if not each.optional), "definitions"]
    wanted.insert(4, "slices")
    titles = [words.say(f"section.{name}", dimension=words.say("dimensions.channel")) for name in wanted]
    assert [each.title for each in document.sections] == titles
    assert (document.lang, document.direction) == (lang, "rtl" if lang == "fa" else "ltr")
    assert len(figures(document)) == len(figures(example_document()))
    assert not [text for text in texts(document) if "{" in text]


def test_a_report_without_metrics_gives_the_reasons() -> None:
    reasons = (Missing("changed", "no_purchases"), Missing("loyalty", "no_interactions"))
    empty = example_report(metrics=Metrics([]), missing=reasons, drivers=(), goals=(), by=None)
    for lang in LANGUAGES:
        document = loyalty_document(replace(empty, loyal=empty.loyal.clear(), at_risk=empty.at_risk.clear()), lang)
        assert load_words(lang).say("missing.no_purchases") in texts(document)
        assert not figures(document)
        assert document.actions is None
        assert all(len(each.blocks) == 1 for each in document.sections if each.absent)
        assert (
            sum(each.absent for each in document.sections)
            == len([each for each in PAGE_SECTIONS if not each.optional]) - 1
        )  # what was read is known


def test_every_chart_has_a_headline_a_description_and_a_table() -> None:
    for figure in figures(example_document()):
        assert 0 < marks(figure.specification) <= MOST_MARKS
        assert figure.table.rows
        assert figure.description
        assert figure.headline.endswith(".")


@pytest.mark.parametrize(
    ("previous", "lo", "hi", "expected"),
    [(0.4, 0.45, 0.55, "up"), (0.6, 0.45, 0.55, "down"), (0.47, 0.45, 0.55, "same"), (0.4, None, None, "up")],
)
def test_an_estimate_changed_only_if_the_previous_value_is_outside_of_its_interval(
    previous: float, lo: float | None, hi: float | None, expected: str
) -> None:
    assert direction(Metric("retention_rate", 0.5, lo=lo, hi=hi, previous=previous)) == expected


def test_retention_within_its_interval_is_not_called_better_or_worse() -> None:
    same = localized_example(Metric("retention_rate", 0.5, n=100, lo=0.4, hi=0.6, previous=0.45))
    assert "without a significant change" in lead_of(same)
    more = localized_example(Metric("retention_rate", 0.5, n=100, lo=0.46, hi=0.54, previous=0.45))
    assert "rose from 45% to 50%" in lead_of(more)


def test_the_cause_of_a_change_is_named_only_beyond_its_interval() -> None:
    sure = localized_example(Metric("change_by_frequency", 110271.28, lo=60000.0, hi=160000.0))
    unsure = localized_example(Metric("change_by_frequency", 110271.28, lo=-1000.0, hi=220000.0))
    assert "mostly because customers ordered more often" in lead_of(sure)
    assert "with no dominant driver" in lead_of(unsure)


def test_falling_revenue_is_worded_without_a_negative_amount() -> None:
    localized = localized_example(
        Metric("revenue_of_customers", 900.0, previous=1000.0),
        Metric("change_by_customers", -150.0),
        Metric("change_by_frequency", 50.0),
        Metric("change_by_order_value", 0.0),
        Metric("change_by_returns", 0.0),
        Metric("change_by_calendar", 0.0),
    )
    assert lead_of(localized).startswith(
        "Revenue of known customers fell by €100.00 (10.0%) to €900.00, mostly because fewer customers bought."
    )


def changed_by(revenue: tuple[float, float], days: tuple[int, int] = (365, 365), **effects: float) -> LocalizedReport:
    zero = dict.fromkeys(("customers", "frequency", "order_value", "returns", "calendar"), 0.0)
    return localized_example(
        Metric("revenue_of_customers", revenue[1], previous=revenue[0]),
        *(Metric(f"change_by_{name}", value) for name, value in (zero | effects).items()),
        days=days,
    )


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("sign", [-1.0, 1.0])
@pytest.mark.parametrize("factor", ["customers", "frequency", "order_value", "returns", "calendar"])
def test_the_main_driver_is_named_in_every_language(lang: str, sign: float, factor: str) -> None:
    localized = changed_by((1000.0, 1000.0 + sign * 200), **{factor: sign * 200})
    localized = LocalizedReport(localized.report, load_words(lang))
    assert localized.say(f"because.{factor}_{'up' if sign > 0 else 'down'}") in lead_of(localized)


def test_returns_that_rose_are_worded_as_more_returns() -> None:
    lead = lead_of(changed_by((1000.0, 880.0), returns=-120.0))
    assert "fell by €120.00 (12.0%) to €880.00, mostly because more was returned." in lead
    rose = Change("revenue_returns", value=150.0, previous=30.0, lo=90.0, hi=150.0)
    sentence = change_sentence(localized_example(), rose).replace("\u2060", "")
    assert sentence.startswith("Returns and refunds rose from €30.00 to €150.00 (+€120.00).")


def test_the_main_driver_has_more_than_half_of_the_effects() -> None:
    lead = lead_of(changed_by((1000.0, 1300.0), customers=140.0, frequency=90.0, order_value=70.0))
    assert "with no dominant driver" in lead


@pytest.mark.parametrize("lang", LANGUAGES)
def test_periods_of_unequal_length_are_compared_per_day(lang: str) -> None:
    localized = changed_by((2800.0, 3100.0), days=(28, 31), calendar=300.0)
    localized = LocalizedReport(localized.report, load_words(lang))
    lead = lead_of(localized)
    assert revenue_finding(localized) in lead
    assert localized.words.say("because.calendar_up") not in lead  # of a total, and none is compared
    assert revenue_finding(localized) == localized.say(
        "find.per_day_same",
        days=localized.days(31),
        before=localized.days(28),
        share=localized.numbers.share(0, 1),
        value=localized.numbers.money(100.0),
    )
    more = changed_by((2800.0, 3410.0), days=(28, 31), calendar=315.0, order_value=295.0)
    assert "Revenue of known customers per day rose by 10.0% to €110.00" in lead_of(more)
    less = changed_by((2800.0, 2800.0), days=(28, 31), calendar=285.0, order_value=-285.0)
    assert "Revenue of known customers per day fell by 9.7% to €90.32" in lead_of(less)
    assert "days" not in lead_of(changed_by((2800.0, 3410.0), days=(31, 31), order_value=610.0))


def test_where_the_data_end_early_and_a_shop_was_closed_the_lead_says_so() -> None:
    closed = Period(date(2026, 1, 5), date(2026, 2, 28))
    localized = localized_example(data_end=date(2026, 4, 1), silences=(closed,))
    lead = lead_of(localized)
    assert "The data end on April 1, 2026, 90 days before the end of the period." in lead.replace("\xa0", " ")
    assert "No rows on 55 days" in lead


def test_value_at_risk_with_suppressed_levels_has_no_chart() -> None:
    kept = [each for each in example_metrics() if each.name != "value_at_risk"]
    total = Metric("value_at_risk", 500.0, n=6)
    localized = LocalizedReport(example_report(metrics=Metrics([*kept, total])), load_words("en"))
    assert not [each for each in findings(localized, "churn") if "is at risk;" in each]


def test_value_at_risk_with_one_suppressed_level_has_no_total() -> None:
    kept = [each for each in example_metrics() if each.name not in ("value_at_risk", "customers_at_risk")]
    shown = [Metric("value_at_risk", 0.0, (("level", level),), n=0) for level in ("urgent", "warn")]
    hidden = (Missing("churn", "hidden_cells", (("count", 1), ("min_group_size", 5))),)
    localized = LocalizedReport(example_report(metrics=Metrics([*kept, *shown]), missing=hidden), load_words("en"))
    assert value_at_risk(localized) is None
    assert "Value at risk" not in [each.label for each in key_figures(localized)]
    assert not [each for each in findings(localized, "churn") if "is at risk;" in each]


def test_a_headline_that_is_a_title_is_no_finding() -> None:
    room = [Metric("headroom", 10.0, (("segment", "grow"),), n=9)]
    hidden = (Missing("growth_potential", "hidden_cells", (("count", 2), ("min_group_size", 5))),)
    shown = LocalizedReport(example_report(metrics=Metrics(room), missing=hidden), load_words("en"))
    assert findings(shown, "growth_potential") == ()
    shown = LocalizedReport(example_report(metrics=Metrics(room), missing=()), load_words("en"))
    assert len(findings(shown, "growth_potential")) == 1


def test_customers_lapsed_after_their_first_purchase_are_reported() -> None:
    points = [Metric("survival", share, (("days", str(day)),), n=10) for day, share in ((0, 0.3), (30, 0.25))]
    localized = localized_example(*points, Metric("survival_median", None), Metric("lapsed_after_first", 0.7, n=10))
    assert "70% of the customers bought once and lapsed." in findings(localized, "relationships")
    assert not [each for each in findings(localized, "relationships") if "0 days" in each]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_report_scores_earlier_forecasts(lang: str) -> None:
    metrics = (
        Metric("warning_precision", 0.6, n=50),
        Metric("warning_recall", 0.75, n=40),
        Metric("spend_expected", 2000.0, n=90),
        Metric("spend_came", 1500.0, n=90),
    )
    scored = Period(date(2025, 6, 30), date(2026, 6, 30))
    localized = localized_example(*metrics, warnings_scored=scored, spend_scored=scored)
    localized = LocalizedReport(localized.report, load_words(lang))
    first, second = forecast_accuracy_findings(localized)
    assert [localized.numbers.share(each) in first for each in (0.6, 0.75)] == [True, True]
    assert localized.numbers.count(50) in first
    assert localized.numbers.share(-0.25, 1, signed=True) in second
    assert [localized.numbers.money(each) in second for each in (2000, 1500)] == [True, True]
    empty = LocalizedReport(example_report(metrics=Metrics([])), load_words(lang))
    assert list(forecast_accuracy(empty)) == []


def test_the_bridge_ends_at_the_revenue_of_the_period() -> None:
    bridge = figures(example_document())[1].table
    amounts = [float(row[1].translate(str.maketrans("−", "-", "€,+\u2060"))) for row in bridge.rows]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=0.011)


@pytest.mark.parametrize(
    ("value", "lo", "hi", "finding"),
    [
        (20.0, 5.0, 35.0, "More customers would recommend us"),
        (-20.0, -35.0, -5.0, "More customers would advise against us"),
        (5.0, -10.0, 20.0, "do not differ significantly"),
    ],
)
def test_whether_customers_recommend_is_reported_only_if_the_interval_is_on_one_side(
    value: float, lo: float, hi: float, finding: str
) -> None:
    assert any(
        finding in each for each in findings(localized_example(Metric("nps", value, n=100, lo=lo, hi=hi)), "loyalty")
    )


@pytest.mark.slow
def test_the_holdout_total_is_judged_by_its_random_variation() -> None:
    def finding(came: float) -> str:
        tenths = [("tenth", "1"), ("what", "actual")]
        kept = [each for each in example_metrics() if each.name != "holdout_orders"]
        orders = [
            Metric("holdout_orders", came, tuple(tenths)),
            Metric("holdout_orders", 1000.0, (tenths[0], ("what", "predicted"))),
        ]
        localized = LocalizedReport(example_report(metrics=Metrics([*kept, *orders])), load_words("en"))
        return next(each for each in findings(localized, "growth_potential") if "model" in each)

    assert "does not differ significantly" in finding(1050)
    assert "underestimates" in finding(1200)
    assert "overestimates" in finding(800)


def test_the_past_error_of_the_spend_is_reported_beside_the_lifetime_value() -> None:
    assert any(
        "In the last 365 days" in text
        and "€361,230" in text
        and "€349,120 (forecast +3.5% vs. actual)" in text
        and "€104.31" in text
        for text in texts_of(built(localized_example(), "value"))
    )
    weights = next(
        each for each in tables(built(localized_example(), "value")) if each.caption.startswith("Model weight")
    )
    assert [row[1] for row in weights.rows] == ["30.0%", "24.0%", "46.0%"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_language_names_the_models_of_the_spend_forecast(lang: str) -> None:
    words = load_words(lang)
    assert all(words.called("values", f"model.{name}") for name in ("btyd", "last_spend", "boosted"))


@pytest.mark.slow
def test_a_change_that_is_not_significant_says_so() -> None:
    changes = (Change("nps", 6.0, 8.0, -10.0, 6.0), Change("retention_rate", 0.4, 0.5, -0.15, -0.05))
    _, listed = drivers(localized_example(drivers=changes))
    assert isinstance(listed, Items)
    first, second = listed.items
    assert "which is not significant" in first
    assert second.startswith("Retention rate fell from 50% to 40% (−10.0 points).")


def test_missing_metrics_are_listed_in_their_section() -> None:
    localized = localized_example(missing=(Missing("loyalty", "no_interactions"),))
    assert load_words("en").say("missing.no_interactions") in texts_of(built(localized, "satisfaction"))


def test_a_reason_without_a_text_is_shown_by_its_code() -> None:
    localized = localized_example(missing=(Missing("churn", "moon_phase", (("there", 1),)),))
    assert "Not available: moon_phase." in texts_of(built(localized, "at_risk"))


@pytest.mark.slow
def test_a_section_can_have_a_separate_text_for_a_reason() -> None:
    numbers = (("there", 3), ("needed", 20))
    report = example_report(
        missing=tuple(Missing(each, "few_repeat_buyers", numbers) for each in ("relationships", "growth_potential"))
    )
    localized = LocalizedReport(report, load_words("en"))
    assert any("Life cycle stages" in text for text in texts_of(built(localized, "segments")))
    assert any("No lifetime value" in text for text in texts_of(built(localized, "value")))


@pytest.mark.slow
def test_no_headline_sums_over_suppressed_parts() -> None:
    hidden = (Missing("relationships", "hidden_cells", (("count", 1), ("min_group_size", 5))),)
    localized = localized_example(missing=hidden)
    assert any("are active; " in headline for headline in findings(localized, "relationships"))
    kept = [each for each in example_metrics() if each.of("state") != "cooling"]
    localized = LocalizedReport(replace(localized.report, metrics=Metrics(kept)), load_words("en"))
    headlines = [each.headline for each in built(localized, "segments").blocks if isinstance(each, Figure)]
    assert "Customers by life cycle stage" in headlines
    assert not any("are active; " in headline for headline in headlines)


def test_slices_are_rows_of_one_table_and_a_suppressed_number_is_a_dash() -> None:
    kept = [each for each in example_metrics() if not (each.name == "retention_rate" and each.of("channel") == "till")]
    slices = slices_section(LocalizedReport(example_report(metrics=Metrics(kept)), load_words("en")))
    assert slices is not None
    (table,) = tables(slices)
    column = [each.title for each in table.columns].index("Retention rate")
    assert {row[0]: row[column] for row in table.rows}["till"] == "–"
    assert any("fewer than 5" in text for text in texts_of(slices))


@pytest.mark.slow
def test_names_are_shown_only_if_they_may_be() -> None:
    loyal = example_report().loyal.with_columns(display_name=pl.lit("Mina Ahmadi"))
    for names in (False, True):
        listed = tables(built(localized_example(loyal=loyal, names=names), "satisfaction"))[-1]
        assert any("Mina Ahmadi" in row for row in listed.rows) == names


def test_every_metric_of_the_page_has_a_definition() -> None:
    document = example_document()
    defined = {row[0] for table in tables(section(document, "Definitions")) for row in table.rows}
    numbers = (
        table
        for table in tables(section(document, "Customer segments and movements"))
        if table.columns[0].title == "Metric"
    )
    shown = {row[0] for table in numbers for row in table.rows}
    assert len(shown) > 10
    assert shown <= defined


@pytest.mark.slow
def test_every_chart_keeps_to_the_schema_of_charts() -> None:
    for figure in figures(example_document("fa")):
        alt.LayerChart.from_dict(dict(figure.specification))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_mail_has_sixty_lines_at_most_and_says_what_to_do(lang: str) -> None:
    document = example_document(lang)
    mail = render_mail(document)
    assert mail.count("\n") <= MOST_LINES
    assert document.actions is not None
    assert document.findings is not None
    plain = " ".join(mail.replace("\\", "").split())
    for action in document.actions.actions:
        assert " ".join(action.amount.split()) in plain
        assert action.command in plain
    assert all(" ".join(each.split()) in plain for each in document.findings.sentences)
    shown = [each for each in document.sections if not each.folded]
    assert all(each.title in plain or tables(each) for each in shown)


@pytest.mark.parametrize("reason", sorted(NOT_COMPARED))
def test_without_a_comparison_the_lead_gives_the_reason(reason: str) -> None:
    numbers = (("days", 40), ("others", 2))
    localized = localized_example(
        days=None, missing=(Missing("changed", "no_goals"), Missing("changed", reason, numbers))
    )
    assert localized.reason(Missing("changed", reason, numbers)) in lead_of(localized)
    assert "goal" not in lead_of(localized)
