"""Model card of a churn model (Mitchell et al. 2019): data, scores, reliability and gain.

:mod:`ckm._churn.card_of_model` makes a card, :mod:`ckm._churn.card_table` lists its numbers, and
:mod:`ckm._churn.card_document` renders it as a page or a mail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ckm._churn.card_words import CardWords, load_card_words
from ckm.customers.calendar import calendar_day
from ckm.models.intervals import wilson

if TYPE_CHECKING:
    from datetime import date

    from ckm._churn.feature_catalogue import ChurnFeature
    from ckm.models.model_score import ModelScore

RECENCY = "recency"
"""Baseline model: days since the last purchase alone."""
ATTRIBUTES = {
    "n": "n",
    "base_rate": "base_rate",
    "roc_auc": "auc",
    "average_precision": "average_precision",
    "log_loss": "log_loss",
    "brier": "brier",
    "calibration_error": "calibration_error",
    "lift_top_decile": "lift_top_decile",
}
"""Metrics of a model at a cut-off in the order of the columns, with their attribute of ``ModelScore``."""


@dataclass(frozen=True)
class CardDecile:
    """Predicted and observed churn rate of a decile of the customers over all cut-offs."""

    n: int
    predicted: float
    observed: float

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the observed churn rate; 0 to 1 where the decile is empty."""
        low, high = wilson(round(self.observed * self.n), self.n)
        return (0.0, 1.0) if low is None or high is None else (low, high)


@dataclass(frozen=True)
class Gain:
    """Gain curve: the share of churned customers reached, as a function of the share of customers contacted.

    Customers with the highest churn probability are contacted first.

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
        """Return the share of churned customers that are reached by contacting the share ``share`` of all customers.

        Interpolated linearly.
        """
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
        For each column that reveals the label: name, ROC AUC of this column alone, and a sentence.
    """

    used: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    all_different: tuple[str, ...] = ()
    leaks: tuple[tuple[str, float, str], ...] = ()


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
        Horizon with its reasoning; None and empty for labelled data.
    chosen, chosen_because
        Selected model, and the reason of the selection.
    data
        Data of training and test.
    scores
        Scores of each model (also :data:`RECENCY`) at each cut-off; NaN where unknown.
    reliability
        Reliability of the chosen model by decile, lowest probability first.
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
    scores: tuple[ModelScore, ...]
    reliability: tuple[CardDecile, ...]
    gains: tuple[Gain, ...]
    features: tuple[ChurnFeature, ...] = ()
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
        """Texts for the mode of the card: transactions, or a table with a label."""
        return load_card_words(labelled=self.labelled)

    @property
    def leaks(self) -> tuple[str, ...]:
        """Columns of labelled data that leak the label; they make all figures unreliable."""
        return tuple(name for name, _, _ in self.columns.leaks) if self.columns else ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models in the order of :attr:`scores`, each once."""
        return tuple(dict.fromkeys(each.model for each in self.scores))

    @property
    def cut_offs(self) -> tuple[date, ...]:
        """Cut-offs, earliest first; none for labelled data."""
        return tuple(sorted({day for each in self.scores if (day := cut_off(each)) is not None}))

    def of_model(self, model: str) -> tuple[ModelScore, ...]:
        """Return the scores of a model, in their order."""
        return tuple(each for each in self.scores if each.model == model)

    def mean(self, model: str, metric: str) -> float | None:
        """Return the mean of a metric over the cut-offs, equally weighted; None if undefined."""
        values = [value for each in self.of_model(model) if (value := metric_of(each, metric)) is not None]
        return sum(values) / len(values) if values else None

    def gain(self, model: str) -> Gain | None:
        """Return the gain curve of a model; None without one."""
        return next((each for each in self.gains if each.model == model), None)


def cut_off(score: ModelScore) -> date | None:
    """Return the cut-off of a score; None for labelled data, where the model is cross-validated."""
    return None if score.cutoff is None else calendar_day(score.cutoff)


def metric_of(score: ModelScore, metric: str) -> float | None:
    """Return a metric of :data:`ATTRIBUTES`; None if unknown."""
    value = float(getattr(score, ATTRIBUTES[metric]))
    return None if math.isnan(value) else value
