"""Model card of a churn model (Mitchell et al. 2019): data, scores, reliability and gain.

:func:`card_of_backtest` and :func:`card_of_labels` make a card, :func:`card_table` lists its numbers, and
:mod:`ckm._churn.card_document` renders it as a page or a mail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from ckm import __version__
from ckm._churn.feature_catalogue import ChurnFeature, load_catalogue
from ckm.customers.calendar import calendar_day
from ckm.models.churn.stack import PRIOR_MODELS, STACK
from ckm.models.intervals import wilson
from ckm.yamlfile import read_yaml

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from ckm._churn.horizon import Horizon
    from ckm.customers.history import History
    from ckm.models.backtest import Backtest
    from ckm.models.churn.labelled_models import LabelledFit
    from ckm.models.metrics import Reliability
    from ckm.models.model_score import ModelScore
    from ckm.yamlfile import YamlEntry

CARD_WORDS = Path(__file__).parents[1] / "data" / "model_card.yaml"
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
GAIN_POINTS = 50
"""Intervals of the gain curve of a labelled table."""
LIBRARIES = ("numpy", "polars", "scikit-learn", "scipy")
"""Packages whose versions a model card lists."""


@dataclass(frozen=True)
class CardMetric:
    """A metric of a model card.

    Attributes
    ----------
    name
        Name in machine formats: a key of :data:`ATTRIBUTES`, or a figure of the reliability or gain curve.
    title
        Title for readers.
    format
        Number format for readers, as a ``str.format`` template.
    definition, source
        Definition and its source; no source for plain counts and shares.
    """

    name: str
    title: str
    format: str
    definition: str
    source: str

    def shown(self, value: float | None) -> str:
        """Return the text for a value of this metric; empty for None and NaN."""
        return "" if value is None or math.isnan(value) else self.format.format(value)


@dataclass(frozen=True)
class CardWords:
    """Texts of a mode (transactions, or a table with a label), and its metrics."""

    purpose: tuple[str, ...]
    not_for: tuple[str, ...]
    limits: tuple[str, ...]
    metrics: tuple[CardMetric, ...]

    def metric(self, name: str) -> CardMetric:
        """Return the metric with this name; KeyError if there is none."""
        return {each.name: each for each in self.metrics}[name]


@cache
def load_card_words(*, labelled: bool = False) -> CardWords:
    """Return the texts of :data:`CARD_WORDS`.

    Parameters
    ----------
    labelled
        Whether the card is for a table with a label, which has no purchases and no dates.
    """
    document = read_yaml(CARD_WORDS)
    assert document is not None
    keys = document.fields(("schema", "version", "transactions", "labelled", "metrics"))
    mode = keys["labelled" if labelled else "transactions"].fields(("purpose", "not_for", "limits", "definitions"))
    definitions = {name: entry.text() for name, entry in mode["definitions"].mapping().items()}
    return CardWords(
        purpose=_sentences(mode["purpose"]),
        not_for=_sentences(mode["not_for"]),
        limits=_sentences(mode["limits"]),
        metrics=tuple(_metric(entry, definitions) for entry in keys["metrics"].items()),
    )


def _sentences(entry: YamlEntry) -> tuple[str, ...]:
    return tuple(item.text() for item in entry.items())


def _metric(entry: YamlEntry, definitions: Mapping[str, str]) -> CardMetric:
    keys = entry.fields(("name", "title", "format", "source"), ("definition",))
    texts = {name: value.text() for name, value in keys.items()}
    return CardMetric(**{**texts, "definition": definitions.get(texts["name"]) or texts["definition"]})


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


def transaction_data(history: History, customers: int) -> CardData:
    """Return what a forecast was computed from: customers with a purchase, and the rows used and excluded."""
    left = history.full_ledger.left_out
    excluded = {
        "with a stray date": left.rows_stray,
        "after the as-of date": left.rows_after_as_of,
        "of cancelled orders": left.rows_cancelled,
        "without a customer": left.rows_without_customer,
    }
    return CardData(
        customers=customers,
        rows_used=left.rows - sum(excluded.values()),
        left_out=tuple((why, rows) for why, rows in excluded.items() if rows),
        first_day=calendar_day(history.first_day),
        last_day=calendar_day(history.last_day),
    )


def card_of_backtest(
    backtest: Backtest,
    data: CardData,
    *,
    as_of: date,
    horizon: Horizon,
    features: Collection[str],
    model: str,
    assumptions: tuple[tuple[str, str], ...] = (),
) -> ModelCard:
    """Return the model card of the selected model, with its backtest scores.

    Parameters
    ----------
    backtest
        Scores of all models at past cut-offs.
    data
        Result of :func:`transaction_data`.
    as_of
        As-of date of the analysis.
    horizon
        Horizon with its reasoning.
    features
        Names of the features in the data.
    model
        The selected model.
    assumptions
        Name and value, formatted for readers.
    """
    curves, catalogue = backtest.curves, load_catalogue().features
    return ModelCard(
        as_of=as_of,
        question=f"Probability of no purchase within {backtest.horizon} days after a cut-off.",
        horizon_days=backtest.horizon,
        horizon_reasoning=horizon.reasoning,
        chosen=model,
        chosen_because=_model_choice(backtest, model),
        expected_error=backtest.expected_error(model) if model in backtest.models else None,
        data=data,
        scores=backtest.scores,
        reliability=_deciles(curves[model].reliability) if model in curves else (),
        gains=tuple(
            Gain(name, tuple(curves[name].share.tolist()), tuple(curves[name].churned_reached.tolist()))
            for name in dict.fromkeys((model, RECENCY))
            if name in curves
        ),
        features=tuple(each for each in catalogue if each.name in features),
        missing=tuple(each.name for each in catalogue if each.name not in features),
        not_compared=tuple((name, reason.rstrip(".")) for name, reason in backtest.left_out.items()),
        assumptions=assumptions,
        versions=_versions(),
    )


def card_of_labels(fit: LabelledFit, *, label: str, positive: str) -> ModelCard:
    """Return the model card of a labelled table, with its scores out of fold.

    Parameters
    ----------
    fit
        The fitted models.
    label, positive
        Name of the column with the outcome, and its value for churned customers.
    """
    from ckm.models import metrics

    loss = next(each.log_loss for each in fit.scores if each.model == fit.model)
    labelled, blank = len(fit.ids), len(fit.blank.ids)
    shares, reached = metrics.gain_curve(fit.churned, fit.log_odds, GAIN_POINTS)
    return ModelCard(
        as_of=None,
        question=f"Probability that {label} is {positive}.",
        horizon_days=None,
        horizon_reasoning="",
        chosen=fit.model,
        chosen_because=f"{fit.model} has the lowest log loss, {loss:.4f}, out of fold.",
        data=CardData(customers=labelled + blank, rows_used=labelled, blank_labels=blank),
        scores=tuple(fit.scores),
        reliability=_deciles(metrics.reliability(fit.churned, fit.probability)),
        gains=(Gain(fit.model, tuple(shares.tolist()), tuple(reached.tolist())),),
        versions=_versions(),
        columns=CardColumns(
            used=(*fit.encoding.numbers, *fit.encoding.levels),
            left_out=tuple(fit.encoding.left_out.items()),
            all_different=fit.encoding.all_different,
            leaks=tuple((each.column, each.auc, each.sentence(label)) for each in fit.leaks),
        ),
    )


def _model_choice(backtest: Backtest, model: str) -> str:
    """Return why a model was selected, with its log loss and the lowest log loss of all models."""
    if model not in backtest.models:
        return f"{model} was selected by the user."
    losses = {name: backtest.mean(name).log_loss for name in backtest.models}
    best = min(losses, key=lambda name: losses[name])
    others = "it is the lowest" if model == best else f"the lowest is {losses[best]:.4f} of {best}"
    if model != STACK:
        return f"{model} was selected by the user. Its log loss is {losses[model]:.4f} on average; {others}."
    weights = ", ".join(f"{name} {weight:.0%}" for name, weight in backtest.weights.items())
    return (
        f"The stack is a weighted mean of the models' log odds: {weights}. The weights minimise the log loss over the "
        f"cut-offs, shrunk towards equal shares of {', '.join(PRIOR_MODELS)}. With weights from the other cut-offs, "
        f"its mean log loss is {losses[model]:.4f}; {others}."
    )


def _deciles(table: Reliability) -> tuple[CardDecile, ...]:
    return tuple(map(CardDecile, table.n.tolist(), table.predicted.tolist(), table.observed.tolist()))


def _versions() -> tuple[tuple[str, str], ...]:
    return (("ckm", __version__), *((name, version(name)) for name in LIBRARIES))


CARD_COLUMNS: dict[str, type[pl.DataType]] = {
    "section": pl.String,
    "metric": pl.String,
    "model": pl.String,
    "cut_off": pl.Date,
    "at": pl.Float64,
    "value": pl.Float64,
    "n": pl.Int64,
    "definition": pl.String,
}
"""Columns of :func:`card_table`."""
_Row = tuple[str, str, str, "date | None", float | None, float | None, int | None, str]


def card_table(card: ModelCard) -> pl.DataFrame:
    """Return every number of the card, for machine formats.

    Returns
    -------
    pl.DataFrame
        section (data, leaks, models, reliability or gain), metric (in ``data`` the counted item, in ``leaks`` the
        column), model (empty without one), cut_off (null for means and for figures of all cut-offs together), at (the
        number of the decile, or the share contacted), value (null if unknown), n (number of customers behind the
        value), definition of the metric.
    """
    rows = (*_data_rows(card), *_leak_rows(card), *_score_rows(card), *_curve_rows(card))
    return pl.DataFrame(rows, schema=CARD_COLUMNS, orient="row")


def _data_rows(card: ModelCard) -> Iterator[_Row]:
    def row(metric: str, value: float, definition: str) -> _Row:
        return "data", metric, "", None, None, value, None, definition

    yield row("customers", card.data.customers, "Rows" if card.labelled else "Customers with a purchase")
    yield row("rows_used", card.data.rows_used, "Rows with a label" if card.labelled else "Rows used")
    if card.labelled:
        yield row("rows_blank_label", card.data.blank_labels, "Rows with a blank label; no other figure includes them")
    for reason, count in card.data.left_out:
        yield row("rows_left_out", count, f"Rows excluded: {reason}")
    if card.horizon_days is not None:
        yield row("horizon_days", card.horizon_days, f"Horizon: {card.horizon_reasoning}")


def _leak_rows(card: ModelCard) -> Iterator[_Row]:
    for name, auc, sentence in card.columns.leaks if card.columns else ():
        definition = f"ROC AUC of a column that reveals the label: {sentence}"
        yield "leaks", name, "", None, None, auc, card.data.rows_used, definition


def _score_rows(card: ModelCard) -> Iterator[_Row]:
    definitions = {name: card.words.metric(name).definition for name in ATTRIBUTES}
    for each in card.scores:
        for name, meaning in definitions.items():
            yield "models", name, each.model, cut_off(each), None, metric_of(each, name), each.n, meaning
    if len(card.cut_offs) > 1:
        for model in card.models:
            customers = sum(each.n for each in card.of_model(model))
            for name in [name for name in definitions if name != "n"]:
                meaning = f"{definitions[name]}; mean of the cut-offs"
                yield "models", f"mean_{name}", model, None, None, card.mean(model, name), customers, meaning


def _curve_rows(card: ModelCard) -> Iterator[_Row]:
    words = card.words
    for number, decile in enumerate(card.reliability, start=1):
        low, high = decile.interval
        values = {
            "predicted": decile.predicted,
            "observed": decile.observed,
            "observed_low": low,
            "observed_high": high,
        }
        for name, value in values.items():
            meaning = words.metric(name).definition
            yield "reliability", name, card.chosen, None, float(number), value, decile.n, meaning
    for gain in card.gains:
        meaning = words.metric("churned_reached").definition
        for share, reached in zip(gain.contacted, gain.churned_reached, strict=True):
            yield "gain", "churned_reached", gain.model, None, share, reached, None, meaning
