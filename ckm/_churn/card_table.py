"""Table with every number of a model card, for machine formats."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from ckm._churn.model_card import ATTRIBUTES, ModelCard, cut_off, metric_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

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
