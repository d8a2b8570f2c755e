"""The model card as a document: sentences that its numbers bear out."""

from __future__ import annotations

import re
from datetime import date

import pytest

from ckm.churning.card import RECENCY, CardColumns, CardData, CardDecile, Gain, ModelCard, Scores
from ckm.churning.card_words import load_card_words
from ckm.report.card_findings import gain_finding, models_finding, reliability_finding
from ckm.report.charts import MOST_MARKS, marks
from ckm.report.document import Facts, Figure, ReportTable
from ckm.report.markdown import render_markdown
from ckm.report.model_card import card_document
from ckm.report.page import render_page
from tests.report.example_card import CUT_OFFS, example_card


def tenths(*pairs: tuple[float, float]) -> tuple[CardDecile, ...]:
    return tuple(CardDecile(100, said, came) for said, came in pairs)


@pytest.mark.parametrize(
    ("reliability", "sentence"),
    [
        (
            tenths((0.10, 0.12), (0.50, 0.49)),
            "its probabilities held: no decile of the customers was off by more than 2.0 points.",
        ),
        (
            tenths((0.10, 0.10), (0.50, 0.55)),
            "its probabilities were right to 2.5 points on average; furthest off was the decile of which it expected "
            "50% to leave, and 55% did.",
        ),
        (
            tenths((0.10, 0.20), (0.60, 0.50)),
            "its probabilities were off by 10.0 points on average, too high for some customers and too low for others.",
        ),
        (tenths((0.20, 0.10), (0.60, 0.50)), "it warned too much: it expected 40% to leave, and 30% did."),
        (tenths((0.10, 0.20), (0.50, 0.60)), "it warned too little: it expected 30% to leave, and 40% did."),
    ],
)
def test_the_sentence_over_the_reliability_curve_says_which_way_it_errs(
    reliability: tuple[CardDecile, ...], sentence: str
) -> None:
    card = example_card(reliability=reliability, expected_error=(0.005, 0.04))
    assert reliability_finding(card) == (
        f"At past cut-offs {sentence} In the next {card.horizon_days} days expect a calibration error of 0.5 to 4.0 "
        "points (80 % prediction interval)."
    )
    one = example_card(reliability=reliability, expected_error=None)
    assert reliability_finding(one).endswith("cannot be told from one cut-off.")


def test_without_outcomes_nothing_is_said_of_the_probabilities() -> None:
    assert reliability_finding(example_card(reliability=())) == "How right the probabilities are is not known."


def test_the_sentence_over_the_gain_curve_says_what_is_possible() -> None:
    gains = (Gain("scorecard", (0.0, 0.2, 1.0), (0.0, 0.3, 1.0)), Gain(RECENCY, (0.0, 0.4, 1.0), (0.0, 0.5, 1.0)))
    scores = (Scores("scorecard", CUT_OFFS[0], 100, 0.5, 0.8, 0.7, 1.5),)
    assert gain_finding(example_card(gains=gains, scores=scores)) == (
        "Contacting the 20% of customers at highest risk reaches 30% of churning customers, against 25% by silence "
        "alone; "
        "more than 40% is not possible."
    )


def test_what_reads_the_same_is_not_called_better() -> None:
    same = tuple(Gain(model, (0.0, 1.0), (0.0, 1.0)) for model in ("scorecard", RECENCY))
    assert "reaches 20% of churning customers, as many as by silence alone;" in gain_finding(example_card(gains=same))


def test_a_model_that_ranks_as_silence_does_is_not_praised() -> None:
    scores = tuple(
        Scores(model, CUT_OFFS[0], 100, 0.5, auc, 0.7, 1.5) for model, auc in (("scorecard", 0.812), (RECENCY, 0.81))
    )
    assert "hardly different from silence alone (81.0%)" in models_finding(example_card(scores=scores))


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
    for cut_off in card.cut_offs:
        (table,) = [each for each in tables if str(cut_off) in each.caption]
        assert len(table.rows) == len(card.models)
        assert {table.rows[position][0] for position in table.marked} == {"scorecard"}


