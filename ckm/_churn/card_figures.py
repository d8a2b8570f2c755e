"""Figures and facts of a model card (Mitchell et al. 2019): data, scores, reliability and gain.

:mod:`ckm._churn.card_document` renders them as a page or a mail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._churn.card_texts import CardWords, load_card_words
from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import polars as pl

RECENCY = "recency"
"""Baseline model: days since the last purchase alone."""
SCORED = (
    "n",
    "base_rate",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier",
    "calibration_error",
    "lift_top_decile",
)
"""Metrics of a model at a cut-off, in the order of the columns."""


@dataclass(frozen=True)
class Scores:
    """Scores of a model at a cut-off.

    Attributes
    ----------
    model
        One of :data:`ckm.models.churn.training.MODELS`, or ``stack``.
    cut_off
        Cut-off; None for labelled data, where the model is cross-validated.
    n
        Number of customers.
    base_rate
        Churn rate of the customers.
    roc_auc, average_precision, lift_top_decile
        Metrics of the ranking.
    log_loss, brier, calibration_error
        Metrics of the probabilities; None without probabilities.
    """

    model: str
    cut_off: date | None
    n: int
    base_rate: float
    roc_auc: float
    average_precision: float
    lift_top_decile: float
    log_loss: float | None = None
    brier: float | None = None
    calibration_error: float | None = None

    def value(self, metric: str) -> float | None:
        """Return a metric of :data:`SCORED`; None if missing."""
        value: float | None = getattr(self, metric)
        return None if value is None or math.isnan(value) else float(value)


@dataclass(frozen=True)
class CardDecile:
    """Predicted and observed churn rate of a decile of the customers over all cut-offs; lowest probability first."""

    n: int
    predicted: float
    observed: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the observed churn rate; 0 to 1 where the decile is empty."""
        low, high = wilson(round(self.observed * self.n), self.n)
        return (0.0, 1.0) if low is None or high is None else (low, high)

    @property
    def holds(self) -> bool:
        """Whether the predicted rate lies within the interval of the observed one."""
        low, high = self.interval
        return low <= self.predicted <= high


@dataclass(frozen=True)
class Gain:
    """Gain curve: share of churned customers reached by contacting a share of all, highest ranked first.

    Attributes
    ----------
    model
        Model of the ranking.
    contacted, churned_reached
        Shares from 0 to 1, rising; at most 51 points.
    """

    model: str
    contacted: tuple[float, ...]
    churned_reached: tuple[float, ...]

    def at(self, share: float) -> float:
        """Return the share of churned customers reached by contacting a share of all (linear interpolation)."""
        for position in range(1, len(self.contacted)):
            left, right = self.contacted[position - 1], self.contacted[position]
            if share <= right:
                part = (share - left) / (right - left) if right > left else 1.0
                return self.churned_reached[position - 1] + part * (
                    self.churned_reached[position] - self.churned_reached[position - 1]
                )
        return self.churned_reached[-1]


@dataclass(frozen=True)
class CardData:
    """Data of training and test.

    Attributes
    ----------
    customers
        Customers with a purchase by the as-of date; in labelled data all rows.
    rows_used
        Rows of the transactions that are used; in labelled data rows with a label.
    left_out
        Reasons of excluded rows, with their number.
    first_day, last_day
        First and last day of the transactions; None for labelled data.
    blank_labels
        Rows of labelled data whose label is blank.
    """

    customers: int
    rows_used: int
    left_out: tuple[tuple[str, int], ...] = ()
    first_day: date | None = None
    last_day: date | None = None
    blank_labels: int = 0


@dataclass(frozen=True)
class CardColumns:
    """The columns of labelled data, besides the label and the id.

    Attributes
    ----------
    used
        Names of the columns used by the model.
    left_out
        Name and reason of columns that are not used.
    all_different
        Used numeric columns with a different value in every row.
    leaks
        Name, ROC AUC alone, and sentence of each column that reveals the label.
    """

    used: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    all_different: tuple[str, ...] = ()
    leaks: tuple[tuple[str, float, str], ...] = ()


@dataclass(frozen=True)
class CardFeature:
    """Feature of the model."""

    name: str
    group: str
    meaning: str


