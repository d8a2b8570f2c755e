"""Who has a label, learned from a table that already says it of others: a snapshot of subscribers, say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from ckm.churning.base_rate import DIGITS
from ckm.churning.levels import Thresholds, level_of
from ckm.models.churn.labelled import LabelledFit, fit_labelled
from ckm.settings import ChurnSettings
from ckm.sources.read import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ckm.sources.hints import Hints

P_DIGITS = 6


@dataclass(frozen=True)
class LabelledList:
    """How likely each row is to have the label.

    Attributes
    ----------
    frame
        One row per row of the table, the likeliest first: the id under its own name, p_churn (of models that never saw
        the row), level (one of :data:`ckm.churning.levels.LEVELS`; null: below), label (Boolean; null where it is
        blank), model.
    scores
        One row per model: how right it was about rows that it had not seen.
    fit
        What was learned.
    remarks
        What a reader should know, as sentences.
    """

    frame: pl.DataFrame
    scores: pl.DataFrame
    fit: LabelledFit
    remarks: tuple[str, ...]


def score_table(
    path: Path,
    *,
    label: str,
    positive: str,
    id_column: str,
    hints: Hints | None = None,
    seed: int = 0,
    settings: ChurnSettings | None = None,
) -> LabelledList:
    """Learn who has the positive label from a table of customers, and score every row: out of fold, if it has a label.

    Parameters
    ----------
    path
        Any table that ckm reads; its columns stay as they are.
    label, positive
        Column of the outcome, and its value for churned customers, as text.
    id_column
        Column that names the customer.
    hints
        What is known of the file's format and need not be detected.
    seed
        Of the folds.
    settings
        Where the levels begin. Default: :class:`ckm.settings.ChurnSettings`.

    Raises
    ------
    UsageError, InputError, NotEnoughDataError
        See :func:`ckm.models.churn.labelled.fit_labelled`; or the file cannot be read.
    """
    with open_source(path, hints) as source:
        batches = [batch.records for batch in source.batches()]
        frame = pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(source.format.columns, pl.String))
    fit = fit_labelled(frame, label, positive, id_column, seed=seed)
    thresholds = Thresholds.of(settings or ChurnSettings(), round(float(fit.away.mean()), DIGITS))
    scored = pl.concat(
        pl.DataFrame({id_column: ids, "p_churn": probability, "label": outcomes})
        for ids, probability, outcomes in (
            (fit.ids, fit.probability, pl.Series(fit.away)),
            (fit.blank.ids, fit.blank.probability, pl.repeat(None, len(fit.blank.ids), dtype=pl.Boolean, eager=True)),
        )
    )
    listed = scored.select(
        id_column,
        pl.col("p_churn").round(P_DIGITS),
        level_of(pl.col("p_churn"), thresholds).alias("level"),
        "label",
        pl.lit(fit.model).alias("model"),
    ).sort("p_churn", id_column, descending=[True, False])
    scores = pl.DataFrame([vars(score) for score in fit.scores]).drop("cutoff")
    return LabelledList(listed, scores, fit, (*_remarks(fit, label), thresholds.sentence))


def _remarks(fit: LabelledFit, label: str) -> Iterator[str]:
    if blank := len(fit.blank.ids):
        yield (
            f"{blank:,} rows have a blank {label}: they are scored by the model learned from the {len(fit.ids):,} rows "
            "that have one, and listed with an empty label"
        )
    for leak in fit.leaks:
        yield f"leak: {leak.sentence(label)}; leave it out unless it was known before the outcome"
    best = next(score for score in fit.scores if score.model == fit.model)
    yield (
        f"model {fit.model}, out of fold on {best.n:,} rows ({best.base_rate:.1%} labelled positive): "
        f"ROC AUC {best.auc:.4f}, Brier score {best.brier:.4f}, calibration error {best.calibration_error:.4f}; "
        + _trust(fit)
    )
    if fit.encoding.left_out:
        listed = ", ".join(f"{name} ({why})" for name, why in fit.encoding.left_out.items())
        yield f"columns left out: {listed}"
    if fit.encoding.all_different:
        yield (
            f"columns of numbers that are different in every row: {', '.join(fit.encoding.all_different)}; leave out "
            "those that only identify a row"
        )


def _trust(fit: LabelledFit) -> str:
    if fit.leaks:
        return f"not to be relied on unless {', '.join(leak.column for leak in fit.leaks)} was known before the outcome"
    most = fit.evidence[0]
    return f"no column gives the label away by itself; the most telling is {most.column}, ROC AUC {most.auc:.3f}"
