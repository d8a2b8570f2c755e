"""The model card as a document: its findings follow from its figures."""

from __future__ import annotations

import re
from datetime import date

import pytest

from ckm._churn.card_document import card_document, gain_finding, models_finding, reliability_finding
from ckm._churn.card_words import load_card_words
from ckm._churn.model_card import RECENCY, CardColumns, CardData, CardDecile, Gain, ModelCard, cut_off
from ckm.render.charts import MOST_MARKS, marks
from ckm.render.document import Facts, Figure, ReportTable
from ckm.render.markdown import render_markdown
from ckm.render.page import render_page
from tests._churn.example_card import CUT_OFFS, example_card, score


def deciles(*pairs: tuple[float, float]) -> tuple[CardDecile, ...]:
    return tuple(CardDecile(100, predicted, observed) for predicted, observed in pairs)


@pytest.mark.parametrize(
    ("reliability", "sentence"),
    [
        (
            deciles((0.10, 0.12), (0.50, 0.49)),
            "the probabilities were accurate: the error of every decile was at most 2.0 points.",
        ),
        (
            deciles((0.10, 0.10), (0.50, 0.55)),
            "the probabilities had a mean error of 2.5 points; the largest was in the decile with a predicted churn "
            "rate of 50% and an observed one of 55%.",
        ),
        (
            deciles((0.10, 0.20), (0.60, 0.50)),
            "the probabilities had a mean error of 10.0 points, too high for some customers and too low for others.",
        ),
        (
            deciles((0.20, 0.10), (0.60, 0.50)),
            "the probabilities were too high: predicted churn rate 40%, observed 30%.",
        ),
        (
            deciles((0.10, 0.20), (0.50, 0.60)),
            "the probabilities were too low: predicted churn rate 30%, observed 40%.",
        ),
    ],
)
def test_the_headline_of_the_reliability_curve_states_the_direction_of_the_error(
    reliability: tuple[CardDecile, ...], sentence: str
) -> None:
    card = example_card(reliability=reliability, expected_error=(0.005, 0.04))
    assert reliability_finding(card) == (
        f"At past cut-offs {sentence} In the next {card.horizon_days} days expect a calibration error of 0.5 to 4.0 "
        "points (80 % prediction interval)."
    )
    one = example_card(reliability=reliability, expected_error=None)
    assert reliability_finding(one).endswith(
        "One cut-off is not enough for a prediction interval of the next calibration error."
    )


def test_without_outcomes_the_accuracy_is_unknown() -> None:
    assert reliability_finding(example_card(reliability=())) == "The accuracy of the probabilities is not known."


def test_the_headline_of_the_gain_curve_states_the_maximum() -> None:
    gains = (Gain("scorecard", (0.0, 0.2, 1.0), (0.0, 0.3, 1.0)), Gain(RECENCY, (0.0, 0.4, 1.0), (0.0, 0.5, 1.0)))
    scores = (score("scorecard", CUT_OFFS[0]),)
    assert gain_finding(example_card(gains=gains, scores=scores)) == (
        "Contacting the 20% of customers at highest risk reaches 30% of the churned customers, compared with 25% "
        "by recency alone; the maximum is 40%."
    )


def test_equal_shares_in_the_headline_are_called_the_same() -> None:
    same = tuple(Gain(model, (0.0, 1.0), (0.0, 1.0)) for model in ("scorecard", RECENCY))
    assert "reaches 20% of the churned customers, the same as by recency alone;" in gain_finding(
        example_card(gains=same)
    )


def test_a_model_that_ranks_like_recency_is_called_about_the_same() -> None:
    scores = tuple(score(model, CUT_OFFS[0], roc_auc=auc) for model, auc in (("scorecard", 0.812), (RECENCY, 0.81)))
    assert "about the same as recency alone (81.0%)" in models_finding(example_card(scores=scores))


@pytest.mark.slow
def test_each_figure_has_its_numbers_and_few_marks() -> None:
    (section, *_) = card_document(example_card()).sections
    figures = [block for block in section.blocks if isinstance(block, Figure)]
    assert [len(figure.table.rows) for figure in figures] == [10, 11, 5]
    assert all(marks(figure.specification) <= MOST_MARKS for figure in figures)


@pytest.mark.slow
def test_every_cut_off_and_every_model_is_in_the_tables() -> None:
    card = example_card()
    tables = [
        block for section in card_document(card).sections for block in section.blocks if isinstance(block, ReportTable)
    ]
    for day in card.cut_offs:
        (table,) = [each for each in tables if str(day) in each.caption]
        assert len(table.rows) == len(card.models)
        assert {table.rows[position][0] for position in table.marked} == {"scorecard"}