@pytest.mark.slow
def test_every_measure_in_a_table_is_defined_with_its_source() -> None:
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
        "question": "A probability is that of Churn being Yes.",
        "chosen_because": "scorecard has the lowest log loss, 0.4100, on rows that it had not seen.",
        "data": CardData(7_043, 6_339, blank_labels=704),
        "scores": tuple(
            Scores(model, None, 6_339, 0.265, auc, 0.66, 2.8, 0.41, 0.1329, 0.01)
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
    r"purchas|bought|buys|order|transaction|cut-off|horizon|\bas of\b|silen|backtest|the past|days?\b|future|gone",
    re.IGNORECASE,
)
OF_LABELS = re.compile(r"label|cross-validat|column|table", re.IGNORECASE)


def texts(card: ModelCard) -> tuple[str, str]:
    """Return what a reader reads of the mail and of the page; the definition of a figure may speak of an order."""
    page = re.sub(r"<(style|title)\b.*?</\1>|<[^>]*>", " ", render_page(card_document(card)), flags=re.DOTALL)
    mail = render_markdown(card_document(card))
    return mail.replace("ordered by probability", ""), page.replace("ordered by probability", "")


@pytest.mark.slow
@pytest.mark.parametrize("columns", [CardColumns(("months",)), LEAKING])
def test_no_sentence_about_transactions_is_on_a_card_of_labelled_data(columns: CardColumns) -> None:
    for text in texts(labelled_card(columns=columns)):
        assert len(text) > 3_000
        assert OF_TRANSACTIONS.findall(text) == []
        assert len(OF_LABELS.findall(text)) > 5
        assert "None" not in text.replace("None of its", "")


@pytest.mark.slow
def test_no_sentence_about_labels_is_on_a_card_of_transactions() -> None:
    for text in texts(example_card()):
        assert len(OF_TRANSACTIONS.findall(text)) > 20
        assert OF_LABELS.findall(text.replace("The numbers are in the table beneath.", "")) == []


@pytest.mark.slow
def test_a_card_of_labelled_data_counts_blank_labels_and_names_its_columns() -> None:
    text = render_markdown(card_document(labelled_card()))
    assert "Cross-validated: 6,339 customers, of whom 26.5% left" in text
    assert "- **Without a label**: 704; they are in no figure here" in text
    assert "Columns that it reads: months, plan, row." in text
    assert "numbers that are different in every row: row." in text
    assert "Left out: shop (the same in every row)." in text
    assert render_page(card_document(labelled_card())).count("<figure") == 3


@pytest.mark.slow
def test_where_a_column_gives_the_label_away_no_figure_is_praised() -> None:
    card = labelled_card(columns=LEAKING)
    text = render_markdown(card_document(card))
    assert "## Columns that give the label away" in text
    assert "- cancel_reason is filled in 99.4% of them." in text
    assert "(not to be relied on: cancel_reason)" in text
    assert reliability_finding(card).startswith("None of its figures can be relied on: column cancel_reason gives")
    for finding in (gain_finding(card), models_finding(card)):
        assert finding.endswith("; not to be relied on, because of cancel_reason.")
    assert "can be taken at their word" not in text
    assert "Columns that give the label away" not in render_markdown(card_document(labelled_card()))


@pytest.mark.slow
def test_a_model_without_probabilities_leaves_its_cells_empty() -> None:
    text = render_markdown(card_document(example_card()))
    rows = [line for line in text.splitlines() if line.startswith("| silence alone")]
    assert rows
    assert all("nan" not in row.lower() and "None" not in row for row in rows)


@pytest.mark.slow
def test_one_cut_off_needs_no_means() -> None:
    scores = tuple(each for each in example_card().scores if each.cut_off == date(1997, 12, 31))
    document = card_document(example_card(scores=scores))
    captions = [block.caption for block in document.sections[1].blocks if isinstance(block, ReportTable)]
    assert captions == ["Cut-off 1997-12-31: 1,050 customers, of whom 54.0% left"]