@dataclass(frozen=True)
class ModelCard:
    """Model card of a churn model.

    Attributes
    ----------
    as_of
        As-of date; None for labelled data.
    question
        Definition of the probability, as a sentence.
    horizon_days, horizon_reasoning
        Horizon with its reasoning; None for labelled data.
    chosen, chosen_because
        Selected model, and the reason of the selection.
    data
        Data of training and test.
    scores
        Scores of each model at each cut-off, :data:`RECENCY` included.
    reliability
        Reliability of the chosen model.
    gains
        Gain curves of the chosen model and of :data:`RECENCY`.
    features
        Features in the data.
    missing
        Names of features with missing source data.
    not_compared
        Models that could not be trained, with the reason.
    expected_error
        Prediction interval of the next window's calibration error; None with fewer than two cut-offs.
    assumptions
        Name and value, formatted for readers.
    versions
        Software versions by name.
    columns
        Columns of labelled data; None for transactions.
    """

    as_of: date | None
    question: str
    horizon_days: int | None
    horizon_reasoning: str
    chosen: str
    chosen_because: str
    data: CardData
    scores: tuple[Scores, ...]
    reliability: tuple[CardDecile, ...]
    gains: tuple[Gain, ...]
    features: tuple[CardFeature, ...] = ()
    missing: tuple[str, ...] = ()
    not_compared: tuple[tuple[str, str], ...] = ()
    expected_error: tuple[float, float] | None = None
    assumptions: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    columns: CardColumns | None = None

    @property
    def labelled(self) -> bool:
        """Whether the card is of labelled data, without cut-offs and a horizon."""
        return self.horizon_days is None

    @property
    def words(self) -> CardWords:
        """Texts of the card's mode."""
        return load_card_words(labelled=self.labelled)

    @property
    def leaks(self) -> tuple[str, ...]:
        """Columns of labelled data that leak the label; they make all figures unreliable."""
        return tuple(name for name, _, _ in self.columns.leaks) if self.columns else ()

    @property
    def models(self) -> tuple[str, ...]:
        """Models in the order of their scores, each once."""
        return tuple(dict.fromkeys(each.model for each in self.scores))

    @property
    def cut_offs(self) -> tuple[date, ...]:
        """Cut-offs, earliest first; none for labelled data."""
        return tuple(sorted({each.cut_off for each in self.scores if each.cut_off is not None}))

    def of_model(self, model: str) -> tuple[Scores, ...]:
        """Return the scores of a model, in their order."""
        return tuple(each for each in self.scores if each.model == model)

    def mean(self, model: str, metric: str) -> float | None:
        """Return the mean of a metric over the cut-offs, equally weighted; None if undefined."""
        values = [value for each in self.of_model(model) if (value := each.value(metric)) is not None]
        return sum(values) / len(values) if values else None

    def gain(self, model: str) -> Gain | None:
        """Return the gain curve of a model; None without one."""
        return next((each for each in self.gains if each.model == model), None)


@dataclass(frozen=True)
class CardRow:
    """A number of the card.

    Attributes
    ----------
    section
        data, leaks, models, reliability or gain.
    metric
        Name of the metric; in ``data`` the counted item, in ``leaks`` the column.
    model
        Name of the model; empty without one.
    cut_off
        Cut-off; None for means and for figures of all cut-offs together.
    at
        The number of the decile, or the share contacted.
    value
        The number; None if missing.
    n
        Number of customers behind it.
    definition
        Definition of the metric.
    """

    section: str
    metric: str
    model: str
    cut_off: date | None
    at: float | None
    value: float | None
    n: int | None
    definition: str


def card_rows(card: ModelCard) -> tuple[CardRow, ...]:
    """Return every number of the card."""
    return (*_data_rows(card), *_leak_rows(card), *_score_rows(card), *_reliability_rows(card), *_gain_rows(card))


def card_table(card: ModelCard) -> pl.DataFrame:
    """Return :func:`card_rows` as a table, for machine formats."""
    import polars as pl

    schema: dict[str, type[pl.DataType]] = {
        "section": pl.String,
        "metric": pl.String,
        "model": pl.String,
        "cut_off": pl.Date,
        "at": pl.Float64,
        "value": pl.Float64,
        "n": pl.Int64,
        "definition": pl.String,
    }
    columns = {name: [getattr(row, name) for row in card_rows(card)] for name in schema}
    return pl.DataFrame(columns, schema=schema)


def _data_rows(card: ModelCard) -> Iterator[CardRow]:
    def row(metric: str, value: float | None, definition: str) -> CardRow:
        return CardRow("data", metric, "", None, None, value, None, definition)

    yield row("customers", card.data.customers, "Rows" if card.labelled else "Customers with a purchase")
    yield row("rows_used", card.data.rows_used, "Rows with a label" if card.labelled else "Rows used")
    if card.labelled:
        yield row("rows_blank_label", card.data.blank_labels, "Rows with a blank label; no other figure includes them")
    for reason, count in card.data.left_out:
        yield row("rows_left_out", count, f"Rows excluded: {reason}")
    if card.horizon_days is not None:
        yield row("horizon_days", card.horizon_days, f"Horizon: {card.horizon_reasoning}")


def _leak_rows(card: ModelCard) -> Iterator[CardRow]:
    for name, auc, sentence in card.columns.leaks if card.columns else ():
        definition = f"ROC AUC of a column that reveals the label: {sentence}"
        yield CardRow("leaks", name, "", None, None, auc, card.data.rows_used, definition)


def _score_rows(card: ModelCard) -> Iterator[CardRow]:
    words = card.words
    for each in card.scores:
        for name in SCORED:
            yield CardRow(
                "models", name, each.model, each.cut_off, None, each.value(name), each.n, words.metric(name).definition
            )
    if len(card.cut_offs) > 1:
        for model in card.models:
            for name in SCORED[1:]:
                yield CardRow(
                    "models",
                    f"mean_{name}",
                    model,
                    None,
                    None,
                    card.mean(model, name),
                    sum(each.n for each in card.of_model(model)),
                    f"{words.metric(name).definition}; mean of the cut-offs",
                )


def _reliability_rows(card: ModelCard) -> Iterator[CardRow]:
    words = card.words
    for number, decile in enumerate(card.reliability, start=1):
        low, high = decile.interval
        for name, value in (
            ("predicted", decile.predicted),
            ("observed", decile.observed),
            ("observed_low", low),
            ("observed_high", high),
        ):
            definition = words.metric(name).definition
            yield CardRow("reliability", name, card.chosen, None, float(number), value, decile.n, definition)


def _gain_rows(card: ModelCard) -> Iterator[CardRow]:
    definition = card.words.metric("churned_reached").definition
    for gain in card.gains:
        for share, reached in zip(gain.contacted, gain.churned_reached, strict=True):
            yield CardRow("gain", "churned_reached", gain.model, None, share, reached, None, definition)