@pytest.mark.slow
def test_every_metric_in_a_table_is_defined() -> None:
    document = card_document(example_card())
    (facts,) = [block for block in document.sections[-1].blocks if isinstance(block, Facts)]
    defined = {term for term, _ in facts.facts}
    tables = [block for block in document.sections[1].blocks if isinstance(block, ReportTable)]
    assert {column.title for table in tables for column in table.columns[1:]} <= defined
    assert all(metric.definition for metric in load_card_words().metrics)


def labelled_card(**changes: object) -> ModelCard:
    fields: dict[str, object] = {
        "as_of": None,
        "horizon_days": None,
        "horizon_reasoning": "",
        "question": "Probability that Churn is Yes.",
        "chosen_because": "scorecard has the lowest log loss, 0.4100, out of fold.",
        "data": CardData(7_043, 6_339, blank_labels=704),
        "scores": tuple(
            score(model, None, 6_339, 0.265, auc, 0.66, 2.8, 0.41, 0.1329, 0.01)
            for model, auc in (("scorecard", 0.85), ("boosted", 0.84))
        ),
        "gains": (Gain("scorecard", (0.0, 1.0), (0.0, 1.0)),),
        "features": (),
        "missing": (),
        "assumptions": (),
        "columns": CardColumns(("months", "plan", "row"), (("shop", "the same in every row"),), ("row",)),
    }
    return example_card(**{**fields, **changes})


LEAKING = CardColumns(("cancel_reason",), leaks=(("cancel_reason", 0.997, "cancel_reason is filled in 99.4% of them"),))

OF_TRANSACTIONS = re.compile(
    r"purchas|bought|buys|order|transaction|cut-off|horizon|\bas of\b|silen|recency|backtest|the past|days?\b|future|"
    r"gone",
    re.IGNORECASE,
)
OF_LABELS = re.compile(r"label|cross-validat|column|table", re.IGNORECASE)


def texts(card: ModelCard) -> tuple[str, str]:
    """Return the texts of the mail and of the page."""
    page = re.sub(r"<(style|title)\b.*?</\1>|<[^>]*>", " ", render_page(card_document(card)), flags=re.DOTALL)
    mail = render_markdown(card_document(card))
    return mail, page


@pytest.mark.slow
@pytest.mark.parametrize("columns", [CardColumns(("months",)), LEAKING])
def test_no_sentence_about_transactions_is_on_a_card_of_labelled_data(columns: CardColumns) -> None:
    for text in texts(labelled_card(columns=columns)):
        assert len(text) > 3_000
        assert OF_TRANSACTIONS.findall(text) == []
        assert len(OF_LABELS.findall(text)) > 5
        assert "None" not in text


@pytest.mark.slow
def test_no_sentence_about_labels_is_on_a_card_of_transactions() -> None:
    for text in texts(example_card()):
        assert len(OF_TRANSACTIONS.findall(text)) > 20
        assert OF_LABELS.findall(text.replace("The numbers are in the table beneath.", "")) == []


@pytest.mark.slow
def test_a_card_of_labelled_data_counts_blank_labels_and_names_its_columns() -> None:
    text = render_markdown(card_document(labelled_card()))
    assert "Cross-validated: 6,339 customers, churn rate 26.5%" in text
    assert "- **Without a label**: 704; no figure includes them" in text
    assert "Columns used: months, plan, row." in text
    assert "numbers with a different value in every row: row." in text
    assert "Columns not used: shop (the same in every row)." in text
    assert render_page(card_document(labelled_card())).count("<figure") == 3


@pytest.mark.slow
def test_if_a_column_reveals_the_label_all_findings_are_called_unreliable() -> None:
    card = labelled_card(columns=LEAKING)
    text = render_markdown(card_document(card))
    assert "## Columns that reveal the label" in text
    assert "- cancel_reason is filled in 99.4% of them." in text
    assert "(unreliable: cancel_reason reveals the label)" in text
    assert reliability_finding(card).startswith("All figures are unreliable: column cancel_reason reveals")
    for finding in (gain_finding(card), models_finding(card)):
        assert finding.endswith("; unreliable because of cancel_reason.")
    assert "Columns that reveal the label" not in render_markdown(card_document(labelled_card()))


@pytest.mark.slow
def test_a_model_without_probabilities_leaves_its_cells_empty() -> None:
    text = render_markdown(card_document(example_card()))
    rows = [line for line in text.splitlines() if line.startswith("| recency alone")]
    assert rows
    assert all("nan" not in row.lower() and "None" not in row for row in rows)


@pytest.mark.slow
def test_one_cut_off_needs_no_means() -> None:
    scores = tuple(each for each in example_card().scores if cut_off(each) == date(1997, 12, 31))
    document = card_document(example_card(scores=scores))
    captions = [block.caption for block in document.sections[1].blocks if isinstance(block, ReportTable)]
    assert captions == ["Cut-off 1997-12-31: 1,050 customers, churn rate 54.0%"]
